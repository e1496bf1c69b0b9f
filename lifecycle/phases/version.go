package phases

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// ResolveVersion gives the exact Kubernetes version ("v1.34.4") that
// spec.Version means: itself when it is exact, else ("1.34", or "" for the
// newest of all) the newest that the bundle or the host's package sources have.
func ResolveVersion(ctx context.Context, h remote.Host, b Bundles, spec lifecycle.ClusterSpec) (string, error) {
	if spec.Packages.Source == "bundle" {
		opened, err := b.Bundle(ctx, spec.Packages.Bundle)
		if err != nil {
			return "", err
		}
		return opened.ResolveVersion(spec.Version)
	}
	if v, ok := parseVersion(spec.Version); ok && v.patch >= 0 {
		return v.String(), nil
	}
	if spec.Packages.Source == "mirror" { // its list comes onto the hosts only with the first change
		return "", lifecycle.Block(lifecycle.T("version.exact", "version", spec.Version), lifecycle.T("version.exact.next"))
	}
	f, err := GatherFacts(ctx, h)
	if err != nil {
		return "", err
	}
	offered, err := offeredVersions(ctx, h, f)
	if err != nil {
		return "", err
	}
	best, ok := newest(offered["kubeadm"], spec.Version)
	if !ok {
		return "", lifecycle.Block(lifecycle.T("version.absent", "version", spec.Version, "host", f.Hostname,
			"offered", strings.Join(offered["kubeadm"], ", ")), lifecycle.T("version.absent.next"))
	}
	return best, nil
}

// offeredVersions asks the package sources of a machine; by package name.
func offeredVersions(ctx context.Context, h remote.Host, f lifecycle.HostFacts) (map[string][]string, error) {
	fam, ok := familyOf(f)
	if !ok {
		return nil, unsupportedSystem(f)
	}
	res, err := h.Run(ctx, fam.Versions(), remote.Options{Label: "package versions", Timeout: 3 * time.Minute})
	if err != nil {
		return nil, explain(err, lifecycle.Blocked, "packages.sources")
	}
	return parseOffered(res.Stdout), nil
}

func parseOffered(out string) map[string][]string {
	offered := map[string][]string{}
	for line := range strings.Lines(out) {
		if w := strings.Fields(line); len(w) == 2 {
			offered[w[0]] = append(offered[w[0]], w[1])
		}
	}
	return offered
}

// newest is the newest of a package's versions that want covers, in the form
// "v1.34.4".
func newest(offered []string, want string) (string, bool) {
	wanted, _ := parseVersion(want)
	best, found := version{}, false
	for _, o := range offered {
		v, ok := parseVersion(o)
		if !ok || v.patch < 0 || !wanted.covers(v) {
			continue
		}
		if !found || best.compare(v) < 0 {
			best, found = v, true
		}
	}
	return best.String(), found
}

// version is Kubernetes's; patch is -1 when it was not said, and major 0 when
// nothing was.
type version struct{ major, minor, patch int }

// parseVersion reads "v1.34.4", "1.34", "1.34.4-1.1" (a package's).
func parseVersion(s string) (version, bool) {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "v"), "-")
	parts := strings.Split(s, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return version{patch: -1}, false
	}
	v := version{patch: -1}
	for i, field := range []*int{&v.major, &v.minor, &v.patch}[:len(parts)] {
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 || n > 9999 {
			return version{patch: -1}, false
		}
		*field = n
	}
	return v, true
}

func (v version) covers(o version) bool {
	return v.major == 0 || v.major == o.major && v.minor == o.minor && (v.patch < 0 || v.patch == o.patch)
}

func (v version) compare(o version) int {
	return cmp.Or(cmp.Compare(v.major, o.major), cmp.Compare(v.minor, o.minor), cmp.Compare(v.patch, o.patch))
}

// String is "v1.34.4".
func (v version) String() string { return "v" + v.bare() }

// bare is "1.34.4", as packages say it.
func (v version) bare() string {
	s := strconv.Itoa(v.major) + "." + strconv.Itoa(v.minor)
	if v.patch >= 0 {
		s += "." + strconv.Itoa(v.patch)
	}
	return s
}

// minorOf is "v1.34", as the package mirrors say it.
func minorOf(s string) string {
	v, _ := parseVersion(s)
	v.patch = -1
	return v.String()
}

func bareVersion(s string) string { return strings.TrimPrefix(s, "v") }
