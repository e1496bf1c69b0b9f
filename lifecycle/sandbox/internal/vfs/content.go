package vfs

import (
	"io"
	"io/fs"
	"syscall"
)

// WriteFile creates or replaces a file. An existing file keeps its mode and owner.
func (f *FS) WriteFile(name string, data []byte, mode fs.FileMode) error {
	at, n, err := f.resolve("open", name, true)
	if err != nil {
		return err
	}
	op := Op{Do: opFile, Path: at, Mode: uint32(mode.Perm())}
	if n != nil {
		if n.children != nil {
			return &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
		}
		op.Mode, op.UID, op.GID = uint32(n.mode), n.uid, n.gid
	}
	if len(data) <= spillAt {
		op.Data = data
		return f.do(op)
	}
	if err := f.do(op); err != nil {
		return err
	}
	return f.Append(at, data)
}

// Append adds data to the end of an existing file.
func (f *FS) Append(name string, data []byte) error {
	at, n, err := f.file("open", name)
	if err != nil {
		return err
	}
	if n.blob == "" && len(n.data)+len(data) <= spillAt {
		return f.do(Op{Do: opAppend, Path: at, Data: data})
	}
	blob, size := n.blob, n.size
	if blob == "" {
		blob, size = f.blobs.Next(), 0
		data = append(append([]byte(nil), n.data...), data...)
	}
	if err := f.blobs.Write(blob, size, data); err != nil {
		return &fs.PathError{Op: "write", Path: name, Err: syscall.ENOSPC}
	}
	return f.do(Op{Do: opBlob, Path: at, Blob: blob, Size: size + int64(len(data))})
}

// Truncate cuts a file to size, or extends it with zeros.
func (f *FS) Truncate(name string, size int64) error {
	at, n, err := f.file("truncate", name)
	if err != nil {
		return err
	}
	if more := size - n.length(); more > 0 {
		return f.extend(at, more)
	}
	if n.blob != "" {
		return f.do(Op{Do: opBlob, Path: at, Blob: n.blob, Size: size})
	}
	return f.WriteFile(at, n.data[:size:size], 0)
}

func (f *FS) extend(at string, more int64) error {
	zeros := make([]byte, min(more, 1<<20))
	for more > 0 {
		part := zeros[:min(more, int64(len(zeros)))]
		if err := f.Append(at, part); err != nil {
			return err
		}
		more -= int64(len(part))
	}
	return nil
}

// Open gives the present content of a file for reading; later changes of the
// file do not show in it.
func (f *FS) Open(name string) (*io.SectionReader, error) {
	_, n, err := f.file("open", name)
	if err != nil {
		return nil, err
	}
	if n.blob != "" {
		return io.NewSectionReader(f.blobs.Reader(n.blob), 0, n.size), nil
	}
	return io.NewSectionReader(bytesAt(n.data), 0, int64(len(n.data))), nil
}

// ReadFile gives the whole content.
func (f *FS) ReadFile(name string) ([]byte, error) {
	r, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// file finds what can be read and written.
func (f *FS) file(op, name string) (string, *node, error) {
	at, n, err := f.resolve(op, name, true)
	switch {
	case err != nil:
		return "", nil, err
	case n == nil:
		return "", nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOENT}
	case n.children != nil:
		return "", nil, &fs.PathError{Op: op, Path: name, Err: syscall.EISDIR}
	}
	return at, n, nil
}

type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
