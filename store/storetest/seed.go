package storetest

import (
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// noon is a time with a zone and nanoseconds, to be read back in UTC and ms.
var noon = time.Date(2031, 5, 6, 12, 0, 0, 123456789, time.FixedZone("CST", 8*3600))

// stored is a time as it comes back.
func stored(at time.Time) time.Time { return at.UTC().Truncate(time.Millisecond) }

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got)  //nolint:errcheck // for the message only
		w, _ := json.Marshal(want) //nolint:errcheck // for the message only
		t.Fatalf("%s:\n got %s\nwant %s\n(%#v, %#v)", what, g, w, got, want)
	}
}

// atOnce runs n functions at the same time and waits for them.
func atOnce(n int, fn func(i int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			fn(i)
		})
	}
	close(begin)
	wg.Wait()
}

func seedProject(t testing.TB, s *store.Store, name string) *lifecycle.Project {
	t.Helper()
	p := &lifecycle.Project{Name: name}
	ok(t, s.SaveProject(Context(t), p))
	return p
}

func seedCluster(t testing.TB, s *store.Store, projectID, name string) *lifecycle.Cluster {
	t.Helper()
	c := &lifecycle.Cluster{ProjectID: projectID, Name: name, Source: "created", Region: "hosts", Provider: "hosts", Status: lifecycle.ClusterPending}
	ok(t, s.CreateCluster(Context(t), c, nil))
	return c
}

// seedClusters makes a project and clusters in it.
func seedClusters(t testing.TB, s *store.Store, names ...string) []*lifecycle.Cluster {
	t.Helper()
	p := seedProject(t, s, "seed")
	var out []*lifecycle.Cluster
	for _, n := range names {
		out = append(out, seedCluster(t, s, p.ID, n))
	}
	return out
}

func seedOp(t testing.TB, s *store.Store, c *lifecycle.Cluster, kind lifecycle.OperationKind) *lifecycle.Operation {
	t.Helper()
	op := &lifecycle.Operation{Kind: kind, ProjectID: c.ProjectID, ClusterID: c.ID, ClusterName: c.Name, Actor: "u", Version: 1}
	ok(t, s.CreateOperation(Context(t), op))
	return op
}

// claim takes an operation for a minute; it must be there.
func claim(t testing.TB, s *store.Store) *lifecycle.Operation {
	t.Helper()
	op := must[*lifecycle.Operation](t)(s.Claim(Context(t), "worker", time.Minute))
	if op == nil {
		t.Fatal("there is nothing to claim")
	}
	return op
}

func fenceOf(op *lifecycle.Operation) lifecycle.Fence {
	return lifecycle.Fence{OperationID: op.ID, Token: op.Fence}
}

// end checkpoints a status.
func end(t testing.TB, s *store.Store, op *lifecycle.Operation, status lifecycle.OperationStatus) {
	t.Helper()
	op.Status, op.EndedAt = status, noon
	ok(t, s.Checkpoint(Context(t), fenceOf(op), lifecycle.Checkpoint{Operation: op}))
}

func seedCredential(t testing.TB, s *store.Store, name string) *lifecycle.Credential {
	t.Helper()
	c := &lifecycle.Credential{Name: name, User: "root", Kind: "password", Password: "pw-" + name}
	ok(t, s.CreateCredential(Context(t), c))
	return c
}

// seedHosts registers hosts that are ready.
func seedHosts(t testing.TB, s *store.Store, names ...string) []*lifecycle.Host {
	t.Helper()
	cred := seedCredential(t, s, "cred-of-"+names[0])
	var out []*lifecycle.Host
	for _, n := range names {
		h := &lifecycle.Host{Name: n, Address: "192.0.2.1", Port: 22, CredentialID: cred.ID, Status: lifecycle.HostReady}
		ok(t, s.CreateHost(Context(t), h))
		out = append(out, h)
	}
	return out
}
