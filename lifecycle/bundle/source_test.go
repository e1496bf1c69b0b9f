package bundle

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"testing"
)

// tree is a source directory as a map from path to content.
type tree map[string][]byte

// goodTree is the smallest source directory that Build takes, for one version.
func goodTree(version, arch string) tree {
	t := tree{}
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]
	for _, n := range append([]string{"etcdctl"}, requiredBinaries...) {
		t[path.Join("bin", version, arch, n)] = elfFile(machine, n+" "+version)
	}
	for _, n := range requiredRuntime {
		t[path.Join("runtime", arch, n)] = elfFile(machine, n)
	}
	for _, n := range requiredCNI {
		t[path.Join("cni", arch, n)] = elfFile(machine, n)
	}
	var control, all []string
	for _, n := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
		control = append(control, "registry.k8s.io/"+n+":"+version)
	}
	control = append(control, "registry.k8s.io/etcd:3.6.5-0")
	all = append(all, "registry.k8s.io/kube-proxy:"+version, "registry.k8s.io/coredns/coredns:v1.12.1",
		"registry.k8s.io/pause:3.10.1", "ghcr.io/flannel-io/flannel:v0.28.4", "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel1")
	t[path.Join("images", version, arch, "control-plane.tar")] = dockerArchive(arch, control...)
	t[path.Join("images", version, arch, "node.tar")] = dockerArchive(arch, all...)
	return t
}

// write puts the tree into a new directory.
func (t tree) write(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	for p, content := range t {
		to := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(to, content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// with gives a copy with changes; nil content removes.
func (t tree) with(changes tree) tree {
	out := tree{}
	for p, c := range t {
		out[p] = c
	}
	for p, c := range changes {
		if c == nil {
			delete(out, p)
			continue
		}
		out[p] = c
	}
	return out
}

func elfFile(m elf.Machine, body string) []byte {
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(m), Version: 1, Ehsize: 64}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = 2, 1, 1
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, h); err != nil {
		panic(err) // a buffer takes everything
	}
	b.WriteString(body)
	return b.Bytes()
}

type entry struct {
	name, content string
}

func tarOf(entries ...entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		must(w.WriteHeader(header(e.name, int64(len(e.content)), 0o644)))
		_, err := w.Write([]byte(e.content))
		must(err)
	}
	must(w.Close())
	return b.Bytes()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	must(err)
	return string(b)
}

// dockerArchive is what docker save writes, the manifest last, as it does.
func dockerArchive(arch string, refs ...string) []byte {
	type item struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	entries := []entry{{"./layer/layer.tar", "a layer"}}
	var list []item
	for i, ref := range refs {
		config := fmt.Sprintf("%d.json", i)
		entries = append(entries, entry{config, asJSON(map[string]string{"architecture": arch, "os": "linux"})})
		list = append(list, item{config, []string{ref}, []string{"layer/layer.tar"}})
	}
	return tarOf(append(entries, entry{"manifest.json", asJSON(list)})...)
}

// deb makes a Debian package whose control data is stored under member.
func deb(member, control string) []byte {
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	add := func(name string, content []byte) {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, 0, 0, 0, "100644", len(content))
		b.Write(content)
		if len(content)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	add("debian-binary", []byte("2.0\n"))
	content := []byte(control)
	if member == "control.tar" {
		content = tarOf(entry{"./control", control})
	}
	add(member, content)
	return b.Bytes()
}

// keys gives the keys of everything that is wrong, in order.
func keys(err error) []string {
	var out []string
	for _, p := range Problems(err) {
		out = append(out, p.Text.Key)
	}
	return out
}
