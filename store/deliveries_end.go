package store

import (
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
)

// ReleaseDeliveries implements notifiers.Store.
func (s *Store) ReleaseDeliveries(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE deliveries SET lease_until = 0 WHERE status = 'pending' AND lease_until > 0`)
		t.wake(Deliveries)
		return errors.Join(err, t.releaseQuotas(ctx))
	})
}

// FinishDelivery implements notifiers.Store; ErrNotFound when there is no such
// delivery. One that has ended forgets its message. A card's delivery that is to
// be tried again is merged instead when a newer state is waiting.
func (s *Store) FinishDelivery(ctx context.Context, d notifiers.Delivery, a notifiers.Attempt) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		seq, err := t.endAttempt(ctx, &d, a.Owner)
		if err != nil {
			return err
		}
		if err := t.settle(ctx, d, a); err != nil || d.Lane != notifiers.LaneCard {
			return err
		}
		return t.mergeOldCards(ctx, d, seq)
	})
}

// endAttempt writes d if owner still has it, and reads what d is from its row.
func (t *tx) endAttempt(ctx context.Context, d *notifiers.Delivery, owner string) (seq int64, err error) {
	var ended time.Time
	if d.Status != notifiers.Pending {
		ended = t.store.now()
	}
	nextAt, err := t.leaseTime(ctx, d.NextAt)
	if err != nil {
		return 0, err
	}
	err = t.one(ctx, []any{&seq, &d.Lane, &d.Card, &d.To.Account, &d.To.Room, &d.To.Thread}, `UPDATE deliveries
		SET status = $2, attempts = $3, next_at = $4, receipt = $5, error = $6, ended_at = $7,
		lease_owner = '', lease_until = 0, message = CASE WHEN $2 = 'pending' THEN message ELSE '' END
		WHERE id = $1 AND status = 'pending' AND lease_owner = $8 RETURNING seq, lane, card, account, room, thread`,
		d.ID, d.Status, d.Attempts, nextAt, d.Receipt, d.Error, ended, owner)
	if !errors.Is(err, lifecycle.ErrNotFound) {
		return seq, err
	}
	var found string
	if err := t.one(ctx, []any{&found}, `SELECT id FROM deliveries WHERE id = $1`, d.ID); err != nil {
		return 0, about(err, "delivery", d.ID)
	}
	return 0, about(lifecycle.ErrFenced, "delivery", d.ID)
}

// mergeOldCards ends what is pending and not on its way for the card of d, and
// is older than d (which has seq) or than another pending state.
func (t *tx) mergeOldCards(ctx context.Context, d notifiers.Delivery, seq int64) error {
	now, err := t.leaseNow(ctx)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `UPDATE deliveries SET status = 'merged', ended_at = $7
		WHERE card = $1 AND account = $2 AND room = $3 AND thread = $4 AND status = 'pending' AND lane = 'card'
		AND lease_until <= $6 AND (seq < $5 OR EXISTS (SELECT 1 FROM deliveries x
			WHERE x.card = $1 AND x.account = $2 AND x.room = $3 AND x.thread = $4
			AND x.status = 'pending' AND x.lane = 'card' AND x.seq > deliveries.seq))`,
		d.Card, d.To.Account, d.To.Room, d.To.Thread, seq, now, t.store.now())
	return err
}
