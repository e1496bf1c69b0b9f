package bundle

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Imported is what an import left.
type Imported struct {
	Manifest *Manifest
	Path     string // the bundle's directory
	Existing bool   // it was there already, whole
}

// Importer unpacks bundles below DataDir. The zero values of the other fields
// are good.
type Importer struct {
	DataDir string
	// Free gives the bytes that may be written at dir; nil asks the file system.
	Free func(dir string) (int64, error)
	// Progress gets the bytes unpacked and the bytes in all.
	Progress func(done, total int64)
}

// reserve is what an import leaves free on the disk for everybody else, in bytes.
const reserve = 256 << 20

// Import reads a bundle file from r and unpacks it below dataDir; see
// Importer.Import.
func Import(ctx context.Context, r io.Reader, dataDir string) (Imported, error) {
	return (&Importer{DataDir: dataDir}).Import(ctx, r)
}

// Import reads a bundle file from r, front to back, once. Every name, size and
// sum is held against the manifest before anything can be seen; then the bundle
// appears at once, on the disk for good. When it fails, or the process dies,
// nothing of it is visible, and Clean removes the rest. A bundle that is there
// already is not read again, unless files of it are missing: those are mended.
// Errors are *lifecycle.Error, or the context's.
func (im *Importer) Import(ctx context.Context, r io.Reader) (Imported, error) {
	if err := os.MkdirAll(Dir(im.DataDir), 0o750); err != nil {
		return Imported{}, wrote(err)
	}
	src := &source{r: reader{ctx, r}}
	src.tar = tar.NewReader(src)
	raw, m, err := readManifest(src)
	if err != nil {
		return Imported{}, cause(ctx, err)
	}
	done := Imported{Manifest: m, Path: Path(im.DataDir, m.Name, m.Digest)}
	if old, err := Open(done.Path); err == nil {
		if old.Digest != m.Digest {
			return Imported{}, broken("bundle.import.clash", nil, "name", m.Name)
		}
		if done.Existing = old.intact(); done.Existing {
			return done, nil
		}
	}
	if err := im.room(m); err != nil {
		return Imported{}, err
	}
	tmp, err := os.MkdirTemp(Dir(im.DataDir), importPrefix)
	if err != nil {
		return Imported{}, wrote(err)
	}
	err = im.unpack(ctx, src, tmp, raw, m)
	if err == nil {
		done.Existing, err = settle(tmp, done.Path, m)
	}
	if e := os.RemoveAll(tmp); e != nil && err == nil {
		err = wrote(e)
	}
	if err != nil {
		return Imported{}, cause(ctx, err)
	}
	return done, nil
}

// cause prefers the context's error to what it made fail.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// room refuses a bundle that the disk cannot hold before anything is written.
func (im *Importer) room(m *Manifest) error {
	free := im.Free
	if free == nil {
		free = freeBytes
	}
	have, err := free(Dir(im.DataDir))
	if err != nil {
		return wrote(err)
	}
	if need := m.Bytes() + reserve; need > have {
		return blocked("bundle.import.space", nil, "need", need>>20, "free", have>>20, "name", m.Name)
	}
	return nil
}

// Check reads a bundle file as Import does and writes nothing; the error says why
// Import would refuse it.
func Check(ctx context.Context, r io.Reader, progress func(done, total int64)) (*Manifest, error) {
	src := &source{r: reader{ctx, r}}
	src.tar = tar.NewReader(src)
	_, m, err := readManifest(src)
	if err != nil {
		return nil, cause(ctx, err)
	}
	t := &tally{total: m.Bytes(), tell: progress}
	for _, f := range m.Files {
		err := src.next(f.Path, f.Size)
		if err == nil {
			err = copyFile(io.Discard, src.tar, f, t)
		}
		if err != nil {
			return nil, cause(ctx, err)
		}
	}
	return m, cause(ctx, src.end())
}

// unpack writes the manifest and all files to dir and makes them last.
func (im *Importer) unpack(ctx context.Context, src *source, dir string, raw []byte, m *Manifest) error {
	t := &tally{total: m.Bytes(), tell: im.Progress}
	for _, f := range m.Files {
		if err := src.next(f.Path, f.Size); err != nil {
			return err
		}
		if err := unpackFile(src.tar, filepath.Join(dir, filepath.FromSlash(f.Path)), f, t); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if err := src.end(); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, manifestName), raw); err != nil {
		return wrote(err)
	}
	return syncTree(dir)
}

func unpackFile(r io.Reader, to string, f File, t *tally) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return wrote(err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, os.FileMode(f.Mode))
	if err != nil {
		return wrote(err)
	}
	err = copyFile(out, r, f, t)
	if err == nil {
		err = wrote(out.Sync())
	}
	if e := wrote(out.Close()); err == nil {
		err = e
	}
	return err
}

// copyFile copies one file's bytes and holds them against its size and sum.
func copyFile(out io.Writer, r io.Reader, f File, t *tally) error {
	h := sha256.New()
	from := &failing{r: r}
	n, err := io.Copy(io.MultiWriter(out, h, t), from)
	switch {
	case from.err != nil:
		return broken("bundle.import.cut", from.err)
	case err != nil:
		return wrote(err)
	case n != f.Size || hex.EncodeToString(h.Sum(nil)) != f.SHA256:
		return broken("bundle.import.damaged", nil, "path", f.Path)
	}
	return nil
}

// wrote puts an error of writing into words.
func wrote(err error) error {
	if err == nil {
		return nil
	}
	return failed("bundle.import.write", err)
}

// failing remembers a read error, to tell it from one of the writer.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// settle gives the unpacked bundle its name. When the name is taken by the same
// bundle, unpacked meanwhile or missing files, the files are moved into it, each
// of them being right.
func settle(tmp, to string, m *Manifest) (existing bool, err error) {
	if err := os.Chmod(tmp, 0o750); err != nil { // #nosec G302 -- a directory, below the data directory
		return false, wrote(err)
	}
	err = os.Rename(tmp, to)
	if errors.Is(err, os.ErrExist) {
		existing, err = true, mend(tmp, to, m)
	}
	if err == nil {
		err = syncDir(filepath.Dir(to))
	}
	if err != nil {
		return false, wrote(err)
	}
	return existing, nil
}

func mend(tmp, to string, m *Manifest) error {
	paths := []string{manifestName}
	for _, f := range m.Files {
		paths = append(paths, filepath.FromSlash(f.Path))
	}
	for _, p := range paths {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, p)), 0o750); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(tmp, p), filepath.Join(to, p)); err != nil {
			return err
		}
	}
	return syncTree(to)
}

// syncTree makes the names in all directories below dir last.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(p)
	})
}

func writeFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
