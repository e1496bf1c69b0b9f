package store

import (
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

var (
	_ bot.ButtonStore = (*Store)(nil)
	_ bot.Vault       = (*Store)(nil)
	_ bot.Leases      = (*Store)(nil)
)

func buttonCell(id string) cell { return cell{"buttons", id, "command"} }

// SaveButton implements bot.ButtonStore. A button that is shown often is not
// written each time: its expiry moves on by half a life at least.
func (s *Store) SaveButton(ctx context.Context, b bot.Button) error {
	command, err := s.seal(buttonCell(b.ID), b.Command)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO buttons (id, command, for_whom, account, room, expires_at, used)
			VALUES ($1, $2, $3, $4, $5, $6, 0)
			ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at WHERE buttons.expires_at < $7`,
			b.ID, command, b.For, b.Account, b.Room, b.Expires, b.Expires.Add(-bot.ButtonLifetime/2))
		return about(err, "button", b.ID)
	})
}

// Button implements bot.ButtonStore.
func (s *Store) Button(ctx context.Context, id string, now time.Time) (bot.Button, error) {
	b := bot.Button{ID: id}
	var command string
	err := s.read(ctx).one(ctx, []any{&command, &b.For, &b.Account, &b.Room, at(&b.Expires), &b.Used},
		`SELECT command, for_whom, account, room, expires_at, used FROM buttons WHERE id = $1 AND expires_at > $2`, id, now)
	if errors.Is(err, lifecycle.ErrNotFound) {
		return bot.Button{}, bot.ErrNoButton
	}
	if err != nil {
		return bot.Button{}, err
	}
	b.Command, err = s.open(buttonCell(id), command)
	return b, err
}

// UseButton implements bot.ButtonStore.
func (s *Store) UseButton(ctx context.Context, id string) (fresh bool, err error) {
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		return t.must(ctx, `UPDATE buttons SET used = 1 WHERE id = $1 AND used = 0`, id)
	})
	if errors.Is(err, lifecycle.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func vaultCell(name string) cell { return cell{"vault", name, "value"} }

// Keep implements bot.Vault.
func (s *Store) Keep(ctx context.Context, key, value string, expires time.Time) error {
	sealed, err := s.seal(vaultCell(key), value)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO vault (name, value, expires_at) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`, key, sealed, expires)
		return about(err, "kept value", key)
	})
}

// Kept implements bot.Vault.
func (s *Store) Kept(ctx context.Context, key string) (value string, expires time.Time, err error) {
	var sealed string
	err = s.read(ctx).one(ctx, []any{&sealed, at(&expires)},
		`SELECT value, expires_at FROM vault WHERE name = $1 AND expires_at > $2`, key, s.now())
	if errors.Is(err, lifecycle.ErrNotFound) {
		return "", time.Time{}, bot.ErrNotKept
	}
	if err != nil {
		return "", time.Time{}, err
	}
	value, err = s.open(vaultCell(key), sealed)
	return value, expires, err
}

// Drop implements bot.Vault.
func (s *Store) Drop(ctx context.Context, key, value string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		var sealed string
		err := t.one(ctx, []any{&sealed}, `SELECT value FROM vault WHERE name = $1`+s.dialect.forUpdate, key)
		if errors.Is(err, lifecycle.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if kept, err := s.open(vaultCell(key), sealed); err != nil || kept != value {
			return err
		}
		_, err = t.exec(ctx, `DELETE FROM vault WHERE name = $1`, key)
		return err
	})
}

// Hold implements bot.Leases, on the clock that leases go by.
func (s *Store) Hold(ctx context.Context, name, owner string, ttl time.Duration) (bool, error) {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		now, err := t.leaseNow(ctx)
		if err != nil {
			return err
		}
		return t.must(ctx, `INSERT INTO leases (name, owner, lease_until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
			WHERE leases.owner = $2 OR leases.lease_until <= $4`, name, owner, now.Add(ttl), now)
	})
	if errors.Is(err, lifecycle.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Release implements bot.Leases.
func (s *Store) Release(ctx context.Context, name, owner string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM leases WHERE name = $1 AND owner = $2`, name, owner)
		return err
	})
}

// ReleaseLeases gives every lease back: for a process that is alone on its store.
func (s *Store) ReleaseLeases(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `DELETE FROM leases`)
		return err
	})
}
