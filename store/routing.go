package store

import (
	"context"
	"time"

	"github.com/coxswain-ops/coxswain/notifiers"
)

// laneRank orders the lanes of a claim: what may overtake first.
func laneRank(l notifiers.Lane) int {
	switch l {
	case notifiers.LaneCritical:
		return 0
	case notifiers.LaneReply:
		return 1
	case notifiers.LaneCard:
		return 2
	}
	return 3
}

func deliveryCell(id string) cell { return cell{"deliveries", id, "message"} }

// Route implements notifiers.Store; ErrNotFound when there is no such event.
func (s *Store) Route(ctx context.Context, eventID string, d []notifiers.Delivery) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		var routed bool
		err := t.one(ctx, []any{&routed}, `SELECT routed FROM events WHERE id = $1`+s.dialect.forUpdate, eventID)
		if err != nil {
			return about(err, "event", eventID)
		}
		if routed {
			return nil
		}
		if _, err := t.exec(ctx, `UPDATE events SET routed = 1 WHERE id = $1`, eventID); err != nil {
			return err
		}
		for _, one := range d {
			one.EventID = eventID
			if err := t.enqueue(ctx, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// Enqueue implements notifiers.Store.
func (s *Store) Enqueue(ctx context.Context, d ...notifiers.Delivery) error {
	if len(d) == 0 {
		return nil
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		for _, one := range d {
			if err := t.enqueue(ctx, one); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) enqueue(ctx context.Context, d notifiers.Delivery) error {
	if err := t.store.fillID(&d.ID); err != nil {
		return err
	}
	if d.Status == "" {
		d.Status = notifiers.Pending
	}
	if d.EventID != "" {
		d.Event = nil // it is read from its own row
	}
	nextAt, err := t.leaseTime(ctx, d.NextAt)
	if err != nil {
		return err
	}
	d.NextAt = nextAt
	place, err := t.leaseNow(ctx)
	if err != nil {
		return err
	}
	if d.Lane == notifiers.LaneCard {
		if place, err = t.replaceCard(ctx, &d, place); err != nil {
			return err
		}
	}
	message, err := t.store.sealJSON(deliveryCell(d.ID), d.Message)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO deliveries (id, event_id, lane, lane_rank, account, room, thread, card, lang, message, event,
		status, attempts, next_at, receipt, error, lease_owner, lease_until, created_at, ended_at, place)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, '', 0, $17, 0, $18)`,
		d.ID, d.EventID, d.Lane, laneRank(d.Lane), d.To.Account, d.To.Room, d.To.Thread, d.Card, d.Lang, message,
		jsonArg{d.Event}, d.Status, d.Attempts, d.NextAt, d.Receipt, d.Error, t.store.now(), place)
	t.wake(Deliveries)
	return about(err, "delivery", d.ID)
}

// replaceCard ends the pending delivery of the same card and destination as
// merged into d, unless somebody is sending it right now: what is on its way may
// be the older state, so that the newer one must be sent after it. A wait that
// the platform asked for passes on to d, and so does the turn: a card that changes
// all the time must not fall back to the end of the line each time.
func (t *tx) replaceCard(ctx context.Context, d *notifiers.Delivery, now time.Time) (place time.Time, err error) {
	type waiting struct{ next, place time.Time }
	old, err := list(ctx, t.conn, func(w *waiting) []any { return []any{at(&w.next), at(&w.place)} },
		`UPDATE deliveries SET status = 'merged', ended_at = $6
		WHERE card = $1 AND account = $2 AND room = $3 AND thread = $4 AND status = 'pending' AND lane = 'card'
		AND lease_until <= $5 RETURNING next_at, place`,
		d.Card, d.To.Account, d.To.Room, d.To.Thread, now, t.store.now())
	place = now
	for _, w := range old {
		if w.next.After(d.NextAt) {
			d.NextAt = w.next
		}
		if w.place.Before(place) {
			place = w.place
		}
	}
	return place, err
}
