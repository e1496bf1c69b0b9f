package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
)

// claimDeliveries takes due deliveries, those that may overtake first. A card is
// sent by one worker at a time and only in its newest state, or an older state
// could be the last to arrive.
const claimDeliveries = `UPDATE deliveries SET lease_owner = $2, lease_until = $3
	WHERE seq IN (SELECT d.seq FROM deliveries d
		WHERE d.status = 'pending' AND d.next_at <= $1 AND d.lease_until <= $1
		AND (d.lane <> 'card' OR NOT EXISTS (SELECT 1 FROM deliveries x
			WHERE x.card = d.card AND x.account = d.account AND x.room = d.room AND x.thread = d.thread
			AND x.status = 'pending' AND x.lane = 'card' AND x.seq <> d.seq AND (x.seq > d.seq OR x.lease_until > $1)))
		ORDER BY d.lane_rank, d.seq LIMIT $4%s)
	RETURNING seq, lane_rank, id, event_id, lane, account, room, thread, card, lang, message, event, status, attempts, next_at, receipt, error`

// deliveryRow is a delivery as it is stored.
type deliveryRow struct {
	notifiers.Delivery
	seq, rank int64
	message   string // sealed
}

func scanDelivery(r *deliveryRow) []any {
	return []any{&r.seq, &r.rank, &r.ID, &r.EventID, &r.Lane, &r.To.Account, &r.To.Room, &r.To.Thread, &r.Card,
		&r.Lang, &r.message, into(&r.Event), &r.Status, &r.Attempts, at(&r.NextAt), &r.Receipt, &r.Error}
}

// ClaimDeliveries implements notifiers.Store. NextAt is told on the clock that
// leases go by.
func (s *Store) ClaimDeliveries(ctx context.Context, owner string, lease time.Duration, limit int) ([]notifiers.Delivery, error) {
	var rows []deliveryRow
	var events map[string]*lifecycle.Event
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		now, err := t.leaseNow(ctx)
		if err != nil {
			return err
		}
		rows, err = list(ctx, t.conn, scanDelivery, fmt.Sprintf(claimDeliveries, s.dialect.skipLocked), now, owner, now.Add(lease), limit)
		if err != nil {
			return err
		}
		events, err = t.eventsOf(ctx, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b deliveryRow) int {
		if a.rank != b.rank {
			return int(a.rank - b.rank)
		}
		return int(a.seq - b.seq)
	})
	return s.openDeliveries(rows, events), nil
}

// eventsOf reads the events that rows tell of.
func (t *tx) eventsOf(ctx context.Context, rows []deliveryRow) (map[string]*lifecycle.Event, error) {
	ids := []string{}
	for _, r := range rows {
		if r.EventID != "" {
			ids = append(ids, r.EventID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	var q query
	q.in("id", slices.Compact(ids))
	found, err := list(ctx, t.conn, scanEvent, q.sql(selectEvent, "seq", 0), q.args...)
	events := make(map[string]*lifecycle.Event, len(found))
	for i := range found {
		events[found[i].ID] = &found[i]
	}
	return events, err
}

// openDeliveries unseals rows. One that is damaged must not hold up the others:
// it is left to a later claim and told to the log.
func (s *Store) openDeliveries(rows []deliveryRow, events map[string]*lifecycle.Event) []notifiers.Delivery {
	out := make([]notifiers.Delivery, 0, len(rows))
	for _, r := range rows {
		if err := s.openJSON(deliveryCell(r.ID), r.message, &r.Message); err != nil {
			s.log.Error("store: a delivery cannot be read", "delivery", r.ID, "error", err)
			continue
		}
		if e := events[r.EventID]; e != nil {
			r.Event = e
		}
		out = append(out, r.Delivery)
	}
	return out
}

// ReleaseDeliveries implements notifiers.Store.
func (s *Store) ReleaseDeliveries(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE deliveries SET lease_until = 0 WHERE status = 'pending' AND lease_until > 0`)
		t.wake(Deliveries)
		return err
	})
}

// FinishDelivery implements notifiers.Store. A delivery that has ended stays as
// it ended, and forgets its message. A card's delivery that is to be tried again
// is merged instead when a newer state is waiting.
func (s *Store) FinishDelivery(ctx context.Context, d notifiers.Delivery) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		var seq int64
		var ended time.Time
		if d.Status != notifiers.Pending {
			ended = s.now()
		}
		nextAt, err := t.leaseTime(ctx, d.NextAt)
		if err != nil {
			return err
		}
		err = t.one(ctx, []any{&seq, &d.Lane, &d.Card, &d.To.Account, &d.To.Room, &d.To.Thread}, `UPDATE deliveries
			SET status = $2, attempts = $3, next_at = $4, receipt = $5, error = $6, ended_at = $7,
			lease_owner = '', lease_until = 0, message = CASE WHEN $2 = 'pending' THEN message ELSE '' END
			WHERE id = $1 AND status = 'pending' RETURNING seq, lane, card, account, room, thread`,
			d.ID, d.Status, d.Attempts, nextAt, d.Receipt, d.Error, ended)
		if errors.Is(err, lifecycle.ErrNotFound) {
			var found string
			return about(t.one(ctx, []any{&found}, `SELECT id FROM deliveries WHERE id = $1`, d.ID), "delivery", d.ID)
		}
		if err != nil || d.Lane != notifiers.LaneCard {
			return err
		}
		return t.mergeOldCards(ctx, d, seq)
	})
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
