package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// LoadOrCreateKeyRing reads the key file at path and makes it, with one new key
// and for its owner alone, when there is none. A file that others may read is
// refused.
func LoadOrCreateKeyRing(path string) (*KeyRing, error) {
	r, err := LoadKeyRing(path)
	if !errors.Is(err, os.ErrNotExist) {
		return r, err
	}
	line, err := NewKey()
	if err != nil {
		return nil, err
	}
	content := "# Coxswain's keys, oldest first. Whoever has them can read every stored secret;\n" +
		"# without them nobody can. Keep a copy apart from the database's backups.\n" + line + "\n"
	if err := writeKeyFile(path, content, os.Link); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return LoadKeyRing(path) // ours, or that of whoever was faster
}

// LoadKeyRing reads the key file at path; its error is os.ErrNotExist when there
// is none.
func LoadKeyRing(path string) (*KeyRing, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if loose := info.Mode().Perm() &^ 0o600; loose != 0 {
		return nil, fmt.Errorf("key file %s: its mode is %04o and others may read or change it: run chmod 600 on it, and make new keys if somebody may have read it", path, info.Mode().Perm())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	r, err := ParseKeyRing(string(content))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return r, nil
}

// AddKey adds a new key to the file at path. It seals from the next start on;
// the older keys stay, for what they have sealed.
func AddKey(path string) error {
	r, err := LoadKeyRing(path)
	if err != nil {
		return err
	}
	line, err := NewKey()
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, k := range r.keys {
		b.WriteString(k.line + "\n")
	}
	return writeKeyFile(path, b.String()+line+"\n", os.Rename)
}

// writeKeyFile writes a whole file beside path and puts it in place at once, so
// that no half-written key is ever read.
func writeKeyFile(path, content string, place func(from, to string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	defer func() {
		if rm := os.Remove(f.Name()); rm != nil && !errors.Is(rm, os.ErrNotExist) {
			err = errors.Join(err, rm)
		}
	}()
	_, err = f.WriteString(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	if err := place(f.Name(), path); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
