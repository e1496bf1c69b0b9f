package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

const selectUser = `SELECT id, name, full_name, email, admin, first, disabled, lang, time_zone, created_at FROM users`

func scanUser(u *access.User) []any {
	return []any{&u.ID, &u.Name, &u.FullName, &u.Email, &u.Admin, &u.First, &u.Disabled, &u.Lang, &u.TimeZone, at(&u.CreatedAt)}
}

// Users implements commands.UserStore.
func (s *Store) Users(ctx context.Context) ([]access.User, error) {
	users, err := list(ctx, s.read(ctx), scanUser, selectUser)
	slices.SortFunc(users, func(a, b access.User) int { return strings.Compare(a.Name, b.Name) })
	return users, err
}

// UserByID implements commands.UserStore.
func (s *Store) UserByID(ctx context.Context, id string) (*access.User, error) {
	u, err := get(ctx, s.read(ctx), scanUser, selectUser+` WHERE id = $1`, id)
	return u, about(err, "user", id)
}

// UserByName implements commands.UserStore.
func (s *Store) UserByName(ctx context.Context, name string) (*access.User, error) {
	u, err := get(ctx, s.read(ctx), scanUser, selectUser+` WHERE name = $1`, name)
	return u, about(err, "user", name)
}

// UserByIdentity implements commands.UserStore.
func (s *Store) UserByIdentity(ctx context.Context, identity string) (*access.User, error) {
	u, err := get(ctx, s.read(ctx), scanUser,
		selectUser+` WHERE id = (SELECT user_id FROM identities WHERE id = $1)`, identity)
	return u, about(err, "identity", identity)
}

// SaveUser implements commands.UserStore.
func (s *Store) SaveUser(ctx context.Context, u *access.User) error {
	if err := s.fillID(&u.ID); err != nil {
		return err
	}
	s.fillTime(&u.CreatedAt)
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO users (id, name, full_name, email, admin, first, disabled, lang, time_zone, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, full_name = excluded.full_name, email = excluded.email,
			admin = excluded.admin, first = excluded.first, disabled = excluded.disabled, lang = excluded.lang,
			time_zone = excluded.time_zone, created_at = excluded.created_at`,
			u.ID, u.Name, u.FullName, u.Email, u.Admin, u.First, u.Disabled, u.Lang, u.TimeZone, u.CreatedAt)
		return about(err, "user", u.Name)
	})
}

// DeleteUser implements commands.UserStore; what belongs to the user goes with it.
func (s *Store) DeleteUser(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		return about(t.must(ctx, `DELETE FROM users WHERE id = $1`, id), "user", id)
	})
}

// Identities implements commands.UserStore, in the order of linking.
func (s *Store) Identities(ctx context.Context, userID string) ([]access.Identity, error) {
	return list(ctx, s.read(ctx),
		func(i *access.Identity) []any { return []any{&i.ID, &i.UserID, at(&i.LinkedAt)} },
		`SELECT id, user_id, linked_at FROM identities WHERE user_id = $1 ORDER BY linked_at, id`, userID)
}

// LinkIdentity implements commands.UserStore.
func (s *Store) LinkIdentity(ctx context.Context, i access.Identity) error {
	s.fillTime(&i.LinkedAt)
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO identities (id, user_id, linked_at) VALUES ($1, $2, $3)`, i.ID, i.UserID, i.LinkedAt)
		return about(instead(err, lifecycle.ErrNotFound), "identity", i.ID)
	})
}

// SaveLinkCode implements commands.UserStore.
func (s *Store) SaveLinkCode(ctx context.Context, c access.LinkCode) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO link_codes (hash, user_id, created_by, expires_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (hash) DO UPDATE SET user_id = excluded.user_id, created_by = excluded.created_by,
			expires_at = excluded.expires_at`, c.Hash, c.UserID, c.CreatedBy, c.ExpiresAt)
		return about(instead(err, lifecycle.ErrNotFound), "user", c.UserID)
	})
}

// TakeLinkCode implements commands.UserStore.
func (s *Store) TakeLinkCode(ctx context.Context, hash string, now time.Time) (*access.LinkCode, error) {
	var c *access.LinkCode
	err := s.write(ctx, func(ctx context.Context, t *tx) (err error) {
		c, err = get(ctx, t.conn,
			func(c *access.LinkCode) []any { return []any{&c.Hash, &c.UserID, &c.CreatedBy, at(&c.ExpiresAt)} },
			`DELETE FROM link_codes WHERE hash = $1 AND expires_at > $2 RETURNING hash, user_id, created_by, expires_at`,
			hash, now)
		return err
	})
	return c, err
}
