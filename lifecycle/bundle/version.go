package bundle

import (
	"cmp"
	"strconv"
	"strings"
)

// version is v1.MINOR.PATCH.
type version struct{ minor, patch int }

// parseVersion reads exactly "v1.34.4": releases only, no leading zeros.
func parseVersion(s string) (version, bool) {
	rest, ok := strings.CutPrefix(s, "v1.")
	if !ok {
		return version{}, false
	}
	minor, patch, ok := strings.Cut(rest, ".")
	if !ok {
		return version{}, false
	}
	v := version{minor: number(minor), patch: number(patch)}
	return v, v.minor >= 0 && v.patch >= 0
}

// number reads a plain decimal of at most four digits, or gives -1.
func number(s string) int {
	if s == "" || len(s) > 4 || (s[0] == '0' && len(s) > 1) || strings.Trim(s, "0123456789") != "" {
		return -1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// compareVersions orders valid versions, oldest first.
func compareVersions(a, b string) int {
	x, _ := parseVersion(a)
	y, _ := parseVersion(b)
	return cmp.Or(cmp.Compare(x.minor, y.minor), cmp.Compare(x.patch, y.patch), cmp.Compare(a, b))
}

// resolve finds what a person means by want among versions: "v1.34.4" and
// "1.34.4" exactly, "1.34" and "v1.34" the newest patch, "" the newest of all.
func resolve(versions []string, want string) (string, bool) {
	want = "v" + strings.TrimPrefix(want, "v")
	best := ""
	for _, v := range versions {
		if v != want && want != "v" && !(strings.Count(want, ".") == 1 && strings.HasPrefix(v, want+".")) {
			continue
		}
		if best == "" || compareVersions(v, best) > 0 {
			best = v
		}
	}
	return best, best != ""
}
