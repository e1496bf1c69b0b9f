package bundle

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options of Build.
type Options struct {
	CreatedBy string // version of the program
	// Progress gets the bytes done and the bytes in all; every byte is read
	// twice, for the sums and for the file.
	Progress func(done, total int64)
}

// Build makes a bundle from the source directory dir and writes it to out. Before
// a byte is written the whole directory is checked, and the error names
// everything that is wrong with it (see Problems). A file that changes meanwhile
// fails the build.
func Build(ctx context.Context, dir string, out io.Writer, opts Options) (Manifest, error) {
	m, err := scan(dir)
	if err != nil {
		return Manifest{}, err
	}
	m.Format, m.CreatedBy = Format, opts.CreatedBy
	t := &tally{total: 2 * m.Bytes(), tell: opts.Progress}
	for i := range m.Files {
		if err := sumFile(ctx, dir, &m.Files[i], t); err != nil {
			return Manifest{}, err
		}
	}
	raw, err := m.Encode()
	if err != nil {
		return Manifest{}, failed("bundle.build.write", err)
	}
	if _, err := ParseManifest(raw); err != nil {
		return Manifest{}, err // never write what could not be read again
	}
	if err := writeAll(ctx, dir, out, raw, &m, t); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// BuildFile makes a bundle from dir in the file path, which appears whole or not
// at all; a file that was there before is replaced.
func BuildFile(ctx context.Context, dir, path string, opts Options) (Manifest, error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return Manifest{}, failed("bundle.build.write", err, "path", path)
	}
	m, err := Build(ctx, dir, tmp, opts)
	if err == nil {
		err = publish(tmp, path)
	}
	if err != nil {
		return Manifest{}, errors.Join(err, discard(tmp))
	}
	return m, nil
}

// publish makes the finished file last and gives it its name.
func publish(tmp *os.File, path string) error {
	err := tmp.Chmod(0o644)
	if err == nil {
		err = tmp.Sync()
	}
	if err == nil {
		err = tmp.Close()
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return failed("bundle.build.write", err, "path", path)
	}
	return nil
}

// discard removes an unfinished file, which publish may have closed already.
func discard(tmp *os.File) error {
	err := tmp.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	if e := os.Remove(tmp.Name()); e != nil && !errors.Is(e, fs.ErrNotExist) {
		err = errors.Join(err, e)
	}
	if err != nil {
		return failed("bundle.build.write", err, "path", tmp.Name())
	}
	return nil
}

func sumFile(ctx context.Context, dir string, f *File, t *tally) error {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return failed("bundle.build.read", err, "path", f.Path)
	}
	defer in.Close()
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(h, t), reader{ctx, in})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return failed("bundle.build.read", err, "path", f.Path)
	case n != f.Size:
		return blocked("bundle.build.changed", nil, "path", f.Path)
	}
	f.SHA256 = hex.EncodeToString(h.Sum(nil))
	return nil
}

// writeAll writes the tar: the manifest, its sum, then the files in its order.
func writeAll(ctx context.Context, dir string, out io.Writer, raw []byte, m *Manifest, t *tally) error {
	w := tar.NewWriter(out)
	if err := writeSmall(w, manifestName, raw); err != nil {
		return err
	}
	if err := writeSmall(w, sumName, []byte(sumContent(m.Digest))); err != nil {
		return err
	}
	for _, f := range m.Files {
		if err := writeOne(ctx, dir, w, f, t); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return failed("bundle.build.write", err)
	}
	return nil
}

func writeSmall(w *tar.Writer, name string, content []byte) error {
	err := w.WriteHeader(header(name, int64(len(content)), 0o644))
	if err == nil {
		_, err = w.Write(content)
	}
	if err != nil {
		return failed("bundle.build.write", err)
	}
	return nil
}

func writeOne(ctx context.Context, dir string, w *tar.Writer, f File, t *tally) error {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return failed("bundle.build.read", err, "path", f.Path)
	}
	defer in.Close()
	if err := w.WriteHeader(header(f.Path, f.Size, f.Mode)); err != nil {
		return failed("bundle.build.write", err)
	}
	h := sha256.New()
	from := &failing{r: reader{ctx, in}}
	n, err := io.Copy(io.MultiWriter(w, h, t), from)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case from.err != nil:
		return failed("bundle.build.read", from.err, "path", f.Path)
	case errors.Is(err, tar.ErrWriteTooLong):
		return blocked("bundle.build.changed", err, "path", f.Path)
	case err != nil:
		return failed("bundle.build.write", err)
	case n != f.Size || hex.EncodeToString(h.Sum(nil)) != f.SHA256:
		return blocked("bundle.build.changed", nil, "path", f.Path)
	}
	return nil
}

// header is an entry without anything of the building machine in it.
func header(name string, size int64, mode uint32) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: int64(mode), ModTime: time.Unix(0, 0)}
}

// scan walks the source directory, checks everything and gives a manifest that
// lacks only the sums.
func scan(dir string) (Manifest, error) {
	var bad problems
	m := Manifest{}
	if err := readAbout(dir, &m); err != nil {
		bad.add(err)
	}
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == "." || p == aboutName {
			return err
		}
		f, err := scanEntry(dir, p, d)
		bad.add(err)
		if f != nil {
			m.Files = append(m.Files, *f)
		} else if d.IsDir() && err != nil {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return m, failed("bundle.build.read", err, "path", dir)
	}
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	sum := summarise(m.Files)
	m.Versions, m.Arch, m.OS = sum.Versions, sum.Arch, sum.OS
	bad.list = append(bad.list, complete(dir, m.Files)...)
	if m.Name == "" && len(m.Versions) > 0 {
		m.Name = "k8s-" + strings.ReplaceAll(strings.TrimPrefix(m.Versions[len(m.Versions)-1], "v"), ".", "-")
	}
	return m, bad.err()
}

// scanEntry gives the file at p, nil for directories and what is refused.
func scanEntry(dir, p string, d fs.DirEntry) (*File, error) {
	base := p[strings.LastIndexByte(p, '/')+1:]
	switch {
	case d.IsDir() && isName(base):
		return nil, nil
	case d.IsDir():
		return nil, blocked("bundle.source.unexpected", nil, "path", clip(p))
	case !d.Type().IsRegular():
		return nil, blocked("bundle.source.notfile", nil, "path", clip(p))
	}
	pl, ok := placeOf(p)
	if !ok {
		return nil, blocked("bundle.source.unexpected", nil, "path", clip(p))
	}
	st, err := d.Info()
	if err != nil {
		return nil, failed("bundle.build.read", err, "path", p)
	}
	f := &File{Path: p, Kind: pl.Kind, Version: pl.Version, Arch: pl.Arch, OS: pl.OS, Size: st.Size(), Mode: pl.mode()}
	return f, inspect(filepath.Join(dir, filepath.FromSlash(p)), f)
}
