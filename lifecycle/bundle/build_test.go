package bundle

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func built(tb testing.TB, t tree) ([]byte, Manifest) {
	tb.Helper()
	var out bytes.Buffer
	m, err := Build(tb.Context(), t.write(tb), &out, Options{CreatedBy: "v0.test"})
	if err != nil {
		tb.Fatalf("build: %v", err)
	}
	return out.Bytes(), m
}

func TestBuildIsTheSameForTheSameDirectory(t *testing.T) {
	a, m := built(t, goodTree("v1.34.4", "amd64"))
	b, n := built(t, goodTree("v1.34.4", "amd64"))
	if !bytes.Equal(a, b) || m.Digest != n.Digest || m.Digest == "" {
		t.Fatalf("two builds differ: %s and %s", m.Digest, n.Digest)
	}
	if m.Name != "k8s-1-34-4" || m.CreatedBy != "v0.test" {
		t.Fatalf("manifest: %+v", m)
	}
}

func TestBuildRecordsWhatIsInside(t *testing.T) {
	src := goodTree("v1.34.4", "amd64").with(goodTree("v1.33.13", "arm64")).with(tree{
		"bundle.yaml": []byte("name: two\ndescription: both\n"),
		"packages/debian-12/amd64/socat_1.7_amd64.deb":   deb("control.tar", "Package: socat\nVersion: 1.7-2\nArchitecture: amd64\n"),
		"packages/rocky-9/arm64/socat-1.7-2.aarch64.rpm": []byte(rpmMagic + "rest"),
		"manifests/v1.34.4/net.yaml":                     []byte("a: 1\n---\nb: 2\n"),
	})
	_, m := built(t, src)
	if m.Name != "two" || m.Description != "both" || !slices.Equal(m.Versions, []string{"v1.33.13", "v1.34.4"}) ||
		!slices.Equal(m.Arch, []string{"amd64", "arm64"}) || !slices.Equal(m.OS, []string{"debian-12", "rocky-9"}) {
		t.Fatalf("manifest: %+v", m)
	}
	r := m.Record()
	if r.Version != "v1.34.4" || r.Digest != m.Digest || r.Files != len(src)-1 || r.SizeBytes != m.Bytes() {
		t.Fatalf("record: %+v", r)
	}
	b := &Bundle{Manifest: m}
	if f, ok := b.Find("packages/debian-12/amd64/socat_1.7_amd64.deb"); !ok || *f.Package != (Package{"socat", "1.7-2", "amd64"}) {
		t.Fatalf("package: %+v", f)
	}
	if f, ok := b.Find("images/v1.34.4/amd64/control-plane.tar"); !ok || len(f.Images) != 4 || f.Mode != 0o644 {
		t.Fatalf("images: %+v", f)
	}
	if f, ok := b.Find("runtime/amd64/runc"); !ok || f.Mode != 0o755 {
		t.Fatalf("runc: %+v", f)
	}
}

func TestBuildTellsEveryProblem(t *testing.T) {
	good := goodTree("v1.34.4", "amd64")
	amd := elfFile(elf.EM_X86_64, "x")
	cases := map[string]struct {
		change tree
		want   []string
	}{
		"nothing at all": {nil, []string{"bundle.source.noversion"}},
		"missing binaries": {tree{"bin/v1.34.4/amd64/kubelet": nil, "runtime/amd64/ctr": nil, "cni/amd64/bridge": nil},
			[]string{"bundle.source.missing", "bundle.source.missing", "bundle.source.missing"}},
		"missing images":      {tree{"images/v1.34.4/amd64/node.tar": nil}, []string{"bundle.source.noimages"}},
		"no images":           {tree{"images/v1.34.4/amd64/node.tar": nil, "images/v1.34.4/amd64/control-plane.tar": nil}, []string{"bundle.source.noimages"}},
		"wrong tags":          {tree{"images/v1.34.4/amd64/node.tar": dockerArchive("amd64", "k/kube-proxy:v1.33.0", "k/coredns:1", "k/pause:3", "f/flannel:1", "f/flannel-cni-plugin:1")}, []string{"bundle.source.noimages"}},
		"other architecture":  {tree{"cni/amd64/bridge": elfFile(elf.EM_AARCH64, "x")}, []string{"bundle.source.arch"}},
		"unknown machine":     {tree{"cni/amd64/bridge": elfFile(elf.EM_S390, "x")}, []string{"bundle.source.arch"}},
		"a script":            {tree{"runtime/amd64/runc": []byte("#!/bin/sh\n")}, []string{"bundle.source.notelf"}},
		"other release":       {tree{"bin/v1.34.4/amd64/kubeadm": elfFile(elf.EM_X86_64, "v1.33.1")}, []string{"bundle.source.release"}},
		"inexact version":     {tree{"bin/v1.34/amd64/kubeadm": amd}, []string{"bundle.source.unexpected"}},
		"unknown folder":      {tree{"stuff/a": amd, "README": amd}, []string{"bundle.source.unexpected", "bundle.source.unexpected"}},
		"hidden":              {tree{"bin/v1.34.4/amd64/.x": amd, ".git/config": amd}, []string{"bundle.source.unexpected", "bundle.source.unexpected"}},
		"empty file":          {tree{"cni/amd64/bridge": {}}, []string{"bundle.source.empty"}},
		"compressed images":   {tree{"images/v1.34.4/amd64/x.tar": []byte("\x1f\x8bzip")}, []string{"bundle.source.archive"}},
		"images for another":  {tree{"images/v1.34.4/amd64/x.tar": dockerArchive("arm64", "a:1")}, []string{"bundle.source.imagearch"}},
		"images without name": {tree{"images/v1.34.4/amd64/x.tar": dockerArchive("amd64")}, []string{"bundle.source.unnamed"}},
		"layer lacking":       {tree{"images/v1.34.4/amd64/x.tar": tarOf(entry{"manifest.json", `[{"Config":"c","RepoTags":["a:1"],"Layers":["l"]}]`})}, []string{"bundle.source.archive"}},
		"bad yaml":            {tree{"manifests/a.yaml": []byte("a: [")}, []string{"bundle.source.yaml"}},
		"manifest of nothing": {tree{"manifests/v1.30.0/a.yaml": []byte("a: 1")}, []string{"bundle.source.orphanversion"}},
		"no package":          {tree{"packages/debian-12/amd64/a_1_amd64.deb": []byte("<html>")}, []string{"bundle.source.package"}},
		"package name":        {tree{"packages/debian-12/amd64/a.deb": deb("control.tar.xz", "?")}, []string{"bundle.source.packagename"}},
		"package for another": {tree{"packages/debian-12/amd64/a_1_arm64.deb": deb("control.tar.xz", "?")}, []string{"bundle.source.arch"}},
		"orphan architecture": {tree{"cni/arm64/bridge": elfFile(elf.EM_AARCH64, "x")}, []string{"bundle.source.orphan"}},
		"about":               {tree{"bundle.yaml": []byte("nam: x")}, []string{"bundle.source.about"}},
		"name":                {tree{"bundle.yaml": []byte("name: ../x")}, []string{"bundle.source.name"}},
		"description":         {tree{"bundle.yaml": []byte("description: " + strings.Repeat("x", 2000))}, []string{"bundle.source.description"}},
		"index":               {tree{"packages/debian-12/amd64/Packages": []byte("Filename: ./gone.deb\nSize: 1\n\n")}, []string{"bundle.source.index"}},
		"second arch":         {tree{"bin/v1.34.4/arm64/kubectl": elfFile(elf.EM_AARCH64, "v1.34.4")}, []string{"bundle.source.missing", "bundle.source.noimages", "bundle.source.missing", "bundle.source.missing"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			src := good.with(c.change)
			if c.change == nil {
				src = tree{}
			}
			var out bytes.Buffer
			_, err := Build(t.Context(), src.write(t), &out, Options{})
			got := keys(err)
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Fatalf("problems %v (%v), want %v", got, err, c.want)
			}
			if out.Len() != 0 {
				t.Fatal("something was written all the same")
			}
		})
	}
}

