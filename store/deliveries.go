package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
)

// dueDeliveries is what may be sent now to an account. A card is sent by one
// worker at a time and only in its newest state, or an older state could be the
// last to arrive.
const dueDeliveries = `d.account = $1 AND d.status = 'pending' AND d.next_at <= $2 AND d.lease_until <= $2
		AND (d.lane <> 'card' OR NOT EXISTS (SELECT 1 FROM deliveries x
			WHERE x.card = d.card AND x.account = d.account AND x.room = d.room AND x.thread = d.thread
			AND x.status = 'pending' AND x.lane = 'card' AND x.seq <> d.seq AND (x.seq > d.seq OR x.lease_until > $2)))`

// deliveryTurn is who comes first: by lane, and then who has waited longest.
const deliveryTurn = `lane_rank, place, seq`

const deliveryColumns = `seq, id, event_id, lane, account, room, thread, card, lang, message, event, status, attempts, next_at, receipt, error`

// claimDue takes what is due to an account without limits.
const claimDue = `UPDATE deliveries SET lease_owner = $3, lease_until = $4
	WHERE seq IN (SELECT d.seq FROM deliveries d WHERE ` + dueDeliveries + ` ORDER BY ` + deliveryTurn + ` LIMIT $5%s)
	RETURNING lane_rank, place, ` + deliveryColumns

// claimOne takes one that nobody else has taken meanwhile.
const claimOne = `UPDATE deliveries SET lease_owner = $3, lease_until = $4
	WHERE seq = $1 AND status = 'pending' AND lease_until <= $2
	RETURNING lane_rank, place, ` + deliveryColumns

// deliveryRow is a delivery as it is stored.
type deliveryRow struct {
	notifiers.Delivery
	rank, place, seq int64
	message          string // sealed
}

func scanDelivery(r *deliveryRow) []any {
	return []any{&r.rank, &r.place, &r.seq, &r.ID, &r.EventID, &r.Lane, &r.To.Account, &r.To.Room, &r.To.Thread, &r.Card,
		&r.Lang, &r.message, into(&r.Event), &r.Status, &r.Attempts, at(&r.NextAt), &r.Receipt, &r.Error}
}

// ClaimDeliveries implements notifiers.Store. NextAt is told on the clock that
// leases go by.
func (s *Store) ClaimDeliveries(ctx context.Context, c notifiers.Claim) ([]notifiers.Delivery, error) {
	if c.Quota != nil {
		return s.claimByQuota(ctx, c)
	}
	return s.claimRows(ctx, func(ctx context.Context, t *tx, now time.Time) ([]deliveryRow, error) {
		rows, err := list(ctx, t.conn, scanDelivery, fmt.Sprintf(claimDue, s.dialect.skipLocked),
			c.Account, now, c.Owner, now.Add(c.Lease), c.Limit)
		slices.SortFunc(rows, func(a, b deliveryRow) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.place, b.place), cmp.Compare(a.seq, b.seq))
		})
		return rows, err
	})
}

// claimRows runs a claim in a transaction and opens what it took.
func (s *Store) claimRows(ctx context.Context, claim func(ctx context.Context, t *tx, now time.Time) ([]deliveryRow, error)) ([]notifiers.Delivery, error) {
	var rows []deliveryRow
	var events map[string]*lifecycle.Event
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		now, err := t.leaseNow(ctx)
		if err != nil {
			return err
		}
		if rows, err = claim(ctx, t, now); err != nil {
			return err
		}
		events, err = t.eventsOf(ctx, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
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

// PendingAccounts implements notifiers.Store.
func (s *Store) PendingAccounts(ctx context.Context) ([]string, error) {
	return list(ctx, s.read(ctx), func(v *string) []any { return []any{v} }, `WITH RECURSIVE each_account (account) AS (
		SELECT MIN(account) FROM deliveries WHERE status = 'pending'
		UNION ALL
		SELECT (SELECT MIN(d.account) FROM deliveries d WHERE d.status = 'pending' AND d.account > each_account.account)
		FROM each_account WHERE each_account.account IS NOT NULL)
		SELECT account FROM each_account WHERE account IS NOT NULL`)
}
