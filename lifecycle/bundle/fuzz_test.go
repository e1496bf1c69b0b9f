package bundle

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzManifest(f *testing.F) {
	_, m := built(f, goodTree("v1.34.4", "amd64"))
	raw, err := m.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(strings.Replace(string(raw), "cni/amd64/bridge", "cni/../../bridge", 1)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseManifest(raw)
		if err != nil {
			if len(keys(err)) != 1 || !strings.HasPrefix(keys(err)[0], "bundle.manifest.") {
				t.Fatalf("an error without words: %v", err)
			}
			return
		}
		again, err := m.Encode()
		if err != nil || !bytes.Equal(again, raw) || m.Digest != digest(raw) {
			t.Fatalf("it reads as something else: %v", err)
		}
		for _, file := range m.Files {
			if !filepath.IsLocal(file.Path) || filepath.Clean(file.Path) != file.Path {
				t.Fatalf("a path that leads out: %q", file.Path)
			}
		}
		if b := (&Bundle{Manifest: *m}); len(b.Select(m.Versions[0], m.Arch[0], "", "worker")) > len(m.Files) {
			t.Fatal("more than there is")
		}
	})
}

func FuzzImport(f *testing.F) {
	file, _ := built(f, goodTree("v1.34.4", "amd64"))
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add(tarOf(entry{manifestName, "{}"}))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, file []byte) {
		data := filepath.Join(t.TempDir(), "data")
		got, err := Import(t.Context(), bytes.NewReader(file), data)
		outside, readErr := os.ReadDir(filepath.Dir(data))
		if readErr != nil || len(outside) != 1 {
			t.Fatalf("beside the data directory: %v %v", outside, readErr)
		}
		if err != nil {
			if v := visible(t, data); len(v) != 0 || len(keys(err)) != 1 {
				t.Fatalf("left behind: %v after %v", v, err)
			}
			return
		}
		b, err := Open(got.Path)
		if err != nil || b.Verify(t.Context(), nil) != nil {
			t.Fatalf("taken, and not whole: %v", err)
		}
	})
}

func FuzzImages(f *testing.F) {
	f.Add(dockerArchive("amd64", "a:1"))
	f.Add(ociArchive("amd64", "b:1"))
	f.Fuzz(func(t *testing.T, file []byte) {
		e := &File{Path: "images/v1.34.4/amd64/x.tar", Arch: "amd64"}
		if err := inspectImages(bytes.NewReader(file), e); err == nil && len(e.Images) == 0 {
			t.Fatal("taken without a name")
		}
	})
}

func FuzzDeb(f *testing.F) {
	f.Add(deb("control.tar", "Package: a\nVersion: 1\nArchitecture: all\n"))
	f.Add(deb("control.tar.xz", "?"))
	f.Fuzz(func(t *testing.T, file []byte) {
		e := &File{Path: "packages/debian-12/amd64/a_1_all.deb", Arch: "amd64", Size: int64(len(file))}
		if err := inspectPackage(bytes.NewReader(file), e); err == nil && (e.Package == nil || e.Package.Name == "") {
			t.Fatal("taken without a name")
		}
	})
}
