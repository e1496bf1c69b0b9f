package store

import (
	"context"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

type phaseTime struct {
	phase      string
	begun, end time.Time
}

// PhaseTimes implements commands.OperationStore.
func (s *Store) PhaseTimes(ctx context.Context, kind lifecycle.OperationKind, provider string, before int64, limit int) (map[string][]time.Duration, error) {
	rows, err := list(ctx, s.read(ctx), func(p *phaseTime) []any { return []any{&p.phase, at(&p.begun), at(&p.end)} },
		`SELECT phase, MIN(started_at), MAX(ended_at) FROM steps
		WHERE operation_id IN (SELECT o.id FROM operations o JOIN clusters c ON c.id = o.cluster_id
			WHERE o.kind = $1 AND o.status = 'succeeded' AND o.attempt = 1 AND c.provider = $2 AND o.number < $3 ORDER BY o.number DESC LIMIT $4)
		AND status = 'done' AND started_at > 0 AND ended_at > 0
		GROUP BY operation_id, phase`, kind, provider, before, limit)
	if err != nil {
		return nil, err
	}
	out := map[string][]time.Duration{}
	for _, r := range rows {
		out[r.phase] = append(out[r.phase], r.end.Sub(r.begun))
	}
	return out, nil
}

// Events implements commands.Store.
func (s *Store) Events(ctx context.Context, f commands.EventFilter) ([]lifecycle.Event, error) {
	var q query
	q.in("project_id", f.ProjectIDs)
	if f.ClusterID != "" {
		q.where("cluster_id = %s", f.ClusterID)
	}
	if f.OperationID != "" {
		q.where("operation_id = %s", f.OperationID)
	}
	return list(ctx, s.read(ctx), scanEvent, q.sql(selectEvent, "seq DESC", f.Limit), q.args...)
}
