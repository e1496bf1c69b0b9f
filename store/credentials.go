package store

import (
	"context"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

const selectCredential = `SELECT id, name, username, kind, created_at FROM credentials`

func scanCredential(c *lifecycle.Credential) []any {
	return []any{&c.ID, &c.Name, &c.User, &c.Kind, at(&c.CreatedAt)}
}

func credentialCell(id, column string) cell { return cell{"credentials", id, column} }

// Credentials implements commands.CredentialStore.
func (s *Store) Credentials(ctx context.Context) ([]lifecycle.Credential, error) {
	all, err := list(ctx, s.read(ctx), scanCredential, selectCredential)
	slices.SortFunc(all, func(a, b lifecycle.Credential) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// CredentialByName implements commands.CredentialStore.
func (s *Store) CredentialByName(ctx context.Context, name string) (*lifecycle.Credential, error) {
	c, err := get(ctx, s.read(ctx), scanCredential, selectCredential+` WHERE name = $1`, name)
	return c, about(err, "credential", name)
}

// CredentialSecret implements commands.CredentialStore.
func (s *Store) CredentialSecret(ctx context.Context, id string) (*lifecycle.Credential, error) {
	c, err := get(ctx, s.read(ctx),
		func(c *lifecycle.Credential) []any {
			return append(scanCredential(c), &c.Password, &c.PrivateKey, &c.Passphrase)
		},
		`SELECT id, name, username, kind, created_at, password, private_key, passphrase FROM credentials WHERE id = $1`, id)
	if err != nil {
		return nil, about(err, "credential", id)
	}
	for column, v := range secretParts(c) {
		if err := s.openInto(credentialCell(c.ID, column), v); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func secretParts(c *lifecycle.Credential) map[string]*string {
	return map[string]*string{"password": &c.Password, "private_key": &c.PrivateKey, "passphrase": &c.Passphrase}
}

// CreateCredential implements commands.CredentialStore.
func (s *Store) CreateCredential(ctx context.Context, c *lifecycle.Credential) error {
	if err := s.fillID(&c.ID); err != nil {
		return err
	}
	s.fillTime(&c.CreatedAt)
	sealed := map[string]string{}
	for column, v := range secretParts(c) {
		text, err := s.seal(credentialCell(c.ID, column), *v)
		if err != nil {
			return err
		}
		sealed[column] = text
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO credentials (id, name, username, kind, created_at, password, private_key, passphrase)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, c.ID, c.Name, c.User, c.Kind, c.CreatedAt,
			sealed["password"], sealed["private_key"], sealed["passphrase"])
		return about(err, "credential", c.Name)
	})
}

// DeleteCredential implements commands.CredentialStore.
func (s *Store) DeleteCredential(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		err := t.must(ctx, `DELETE FROM credentials WHERE id = $1`, id)
		return about(instead(err, lifecycle.ErrConflict), "credential", id)
	})
}
