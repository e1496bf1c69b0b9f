package vfs

import (
	"fmt"
	"io/fs"
	"path"
	"time"
)

// The kinds of change.
const (
	opDir    = "dir"
	opFile   = "file"   // create or replace with Data
	opAppend = "append" // Data at the end
	opBlob   = "blob"   // content is Size bytes of the blob Blob
	opLink   = "link"
	opRemove = "remove" // with everything below
	opRename = "rename" // Path becomes To
	opMeta   = "meta"   // mode, owner, time
)

// Op is one change, as the journal keeps it. Paths are absolute and resolved.
type Op struct {
	Do   string `json:"do"`
	Path string `json:"path"`
	To   string `json:"to,omitempty"`
	Mode uint32 `json:"mode,omitempty"` // bits of fs.FileMode
	UID  int    `json:"uid,omitempty"`
	GID  int    `json:"gid,omitempty"`
	Time int64  `json:"time,omitempty"` // unix milliseconds
	Data []byte `json:"data,omitempty"`
	Blob string `json:"blob,omitempty"`
	Size int64  `json:"size,omitempty"`
	Link string `json:"link,omitempty"`
}

// Apply makes one change of the tree. It is the only place that does.
func (f *FS) Apply(op Op) error {
	dir, ok := f.at(path.Dir(op.Path))
	if !ok || dir.children == nil {
		return fmt.Errorf("vfs: %s %s: no such directory", op.Do, op.Path)
	}
	name := path.Base(op.Path)
	n := dir.children[name]
	if op.Do == opDir || op.Do == opFile || op.Do == opLink {
		dir.children[name] = made(op)
		return nil
	}
	if n == nil {
		return fmt.Errorf("vfs: %s %s: no such file", op.Do, op.Path)
	}
	return f.alter(op, dir, name, n)
}

func (f *FS) alter(op Op, dir *node, name string, n *node) error {
	at := time.UnixMilli(op.Time)
	switch op.Do {
	case opAppend:
		n.data, n.modTime = append(n.data, op.Data...), at
	case opBlob:
		n.data, n.blob, n.size, n.modTime = nil, op.Blob, op.Size, at
	case opRemove:
		delete(dir.children, name)
	case opMeta:
		n.mode = n.mode&fs.ModeType | fs.FileMode(op.Mode)
		n.uid, n.gid, n.modTime = op.UID, op.GID, at
	case opRename:
		to, ok := f.at(path.Dir(op.To))
		if !ok || to.children == nil {
			return fmt.Errorf("vfs: rename to %s: no such directory", op.To)
		}
		delete(dir.children, name)
		to.children[path.Base(op.To)] = n
	default:
		return fmt.Errorf("vfs: unknown change %q", op.Do)
	}
	return nil
}

func made(op Op) *node {
	n := &node{mode: fs.FileMode(op.Mode), uid: op.UID, gid: op.GID, modTime: time.UnixMilli(op.Time)}
	switch op.Do {
	case opDir:
		n.mode |= fs.ModeDir
		n.children = map[string]*node{}
	case opLink:
		n.mode |= fs.ModeSymlink
		n.link = op.Link
	default:
		n.data = op.Data
	}
	return n
}
