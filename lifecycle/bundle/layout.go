package bundle

import (
	"path"
	"strings"
)

// Kind says what a file is for.
type Kind string

// The kinds of files; persisted literals of the manifest.
const (
	Binary    Kind = "binary"   // bin/VERSION/ARCH/NAME
	Runtime   Kind = "runtime"  // runtime/ARCH/NAME
	CNI       Kind = "cni"      // cni/ARCH/NAME
	Images    Kind = "images"   // images/VERSION/ARCH/NAME.tar
	Manifests Kind = "manifest" // manifests/NAME.yaml, manifests/VERSION/NAME.yaml
	Packages  Kind = "package"  // packages/OS/ARCH/NAME.deb or .rpm
	Index     Kind = "index"    // packages/OS/ARCH/Packages
)

// place is what a path says about its file.
type place struct {
	Kind              Kind
	Version, Arch, OS string
	Name              string
}

func (p place) executable() bool { return p.Kind == Binary || p.Kind == Runtime || p.Kind == CNI }

// mode is the permission that a file of this place has everywhere, whatever it
// had in the source directory.
func (p place) mode() uint32 {
	if p.executable() {
		return 0o755
	}
	return 0o644
}

// placeOf reads a path by the layout; ok is false for any path that has no place
// in it. It is the only gate for names, in a source directory as in a manifest.
func placeOf(p string) (place, bool) {
	parts := strings.Split(p, "/")
	for _, s := range parts {
		if !isName(s) {
			return place{}, false
		}
	}
	name := parts[len(parts)-1]
	pl := place{Name: name}
	switch {
	case parts[0] == "bin" && len(parts) == 4:
		pl.Kind, pl.Version, pl.Arch = Binary, parts[1], parts[2]
	case parts[0] == "runtime" && len(parts) == 3:
		pl.Kind, pl.Arch = Runtime, parts[1]
	case parts[0] == "cni" && len(parts) == 3:
		pl.Kind, pl.Arch = CNI, parts[1]
	case parts[0] == "images" && len(parts) == 4 && path.Ext(name) == ".tar":
		pl.Kind, pl.Version, pl.Arch = Images, parts[1], parts[2]
	case parts[0] == "manifests" && len(parts) == 2 && path.Ext(name) == ".yaml":
		pl.Kind = Manifests
	case parts[0] == "manifests" && len(parts) == 3 && path.Ext(name) == ".yaml":
		pl.Kind, pl.Version = Manifests, parts[1]
	case parts[0] == "packages" && len(parts) == 4 && (path.Ext(name) == ".deb" || path.Ext(name) == ".rpm"):
		pl.Kind, pl.OS, pl.Arch = Packages, parts[1], parts[2]
	case parts[0] == "packages" && len(parts) == 4 && name == "Packages":
		pl.Kind, pl.OS, pl.Arch = Index, parts[1], parts[2]
	default:
		return place{}, false
	}
	return pl, pl.valid()
}

// valid checks the words of a place; empty ones are not of its kind.
func (p place) valid() bool {
	if _, ok := parseVersion(p.Version); !ok && p.Version != "" {
		return false
	}
	return (p.Arch == "" || isArch(p.Arch)) && (p.OS == "" || isOS(p.OS))
}

// isName reports whether s can be one element of a path: short, ASCII, not
// hidden, nothing that a shell or a file system takes for something else.
func isName(s string) bool {
	if s == "" || len(s) > 150 || s[0] == '.' || s[0] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("._+~%-", c) >= 0:
		default:
			return false
		}
	}
	return true
}

func isArch(s string) bool { return s == "amd64" || s == "arm64" }

// isOS reports whether s is ID-VERSION as os-release has them: "debian-12",
// "openEuler-22.03".
func isOS(s string) bool {
	id, v, ok := strings.Cut(s, "-")
	return ok && id != "" && v != "" && len(s) <= 40 && strings.Trim(v, "0123456789.") == "" &&
		strings.Trim(strings.ToLower(id), "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
