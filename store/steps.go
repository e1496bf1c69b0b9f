package store

import (
	"context"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Steps implements commands.OperationStore and lifecycle.OperationStore, in
// order.
func (s *Store) Steps(ctx context.Context, operationID string) ([]lifecycle.Step, error) {
	return list(ctx, s.read(ctx), scanStep, `SELECT operation_id, seq, phase, node, status, attempt, acted, error, started_at, ended_at
		FROM steps WHERE operation_id = $1 ORDER BY seq`, operationID)
}

func scanStep(s *lifecycle.Step) []any {
	return []any{&s.OperationID, &s.Seq, &s.Phase, &s.Node, &s.Status, &s.Attempt, &s.Acted, into(&s.Error),
		at(&s.StartedAt), at(&s.EndedAt)}
}

// saveSteps inserts or replaces steps by their place in the operation.
func (t *tx) saveSteps(ctx context.Context, operationID string, steps []lifecycle.Step) error {
	for _, s := range steps {
		_, err := t.exec(ctx, `INSERT INTO steps (operation_id, seq, phase, node, status, attempt, acted, error, started_at, ended_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (operation_id, seq) DO UPDATE SET phase = excluded.phase, node = excluded.node,
			status = excluded.status, attempt = excluded.attempt, acted = excluded.acted, error = excluded.error,
			started_at = excluded.started_at, ended_at = excluded.ended_at`,
			operationID, s.Seq, s.Phase, s.Node, s.Status, s.Attempt, s.Acted, jsonArg{s.Error}, s.StartedAt, s.EndedAt)
		if err != nil {
			return about(err, "step", s.Phase+"/"+s.Node)
		}
	}
	return nil
}
