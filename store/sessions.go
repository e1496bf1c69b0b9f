package store

import (
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// SavePass implements commands.SessionStore.
func (s *Store) SavePass(ctx context.Context, p access.Pass) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO passes (hash, identity, acts_on, expires_at) VALUES ($1, $2, $3, $4)`,
			p.Hash, p.Identity, p.On, p.ExpiresAt)
		return about(err, "pass of", p.Identity)
	})
}

// TakePass implements commands.SessionStore.
func (s *Store) TakePass(ctx context.Context, hash string, now time.Time) (*access.Pass, error) {
	p := access.Pass{Hash: hash}
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		return t.one(ctx, []any{&p.Identity, &p.On, at(&p.ExpiresAt)},
			`DELETE FROM passes WHERE hash = $1 AND expires_at > $2 RETURNING identity, acts_on, expires_at`, hash, now)
	})
	if err != nil {
		return nil, about(noSession(err), "pass", "")
	}
	return &p, nil
}

// CreateSession implements commands.SessionStore; ErrNotFound when there is no
// such user.
func (s *Store) CreateSession(ctx context.Context, b *access.Session) error {
	if err := s.fillID(&b.ID); err != nil {
		return err
	}
	s.fillTime(&b.CreatedAt)
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO sessions (id, hash, user_id, identity, acts_on, agent, remote, created_at, seen_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			b.ID, b.Hash, b.UserID, b.Identity, b.On, b.Agent, b.Remote, b.CreatedAt, b.SeenAt, b.ExpiresAt)
		return about(instead(err, lifecycle.ErrNotFound), "user", b.UserID)
	})
}

const selectSession = `SELECT id, hash, user_id, identity, acts_on, agent, remote, created_at, seen_at, expires_at FROM sessions`

func scanSession(b *access.Session) []any {
	return []any{&b.ID, &b.Hash, &b.UserID, &b.Identity, &b.On, &b.Agent, &b.Remote, at(&b.CreatedAt), at(&b.SeenAt), at(&b.ExpiresAt)}
}

// Session implements commands.SessionStore.
func (s *Store) Session(ctx context.Context, hash string, now time.Time) (*access.Session, error) {
	b, err := get(ctx, s.read(ctx), scanSession, selectSession+` WHERE hash = $1 AND expires_at > $2`, hash, now)
	if err != nil {
		return nil, about(noSession(err), "session", "")
	}
	return b, nil
}

// noSession tells the front end, which does not know the domain, that something
// is not there, as opposed to a store that fails.
func noSession(err error) error {
	if errors.Is(err, lifecycle.ErrNotFound) {
		return errors.Join(access.ErrNoSession, err)
	}
	return err
}

// TouchSession implements commands.SessionStore.
func (s *Store) TouchSession(ctx context.Context, id, remote string, seen, expires time.Time) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		return about(t.must(ctx, `UPDATE sessions SET remote = $2, seen_at = $3, expires_at = $4 WHERE id = $1`,
			id, remote, seen, expires), "session", id)
	})
}

// Sessions implements commands.SessionStore.
func (s *Store) Sessions(ctx context.Context, userID string, now time.Time) ([]access.Session, error) {
	var q query
	q.where("expires_at > %s", now)
	if userID != "" {
		q.where("user_id = %s", userID)
	}
	return list(ctx, s.read(ctx), scanSession, q.sql(selectSession, "seen_at DESC, id", 0), q.args...)
}

// DeleteSession implements commands.SessionStore.
func (s *Store) DeleteSession(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		return about(noSession(t.must(ctx, `DELETE FROM sessions WHERE id = $1`, id)), "session", id)
	})
}

// UnlinkIdentity implements commands.UserStore.
func (s *Store) UnlinkIdentity(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		if err := t.must(ctx, `DELETE FROM identities WHERE id = $1`, id); err != nil {
			return about(err, "identity", id)
		}
		_, sessions := t.exec(ctx, `DELETE FROM sessions WHERE identity = $1`, id)
		_, passes := t.exec(ctx, `DELETE FROM passes WHERE identity = $1`, id)
		return errors.Join(sessions, passes)
	})
}
