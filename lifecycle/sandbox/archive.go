package sandbox

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// maxIndexBytes bounds what is read of an archive to know its images.
const maxIndexBytes = 4 << 20

var errNoImages = errors.New("ctr: unrecognized image format")

// archivedImage is an image in an archive.
type archivedImage struct{ ref, digest string }

// imagesIn lists the images of a docker or OCI archive. Layers are passed over.
func imagesIn(r io.Reader) ([]archivedImage, error) {
	var docker, index []byte
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errNoImages
		}
		switch strings.TrimPrefix(h.Name, "./") {
		case "manifest.json":
			docker, err = io.ReadAll(io.LimitReader(t, maxIndexBytes))
		case "index.json":
			index, err = io.ReadAll(io.LimitReader(t, maxIndexBytes))
		}
		if err != nil {
			return nil, err
		}
	}
	out, err := ociImages(index)
	if err == nil && len(out) == 0 { // as ctr does, the index first
		out, err = dockerImages(docker)
	}
	if err != nil || len(out) == 0 {
		return nil, errNoImages
	}
	return out, nil
}

func ociImages(raw []byte) ([]archivedImage, error) {
	if raw == nil {
		return nil, nil
	}
	var index struct {
		Manifests []struct {
			Digest      string            `json:"digest"`
			Annotations map[string]string `json:"annotations"`
		} `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &index); err != nil {
		return nil, err
	}
	var out []archivedImage
	for _, m := range index.Manifests {
		ref := orElse(m.Annotations["io.containerd.image.name"], m.Annotations["org.opencontainers.image.ref.name"])
		if strings.ContainsAny(ref, "/:") {
			out = append(out, archivedImage{fullRef(ref), m.Digest})
		}
	}
	return out, nil
}

func dockerImages(raw []byte) ([]archivedImage, error) {
	if raw == nil {
		return nil, nil
	}
	var manifest []struct {
		Config   string   `json:"Config"`
		RepoTags []string `json:"RepoTags"`
	}
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return nil, err
	}
	var out []archivedImage
	for _, m := range manifest {
		for _, tag := range m.RepoTags {
			out = append(out, archivedImage{fullRef(tag), digestOf(m.Config)})
		}
	}
	return out, nil
}

// fullRef is a reference with the registry that docker leaves out.
func fullRef(ref string) string {
	first, _, has := strings.Cut(ref, "/")
	switch {
	case !has:
		return "docker.io/library/" + ref
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		return "docker.io/" + ref
	}
	return ref
}

// ctrImport takes the images of archives in.
func (c *call) ctrImport(namespace string, names []string) int {
	var found []archivedImage
	for _, name := range names {
		r := c.in
		if name != "-" {
			var err error
			if r, err = c.open(name); err != nil {
				return c.fail(1, "ctr: open %s: %s", name, strings.ToLower(reason(err)))
			}
		}
		images, err := imagesIn(r)
		if err != nil {
			return c.fail(1, "%v", err)
		}
		found = append(found, images...)
	}
	var refs []string
	for _, i := range found {
		refs = append(refs, i.ref)
	}
	return c.imageChange("ctr", refs, func(t *tx, ref string) error {
		i := slices.IndexFunc(found, func(a archivedImage) bool { return a.ref == ref })
		c.m.keepImage(t, namespace, ref, found[i].digest)
		c.printf("unpacking %s (%s)...done\n", ref, found[i].digest)
		return nil
	})
}
