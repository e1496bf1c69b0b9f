package access

import (
	"errors"
	"strings"
	"testing"
)

func TestUnknownIsDenied(t *testing.T) {
	admin := Subject{User: &User{ID: "a", Admin: true}}
	if admin.Allowed("cluster.launch-into-space", Object{}) {
		t.Error("an unknown permission was granted to an admin")
	}
	odd := Subject{User: &User{ID: "o"}, Memberships: []Membership{{UserID: "o", ProjectID: "p", Role: "owner"}}}
	for _, p := range Permissions {
		if want := p == Everyone || p == Linked; odd.Allowed(p, Object{ProjectID: "p"}) != want {
			t.Errorf("an unknown role holds %s: %v, want %v", p, !want, want)
		}
	}
	for _, p := range Permissions {
		if (Subject{}).Allowed(p, Object{}) != (p == Everyone) {
			t.Errorf("an unlinked person and %s", p)
		}
		if (Subject{User: &User{Admin: true, Disabled: true}}).Allowed(p, Object{}) {
			t.Errorf("a disabled admin holds %s", p)
		}
	}
	if len(matrix) != len(Permissions) {
		t.Errorf("%d rows for %d permissions", len(matrix), len(Permissions))
	}
}

func TestAClusterManagerReachesOnlyNamedClusters(t *testing.T) {
	keeper := Subject{User: &User{ID: "k"}, Memberships: []Membership{{UserID: "k", ProjectID: "p", Role: ClusterManager, ClusterID: "c"}}}
	for _, c := range []struct {
		project, cluster string
		want             bool
	}{{"p", "c", true}, {"p", "d", false}, {"q", "c", false}} {
		if got := keeper.Sees(c.project, c.cluster); got != c.want {
			t.Errorf("%s/%s: %v", c.project, c.cluster, got)
		}
	}
}

func TestMayRemove(t *testing.T) {
	local := &User{ID: LocalUserID, Admin: true}
	first := &User{ID: "1", Admin: true, First: true}
	second := &User{ID: "2", Admin: true}
	plain := &User{ID: "3"}
	all := []User{*local, *first, *second, *plain}
	alone := []User{*local, *first, *plain}
	for _, c := range []struct {
		name  string
		by, u *User
		all   []User
		want  error
	}{
		{"the built-in user stays", first, local, all, ErrBuiltin},
		{"others may not remove the first", second, first, all, ErrFirstAdmin},
		{"the first may go by himself", first, first, all, nil},
		{"the terminal may remove the first", local, first, all, nil},
		{"the first may remove others", first, second, all, nil},
		{"the last enabled admin stays", local, first, alone, ErrLastAdmin},
		{"who is no admin may go", second, plain, all, nil},
	} {
		if err := MayRemove(c.by, c.u, c.all); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		code := NewCode()
		if len(code) != 14 || strings.ContainsAny(code, "01ILOU") || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
		if HashCode(code) != HashCode(" "+strings.ToLower(strings.ReplaceAll(code, "-", ""))+" ") {
			t.Fatalf("%q is not recognised as people type it", code)
		}
		if strings.Contains(HashCode(code), code[:4]) {
			t.Fatalf("the hash of %q shows it", code)
		}
	}
}
