package bundle

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"
)

// systemArch is what the systems call our architectures; the last two are for
// packages that fit all.
var systemArch = map[string][]string{
	"amd64": {"amd64", "x86_64", "all", "noarch"},
	"arm64": {"arm64", "aarch64", "all", "noarch"},
}

// rpmMagic begins every rpm file.
const rpmMagic = "\xed\xab\xee\xdb"

// inspectPackage reads what a package is: from a .deb's own control data where
// that is stored without the compression that this program cannot read, else
// from the file's name, by the system's convention.
func inspectPackage(in io.ReaderAt, f *File) error {
	var p Package
	var ok bool
	if path.Ext(f.Path) == ".deb" {
		control, err := debControl(in, f.Size)
		if err != nil {
			return blocked("bundle.source.package", err, "path", f.Path)
		}
		if p, ok = parseControl(control); !ok {
			p, ok = debName(path.Base(f.Path))
		}
	} else {
		magic := make([]byte, len(rpmMagic))
		if _, err := in.ReadAt(magic, 0); err != nil || string(magic) != rpmMagic {
			return blocked("bundle.source.package", err, "path", f.Path)
		}
		p, ok = rpmName(path.Base(f.Path))
	}
	if !ok {
		return blocked("bundle.source.packagename", nil, "path", f.Path)
	}
	f.Package = &p
	for _, a := range systemArch[f.Arch] {
		if a == p.Arch {
			return nil
		}
	}
	return blocked("bundle.source.arch", nil, "path", f.Path, "arch", clip(p.Arch), "expected", f.Arch)
}

// debName reads NAME_VERSION_ARCH.deb.
func debName(file string) (Package, bool) {
	parts := strings.Split(strings.TrimSuffix(file, ".deb"), "_")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return Package{}, false
	}
	return Package{Name: parts[0], Version: strings.ReplaceAll(parts[1], "%3a", ":"), Arch: parts[2]}, true
}

// rpmName reads NAME-VERSION-RELEASE.ARCH.rpm.
func rpmName(file string) (Package, bool) {
	s := strings.TrimSuffix(file, ".rpm")
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return Package{}, false
	}
	s, arch := s[:dot], s[dot+1:]
	release := strings.LastIndexByte(s, '-')
	if release < 1 {
		return Package{}, false
	}
	version := strings.LastIndexByte(s[:release], '-')
	if version < 1 || arch == "" {
		return Package{}, false
	}
	return Package{Name: s[:version], Version: s[version+1:], Arch: arch}, true
}

var errNotDeb = errors.New("not a Debian package")

// debControl walks a .deb, which is an ar archive, to its control file; nil when
// the control data is compressed with xz or zstd.
func debControl(in io.ReaderAt, size int64) ([]byte, error) {
	const magic, headerSize = "!<arch>\n", 60
	head := make([]byte, headerSize)
	if _, err := in.ReadAt(head[:len(magic)], 0); err != nil || string(head[:len(magic)]) != magic {
		return nil, errNotDeb
	}
	for at := int64(len(magic)); at+headerSize <= size; {
		if _, err := in.ReadAt(head, at); err != nil || string(head[58:]) != "`\n" {
			return nil, errNotDeb
		}
		name := strings.TrimRight(strings.TrimSpace(string(head[:16])), "/")
		n, err := strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
		at += headerSize
		if err != nil || n < 0 || n > size-at {
			return nil, errNotDeb
		}
		if strings.HasPrefix(name, "control.tar") {
			return controlFile(name, io.NewSectionReader(in, at, n))
		}
		at += n + n&1
	}
	return nil, errNotDeb
}

func controlFile(name string, r io.Reader) ([]byte, error) {
	switch name {
	case "control.tar":
	case "control.tar.gz":
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		r = z
	default:
		return nil, nil
	}
	t := tar.NewReader(io.LimitReader(r, maxJSONBytes))
	for {
		h, err := t.Next()
		if err != nil {
			return nil, errNotDeb
		}
		if path.Clean(h.Name) == "control" {
			return io.ReadAll(t)
		}
	}
}

func parseControl(b []byte) (p Package, ok bool) {
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Package":
			p.Name = value
		case "Version":
			p.Version = value
		case "Architecture":
			p.Arch = value
		}
	}
	return p, p.Name != "" && p.Version != "" && p.Arch != ""
}
