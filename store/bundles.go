package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

const selectBundle = `SELECT id, name, version, versions, arch, os, digest, size_bytes, files, path, created_at FROM bundles`

func scanBundle(b *lifecycle.Bundle) []any {
	return []any{&b.ID, &b.Name, &b.Version, into(&b.Versions), into(&b.Arch), into(&b.OS), &b.Digest,
		&b.SizeBytes, &b.Files, &b.Path, at(&b.CreatedAt)}
}

// Bundles implements commands.BundleStore.
func (s *Store) Bundles(ctx context.Context) ([]lifecycle.Bundle, error) {
	bundles, err := list(ctx, s.read(ctx), scanBundle, selectBundle)
	slices.SortFunc(bundles, func(a, b lifecycle.Bundle) int { return strings.Compare(a.Name, b.Name) })
	return bundles, err
}

// BundleByName implements commands.BundleStore.
func (s *Store) BundleByName(ctx context.Context, name string) (*lifecycle.Bundle, error) {
	b, err := get(ctx, s.read(ctx), scanBundle, selectBundle+` WHERE name = $1`, name)
	return b, about(err, "bundle", name)
}

// CreateBundle implements commands.BundleStore.
func (s *Store) CreateBundle(ctx context.Context, b *lifecycle.Bundle) error {
	if err := s.fillID(&b.ID); err != nil {
		return err
	}
	s.fillTime(&b.CreatedAt)
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO bundles (id, name, version, versions, arch, os, digest, size_bytes, files, path, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, b.ID, b.Name, b.Version, jsonArg{b.Versions},
			jsonArg{b.Arch}, jsonArg{b.OS}, b.Digest, b.SizeBytes, b.Files, b.Path, b.CreatedAt)
		return about(err, "bundle", b.Name)
	})
}

// DeleteBundle implements commands.BundleStore.
func (s *Store) DeleteBundle(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		var name string
		err := t.one(ctx, []any{&name}, `SELECT name FROM bundles WHERE id = $1`+s.dialect.forUpdate, id)
		if err != nil {
			return about(err, "bundle", id)
		}
		var users int64
		err = t.one(ctx, []any{&users}, `SELECT COUNT(*) FROM clusters WHERE bundle = $1 AND status <> 'deleted'`, name)
		if err != nil {
			return err
		}
		if users > 0 {
			return fmt.Errorf("bundle %q is used by %d clusters: %w", name, users, lifecycle.ErrConflict)
		}
		return t.must(ctx, `DELETE FROM bundles WHERE id = $1`, id)
	})
}
