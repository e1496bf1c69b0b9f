package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest"
)

func newKey(t *testing.T) string {
	t.Helper()
	line, err := store.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

func TestKeyRingErrorsNameTheLineAndNoKey(t *testing.T) {
	good := newKey(t)
	secret := strings.Fields(good)[1]
	for name, content := range map[string]string{
		"empty":     "# nothing\n\n",
		"one word":  secret,
		"short":     "k1 c2hvcnQ=",
		"no base64": "k1 " + secret[:40] + "!!!",
		"twice":     good + "\n" + good,
		"colon":     "k:1 " + secret,
		"huge":      strings.Repeat("x", 100_000),
	} {
		_, err := store.ParseKeyRing(content)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if strings.Contains(err.Error(), secret[:16]) {
			t.Errorf("%s: the error holds a part of a key: %v", name, err)
		}
		if name != "empty" && name != "huge" && !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: the error names no line: %v", name, err)
		}
	}
}

func TestKeyFileIsMadeOnceAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	if _, err := store.LoadKeyRing(path); !os.IsNotExist(errorsUnwrapAll(err)) {
		t.Fatalf("no file: %v", err)
	}
	var wg sync.WaitGroup
	for range 8 { // all of them end up with the same key
		wg.Go(func() {
			if _, err := store.LoadOrCreateKeyRing(path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := store.LoadOrCreateKeyRing(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that the group may read: %v", err)
	}
}

func errorsUnwrapAll(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || os.IsNotExist(err) {
			return err
		}
		err = u.Unwrap()
	}
}

// TestKeysRotate: after AddKey old secrets open and new ones need the new key.
func TestKeysRotate(t *testing.T) {
	ctx, dir := storetest.Context(t), t.TempDir()
	path := filepath.Join(dir, "keys")
	open := func() (*store.Store, error) {
		keys, err := store.LoadOrCreateKeyRing(path)
		if err != nil {
			t.Fatal(err)
		}
		return store.Open(ctx, store.Config{Path: filepath.Join(dir, "db"), Keys: keys})
	}
	add := func(s *store.Store, name string) *lifecycle.Credential {
		t.Helper()
		c := &lifecycle.Credential{Name: name, Password: "pw " + name}
		if err := s.CreateCredential(ctx, c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	before := add(s, "before")
	closeStore(t, s)
	oldFile, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.AddKey(path); err != nil {
		t.Fatal(err)
	}
	if s, err = open(); err != nil {
		t.Fatal(err)
	}
	after := add(s, "after")
	for _, c := range []*lifecycle.Credential{before, after} {
		got, err := s.CredentialSecret(ctx, c.ID)
		if err != nil || got.Password != c.Password {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	closeStore(t, s)

	if err := os.WriteFile(path, oldFile, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = open(); err == nil {
		closeStore(t, s)
		t.Fatal("opened without a key that the database needs")
	} else if !strings.Contains(err.Error(), "does not fit this database") {
		t.Fatal(err)
	}
}

func TestLockDir(t *testing.T) {
	dir := t.TempDir()
	lock, err := store.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.LockDir(dir); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("second lock: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := store.LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.LockDir(filepath.Join(dir, "none")); err == nil {
		t.Fatal("locked a directory that is not there")
	}
}