func TestBuildRefusesLinks(t *testing.T) {
	dir := goodTree("v1.34.4", "amd64").write(t)
	for _, l := range []struct{ to, from string }{{"/etc/passwd", "cni/amd64/x"}, {"/etc", "manifests"}} {
		if err := os.Symlink(l.to, filepath.Join(dir, l.from)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Build(t.Context(), dir, &bytes.Buffer{}, Options{})
	if got := keys(err); !slices.Equal(got, []string{"bundle.source.notfile", "bundle.source.notfile"}) {
		t.Fatalf("problems: %v", got)
	}
}

func TestBuildTakesAnIndexThatFits(t *testing.T) {
	pkg := deb("control.tar.xz", "?")
	index := "Package: a\nFilename: ./a_1_amd64.deb\nSize: " + strconv.Itoa(len(pkg)) + "\nSHA256: " + digest(pkg) + "\n\n"
	src := goodTree("v1.34.4", "amd64").with(tree{
		"packages/debian-12/amd64/a_1_amd64.deb": pkg, "packages/debian-12/amd64/Packages": []byte(index)})
	built(t, src)
	src["packages/debian-12/amd64/b_1_amd64.deb"] = pkg
	_, err := Build(t.Context(), src.write(t), &bytes.Buffer{}, Options{})
	if got := keys(err); !slices.Equal(got, []string{"bundle.source.index"}) {
		t.Fatalf("a package without a line in the index: %v", got)
	}
}

// changing rewrites a source file after the first byte of the bundle is out.
type changing struct {
	bytes.Buffer
	file string
	done bool
}

func (c *changing) Write(p []byte) (int, error) {
	if !c.done {
		c.done = true
		if err := os.WriteFile(c.file, elfFile(elf.EM_X86_64, "portmaq"), 0o600); err != nil {
			return 0, err
		}
	}
	return c.Buffer.Write(p)
}

func TestBuildNoticesAChangeMeanwhile(t *testing.T) {
	dir := goodTree("v1.34.4", "amd64").write(t)
	w := &changing{file: filepath.Join(dir, "cni/amd64/portmap")}
	_, err := Build(t.Context(), dir, w, Options{})
	if got := keys(err); !slices.Equal(got, []string{"bundle.build.changed"}) {
		t.Fatalf("problems: %v (%v)", got, err)
	}
}

func TestBuildFileAppearsWholeOrNotAtAll(t *testing.T) {
	out := t.TempDir()
	file := filepath.Join(out, "x.coxb")
	if _, err := BuildFile(t.Context(), tree{}.write(t), file, Options{}); err == nil {
		t.Fatal("an empty directory was taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := BuildFile(ctx, goodTree("v1.34.4", "amd64").write(t), file, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	if left, _ := os.ReadDir(out); len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
	m, err := BuildFile(t.Context(), goodTree("v1.34.4", "amd64").write(t), file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n, err := Check(t.Context(), f, nil); err != nil || n.Digest != m.Digest {
		t.Fatalf("check: %v %v", n, err)
	}
	if left, _ := os.ReadDir(out); len(left) != 1 {
		t.Fatalf("in the folder: %v", left)
	}
}
