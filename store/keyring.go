package store

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	keyBytes   = 32 // AES-256
	keyIDBytes = 4
)

// KeyRing holds the keys of the sealed columns. The newest seals; each opens
// what it has sealed.
type KeyRing struct {
	keys []ringKey // oldest first
}

type ringKey struct {
	id   string
	aead cipher.AEAD
	line string // as it stands in the file
}

// ParseKeyRing reads the content of a key file: one key a line, oldest first, as
// an id, a blank and 32 bytes in base64. Empty lines and lines that begin with #
// are passed over. Its errors hold no part of a key.
func ParseKeyRing(content string) (*KeyRing, error) {
	r := &KeyRing{}
	sc := bufio.NewScanner(strings.NewReader(content))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if r.find(k.id) != nil {
			return nil, fmt.Errorf("line %d: the key id %q is there twice", n, k.id)
		}
		r.keys = append(r.keys, k)
	}
	if err := sc.Err(); err != nil {
		return nil, errors.New("a line is too long for a key")
	}
	if len(r.keys) == 0 {
		return nil, errors.New("there is no key")
	}
	return r, nil
}

func parseKey(line string) (ringKey, error) {
	id, encoded, ok := strings.Cut(line, " ")
	if !ok || strings.Contains(id, ":") {
		return ringKey{}, errors.New("a key is an id, a blank and 32 bytes in base64")
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(secret) != keyBytes {
		return ringKey{}, fmt.Errorf("the key %q is not 32 bytes in base64", id)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return ringKey{}, fmt.Errorf("the key %q cannot be used", id)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return ringKey{}, fmt.Errorf("the key %q cannot be used", id)
	}
	return ringKey{id: id, aead: aead, line: line}, nil
}

// NewKey makes a random key as a line of a key file, without its end.
func NewKey() (string, error) {
	b := make([]byte, keyIDBytes+keyBytes)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("no randomness for a key: %w", err)
	}
	return "k" + hex.EncodeToString(b[:keyIDBytes]) + " " + base64.StdEncoding.EncodeToString(b[keyIDBytes:]), nil
}

func (r *KeyRing) find(id string) *ringKey {
	i := slices.IndexFunc(r.keys, func(k ringKey) bool { return k.id == id })
	if i < 0 {
		return nil
	}
	return &r.keys[i]
}

func (r *KeyRing) newest() *ringKey { return &r.keys[len(r.keys)-1] }

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
