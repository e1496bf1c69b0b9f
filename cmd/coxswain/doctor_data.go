package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/coxswain-ops/coxswain/config"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// keyFile is where the keys are when the configuration does not give them.
func keyFile(data string) string { return filepath.Join(data, "keys") }

// The free space, in bytes, below which nothing works and below which it soon
// will not: a bundle takes two to three times a gigabyte while it is imported.
const (
	leastSpace = 512 << 20
	fairSpace  = 5 << 30
)

func (d *doctor) configuration(context.Context) []finding {
	if d.configFile == "" {
		return good(lifecycle.T("doctor.config.none"))
	}
	cfg, err := config.Load(d.configFile)
	if err == nil {
		d.cfg = cfg
		return good(lifecycle.T("doctor.config.ok", "file", d.configFile))
	}
	next := lifecycle.T("doctor.config.next")
	var mistakes config.Errors
	if !errors.As(err, &mistakes) {
		return []finding{mend(lifecycle.T("doctor.config.unreadable", "cause", err.Error()), next)}
	}
	var out []finding
	for i, m := range mistakes {
		one := mend(lifecycle.T("doctor.config.mistake", "mistake", mistakeText(m)), lifecycle.Text{})
		if i == len(mistakes)-1 {
			one.next = next
		}
		out = append(out, one)
	}
	return out
}

func (d *doctor) dataDirectory(context.Context) []finding {
	dir := d.cfg.Server.Data
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d.newDirectory(dir)
	case err != nil:
		return []finding{mend(lifecycle.T("doctor.data.broken", "dir", dir, "cause", cause(err)), lifecycle.T("doctor.data.broken.next", "dir", dir))}
	case !info.IsDir():
		return []finding{mend(lifecycle.T("doctor.data.file", "dir", dir), lifecycle.T("doctor.data.file.next"))}
	}
	if err := writable(dir); err != nil {
		return []finding{mend(lifecycle.T("doctor.data.broken", "dir", dir, "cause", cause(err)), lifecycle.T("doctor.data.broken.next", "dir", dir))}
	}
	if info.Mode().Perm()&0o077 != 0 {
		return []finding{mention(lifecycle.T("doctor.data.open", "dir", dir), lifecycle.T("doctor.data.open.next", "dir", dir))}
	}
	return good(lifecycle.T("doctor.data.ok", "dir", dir))
}

// newDirectory looks whether a directory that is not there yet can be made.
func (d *doctor) newDirectory(dir string) []finding {
	parent, err := existing(dir)
	if err == nil {
		err = writable(parent)
	}
	if err != nil {
		return []finding{mend(lifecycle.T("doctor.data.broken", "dir", dir, "cause", cause(err)), lifecycle.T("doctor.data.broken.next", "dir", dir))}
	}
	return good(lifecycle.T("doctor.data.new", "dir", dir))
}

// existing gives the nearest folder above dir that is there.
func existing(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(dir)
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return dir, err
		}
		dir = filepath.Dir(dir)
	}
}

// writable tries it: permissions alone tell nothing of read-only file systems.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString("coxswain doctor\n")
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
}

func (d *doctor) space(context.Context) []finding {
	dir, err := existing(d.cfg.Server.Data)
	if err != nil {
		return nil // dataDirectory has told
	}
	free, err := freeBytes(dir)
	if err != nil {
		return nil // not to be told on this system
	}
	text := lifecycle.T("doctor.space", "dir", dir, "free", free)
	switch {
	case free < leastSpace:
		return []finding{mend(text, lifecycle.T("doctor.space.next"))}
	case free < fairSpace:
		return []finding{mention(text, lifecycle.T("doctor.space.next"))}
	}
	return good(text)
}

func (d *doctor) keys(context.Context) []finding {
	if keys := d.cfg.Store.Keys; !keys.IsZero() {
		if _, err := store.ParseKeyRing(keys.Reveal()); err != nil {
			return []finding{mend(lifecycle.T("doctor.keys.broken", "cause", keys.Source()+": "+err.Error()), lifecycle.T("doctor.keys.broken.next"))}
		}
		return good(lifecycle.T("doctor.keys.ok", "source", keys.Source()))
	}
	file := keyFile(d.cfg.Server.Data)
	_, err := store.LoadKeyRing(file)
	switch {
	case err == nil:
		return good(lifecycle.T("doctor.keys.ok", "source", file))
	case errors.Is(err, fs.ErrNotExist) && d.firstStart():
		return good(lifecycle.T("doctor.keys.new", "file", file))
	case errors.Is(err, fs.ErrNotExist):
		return []finding{mend(lifecycle.T("doctor.keys.lost", "file", file), lifecycle.T("doctor.keys.lost.next"))}
	}
	return []finding{mend(lifecycle.T("doctor.keys.broken", "cause", err.Error()), lifecycle.T("doctor.keys.broken.next"))}
}

// firstStart reports whether nothing was stored yet that keys would open.
func (d *doctor) firstStart() bool {
	if !d.cfg.Store.DSN.IsZero() {
		return true // what PostgreSQL holds is not looked at
	}
	found, err := filepath.Glob(filepath.Join(d.cfg.Server.Data, "*.db"))
	return err == nil && len(found) == 0
}

// cause is the short reason of a file error, without the path that the sentence
// names already.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
