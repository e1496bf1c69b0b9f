package store

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/notifiers"
)

// editsOfAccount stands in the card column of the row that counts the edits in
// all rooms; no operation has this id.
const editsOfAccount = "edits"

// longestClosed bounds how long a room stays closed over a restart: the clock
// that it was closed by may have been set back since.
const longestClosed = time.Hour

// bucket is one share of an account: a room's, a card's or all edits'. It is a
// leaky one that is kept as a time: up to when the share is used up at the rate
// that is allowed. Being that far ahead of the present is the burst.
type bucket struct {
	account, room, card string
	rate                notifiers.Rate
	held                bool // one message at a time
}

// ahead is how far spent_until may lie before the present.
func ahead(r notifiers.Rate) int64 { return max(0, int64(r.Burst-1)) * step(r) }

// step is what one message takes, in whole milliseconds and not less than said.
func step(r notifiers.Rate) int64 {
	return int64((r.Every + time.Millisecond - 1) / time.Millisecond)
}

// bucketsOf gives what a delivery takes from.
func bucketsOf(lane notifiers.Lane, account, room string, q *notifiers.Quota) []bucket {
	b := []bucket{{account: account, room: room, rate: q.Room, held: true}}
	if lane == notifiers.LaneCard && q.Edits.Every > 0 {
		b = append(b, bucket{account: account, card: editsOfAccount, rate: q.Edits})
	}
	return b
}

// shutNow is a share that nothing may be taken of; $3 is how far a room may be
// ahead, and $4 the edits.
const shutNow = `(q.closed_until > $2 OR q.held_until > $2
		OR q.spent_until - (CASE WHEN q.room = '' THEN CAST($4 AS BIGINT) ELSE CAST($3 AS BIGINT) END) > $2)`

// nextInRooms gives the first delivery of each room that is open. It goes from one
// room to the next by the index, and not into those that are shut: a long line
// there costs nothing.
const nextInRooms = `WITH RECURSIVE rooms (room) AS (
		SELECT MIN(room) FROM deliveries WHERE account = $1 AND status = 'pending'
		UNION ALL
		SELECT (SELECT MIN(d.room) FROM deliveries d WHERE d.account = $1 AND d.status = 'pending' AND d.room > rooms.room)
		FROM rooms WHERE rooms.room IS NOT NULL),
	firsts (seq) AS (SELECT (SELECT d.seq FROM deliveries d WHERE d.room = rooms.room AND ` + dueDeliveries + `
			AND (d.lane <> 'card' OR NOT EXISTS (SELECT 1 FROM quotas q WHERE q.account = $1 AND ` + shutNow + `
				AND (q.room = d.room AND q.card = d.card OR q.room = '' AND q.card = '` + editsOfAccount + `')))
			ORDER BY d.lane_rank, d.place, d.seq LIMIT 1)
		FROM rooms WHERE room IS NOT NULL AND NOT EXISTS (SELECT 1 FROM quotas q WHERE q.account = $1 AND ` + shutNow + `
			AND (q.room = rooms.room OR q.room = '') AND q.card = ''))
	SELECT seq, room, lane FROM deliveries WHERE seq IN (SELECT seq FROM firsts WHERE seq IS NOT NULL)
	ORDER BY ` + deliveryTurn + ` LIMIT $5`

type turn struct {
	seq  int64
	room string
	lane notifiers.Lane
}

// claimByQuota looks for deliveries without holding anything up, and then takes
// those whose quota nobody else has taken meanwhile.
func (s *Store) claimByQuota(ctx context.Context, c notifiers.Claim) ([]notifiers.Delivery, error) {
	r := s.read(ctx)
	now, err := s.leaseClock(ctx, r)
	if err != nil {
		return nil, err
	}
	turns, err := list(ctx, r, func(t *turn) []any { return []any{&t.seq, &t.room, &t.lane} }, nextInRooms,
		c.Account, now, ahead(c.Quota.Room), ahead(c.Quota.Edits), c.Limit)
	if err != nil || len(turns) == 0 {
		return nil, err
	}
	var out []notifiers.Delivery
	for _, next := range turns {
		got, err := s.takeTurn(ctx, next, c)
		if err != nil && !errors.Is(err, errTaken) {
			return out, err
		}
		out = append(out, got...)
	}
	return out, nil
}

// errTaken: somebody else was faster.
var errTaken = errors.New("store: taken by another sender")

// takeTurn takes a delivery and what it takes of the quota, or neither. Each is a
// transaction of its own, so that two processes never wait for each other's rooms.
func (s *Store) takeTurn(ctx context.Context, next turn, c notifiers.Claim) ([]notifiers.Delivery, error) {
	return s.claimRows(ctx, func(ctx context.Context, t *tx, now time.Time) ([]deliveryRow, error) {
		for _, b := range bucketsOf(next.lane, c.Account, next.room, c.Quota) {
			if free, err := t.take(ctx, b, c, now); err != nil || !free {
				return nil, cmp.Or(err, errTaken)
			}
		}
		row, err := list(ctx, t.conn, scanDelivery, claimOne, next.seq, now, c.Owner, now.Add(c.Lease))
		if err == nil && len(row) == 0 {
			err = errTaken
		}
		return row, err
	})
}

