package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Blobs keeps the content of long files. A blob's length in use is what the
// journal says: bytes beyond it are of a write that was cut off.
type Blobs interface {
	Next() string
	Write(blob string, at int64, data []byte) error
	Reader(blob string) io.ReaderAt
}

// DirBlobs keeps blobs as files of one directory.
type DirBlobs struct {
	dir string

	mu    sync.Mutex
	last  int
	dirty map[string]bool
}

// OpenDir opens or makes the directory of blobs.
func OpenDir(dir string) (*DirBlobs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("blobs: %w", err)
	}
	d := &DirBlobs{dir: dir, dirty: map[string]bool{}}
	for _, e := range entries {
		var n int
		if _, err := fmt.Sscanf(e.Name(), "%08d", &n); err == nil {
			d.last = max(d.last, n)
		}
	}
	return d, nil
}

// Next gives a name that no blob has had.
func (d *DirBlobs) Next() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	return fmt.Sprintf("%08d", d.last)
}

// Write puts data at an offset of a blob, made when it is not there.
func (d *DirBlobs) Write(blob string, at int64, data []byte) (err error) {
	file, err := os.OpenFile(filepath.Join(d.dir, blob), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	d.mu.Lock()
	d.dirty[blob] = true
	d.mu.Unlock()
	_, err = file.WriteAt(data, at)
	return err
}

// Reader reads a blob without keeping it open.
func (d *DirBlobs) Reader(blob string) io.ReaderAt { return blobReader(filepath.Join(d.dir, blob)) }

// Sync makes everything written so far durable.
func (d *DirBlobs) Sync() error {
	d.mu.Lock()
	dirty := d.dirty
	d.dirty = map[string]bool{}
	d.mu.Unlock()
	for blob := range dirty {
		if err := syncFile(filepath.Join(d.dir, blob)); err != nil {
			return err
		}
	}
	return nil
}

// Keep removes every blob that is not in use.
func (d *DirBlobs) Keep(inUse map[string]bool) error {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if inUse[e.Name()] {
			continue
		}
		if err := os.Remove(filepath.Join(d.dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// InUse adds the blobs that the tree refers to.
func (f *FS) InUse(into map[string]bool) {
	for _, op := range f.Ops() {
		if op.Blob != "" {
			into[op.Blob] = true
		}
	}
}

func syncFile(name string) (err error) {
	file, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return file.Sync()
}

type blobReader string

func (b blobReader) ReadAt(p []byte, at int64) (n int, err error) {
	file, err := os.Open(string(b))
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return file.ReadAt(p, at)
}
