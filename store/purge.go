package store

import (
	"context"
	"fmt"
	"time"
)

// purgeBatch is how many rows one transaction of a purge looks at: the writers
// behind it wait for no longer than that takes.
const purgeBatch = 500

// Retention says how long what is over is kept. Zero keeps it for ever.
type Retention struct {
	Events     time.Duration // since they happened
	Deliveries time.Duration // since they ended
	Logs       time.Duration // since their operation ended
	Audit      time.Duration // since the line was written
	Transcript time.Duration // since the message was first said
}

// Purged counts what a purge has removed.
type Purged struct{ Events, Deliveries, LogLines, Audit, Entries int64 }

// sum is all of it.
func (p Purged) sum() int64 { return p.Events + p.Deliveries + p.LogLines + p.Audit + p.Entries }

// Any reports whether anything was removed.
func (p Purged) Any() bool { return p.sum() > 0 }

// sweep is what of a table may go. Its key grows with its age, so that a purge
// reads the old end of the table and no more.
type sweep struct {
	table, key string
	born       string // a time that is never later than the one that counts
	gone       string // condition on a row; $3 is the cutoff
	// before also removes, for the rows that will go: %s is their condition.
	before string
}

// notOpen spares what an operation that is not over still has to tell.
const notOpen = `NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = %s AND o.status IN ` + openStatuses + `)`

func eventSweep() sweep {
	return sweep{table: "events", key: "seq", born: "at", gone: `at < $3 AND routed = 1 AND ` + fmt.Sprintf(notOpen, "events.operation_id") +
		` AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.event_id = events.id AND d.status = 'pending')`}
}

func deliverySweep() sweep {
	return sweep{table: "deliveries", key: "seq", born: "created_at",
		gone: `status <> 'pending' AND ended_at > 0 AND ended_at < $3 AND ` + fmt.Sprintf(notOpen, "deliveries.card")}
}

func auditSweep() sweep { return sweep{table: "audit", key: "seq", born: "at", gone: `at < $3`} }

// entrySweep goes by the cursor: what was changed last comes last. A card whose
// message goes is forgotten, so that nobody tries to change it.
func entrySweep() sweep {
	return sweep{table: "entries", key: "cursor", born: "at",
		gone: `at < $3 AND entries.id NOT IN (SELECT c.message_id FROM operations o JOIN cards c ON c.operation_id = o.id
			WHERE o.status IN ` + openStatuses + `)`,
		before: `DELETE FROM cards WHERE message_id IN (SELECT id FROM entries WHERE %s)`}
}

// Purge removes what r no longer keeps at now, in transactions that are short:
// never what belongs to an operation that is not over, an event that was not
// routed, or a delivery that is pending. Operations themselves, with their steps,
// are kept.
func (s *Store) Purge(ctx context.Context, r Retention, now time.Time) (p Purged, err error) {
	for _, one := range []struct {
		keep  time.Duration
		count *int64
		purge func(ctx context.Context, cutoff time.Time) (int64, error)
	}{
		{r.Deliveries, &p.Deliveries, s.sweeping(deliverySweep())}, // before the events that they tell of
		{r.Events, &p.Events, s.sweeping(eventSweep())},
		{r.Audit, &p.Audit, s.sweeping(auditSweep())},
		{r.Transcript, &p.Entries, s.sweeping(entrySweep())},
		{r.Logs, &p.LogLines, s.purgeLogs},
	} {
		if one.keep <= 0 {
			continue
		}
		if *one.count, err = one.purge(ctx, now.Add(-one.keep)); err != nil {
			return p, err
		}
	}
	return p, nil
}

// sweeping gives the purge of a table.
func (s *Store) sweeping(w sweep) func(ctx context.Context, cutoff time.Time) (int64, error) {
	return func(ctx context.Context, cutoff time.Time) (removed int64, err error) {
		for after := int64(0); ; {
			upto, old, err := s.oldEnd(ctx, w, after, cutoff)
			if err != nil || !old {
				return removed, err
			}
			n, err := s.sweep(ctx, w, after, upto, cutoff)
			removed += n
			if err != nil {
				return removed, err
			}
			after = upto
		}
	}
}

// oldEnd looks at the next rows by the key and gives where they end; old reports
// whether one of them is older than the cutoff.
func (s *Store) oldEnd(ctx context.Context, w sweep, after int64, cutoff time.Time) (upto int64, old bool, err error) {
	type row struct {
		key  int64
		born time.Time
	}
	rows, err := list(ctx, s.read(ctx), func(r *row) []any { return []any{&r.key, at(&r.born)} },
		`SELECT `+w.key+`, `+w.born+` FROM `+w.table+` WHERE `+w.key+` > $1 ORDER BY `+w.key+` LIMIT $2`, after, purgeBatch)
	for _, r := range rows {
		upto, old = r.key, old || r.born.Before(cutoff)
	}
	return upto, old, err
}

func (s *Store) sweep(ctx context.Context, w sweep, after, upto int64, cutoff time.Time) (n int64, err error) {
	rows := w.key + ` > $1 AND ` + w.key + ` <= $2 AND ` + w.gone
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		if w.before != "" {
			if _, err := t.exec(ctx, fmt.Sprintf(w.before, rows), after, upto, cutoff); err != nil {
				return about(err, "purge of", w.table)
			}
		}
		var err error
		n, err = t.exec(ctx, `DELETE FROM `+w.table+` WHERE `+rows, after, upto, cutoff)
		return about(err, "purge of", w.table)
	})
	return n, err
}

// inBatches runs a statement that removes some of the rows before a moment, of
// which it takes the number as its second argument, until there are no more.
func (s *Store) inBatches(ctx context.Context, statement string, before time.Time) error {
	for n := int64(purgeBatch); n == purgeBatch; {
		err := s.write(ctx, func(ctx context.Context, t *tx) error {
			var err error
			n, err = t.exec(ctx, statement, before, purgeBatch)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// oldLogs are operations that have ended and still have lines.
const oldLogs = `SELECT o.id FROM operations o WHERE o.status NOT IN ` + openStatuses + `
	AND o.ended_at > 0 AND o.ended_at < $1 AND EXISTS (SELECT 1 FROM operation_log l WHERE l.operation_id = o.id)
	ORDER BY o.number LIMIT $2`

// purgeLogs removes the output of operations, oldest lines first: what is left
// when it is interrupted is the end.
func (s *Store) purgeLogs(ctx context.Context, cutoff time.Time) (removed int64, err error) {
	for {
		ids, err := list(ctx, s.read(ctx), func(id *string) []any { return []any{id} }, oldLogs, cutoff, purgeBatch)
		if err != nil || len(ids) == 0 {
			return removed, err
		}
		for _, id := range ids {
			n, err := s.purgeLog(ctx, id, cutoff)
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
}

// purgeLog removes the lines of one operation, unless it was tried again.
func (s *Store) purgeLog(ctx context.Context, operationID string, cutoff time.Time) (removed int64, err error) {
	for n := int64(-1); n != 0; removed += n {
		err = s.write(ctx, func(ctx context.Context, t *tx) error {
			var err error
			n, err = t.exec(ctx, `DELETE FROM operation_log WHERE operation_id = $1
				AND seq < (SELECT MIN(seq) FROM operation_log WHERE operation_id = $1) + $2
				AND EXISTS (SELECT 1 FROM operations o WHERE o.id = $1 AND o.status NOT IN `+openStatuses+`
					AND o.ended_at > 0 AND o.ended_at < $3)`, operationID, purgeBatch, cutoff)
			return about(err, "log of operation", operationID)
		})
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}
