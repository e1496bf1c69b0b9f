package bundle

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"io"
	"os"
	"path"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// inspect looks into one source file by its kind and fills in what it finds.
// Problems are joined.
func inspect(local string, f *File) error {
	if f.Size == 0 {
		return blocked("bundle.source.empty", nil, "path", f.Path)
	}
	if f.Size > MaxFileBytes {
		return blocked("bundle.source.large", nil, "path", f.Path, "limit", int64(MaxFileBytes>>30))
	}
	in, err := os.Open(local)
	if err != nil {
		return failed("bundle.build.read", err, "path", f.Path)
	}
	defer in.Close()
	switch f.Kind {
	case Binary, Runtime, CNI:
		return inspectBinary(in, f)
	case Images:
		return inspectImages(in, f)
	case Manifests:
		return inspectYAML(in, f)
	case Packages:
		return inspectPackage(in, f)
	}
	return nil // the index is held against its folder when that is known
}

var machines = map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}

// inspectBinary wants an ELF file of the folder's architecture.
func inspectBinary(in *os.File, f *File) error {
	e, err := elf.NewFile(in)
	if err != nil {
		return blocked("bundle.source.notelf", err, "path", f.Path)
	}
	defer e.Close()
	if arch, ok := machines[e.Machine]; !ok || arch != f.Arch {
		if !ok {
			arch = e.Machine.String()
		}
		return blocked("bundle.source.arch", nil, "path", f.Path, "arch", arch, "expected", f.Arch)
	}
	if f.Kind == Binary && slices.Contains(requiredBinaries, path.Base(f.Path)) {
		return inspectRelease(in, f)
	}
	return nil
}

var gitVersion = regexp.MustCompile(`component-base/version\.gitVersion=(v[0-9][^\s'"]*)`)

// inspectRelease holds the version that a Kubernetes binary was built as against
// its folder. The Go build information tells it when the build kept its linker
// flags or had Kubernetes as a module; else the version must at least stand
// somewhere in the file, where the linker put it.
func inspectRelease(in *os.File, f *File) error {
	if v := builtVersion(in); v != "" {
		if v != f.Version {
			return blocked("bundle.source.release", nil, "path", f.Path, "version", v, "expected", f.Version)
		}
		return nil
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return failed("bundle.build.read", err, "path", f.Path)
	}
	found, err := contains(in, []byte(f.Version))
	if err != nil {
		return failed("bundle.build.read", err, "path", f.Path)
	}
	if !found {
		return blocked("bundle.source.release", nil, "path", f.Path, "version", "", "expected", f.Version)
	}
	return nil
}

func builtVersion(in io.ReaderAt) string {
	info, err := buildinfo.Read(in)
	if err != nil {
		return ""
	}
	for _, s := range info.Settings {
		if m := gitVersion.FindStringSubmatch(s.Value); s.Key == "-ldflags" && m != nil {
			return m[1]
		}
	}
	for _, d := range info.Deps {
		if _, ok := parseVersion(d.Version); ok && d.Path == "k8s.io/kubernetes" {
			return d.Version
		}
	}
	return ""
}

// contains searches r for a short word without holding more than a block of it.
func contains(r io.Reader, word []byte) (bool, error) {
	buf := make([]byte, 1<<20)
	keep := 0
	for {
		n, err := r.Read(buf[keep:])
		have := buf[:keep+n]
		if bytes.Contains(have, word) {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		keep = copy(buf, have[max(0, len(have)-len(word)):])
	}
}

// inspectYAML wants documents that can be read.
func inspectYAML(in io.Reader, f *File) error {
	dec := yaml.NewDecoder(in)
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return blocked("bundle.source.yaml", err, "path", f.Path, "detail", clip(err.Error()))
		}
	}
}