// take spends one message of a bucket; false when there is none.
func (t *tx) take(ctx context.Context, b bucket, c notifiers.Claim, now time.Time) (bool, error) {
	var held time.Time
	if b.held {
		held = now.Add(c.Lease)
	}
	n, err := t.exec(ctx, `INSERT INTO quotas (account, room, card, spent_until, closed_until, held_until, held_by, step)
		VALUES ($1, $2, $3, $4, 0, $5, $6, $7)
		ON CONFLICT (account, room, card) DO UPDATE SET held_until = $5, held_by = $6, step = $7,
			spent_until = CASE WHEN quotas.spent_until > $8 THEN quotas.spent_until ELSE $8 END + $7
		WHERE quotas.held_until <= $8 AND quotas.closed_until <= $8 AND quotas.spent_until - $9 <= $8`,
		b.account, b.room, b.card, now.UnixMilli()+step(b.rate), held, c.Owner, step(b.rate), now, ahead(b.rate))
	return n > 0, err
}

// settle gives back what an attempt has held of the quota. What was sent counts
// from now: it may have reached the platform only now.
func (t *tx) settle(ctx context.Context, d notifiers.Delivery, a notifiers.Attempt) error {
	now, err := t.leaseNow(ctx)
	if err != nil {
		return err
	}
	if a.Quota != nil {
		for _, b := range bucketsOf(d.Lane, d.To.Account, d.To.Room, a.Quota) {
			if err := t.giveBack(ctx, b, a, now); err != nil {
				return err
			}
		}
		if d.Card != "" && a.Called && a.Quota.EditEvery > 0 {
			if err := t.shut(ctx, bucket{account: d.To.Account, room: d.To.Room, card: d.Card}, now.Add(a.Quota.EditEvery)); err != nil {
				return err
			}
		}
	}
	if a.Closed <= 0 {
		return nil
	}
	b := bucket{account: d.To.Account, room: d.To.Room}
	if a.Account {
		b.room = ""
	}
	return t.shut(ctx, b, now.Add(a.Closed))
}

func (t *tx) giveBack(ctx context.Context, b bucket, a notifiers.Attempt, now time.Time) error {
	if !a.Called {
		_, err := t.exec(ctx, `UPDATE quotas SET held_until = 0, spent_until = spent_until - $5
			WHERE account = $1 AND room = $2 AND card = $3 AND held_by = $4`, b.account, b.room, b.card, a.Owner, step(b.rate))
		return err
	}
	_, err := t.exec(ctx, `UPDATE quotas SET held_until = CASE WHEN held_by = $4 THEN 0 ELSE held_until END,
		spent_until = CASE WHEN spent_until < $5 THEN $5 ELSE spent_until END
		WHERE account = $1 AND room = $2 AND card = $3`, b.account, b.room, b.card, a.Owner, now.UnixMilli()+step(b.rate))
	return err
}

// shut closes a bucket until a time, or longer if it is closed for longer.
func (t *tx) shut(ctx context.Context, b bucket, until time.Time) error {
	_, err := t.exec(ctx, `INSERT INTO quotas (account, room, card, spent_until, closed_until, held_until, held_by, step)
		VALUES ($1, $2, $3, 0, $4, 0, '', 0)
		ON CONFLICT (account, room, card) DO UPDATE SET closed_until = excluded.closed_until
		WHERE quotas.closed_until < excluded.closed_until`, b.account, b.room, b.card, until)
	return about(err, "quota of", b.account)
}

// releaseQuotas ends what processes that are gone were sending. It may have
// reached the platform up to now.
func (t *tx) releaseQuotas(ctx context.Context) error {
	now, err := t.leaseNow(ctx)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE quotas SET held_until = 0, held_by = '',
		spent_until = CASE WHEN spent_until < $1 + step THEN $1 + step ELSE spent_until END WHERE held_until > 0`, now)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE quotas SET closed_until = CASE WHEN closed_until > $1 THEN $1 ELSE closed_until END,
		spent_until = CASE WHEN spent_until > $1 THEN $1 ELSE spent_until END WHERE closed_until > $1 OR spent_until > $1`, now.Add(longestClosed))
	return err
}

// purgeQuotas forgets what has been as good as new for a while.
func (t *tx) purgeQuotas(ctx context.Context) error {
	now, err := t.leaseNow(ctx)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `DELETE FROM quotas WHERE spent_until < $1 AND closed_until < $1 AND held_until < $1`, now.Add(-longestClosed))
	return err
}
