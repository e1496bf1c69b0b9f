package store_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

func TestOpenRefuses(t *testing.T) {
	dir, keys := t.TempDir(), testKeys(t)
	notSQLite := filepath.Join(dir, "text")
	if err := os.WriteFile(notSQLite, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]store.Config{
		"neither a path nor a DSN": {Keys: keys},
		"both a path and a DSN":    {Path: filepath.Join(dir, "db"), DSN: "postgres://x", Keys: keys},
		"no keys":                  {Path: filepath.Join(dir, "db")},
		"no directory":             {Path: filepath.Join(dir, "none", "db"), Keys: keys},
		"not a database":           {Path: notSQLite, Keys: keys},
		"nobody listens":           {DSN: "postgres://u:hunter2@127.0.0.1:1/db?sslmode=disable", Keys: keys},
		"not a DSN":                {DSN: "postgres://u:hunter2@127.0.0.1:port/db", Keys: keys},
	} {
		s, err := store.Open(storetest.Context(t), c)
		if err == nil {
			closeStore(t, s)
			t.Errorf("%s: opened", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
}

func TestDatabaseFileIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	openStore(t, store.Config{Path: path, Keys: testKeys(t)})
	for suffix := range filesOf(t, path) {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%q has mode %o", suffix, info.Mode().Perm())
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	for engine, c := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			closeStore(t, openStore(t, c))
			change(t, c, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
			s, err := store.Open(storetest.Context(t), c)
			if err == nil {
				closeStore(t, s)
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), "newer Coxswain") {
				t.Fatal(err)
			}
		})
	}
}

// TestSealedTextIsBoundToItsCell: a secret copied into another row, or changed,
// does not open.
func TestSealedTextIsBoundToItsCell(t *testing.T) {
	for engine, c := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			ctx, s := storetest.Context(t), openStore(t, c)
			a, b := &lifecycle.Credential{Name: "a", Password: "of a"}, &lifecycle.Credential{Name: "b", Password: "of b"}
			for _, one := range []*lifecycle.Credential{a, b} {
				if err := s.CreateCredential(ctx, one); err != nil {
					t.Fatal(err)
				}
			}
			change(t, c, `UPDATE credentials SET password = (SELECT o.password FROM credentials o WHERE o.name = 'a') WHERE name = 'b'`)
			if got, err := s.CredentialSecret(ctx, b.ID); err == nil {
				t.Errorf("another row's secret opened: %+v", got)
			}
			for _, broken := range []string{"junk", "none:junk", "k", ":"} {
				change(t, c, `UPDATE credentials SET password = '`+broken+`' WHERE name = 'a'`)
				if _, err := s.CredentialSecret(ctx, a.ID); err == nil {
					t.Errorf("%q opened", broken)
				}
			}
			change(t, c, `UPDATE credentials SET password = SUBSTR(passphrase || (SELECT o.password FROM credentials o WHERE o.name = 'b'), 1, 24) WHERE name = 'a'`)
			if _, err := s.CredentialSecret(ctx, a.ID); err == nil {
				t.Error("a cut secret opened")
			}
		})
	}
}

// TestCollisionsRunAgain: two transactions that lock the same rows in opposite
// order both end well, although PostgreSQL has to break one of them.
func TestCollisionsRunAgain(t *testing.T) {
	for engine, c := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			ctx, s := storetest.Context(t), openStore(t, c)
			for _, id := range []string{"a", "b"} {
				if err := s.SaveProject(ctx, &lifecycle.Project{ID: id, Name: id}); err != nil {
					t.Fatal(err)
				}
			}
			met := make(chan struct{}, 2)
			cross := func(first, second string) error {
				runs := 0
				return s.WithTx(ctx, func(ctx context.Context) error {
					runs++
					if err := s.SaveProject(ctx, &lifecycle.Project{ID: first, Name: first}); err != nil {
						return err
					}
					if runs == 1 && s.Engine() == "postgres" { // SQLite lets only one in
						met <- struct{}{}
						for len(met) < 2 && ctx.Err() == nil {
							if _, err := s.Projects(ctx); err != nil {
								return err
							}
						}
					}
					return s.SaveProject(ctx, &lifecycle.Project{ID: second, Name: second})
				})
			}
			results := make(chan error, 2)
			go func() { results <- cross("a", "b") }()
			go func() { results <- cross("b", "a") }()
			if err := errors.Join(<-results, <-results); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// engines gives an empty database of each kind.
func engines(t testing.TB) map[string]store.Config {
	t.Helper()
	keys := testKeys(t)
	return map[string]store.Config{
		"sqlite":   {Path: filepath.Join(t.TempDir(), "db"), Keys: keys},
		"postgres": {DSN: pgtest.New(t), Keys: keys},
	}
}

// change does what the store's methods would not.
func change(t testing.TB, c store.Config, statement string) {
	t.Helper()
	driver, dsn := "pgx", c.DSN
	if c.Path != "" {
		driver, dsn = "sqlite", c.Path
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
