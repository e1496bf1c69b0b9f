package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// NodeRoot is the directory on nodes under which bundles lie.
const NodeRoot = "/var/lib/coxswain/bundle"

// What stands before the files in a bundle file.
const (
	manifestName = "manifest.json"
	sumName      = "manifest.sha256"
)

// Bundle is an imported bundle on this machine's disk. It is safe for several
// goroutines.
type Bundle struct {
	Manifest
	dir string
}

// Dir is where bundles lie below the data directory.
func Dir(dataDir string) string { return filepath.Join(dataDir, "bundles") }

// Path is the directory of one bundle below the data directory; it is what the
// stored record keeps as lifecycle.Bundle.Path.
func Path(dataDir, name, digest string) string {
	return filepath.Join(Dir(dataDir), name+"-"+short(digest))
}

// Open reads the manifest of the bundle in the directory path (of Path, or of
// Import). It reads no other file: Verify does. The directory's name must be the
// one that the manifest gives; when the record of a bundle is known, compare its
// digest with the Digest of what was opened.
func Open(path string) (*Bundle, error) {
	f, err := os.Open(filepath.Join(path, manifestName))
	if err != nil {
		return nil, gone(path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxManifestBytes+1))
	if err != nil {
		return nil, failed("bundle.read", err, "path", manifestName)
	}
	m, err := ParseManifest(b)
	if err != nil {
		return nil, err
	}
	if filepath.Base(path) != m.Name+"-"+short(m.Digest) {
		return nil, blocked("bundle.verify.damaged", nil, "path", manifestName, "name", m.Name)
	}
	return &Bundle{Manifest: *m, dir: path}, nil
}

// gone is the error of a bundle whose directory is not there.
func gone(path string, err error) error {
	name := filepath.Base(path)
	if os.IsNotExist(err) {
		return blocked("bundle.gone", err, "name", name)
	}
	return failed("bundle.read", err, "path", name)
}

// NodePath is where a file of this bundle lies on a node:
// /var/lib/coxswain/bundle/DIGEST12/PATH.
func (b *Bundle) NodePath(f File) string { return b.NodeDir() + "/" + f.Path }

// NodeDir is the directory of this bundle on a node.
func (b *Bundle) NodeDir() string { return NodeRoot + "/" + short(b.Digest) }

// Reader opens a file of the bundle for reading, as remote.File.Open wants it.
// The caller closes it.
func (b *Bundle) Reader(f File) (io.ReadSeekCloser, error) {
	file, err := os.Open(b.local(f))
	if err != nil {
		return nil, failed("bundle.read", err, "path", f.Path)
	}
	return file, nil
}

// Find gives the file at a path inside the bundle.
func (b *Bundle) Find(path string) (File, bool) {
	i, ok := slices.BinarySearchFunc(b.Files, path, func(f File, p string) int {
		switch {
		case f.Path < p:
			return -1
		case f.Path > p:
			return 1
		}
		return 0
	})
	if !ok {
		return File{}, false
	}
	return b.Files[i], true
}

// Verify reads every file and compares it with its sum; progress, if not nil,
// gets the bytes done and the bytes in all. Every damaged file is told.
func (b *Bundle) Verify(ctx context.Context, progress func(done, total int64)) error {
	var bad problems
	t := &tally{total: b.Bytes(), tell: progress}
	for _, f := range b.Files {
		sum, n, err := b.sum(ctx, f, t)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case os.IsNotExist(err):
			bad.add(blocked("bundle.verify.missing", err, "path", f.Path, "name", b.Name))
		case err != nil:
			bad.add(failed("bundle.read", err, "path", f.Path))
		case n != f.Size || sum != f.SHA256:
			bad.add(blocked("bundle.verify.damaged", nil, "path", f.Path, "name", b.Name))
		}
	}
	return bad.err()
}

func (b *Bundle) sum(ctx context.Context, f File, t *tally) (string, int64, error) {
	file, err := os.Open(b.local(f))
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(h, t), reader{ctx, file})
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// intact reports whether every file is there with its size; contents are not read.
func (b *Bundle) intact() bool {
	for _, f := range b.Files {
		st, err := os.Lstat(b.local(f))
		if err != nil || !st.Mode().IsRegular() || st.Size() != f.Size {
			return false
		}
	}
	return true
}

// Remove deletes the bundle: it is gone at once for every reader to come, and
// its bytes as soon as they are freed. Being gone already is no error.
func (b *Bundle) Remove() error { return Remove(b.dir) }

// Remove deletes the bundle in the directory path, which is one of Path or of
// Import, also when it cannot be opened any more.
func Remove(path string) error {
	name := filepath.Base(path)
	trash, err := os.MkdirTemp(filepath.Dir(path), removePrefix)
	if err != nil {
		if os.IsNotExist(err) {
			return nil
		}
		return failed("bundle.remove", err, "name", name)
	}
	err = os.Rename(path, filepath.Join(trash, "bundle"))
	if err == nil || os.IsNotExist(err) {
		err = syncDir(filepath.Dir(path))
	}
	if e := os.RemoveAll(trash); err == nil {
		err = e
	}
	if err != nil {
		return failed("bundle.remove", err, "name", name)
	}
	return nil
}

// Clean removes what interrupted imports and removals left below the data
// directory. It is for the start of the process that owns the directory: an
// import that runs meanwhile would lose its files.
func Clean(dataDir string) error {
	entries, err := os.ReadDir(Dir(dataDir))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return failed("bundle.clean", err)
	}
	var bad problems
	for _, e := range entries {
		if isLeftover(e) {
			if err := os.RemoveAll(filepath.Join(Dir(dataDir), e.Name())); err != nil {
				bad.add(failed("bundle.clean", err))
			}
		}
	}
	return bad.err()
}

func isLeftover(e fs.DirEntry) bool {
	name := e.Name()
	return e.IsDir() && (hasPrefix(name, importPrefix) || hasPrefix(name, removePrefix))
}

func (b *Bundle) local(f File) string { return filepath.Join(b.dir, filepath.FromSlash(f.Path)) }

// Location is the bundle's directory on this machine.
func (b *Bundle) Location() string { return b.dir }

// short is the part of a digest that stands in directory names.
func short(digest string) string {
	if len(digest) < 12 {
		return digest
	}
	return digest[:12]
}
