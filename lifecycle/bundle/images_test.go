package bundle

import (
	"bytes"
	"slices"
	"testing"
)

func blobDigest(content string) string { return "sha256:" + digest([]byte(content)) }

// ociArchive is what ctr images export writes, an index around each image.
func ociArchive(arch string, refs ...string) []byte {
	config := asJSON(map[string]string{"architecture": arch})
	manifest := asJSON(map[string]any{"config": descriptor{Digest: blobDigest(config)}})
	inner := asJSON(map[string]any{"manifests": []descriptor{
		{Digest: blobDigest("of another architecture, left out")}, {Digest: blobDigest(manifest)}}})
	var list []descriptor
	for _, r := range refs {
		list = append(list, descriptor{Digest: blobDigest(inner), Annotations: map[string]string{
			"io.containerd.image.name": r, "org.opencontainers.image.ref.name": "1"}})
	}
	var entries []entry
	for _, c := range []string{config, manifest, inner} {
		entries = append(entries, entry{descriptor{Digest: blobDigest(c)}.blob(), c})
	}
	entries = append(entries, entry{"index.json", asJSON(map[string]any{"manifests": list})})
	return tarOf(entries...)
}

func TestImagesOfAnOCIArchive(t *testing.T) {
	f := &File{Path: "images/v1.34.4/arm64/x.tar", Arch: "arm64"}
	err := inspectImages(bytes.NewReader(ociArchive("arm64", "r/b:2", "r/a:1")), f)
	if err != nil || !slices.Equal(f.Images, []string{"r/a:1", "r/b:2"}) {
		t.Fatalf("%v %v", f.Images, err)
	}
	f = &File{Path: "images/v1.34.4/amd64/x.tar", Arch: "amd64"}
	if k := keys(inspectImages(bytes.NewReader(ociArchive("arm64", "r/b:2")), f)); !slices.Equal(k, []string{"bundle.source.imagearch"}) {
		t.Fatalf("problems: %v", k)
	}
}

func TestImagesOfAnIndexWithoutEnd(t *testing.T) {
	// A descriptor that points at an index that points at itself cannot be made
	// with real digests; the reader does not check them, so it must count.
	d := descriptor{Digest: "sha256:loop"}
	loop := asJSON(map[string]any{"manifests": []descriptor{d}})
	file := tarOf(entry{d.blob(), loop}, entry{"index.json", loop})
	f := &File{Path: "images/v1.34.4/amd64/x.tar", Arch: "amd64"}
	if k := keys(inspectImages(bytes.NewReader(file), f)); !slices.Equal(k, []string{"bundle.source.archive"}) {
		t.Fatalf("problems: %v", k)
	}
}

func TestSplitRef(t *testing.T) {
	for ref, want := range map[string][2]string{
		"registry.k8s.io/kube-proxy:v1.34.4":      {"kube-proxy", "v1.34.4"},
		"localhost:5000/a/etcd:3.6.5-0@sha256:ab": {"etcd", "3.6.5-0"},
		"localhost:5000/a/pause":                  {"pause", ""},
		"busybox":                                 {"busybox", ""},
	} {
		if n, tag := splitRef(ref); n != want[0] || tag != want[1] {
			t.Errorf("%s: %s %s", ref, n, tag)
		}
	}
}
