package store

import (
	"context"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

const selectEvent = `SELECT id, name, severity, project_id, cluster_id, operation_id, subject, actor, text, data, at FROM events`

func scanEvent(e *lifecycle.Event) []any {
	return []any{&e.ID, &e.Name, &e.Severity, &e.ProjectID, &e.ClusterID, &e.OperationID, &e.Subject, &e.Actor,
		into(&e.Text), into(&e.Data), at(&e.At)}
}

// AppendEvents implements commands.Store. The ids it gives are the store's own;
// the caller's events keep theirs.
func (s *Store) AppendEvents(ctx context.Context, events ...lifecycle.Event) error {
	if len(events) == 0 {
		return nil
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error { return t.appendEvents(ctx, events) })
}

func (t *tx) appendEvents(ctx context.Context, events []lifecycle.Event) error {
	for _, e := range events {
		if err := t.store.fillID(&e.ID); err != nil {
			return err
		}
		t.store.fillTime(&e.At)
		_, err := t.exec(ctx, `INSERT INTO events (id, name, severity, project_id, cluster_id, operation_id, subject, actor, text, data, at, routed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)`, e.ID, e.Name, e.Severity, e.ProjectID, e.ClusterID,
			e.OperationID, e.Subject, e.Actor, jsonArg{e.Text}, e.Data, e.At)
		if err != nil {
			return about(err, "event", e.Name)
		}
		t.wake(Events)
	}
	return nil
}

// UnroutedEvents implements notifiers.Store.
func (s *Store) UnroutedEvents(ctx context.Context, limit int) ([]lifecycle.Event, error) {
	return list(ctx, s.read(ctx), scanEvent, selectEvent+` WHERE routed = 0 ORDER BY seq LIMIT $1`, limit)
}
