package store

import (
	"context"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

const (
	operationColumns = `number, id, kind, project_id, cluster_id, cluster_name, actor, actor_name, origin, cause,
		params, plan_hash, version, status, stage, error, errors, attempt, created_at, started_at, ended_at,
		sig_stop, sig_undo, sig_now, fence, lease_owner, lease_until`
	selectOperation = `SELECT ` + operationColumns + ` FROM operations`

	// activeStatuses and openStatuses stand word for word in the partial indexes.
	activeStatuses = `('running', 'stopping', 'undoing')`
	openStatuses   = `('queued', 'running', 'stopping', 'undoing')`
)

func scanOperation(o *lifecycle.Operation) []any {
	return []any{&o.Number, &o.ID, &o.Kind, &o.ProjectID, &o.ClusterID, &o.ClusterName, &o.Actor, &o.ActorName,
		into(&o.Origin), &o.Cause, into(&o.Params), &o.PlanHash, &o.Version, &o.Status, &o.Stage,
		into(&o.Error), into(&o.Errors), &o.Attempt, at(&o.CreatedAt), at(&o.StartedAt), at(&o.EndedAt),
		&o.Signals.Stop, &o.Signals.Undo, &o.Signals.Now, &o.Fence, &o.LeaseOwner, at(&o.LeaseUntil)}
}

// CreateOperation implements commands.OperationStore. ErrNotFound when its
// cluster is not there.
func (s *Store) CreateOperation(ctx context.Context, op *lifecycle.Operation) error {
	if err := s.fillID(&op.ID); err != nil {
		return err
	}
	s.fillTime(&op.CreatedAt)
	op.Status = lifecycle.OpQueued
	op.Attempt = max(op.Attempt, 1)
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		err := t.one(ctx, []any{&op.Number}, `INSERT INTO operations (id, kind, project_id, cluster_id, cluster_name,
			actor, actor_name, origin, cause, params, plan_hash, version, status, stage, error, errors, attempt,
			created_at, started_at, ended_at, fence, lease_owner, lease_until, sig_stop, sig_undo, sig_now, log_seq)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '', '', $14, $15, 0, 0, 0, '', 0, 0, 0, 0, 0)
			RETURNING number`, op.ID, op.Kind, op.ProjectID, op.ClusterID, op.ClusterName, op.Actor, op.ActorName,
			op.Origin, op.Cause, op.Params, op.PlanHash, op.Version, op.Status, op.Attempt, op.CreatedAt)
		if err != nil {
			return about(instead(err, lifecycle.ErrNotFound), "operation on cluster", op.ClusterName)
		}
		t.wake(Operations)
		return nil
	})
}

// Operation implements commands.OperationStore and lifecycle.OperationStore.
func (s *Store) Operation(ctx context.Context, id string) (*lifecycle.Operation, error) {
	op, err := get(ctx, s.read(ctx), scanOperation, selectOperation+` WHERE id = $1`, id)
	return op, about(err, "operation", id)
}

// OperationByNumber implements commands.OperationStore.
func (s *Store) OperationByNumber(ctx context.Context, number int64) (*lifecycle.Operation, error) {
	op, err := get(ctx, s.read(ctx), scanOperation, selectOperation+` WHERE number = $1`, number)
	return op, about(err, "operation", (&lifecycle.Operation{Number: number}).Label())
}

// Operations implements commands.OperationStore.
func (s *Store) Operations(ctx context.Context, f commands.OperationFilter) ([]lifecycle.Operation, error) {
	var q query
	q.inEither("project_id", f.ProjectIDs, "cluster_id", f.ClusterIDs)
	q.is("project_id", f.ProjectID)
	q.is("cluster_id", f.ClusterID)
	q.is("cluster_name", f.ClusterName)
	q.is("actor", f.Actor)
	if f.Active {
		q.conds = append(q.conds, "status IN "+openStatuses)
	}
	text := q.sql(selectOperation, "number DESC", f.Limit)
	return list(ctx, s.read(ctx), scanOperation, text, q.args...)
}
