package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// inboundRow is an accepted message as it is stored.
type inboundRow struct {
	seq        int64
	in         bot.Inbound
	text, refs string // sealed
}

func inboundCell(account, id, column string) cell { return cell{"inbound", account + "/" + id, column} }

// Accept implements bot.InboxStore. On SQLite its commit is fsynced before it
// returns.
func (s *Store) Accept(ctx context.Context, in bot.Inbound, owner string, lease time.Duration) (fresh bool, err error) {
	in.ID, in.From.Account = clean(in.ID), clean(in.From.Account)
	account := in.From.Account
	text, err := s.seal(inboundCell(account, in.ID, "text"), in.Text)
	if err != nil {
		return false, err
	}
	refs, err := s.sealJSON(inboundCell(account, in.ID, "refs"), in.Refs)
	if err != nil {
		return false, err
	}
	id := in.ID
	in.Text, in.Refs = "", nil
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		now, err := t.leaseNow(ctx)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, `INSERT INTO inbound (account, id, meta, text, refs, done, attempts, lease_owner, lease_until, accepted_at, done_at)
			VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $7, $8, 0) ON CONFLICT (account, id) DO NOTHING`,
			account, id, jsonArg{in}, text, refs, owner, now.Add(lease), now)
		fresh = n == 1
		return err
	})
	return fresh && err == nil, about(err, "inbound message", id)
}

// ClaimInbound implements bot.InboxStore.
func (s *Store) ClaimInbound(ctx context.Context, owner string, lease time.Duration, limit int) ([]bot.Inbound, error) {
	var rows []inboundRow
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		now, err := t.leaseNow(ctx)
		if err != nil {
			return err
		}
		rows, err = list(ctx, t.conn, scanInbound, `UPDATE inbound SET lease_owner = $2, lease_until = $3
			WHERE seq IN (SELECT seq FROM inbound WHERE done = 0 AND lease_until <= $1 ORDER BY seq LIMIT $4`+s.dialect.skipLocked+`)
			RETURNING seq, meta, text, refs`, now, owner, now.Add(lease), limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b inboundRow) int { return int(a.seq - b.seq) })
	return s.openInbound(rows), nil
}

func scanInbound(r *inboundRow) []any { return []any{&r.seq, into(&r.in), &r.text, &r.refs} }

// openInbound unseals rows. One that is damaged must not hold up the others: it
// is left to a later claim and told to the log.
func (s *Store) openInbound(rows []inboundRow) []bot.Inbound {
	out := make([]bot.Inbound, 0, len(rows))
	for _, r := range rows {
		if err := s.openInboundRow(&r); err != nil {
			s.log.Error("store: an accepted message cannot be read", "account", r.in.From.Account, "id", r.in.ID, "error", err)
			continue
		}
		out = append(out, r.in)
	}
	return out
}

func (s *Store) openInboundRow(r *inboundRow) error {
	account := r.in.From.Account
	text, err := s.open(inboundCell(account, r.in.ID, "text"), r.text)
	if err != nil {
		return err
	}
	r.in.Text = text
	return s.openJSON(inboundCell(account, r.in.ID, "refs"), r.refs, &r.in.Refs)
}

// ReleaseInbound implements bot.InboxStore.
func (s *Store) ReleaseInbound(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE inbound SET lease_until = 0 WHERE done = 0`)
		t.wake(Inbound)
		return err
	})
}

// lifeOf is the name of the lease by which an owner of messages lives.
const lifeOf = "inbox/"

// Alive implements bot.InboxStore, on the clock that leases go by.
func (s *Store) Alive(ctx context.Context, owner string, ttl time.Duration) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		now, err := t.leaseNow(ctx)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `INSERT INTO leases (name, owner, lease_until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until`, lifeOf+owner, owner, now.Add(ttl)); err != nil {
			return err
		}
		n, err := t.exec(ctx, `UPDATE inbound SET lease_until = 0 WHERE done = 0 AND lease_until > 0
			AND lease_owner IN (SELECT owner FROM leases WHERE name = $1 || owner AND lease_until <= $2)`, lifeOf, now)
		if err != nil || n == 0 {
			return err
		}
		t.wake(Inbound)
		return nil
	})
}

// buryDead forgets processes that have been dead for long.
func (t *tx) buryDead(ctx context.Context, before time.Time) error {
	_, err := t.exec(ctx, `DELETE FROM leases WHERE name = $1 || owner AND lease_until < $2`, lifeOf, before)
	return err
}

// DoneInbound implements bot.InboxStore and commands.Store. A message that is
// not there is as good as done. Nearly every one was marked in the transaction of
// its answer, which is seen without waiting for the writer.
func (s *Store) DoneInbound(ctx context.Context, account, id string) error {
	if t := s.joined(ctx); t != nil {
		return t.doneInbound(ctx, account, id)
	}
	var open int
	err := s.read(ctx).one(ctx, []any{&open}, `SELECT COUNT(*) FROM inbound WHERE account = $1 AND id = $2 AND done = 0`, account, id)
	if err != nil || open == 0 {
		return err
	}
	err = s.write(ctx, func(ctx context.Context, t *tx) error { return t.doneInbound(ctx, account, id) })
	if errors.Is(err, bot.ErrDone) {
		return nil
	}
	return err
}

// doneInbound gives bot.ErrDone for a message that was done before. Of two
// transactions that do the same one, the second waits here for the first.
func (t *tx) doneInbound(ctx context.Context, account, id string) error {
	n, err := t.exec(ctx, `UPDATE inbound SET done = 1, done_at = $3, text = '', refs = ''
		WHERE account = $1 AND id = $2 AND done = 0`, account, id, t.store.now())
	if err != nil || n > 0 {
		return err
	}
	var known int
	if err := t.one(ctx, []any{&known}, `SELECT COUNT(*) FROM inbound WHERE account = $1 AND id = $2`, account, id); err != nil || known == 0 {
		return err
	}
	return about(bot.ErrDone, "inbound message", id)
}

// FailInbound implements bot.InboxStore. The lease stays as it is.
func (s *Store) FailInbound(ctx context.Context, account, id string) (attempts int, err error) {
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		return t.one(ctx, []any{&attempts}, `UPDATE inbound SET attempts = attempts + 1
			WHERE account = $1 AND id = $2 RETURNING attempts`, account, id)
	})
	return attempts, about(err, "inbound message", id)
}

// PurgeInbound implements bot.InboxStore. After a busy hour there is much to
// forget, and people wait for their acknowledgement behind it.
func (s *Store) PurgeInbound(ctx context.Context, before time.Time) error {
	err := s.inBatches(ctx, `DELETE FROM inbound WHERE seq IN
		(SELECT seq FROM inbound WHERE done = 1 AND done_at < $1 ORDER BY done_at LIMIT $2)`, before)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error { return t.buryDead(ctx, before) })
}
