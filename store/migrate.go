package store

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/coxswain-ops/coxswain/store/migrations"
)

// identityWord stands in the migrations for the engine's counted key.
const identityWord = "IDENTITY_PRIMARY_KEY"

// migrate brings the schema up to date. On PostgreSQL an advisory lock keeps
// processes that start together out of each other's way.
func migrate(ctx context.Context, db *sql.DB, d dialect) error {
	p, err := newMigrator(db, d)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("store: cannot read the version of the schema: %w", err)
	}
	if have > want {
		return fmt.Errorf("store: the database has schema version %d and this program knows %d: it was written by a newer Coxswain; start that one, or restore a backup", have, want)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: cannot bring the schema up to date: %w", err)
	}
	return nil
}

func newMigrator(db *sql.DB, d dialect) (*goose.Provider, error) {
	var opts []goose.ProviderOption
	if d.goose == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	return goose.NewProvider(d.goose, db, spelled{migrations.FS, d}, opts...)
}

// spelled is the migrations with the identity word in the engine's spelling.
type spelled struct {
	fs.FS
	dialect dialect
}

// Open implements fs.FS.
func (s spelled) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := fs.ReadFile(s.FS, name)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte(identityWord), []byte(s.dialect.identity))
	return spelledFile{f, bytes.NewReader(text)}, nil
}

type spelledFile struct {
	fs.File
	text *bytes.Reader
}

// Read implements fs.File.
func (f spelledFile) Read(p []byte) (int, error) { return f.text.Read(p) }
