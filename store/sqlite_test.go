package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest"
)

func TestSQLite(t *testing.T) { storetest.Run(t, sqliteFixture) }

func testKeys(t testing.TB) *store.KeyRing {
	t.Helper()
	line, err := store.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyRing(line)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func openStore(t testing.TB, c store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(storetest.Context(t), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func sqliteFixture(t *testing.T) *storetest.Fixture {
	c := store.Config{Path: filepath.Join(t.TempDir(), "data ?#%20.db"), Keys: testKeys(t)}
	s := openStore(t, c)
	return &storetest.Fixture{
		Store: s,
		Reopen: func() *store.Store {
			closeStore(t, s)
			s = openStore(t, c)
			return s
		},
		// What a killed process leaves is its files as they are at that moment.
		Crash: func() *store.Store {
			c.Path = copyFiles(t, c.Path)
			s = openStore(t, c)
			return s
		},
		Peer: func(clock func() time.Time) *store.Store {
			peer := c
			peer.Clock = clock
			return openStore(t, peer)
		},
		Raw: func() []byte {
			var all []byte
			for _, content := range filesOf(t, c.Path) {
				all = append(all, content...)
			}
			return all
		},
	}
}

// filesOf reads the database and the files that SQLite keeps beside it, by what
// is added to the name.
func filesOf(t testing.TB, path string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if err == nil {
			files[suffix] = content
		}
	}
	return files
}

func copyFiles(t testing.TB, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), filepath.Base(path))
	for suffix, content := range filesOf(t, path) {
		if suffix == "-shm" {
			continue // memory; the next process makes its own
		}
		if err := os.WriteFile(to+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}
