package vfs

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"
	"time"
)

func newFS(t *testing.T) (*FS, *[]Op, *DirBlobs) {
	t.Helper()
	blobs, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ops := &[]Op{}
	return New(blobs, time.Now, func(o Op) { *ops = append(*ops, o) }), ops, blobs
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestReplay proves that the recorded changes rebuild the tree, and that Ops does.
func TestReplay(t *testing.T) {
	f, ops, blobs := newFS(t)
	long := bytes.Repeat([]byte("x"), spillAt+10)
	must(t, f.MkdirAll("/a/b", 0o755), f.WriteFile("/a/b/one", []byte("1"), 0o644), f.Append("/a/b/one", []byte("2")),
		f.WriteFile("/a/long", long, 0o600), f.Append("/a/long", []byte("tail")), f.Symlink("b/one", "/a/link"),
		f.Rename("/a/b/one", "/a/b/two"), f.Symlink("/a/b", "/dir"), f.WriteFile("/dir/three", []byte("3"), 0o644),
		f.Chmod("/a/b/two", 0o400), f.Chown("/a/b/two", 5, -1), f.WriteFile("/gone", nil, 0o644), f.Remove("/gone"),
		f.Truncate("/a/b/two", 1), f.Socket("/a/sock"))
	for name, source := range map[string][]Op{"recorded": *ops, "dumped": f.Ops()} {
		g := New(blobs, time.Now, func(Op) { t.Error("replay records") })
		for _, op := range source {
			must(t, g.Apply(op))
		}
		content, err := g.ReadFile("/dir/two")
		must(t, err)
		if string(content) != "1" {
			t.Errorf("%s: two = %q", name, content)
		}
		content, err = g.ReadFile("/a/long")
		must(t, err)
		if len(content) != spillAt+14 || string(content[spillAt+10:]) != "tail" {
			t.Errorf("%s: long has %d bytes", name, len(content))
		}
		info, err := g.Stat("/a/b/two", true)
		must(t, err)
		if info.Mode() != 0o400 || info.UID != 5 {
			t.Errorf("%s: two is %v of %d", name, info.Mode(), info.UID)
		}
		if g.Exists("/a/link") || g.Exists("/gone") || !g.Exists("/a/b/three") {
			t.Errorf("%s: names are wrong", name)
		}
	}
}

func TestErrors(t *testing.T) {
	f, _, _ := newFS(t)
	must(t, f.Mkdir("/d", 0o755), f.WriteFile("/d/f", []byte("x"), 0o644), f.Symlink("/loop", "/loop"))
	for name, c := range map[string]struct {
		got  error
		want string
	}{
		"taken":      {f.Mkdir("/d", 0o755), "file exists"},
		"no parent":  {f.WriteFile("/no/f", nil, 0o644), "no such file or directory"},
		"below file": {f.Mkdir("/d/f/x", 0o755), "not a directory"},
		"write dir":  {f.WriteFile("/d", nil, 0o644), "is a directory"},
		"loop":       {f.Append("/loop", nil), "too many levels of symbolic links"},
		"gone":       {f.Remove("/nothing"), "no such file or directory"},
		"root":       {f.Remove("/"), "device or resource busy"},
		"full dir":   {errors.Join(f.Mkdir("/e", 0o755), f.Rename("/e", "/d")), "directory not empty"},
	} {
		var pe *fs.PathError
		if !errors.As(c.got, &pe) || pe.Err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, c.got, c.want)
		}
	}
}

// TestSnapshot proves that an open file does not change under its reader.
func TestSnapshot(t *testing.T) {
	f, _, _ := newFS(t)
	must(t, f.WriteFile("/f", []byte("before"), 0o644))
	r, err := f.Open("/f")
	must(t, err)
	must(t, f.Append("/f", []byte(" after")), f.WriteFile("/f", []byte("other"), 0o644))
	b := make([]byte, r.Size())
	if _, err := r.ReadAt(b, 0); err != nil || string(b) != "before" {
		t.Fatalf("%q %v", b, err)
	}
}

func TestBlobsAreKeptWhileInUse(t *testing.T) {
	f, _, blobs := newFS(t)
	long := bytes.Repeat([]byte("y"), spillAt+1)
	must(t, f.WriteFile("/a", long, 0o644), f.WriteFile("/b", long, 0o644), f.Remove("/b"), blobs.Sync())
	inUse := map[string]bool{}
	f.InUse(inUse)
	must(t, blobs.Keep(inUse))
	content, err := f.ReadFile("/a")
	must(t, err)
	if len(inUse) != 1 || !bytes.Equal(content, long) {
		t.Fatalf("%d blobs in use, %d bytes", len(inUse), len(content))
	}
}
