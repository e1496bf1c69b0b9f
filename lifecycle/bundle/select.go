package bundle

import (
	"path"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// ResolveVersion gives the exact version that want means in this bundle:
// "v1.34.4" and "1.34.4" itself, "1.34" its newest patch, "" the newest of all.
func (b *Bundle) ResolveVersion(want string) (string, error) {
	v, ok := resolve(b.Versions, want)
	if !ok {
		return "", b.noVersion(want)
	}
	return v, nil
}

func (b *Bundle) noVersion(want string) error {
	return blocked("bundle.version.absent", nil, "version", clip(want), "name", b.Name,
		"versions", strings.Join(b.Versions, ", "))
}

// OSFor gives the bundle's word for a host's operating system ("debian-12"):
// the one of the host's own ID and version, else of its major version, else of
// a system that it says to be like. "" when there is none.
func (b *Bundle) OSFor(f lifecycle.HostFacts) string {
	major, _, _ := strings.Cut(f.OSVersion, ".")
	for _, id := range append([]string{f.OS}, strings.Fields(f.OSLike)...) {
		for _, v := range []string{f.OSVersion, major} {
			i := slices.IndexFunc(b.OS, func(s string) bool { return strings.EqualFold(s, id+"-"+v) })
			if i >= 0 {
				return b.OS[i]
			}
		}
	}
	return ""
}

// Supports says whether the bundle has what nodes of this version, architecture
// and system need; the error names everything that is missing. An empty os asks
// for no packages.
func (b *Bundle) Supports(version, arch, os string) error {
	var bad problems
	if !slices.Contains(b.Versions, version) {
		bad.add(b.noVersion(version))
	}
	hasBinary := func(f File) bool { return f.Kind == Binary && f.Arch == arch && f.Version == version }
	if slices.Contains(b.Versions, version) && !slices.ContainsFunc(b.Files, hasBinary) {
		bad.add(blocked("bundle.arch.absent", nil, "arch", arch, "version", version, "name", b.Name))
	}
	hasPackage := func(f File) bool { return f.Kind == Packages && f.Arch == arch && strings.EqualFold(f.OS, os) }
	if os != "" && !slices.ContainsFunc(b.Files, hasPackage) {
		bad.add(blocked("bundle.os.absent", nil, "os", os, "arch", arch, "name", b.Name,
			"systems", strings.Join(b.OS, ", ")))
	}
	return bad.err()
}

// Select gives what one node needs, in the bundle's order: the binaries, runtime
// and CNI plugins of its architecture, the image archives with at least one
// image that its role runs, the packages (and their index) of its operating
// system, and for control planes the manifests. version is exact (see
// ResolveVersion) and os the bundle's word (see OSFor); with os "" there are no
// packages. What the bundle does not have is not in the result: ask Supports.
func (b *Bundle) Select(version, arch, os string, role lifecycle.NodeRole) []File {
	var out []File
	for _, f := range b.Files {
		if (f.Version == "" || f.Version == version) && (f.Arch == "" || f.Arch == arch) &&
			(f.OS == "" || strings.EqualFold(f.OS, os)) && f.neededBy(role) {
			out = append(out, f)
		}
	}
	return out
}

// neededBy leaves out what only control planes use when the role is another.
func (f File) neededBy(role lifecycle.NodeRole) bool {
	if role == lifecycle.ControlPlane {
		return true
	}
	switch f.Kind {
	case Binary:
		return !slices.Contains([]string{"kubectl", "etcdctl", "etcdutl"}, path.Base(f.Path))
	case Images:
		return slices.ContainsFunc(f.Images, func(ref string) bool { return !controlPlaneImage(ref) })
	case Packages:
		return !slices.Contains([]string{"haproxy", "keepalived"}, f.Package.Name)
	case Manifests:
		return false
	}
	return true
}

func controlPlaneImage(ref string) bool {
	name, _ := splitRef(ref)
	return slices.Contains([]string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"}, name)
}

// splitRef gives the last element of an image's name, and its tag.
func splitRef(ref string) (name, tag string) {
	ref, _, _ = strings.Cut(ref, "@")
	name = path.Base(ref)
	name, tag, _ = strings.Cut(name, ":")
	return name, tag
}
