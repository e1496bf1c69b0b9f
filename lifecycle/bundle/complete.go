package bundle

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// What must be there, by folder.
var (
	requiredBinaries = []string{"kubeadm", "kubectl", "kubelet"}
	requiredRuntime  = []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc"}
	requiredCNI      = []string{"bridge", "host-local", "loopback", "portmap"}
	// These carry the Kubernetes version as their tag; the others have versions
	// of their own.
	requiredReleaseImages = []string{"kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"}
	requiredImages        = []string{"coredns", "etcd", "flannel", "flannel-cni-plugin", "pause"}
)

// complete says what is missing in the source directory as a whole.
func complete(dir string, files []File) []error {
	var bad problems
	sets := folders(files)
	versions := pairs(files, Binary, Images)
	if len(versions) == 0 {
		return []error{blocked("bundle.source.noversion", nil)}
	}
	var arches []string
	for _, p := range versions {
		bad.add(missing(path.Join("bin", p.version, p.arch), sets, requiredBinaries))
		bad.add(missingImages(p.version, p.arch, files))
		arches = append(arches, p.arch)
	}
	slices.Sort(arches)
	for _, arch := range slices.Compact(arches) {
		bad.add(missing(path.Join("runtime", arch), sets, requiredRuntime))
		bad.add(missing(path.Join("cni", arch), sets, requiredCNI))
	}
	for _, f := range files {
		if f.Arch != "" && !slices.Contains(arches, f.Arch) && f.Kind != Binary && f.Kind != Images {
			bad.add(blocked("bundle.source.orphan", nil, "path", f.Path, "arch", f.Arch))
		}
		if f.Kind == Index {
			bad.add(checkIndex(dir, f, files))
		}
		if f.Kind == Manifests && f.Version != "" && !slices.ContainsFunc(versions, func(p pair) bool { return p.version == f.Version }) {
			bad.add(blocked("bundle.source.orphanversion", nil, "path", f.Path, "version", f.Version))
		}
	}
	return bad.list
}

type pair struct{ version, arch string }

// pairs gives the version and architecture of every file of these kinds, once
// each, in order.
func pairs(files []File, kinds ...Kind) []pair {
	var out []pair
	for _, f := range files {
		if p := (pair{f.Version, f.Arch}); slices.Contains(kinds, f.Kind) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// folders gives the names in each folder.
func folders(files []File) map[string][]string {
	out := map[string][]string{}
	for _, f := range files {
		out[path.Dir(f.Path)] = append(out[path.Dir(f.Path)], path.Base(f.Path))
	}
	return out
}

func missing(folder string, sets map[string][]string, required []string) error {
	var lack []string
	for _, name := range required {
		if !slices.Contains(sets[folder], name) {
			lack = append(lack, name)
		}
	}
	if lack == nil {
		return nil
	}
	return blocked("bundle.source.missing", nil, "folder", folder, "names", strings.Join(lack, ", "))
}

// missingImages names the images that a cluster of this version cannot do without.
func missingImages(version, arch string, files []File) error {
	have := map[string]bool{}
	for _, f := range files {
		for _, ref := range f.Images {
			if f.Version == version && f.Arch == arch {
				name, tag := splitRef(ref)
				have[name], have[name+":"+tag] = true, true
			}
		}
	}
	var lack []string
	for _, name := range requiredReleaseImages {
		if !have[name+":"+version] {
			lack = append(lack, name+":"+version)
		}
	}
	for _, name := range requiredImages {
		if !have[name] {
			lack = append(lack, name)
		}
	}
	if lack == nil {
		return nil
	}
	return blocked("bundle.source.noimages", nil, "folder", path.Join("images", version, arch), "images", strings.Join(lack, ", "))
}

// checkIndex holds a Packages index against the files beside it: every file that
// it names must be there with the size and sum that it gives, and none be left
// out, or apt would fail on a node instead of here.
func checkIndex(dir string, index File, files []File) error {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(index.Path)))
	if err != nil {
		return failed("bundle.build.read", err, "path", index.Path)
	}
	defer in.Close()
	entries, err := readIndex(in)
	if err != nil {
		return blocked("bundle.source.index", err, "path", index.Path, "file", "?")
	}
	var bad problems
	for _, f := range files {
		if f.Kind != Packages || path.Dir(f.Path) != path.Dir(index.Path) {
			continue
		}
		e, ok := entries[path.Base(f.Path)]
		delete(entries, path.Base(f.Path))
		if !ok || e.size != f.Size || e.sum != fileSum(filepath.Join(dir, filepath.FromSlash(f.Path))) {
			bad.add(blocked("bundle.source.index", nil, "path", index.Path, "file", path.Base(f.Path)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		bad.add(blocked("bundle.source.index", nil, "path", index.Path, "file", clip(name)))
	}
	return bad.err()
}

type indexEntry struct {
	size int64
	sum  string
}

// readIndex reads the Filename, Size and SHA256 of each paragraph.
func readIndex(r io.Reader) (map[string]indexEntry, error) {
	out := map[string]indexEntry{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	var name string
	var e indexEntry
	flush := func() {
		if name != "" {
			out[name] = e
		}
		name, e = "", indexEntry{}
	}
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "":
			flush()
		case "Filename":
			name = path.Clean(value)
		case "SHA256":
			e.sum = value
		case "Size":
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return nil, err
			}
			e.size = n
		}
	}
	flush()
	return out, lines.Err()
}

// fileSum is the sha256 of a file, "" when it cannot be read.
func fileSum(local string) string {
	in, err := os.Open(local)
	if err != nil {
		return ""
	}
	defer in.Close()
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}
