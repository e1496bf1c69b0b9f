package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// DirLock keeps other processes off a data directory.
type DirLock struct{ f *os.File }

// LockDir takes the data directory for this process, or says that another has
// it. The kernel lets go of it when the process ends, however it ends.
func LockDir(dir string) (*DirLock, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("the data directory %s is in use by another process: stop it first, or use PostgreSQL for several", dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &DirLock{f}, nil
}

// Close lets go of the directory.
func (l *DirLock) Close() error { return l.f.Close() }
