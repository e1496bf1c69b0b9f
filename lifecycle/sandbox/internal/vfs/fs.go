package vfs

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// maxLinks bounds how many symbolic links one path may pass through.
const maxLinks = 40

// FS is one machine's file system. It is not safe for concurrent use.
type FS struct {
	root   *node
	blobs  Blobs
	now    func() time.Time
	record func(Op)
}

// New makes an empty file system with a root directory. Every change is given
// to record after it was made; now is the clock of modification times.
func New(blobs Blobs, now func() time.Time, record func(Op)) *FS {
	root := &node{mode: fs.ModeDir | 0o755, children: map[string]*node{}, modTime: now()}
	return &FS{root: root, blobs: blobs, now: now, record: record}
}

// at finds the node of a resolved path, following nothing.
func (f *FS) at(resolved string) (*node, bool) {
	n := f.root
	for part := range strings.SplitSeq(strings.Trim(resolved, "/"), "/") {
		if part == "" {
			continue
		}
		next, ok := n.children[part]
		if !ok {
			return nil, false
		}
		n = next
	}
	return n, true
}

// resolve follows the links of name (the last one only when follow is set) and
// gives the path that is left and its node, nil when only the directory exists.
func (f *FS) resolve(op, name string, follow bool) (string, *node, error) {
	fail := func(err error) (string, *node, error) {
		return "", nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	rest := strings.Split(path.Clean("/"+name), "/")[1:]
	at, n, links := "/", f.root, 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		if part == "" {
			continue
		}
		if n.children == nil {
			return fail(syscall.ENOTDIR)
		}
		next, ok := n.children[part]
		if !ok {
			if len(rest) > 0 {
				return fail(syscall.ENOENT)
			}
			return path.Join(at, part), nil, nil
		}
		if next.link != "" && (follow || len(rest) > 0) {
			if links++; links > maxLinks {
				return fail(syscall.ELOOP)
			}
			target := next.link
			if !path.IsAbs(target) {
				target = path.Join(at, target)
			}
			rest = append(strings.Split(path.Clean(target), "/")[1:], rest...)
			at, n = "/", f.root
			continue
		}
		at, n = path.Join(at, part), next
	}
	return at, n, nil
}

// do applies op and records it.
func (f *FS) do(op Op) error {
	op.Time = f.now().UnixMilli()
	if err := f.Apply(op); err != nil {
		return err
	}
	f.record(op)
	return nil
}

// Stat tells about a file; a link is followed when follow is set.
func (f *FS) Stat(name string, follow bool) (*Info, error) {
	at, n, err := f.resolve("stat", name, follow)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: syscall.ENOENT}
	}
	return infoOf(path.Base(at), n), nil
}

// Exists reports whether name is there, following links.
func (f *FS) Exists(name string) bool {
	_, err := f.Stat(name, true)
	return err == nil
}

// Real is the path of name without links.
func (f *FS) Real(name string) (string, error) {
	at, _, err := f.resolve("readlink", name, true)
	return at, err
}

// ReadDir lists a directory in order of names.
func (f *FS) ReadDir(name string) ([]*Info, error) {
	_, n, err := f.resolve("open", name, true)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	}
	if n.children == nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: syscall.ENOTDIR}
	}
	out := make([]*Info, 0, len(n.children))
	for child, c := range n.children {
		out = append(out, infoOf(child, c))
	}
	slices.SortFunc(out, func(a, b *Info) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// Ops gives the changes that rebuild the whole tree in an empty FS.
func (f *FS) Ops() []Op {
	var out []Op
	var walk func(at string, n *node)
	walk = func(at string, n *node) {
		names := make([]string, 0, len(n.children))
		for name := range n.children {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			c := n.children[name]
			p := path.Join(at, name)
			out = append(out, opsOf(p, c)...)
			walk(p, c)
		}
	}
	walk("/", f.root)
	return out
}

func opsOf(p string, n *node) []Op {
	op := Op{Do: opFile, Path: p, Mode: uint32(n.mode), UID: n.uid, GID: n.gid, Time: n.modTime.UnixMilli(), Data: n.data, Link: n.link}
	switch {
	case n.children != nil:
		op.Do = opDir
	case n.link != "":
		op.Do = opLink
	case n.blob != "":
		return []Op{op, {Do: opBlob, Path: p, Blob: n.blob, Size: n.size, Time: op.Time}}
	}
	return []Op{op}
}
