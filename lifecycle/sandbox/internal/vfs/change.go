package vfs

import (
	"io/fs"
	"path"
	"syscall"
)

// spillAt is the length in bytes from which a file's content goes to a blob, so
// that an uploaded bundle stays out of memory and journal.
const spillAt = 256 << 10

// Mkdir makes one directory; EEXIST when the name is taken.
func (f *FS) Mkdir(name string, mode fs.FileMode) error {
	at, n, err := f.resolve("mkdir", name, true)
	if err != nil {
		return err
	}
	if n != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.EEXIST}
	}
	return f.do(Op{Do: opDir, Path: at, Mode: uint32(mode.Perm())})
}

// MkdirAll makes a directory and its parents, and is content with what exists.
func (f *FS) MkdirAll(name string, mode fs.FileMode) error {
	name = path.Clean("/" + name)
	if i, err := f.Stat(name, true); err == nil {
		if i.IsDir() {
			return nil
		}
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.EEXIST}
	}
	if err := f.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return f.Mkdir(name, mode)
}

// Remove takes name away with everything below it; a link itself, not its target.
func (f *FS) Remove(name string) error {
	at, n, err := f.resolve("remove", name, false)
	if err != nil {
		return err
	}
	if n == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOENT}
	}
	if at == "/" {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.EBUSY}
	}
	return f.do(Op{Do: opRemove, Path: at})
}

// Rename moves a file or directory over what is there. A target directory takes
// nothing in: say the full new name.
func (f *FS) Rename(from, to string) error {
	src, n, err := f.resolve("rename", from, false)
	if err != nil {
		return err
	}
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: syscall.ENOENT}
	}
	dst, old, err := f.resolve("rename", to, false)
	if err != nil {
		return err
	}
	if old == n {
		return nil
	}
	if old != nil && len(old.children) > 0 {
		return &fs.PathError{Op: "rename", Path: to, Err: syscall.ENOTEMPTY}
	}
	return f.do(Op{Do: opRename, Path: src, To: dst})
}

// Symlink makes name a link to target; EEXIST when the name is taken.
func (f *FS) Symlink(target, name string) error {
	at, n, err := f.resolve("symlink", name, false)
	if err != nil {
		return err
	}
	if n != nil {
		return &fs.PathError{Op: "symlink", Path: name, Err: syscall.EEXIST}
	}
	return f.do(Op{Do: opLink, Path: at, Mode: 0o777, Link: target})
}

// Socket makes a socket, which has a name and nothing in it.
func (f *FS) Socket(name string) error {
	at, n, err := f.resolve("bind", name, false)
	if err != nil {
		return err
	}
	if n != nil {
		return &fs.PathError{Op: "bind", Path: name, Err: syscall.EADDRINUSE}
	}
	return f.do(Op{Do: opFile, Path: at, Mode: uint32(fs.ModeSocket | 0o660)})
}

// Chmod sets the permission bits.
func (f *FS) Chmod(name string, mode fs.FileMode) error {
	return f.meta(name, func(op *Op) { op.Mode = uint32(mode &^ fs.ModeType) })
}

// Chown sets the owner; -1 leaves a part as it is.
func (f *FS) Chown(name string, uid, gid int) error {
	return f.meta(name, func(op *Op) {
		if uid >= 0 {
			op.UID = uid
		}
		if gid >= 0 {
			op.GID = gid
		}
	})
}

// Touch sets the modification time to now.
func (f *FS) Touch(name string) error { return f.meta(name, func(*Op) {}) }

func (f *FS) meta(name string, set func(*Op)) error {
	at, n, err := f.resolve("chmod", name, true)
	if err != nil {
		return err
	}
	if n == nil {
		return &fs.PathError{Op: "chmod", Path: name, Err: syscall.ENOENT}
	}
	if at == "/" {
		return nil
	}
	op := Op{Do: opMeta, Path: at, Mode: uint32(n.mode &^ fs.ModeType), UID: n.uid, GID: n.gid}
	set(&op)
	return f.do(op)
}
