package bundle

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
)

// Bounds on what is read of an image archive to know its images.
const (
	maxEntries   = 200000
	maxJSONBytes = 4 << 20
)

// archive is an image archive with the places of its entries, so that layers are
// never read.
type archive struct {
	r       io.ReaderAt
	entries map[string]span
}

type span struct{ at, size int64 }

var errNotArchive = errors.New("neither manifest.json nor index.json")

// inspectImages lists the images of an archive and wants them to be for the
// folder's architecture.
func inspectImages(in io.ReadSeeker, f *File) error {
	a, err := openArchive(in)
	if err != nil {
		return blocked("bundle.source.archive", err, "path", f.Path)
	}
	list, err := a.docker()
	if errors.Is(err, errNotArchive) {
		list, err = a.oci()
	}
	if err != nil {
		return blocked("bundle.source.archive", err, "path", f.Path)
	}
	var bad problems
	for _, img := range list {
		f.Images = append(f.Images, img.refs...)
		if img.arch != f.Arch {
			bad.add(blocked("bundle.source.imagearch", nil, "path", f.Path, "image", clip(strings.Join(img.refs, " ")),
				"arch", clip(img.arch), "expected", f.Arch))
		}
	}
	slices.Sort(f.Images)
	f.Images = slices.Compact(f.Images)
	if len(f.Images) == 0 {
		bad.add(blocked("bundle.source.unnamed", nil, "path", f.Path))
	}
	return bad.err()
}

// openArchive notes where the entries of a plain tar are.
func openArchive(in io.ReadSeeker) (*archive, error) {
	at, ok := in.(io.ReaderAt)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	a := &archive{r: at, entries: map[string]span{}}
	t := tar.NewReader(in)
	for len(a.entries) < maxEntries {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		here, err := in.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if plain(h) {
			a.entries[path.Clean(h.Name)] = span{here, h.Size}
		}
	}
	return nil, errors.New("too many entries")
}

// json reads an entry into v.
func (a *archive) json(name string, v any) error {
	s, ok := a.entries[path.Clean(name)]
	if !ok {
		return errors.New("no entry " + name)
	}
	if s.size > maxJSONBytes {
		return errors.New("too large: " + name)
	}
	return json.NewDecoder(io.NewSectionReader(a.r, s.at, s.size)).Decode(v)
}

type image struct {
	refs []string
	arch string
}

// docker reads the images of "docker save" and its like.
func (a *archive) docker() ([]image, error) {
	if _, ok := a.entries["manifest.json"]; !ok {
		return nil, errNotArchive
	}
	var list []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := a.json("manifest.json", &list); err != nil {
		return nil, err
	}
	var out []image
	for _, m := range list {
		for _, l := range m.Layers {
			if _, ok := a.entries[path.Clean(l)]; !ok && !strings.HasPrefix(l, "blobs/") {
				return nil, errors.New("no layer " + l)
			}
		}
		var config struct{ Architecture string }
		if err := a.json(m.Config, &config); err != nil {
			return nil, err
		}
		out = append(out, image{refs: m.RepoTags, arch: config.Architecture})
	}
	return out, nil
}

// descriptor is OCI's pointer to a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Annotations map[string]string `json:"annotations"`
	Platform    *struct {
		Architecture string `json:"architecture"`
	} `json:"platform"`
}

func (d descriptor) blob() string { return "blobs/" + strings.Replace(d.Digest, ":", "/", 1) }

// name is the reference that containerd would give the image on import.
func (d descriptor) name() string {
	for _, k := range []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"} {
		if v := d.Annotations[k]; strings.Contains(v, ":") {
			return v
		}
	}
	return ""
}

// oci reads the images of an OCI layout.
func (a *archive) oci() ([]image, error) {
	var index struct{ Manifests []descriptor }
	if _, ok := a.entries["index.json"]; !ok {
		return nil, errNotArchive
	}
	if err := a.json("index.json", &index); err != nil {
		return nil, err
	}
	var out []image
	for _, d := range index.Manifests {
		arch, err := a.ociArch(d, 0)
		if err != nil {
			return nil, err
		}
		img := image{arch: arch}
		if n := d.name(); n != "" {
			img.refs = []string{n}
		}
		out = append(out, img)
	}
	return out, nil
}

// ociArch follows a descriptor to the architecture of what it points at; of an
// index of several, the first whose blob is in the archive.
func (a *archive) ociArch(d descriptor, depth int) (string, error) {
	if d.Platform != nil && d.Platform.Architecture != "" {
		return d.Platform.Architecture, nil
	}
	var m struct {
		Config    *descriptor
		Manifests []descriptor
	}
	if depth > 3 {
		return "", errors.New("indexes nested too deep")
	}
	if err := a.json(d.blob(), &m); err != nil {
		return "", err
	}
	if m.Config == nil {
		for _, inner := range m.Manifests {
			if _, ok := a.entries[inner.blob()]; ok {
				return a.ociArch(inner, depth+1)
			}
		}
		return "", errors.New("an index without a manifest")
	}
	var config struct{ Architecture string }
	err := a.json(m.Config.blob(), &config)
	return config.Architecture, err
}
