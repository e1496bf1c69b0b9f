package vfs

import (
	"io/fs"
	"time"
)

// node is one inode. A directory has children, a link a target, a file either
// data or a blob.
type node struct {
	mode     fs.FileMode
	uid, gid int
	modTime  time.Time
	children map[string]*node
	link     string
	data     []byte
	blob     string
	size     int64 // of the blob
}

func (n *node) length() int64 {
	switch {
	case n.blob != "":
		return n.size
	case n.link != "":
		return int64(len(n.link))
	case n.children != nil:
		return 4096
	}
	return int64(len(n.data))
}

// Info is a file's status; it implements fs.FileInfo. It does not change when
// the file does.
type Info struct {
	name    string
	node    *node
	mode    fs.FileMode
	size    int64
	modTime time.Time
	UID     int
	GID     int
	Link    string
}

func infoOf(name string, n *node) *Info {
	return &Info{name: name, node: n, mode: n.mode, size: n.length(), modTime: n.modTime, UID: n.uid, GID: n.gid, Link: n.link}
}

// Name is the base name.
func (i *Info) Name() string { return i.name }

// Size is the length in bytes.
func (i *Info) Size() int64 { return i.size }

// Mode gives type and permission bits.
func (i *Info) Mode() fs.FileMode { return i.mode }

// ModTime is when the content or status last changed.
func (i *Info) ModTime() time.Time { return i.modTime }

// IsDir reports whether it is a directory.
func (i *Info) IsDir() bool { return i.mode.IsDir() }

// Sys gives nothing: there is no system below.
func (i *Info) Sys() any { return nil }
