package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote/remotetest"
)

// content is n bytes of noise, and a File of them that counts what is read.
type content struct {
	bytes []byte
	read  int64
	opens int
}

func newContent(n int) *content {
	c := &content{bytes: make([]byte, n)}
	r := rand.NewChaCha8([32]byte{1})
	if _, err := r.Read(c.bytes); err != nil {
		panic(err) // it never does
	}
	return c
}

func (c *content) file(path string) File {
	sum := sha256.Sum256(c.bytes)
	return File{Path: path, Mode: 0o751, Size: int64(len(c.bytes)), SHA256: hex.EncodeToString(sum[:]),
		Open: func() (io.ReadSeekCloser, error) {
			c.opens++
			return &contentReader{bytes.NewReader(c.bytes), c}, nil
		}}
}

type contentReader struct {
	*bytes.Reader
	c *content
}

func (r *contentReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.c.read += int64(n)
	return n, err
}

func (*contentReader) Close() error { return nil }

// wantFile checks that f is in place and no part of it is left.
func wantFile(t *testing.T, f File, c *content) {
	t.Helper()
	got, err := os.ReadFile(f.Path)
	if err != nil || !bytes.Equal(got, c.bytes) {
		t.Fatalf("%d bytes in place, %v; want %d", len(got), err, len(c.bytes))
	}
	info, err := os.Stat(f.Path)
	if err != nil || info.Mode().Perm() != os.FileMode(f.Mode) {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(f.Path + ".part*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestUploadOnceAndThenNotAgain(t *testing.T) {
	_, h := node(t)
	for _, size := range []int{0, 1, blockSize, 3*blockSize + 17} {
		c := newContent(size)
		f := c.file(filepath.Join(t.TempDir(), "new dir", "it's a file"))
		var last int64
		progress := func(sent, total int64) {
			if sent < last || total != f.Size {
				t.Errorf("progress %d of %d after %d", sent, total, last)
			}
			last = sent
		}
		for range 2 {
			if err := h.Upload(t.Context(), f, progress); err != nil {
				t.Fatal(err)
			}
			wantFile(t, f, c)
		}
		if last != f.Size || c.read != f.Size {
			t.Errorf("size %d: progress ended at %d, %d bytes read", size, last, c.read)
		}
	}
}

func TestUploadReplacesWhatDiffers(t *testing.T) {
	_, h := node(t)
	c := newContent(2 * blockSize)
	f := c.file(filepath.Join(t.TempDir(), "file"))
	other := bytes.Clone(c.bytes)
	other[blockSize]++
	if err := os.WriteFile(f.Path, other, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Upload(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, c)
}

func TestUploadGoesOnWhereItWasCutOff(t *testing.T) {
	_, h := node(t)
	c := newContent(8*blockSize + 5)
	f := c.file(filepath.Join(t.TempDir(), "file"))
	if err := os.WriteFile(f.part(), c.bytes[:5*blockSize+100], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Upload(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, c)
	if c.read != 3*blockSize+5 {
		t.Errorf("%d bytes were sent; want %d", c.read, 3*blockSize+5)
	}
}

func TestUploadSurvivesManyCuts(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	cable := remotetest.Cable(t, s)
	cable.CutAfterSent(3 * blockSize)
	// This cut shows only in answers that do not come.
	opts := quick
	opts.KeepAliveTimeout = 400 * time.Millisecond
	h := enter(t, New(opts), cable.Access)
	c := newContent(8 * blockSize)
	f := c.file(filepath.Join(t.TempDir(), "file"))
	last := int64(0)
	err := h.Upload(t.Context(), f, func(sent, _ int64) {
		if sent < last {
			t.Errorf("progress went back from %d to %d", last, sent)
		}
		last = sent
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, f, c)
	if c.opens < 3 || c.read > 4*f.Size {
		t.Errorf("%d attempts read %d bytes", c.opens, c.read)
	}
}

func TestUploadMendsASpoiltPart(t *testing.T) {
	_, h := node(t)
	for name, part := range map[string][]byte{"wrong": make([]byte, 2*blockSize), "too long": make([]byte, 9*blockSize)} {
		c := newContent(4 * blockSize)
		f := c.file(filepath.Join(t.TempDir(), "file"))
		if err := os.WriteFile(f.part(), part, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := h.Upload(t.Context(), f, nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantFile(t, f, c)
	}
}

func TestUploadOfSomethingElse(t *testing.T) {
	_, h := node(t)
	c := newContent(1000)
	f := c.file(filepath.Join(t.TempDir(), "file"))
	c.bytes[0]++
	wantProblem(t, h.Upload(t.Context(), f, nil), "remote.upload.differs", lifecycle.Permanent)
	if _, err := os.Stat(f.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is in place: %v", err)
	}
}

func TestUploadProblems(t *testing.T) {
	_, h := node(t)
	c := newContent(1000)
	for _, path := range []string{"", "relative", "/", "/a/../b", "/line\nbreak"} {
		wantProblem(t, h.Upload(t.Context(), c.file(path), nil), "remote.upload.invalid", lifecycle.Permanent)
	}
	short := c.file("/tmp/never")
	short.SHA256 = "abc"
	wantProblem(t, h.Upload(t.Context(), short, nil), "remote.upload.invalid", lifecycle.Permanent)

	unread := c.file(filepath.Join(t.TempDir(), "file"))
	unread.Open = func() (io.ReadSeekCloser, error) { return nil, os.ErrPermission }
	wantProblem(t, h.Upload(t.Context(), unread, nil), "remote.upload.unreadable", lifecycle.Permanent)

	err := h.Upload(t.Context(), c.file("/proc/version/never/file"), nil)
	e := wantProblem(t, err, "remote.exit", lifecycle.Permanent)
	if e.Command != "upload /proc/version/never/file" || e.Output == "" {
		t.Errorf("%+v", e)
	}
}

func TestUploadToAFullDisk(t *testing.T) {
	s, h := node(t)
	full := "#!/bin/sh\nhead -c 100000 >/dev/null\necho 'dd: error writing: No space left on device' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(s.Dir, "bin", "dd"), []byte(full), 0o755); err != nil {
		t.Fatal(err)
	}
	f := newContent(16 * blockSize).file(filepath.Join(t.TempDir(), "file"))
	e := wantProblem(t, h.Upload(t.Context(), f, nil), "remote.exit", lifecycle.Permanent)
	if !bytes.Contains([]byte(e.Output), []byte("No space left on device")) {
		t.Errorf("output %q", e.Output)
	}
}

func TestUploadsOfTheSameFileAtOnce(t *testing.T) {
	_, h := node(t)
	path := filepath.Join(t.TempDir(), "file")
	errs := make(chan error)
	for range 4 {
		go func() { errs <- h.Upload(t.Context(), newContent(6*blockSize).file(path), nil) }()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	c := newContent(6 * blockSize)
	wantFile(t, c.file(path), c)
}

func BenchmarkUpload(b *testing.B) {
	_, h := node(b)
	c := newContent(64 << 20)
	b.SetBytes(int64(len(c.bytes)))
	for b.Loop() {
		b.StopTimer()
		f := c.file(filepath.Join(b.TempDir(), "file"))
		b.StartTimer()
		if err := h.Upload(b.Context(), f, nil); err != nil {
			b.Fatal(err)
		}
	}
}
