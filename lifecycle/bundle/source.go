package bundle

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
)

// source reads a bundle file entry by entry, and knows how much of it was read.
type source struct {
	r   io.Reader
	n   int64
	tar *tar.Reader
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	return n, err
}

// readManifest takes the first two entries: the manifest, and its sum.
func readManifest(s *source) ([]byte, *Manifest, error) {
	h, err := s.tar.Next()
	switch {
	case errors.Is(err, tar.ErrHeader) || errors.Is(err, io.EOF):
		return nil, nil, broken("bundle.import.nobundle", err)
	case err != nil:
		return nil, nil, broken("bundle.import.cut", err)
	case h.Name != manifestName || !plain(h):
		return nil, nil, broken("bundle.import.nobundle", nil)
	case h.Size > MaxManifestBytes:
		return nil, nil, broken("bundle.manifest.large", nil, "limit", MaxManifestBytes)
	}
	raw, err := io.ReadAll(s.tar)
	if err != nil {
		return nil, nil, broken("bundle.import.cut", err)
	}
	m, err := ParseManifest(raw)
	if err != nil {
		return nil, nil, err
	}
	if err := s.next(sumName, int64(len(sumContent(m.Digest)))); err != nil {
		return nil, nil, err
	}
	sum, err := io.ReadAll(s.tar)
	if err != nil {
		return nil, nil, broken("bundle.import.cut", err)
	}
	if string(sum) != sumContent(m.Digest) {
		return nil, nil, broken("bundle.import.damaged", nil, "path", manifestName)
	}
	return raw, m, nil
}

// sumContent is what stands in the second entry, in the form that sha256sum -c
// reads. The sums of the files are in the manifest; this one is for itself.
func sumContent(digest string) string { return digest + "  " + manifestName + "\n" }

// next goes to the following entry, which must be the plain file path of size
// bytes: links, devices, sparse files, other names and another order are refused
// before a byte of them is read.
func (s *source) next(path string, size int64) error {
	h, err := s.tar.Next()
	switch {
	case err != nil:
		return broken("bundle.import.cut", err)
	case !plain(h):
		return broken("bundle.import.entry", nil, "path", clip(h.Name))
	case h.Name != path:
		return broken("bundle.import.order", nil, "path", clip(h.Name), "expected", path)
	case h.Size != size:
		return broken("bundle.import.size", nil, "path", path, "size", h.Size, "expected", size)
	}
	return nil
}

// trailer is the two blocks of zeros at a tar's end.
const trailer = 1024

// end makes sure that the file ends where the manifest does, and properly.
func (s *source) end() error {
	before := s.n
	h, err := s.tar.Next()
	switch {
	case err == nil:
		return broken("bundle.import.more", nil, "path", clip(h.Name))
	case err != io.EOF || s.n-before < trailer:
		return broken("bundle.import.cut", err)
	}
	var one [1]byte
	if n, err := io.ReadFull(s.r, one[:]); n != 0 || err != io.EOF {
		return broken("bundle.import.more", err, "path", "")
	}
	return nil
}

// plain reports whether an entry is a regular file that holds as many bytes in
// the archive as it has.
func plain(h *tar.Header) bool {
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return false
		}
	}
	return h.Typeflag == tar.TypeReg
}
