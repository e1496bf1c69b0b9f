package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// SignalOperation implements commands.OperationStore. A running operation
// becomes stopping; its owner hears of it at its next heartbeat.
func (s *Store) SignalOperation(ctx context.Context, id string, sig lifecycle.Signals) (lifecycle.OperationStatus, error) {
	var status lifecycle.OperationStatus
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		op, err := t.holdOperation(ctx, id)
		if err != nil {
			return err
		}
		status, err = t.signal(ctx, op, sig)
		t.wake(Operations)
		return err
	})
	return status, about(err, "operation", id)
}

// holdOperation reads an operation and keeps it as it is until commit.
func (t *tx) holdOperation(ctx context.Context, id string) (*lifecycle.Operation, error) {
	return get(ctx, t.conn, scanOperation, selectOperation+` WHERE id = $1`+t.store.dialect.forUpdate, id)
}

func (t *tx) signal(ctx context.Context, op *lifecycle.Operation, sig lifecycle.Signals) (lifecycle.OperationStatus, error) {
	switch {
	case op.Status == lifecycle.OpQueued && op.Attempt > 1 && sig.Undo:
		return t.undoEnded(ctx, op)
	case op.Status == lifecycle.OpQueued:
		return t.unqueue(ctx, op)
	case op.Status.Active():
		return t.signalActive(ctx, op, sig)
	case sig.Undo && (op.Status == lifecycle.OpStopped || op.Status == lifecycle.OpFailed):
		return t.undoEnded(ctx, op)
	}
	return op.Status, fmt.Errorf("it is %s: %w", op.Status, lifecycle.ErrConflict)
}

// unqueue takes an operation out of the queue. One that had worked before is
// stopped, as it was before somebody wanted to retry it. A create that never
// began leaves nothing behind: its name and its hosts are free.
func (t *tx) unqueue(ctx context.Context, op *lifecycle.Operation) (status lifecycle.OperationStatus, err error) {
	err = t.one(ctx, []any{&status}, `UPDATE operations SET status = `+unqueued+`, ended_at = $2 WHERE id = $1 RETURNING status`, op.ID, t.store.now())
	if err != nil || status != lifecycle.OpCancelled || op.Kind != lifecycle.OpCreate {
		return status, err
	}
	err = t.must(ctx, `UPDATE clusters SET status = 'deleted', updated_at = $3 WHERE id = $1 AND status = 'pending'
		AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.cluster_id = $1 AND o.id <> $2 AND o.status <> 'cancelled')`,
		op.ClusterID, op.ID, t.store.now())
	if errors.Is(err, lifecycle.ErrNotFound) {
		return status, nil // something else is to be done with it
	}
	if err == nil {
		_, err = t.exec(ctx, `UPDATE nodes SET status = 'gone' WHERE cluster_id = $1`, op.ClusterID)
	}
	if err == nil {
		_, err = t.exec(ctx, `UPDATE hosts SET cluster_id = '', status = $2 WHERE cluster_id = $1`, op.ClusterID, lifecycle.HostReady)
	}
	return status, err
}

// unqueued is what becomes of a queued operation that shall not run.
const unqueued = `CASE WHEN attempt > 1 THEN 'stopped' ELSE 'cancelled' END`

func (t *tx) signalActive(ctx context.Context, op *lifecycle.Operation, sig lifecycle.Signals) (status lifecycle.OperationStatus, err error) {
	err = t.one(ctx, []any{&status}, `UPDATE operations SET
		sig_stop = CASE WHEN $2 = 1 THEN 1 ELSE sig_stop END,
		sig_undo = CASE WHEN $3 = 1 THEN 1 ELSE sig_undo END,
		sig_now = CASE WHEN $4 = 1 THEN 1 ELSE sig_now END,
		status = CASE WHEN status = 'running' AND $2 + $3 > 0 THEN 'stopping' ELSE status END
		WHERE id = $1 RETURNING status`, op.ID, sig.Stop || sig.Undo || sig.Now, sig.Undo, sig.Now)
	return status, err
}

// undoEnded makes an ended operation active again, for a claim to find; it begins
// anew, as with a retry: hours in which nothing was done are not counted. The
// fence rises, so that nobody who had it before can write; the index of one
// active operation per cluster has the last word.
func (t *tx) undoEnded(ctx context.Context, op *lifecycle.Operation) (lifecycle.OperationStatus, error) {
	var cluster lifecycle.ClusterStatus
	if err := t.one(ctx, []any{&cluster}, `SELECT status FROM clusters WHERE id = $1`, op.ClusterID); err != nil {
		return op.Status, err
	}
	if cluster == lifecycle.ClusterDeleted {
		return op.Status, fmt.Errorf("undoing %s: %w", op.Label(), lifecycle.ErrGone)
	}
	_, err := t.exec(ctx, `UPDATE operations SET status = 'undoing', started_at = $2, ended_at = 0, fence = fence + 1,
		lease_owner = '', lease_until = 0, sig_stop = 0, sig_undo = 1, sig_now = 0 WHERE id = $1`, op.ID, t.store.now())
	if errors.Is(err, lifecycle.ErrExists) {
		return op.Status, fmt.Errorf("undoing %s: %w", op.Label(), lifecycle.ErrBusy)
	}
	return lifecycle.OpUndoing, err
}

// RetryOperation implements commands.OperationStore. Its steps stay; what holds
// is found satisfied.
func (s *Store) RetryOperation(ctx context.Context, id, actor, actorName string) error {
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		op, err := t.holdOperation(ctx, id)
		if err != nil {
			return err
		}
		if op.Status != lifecycle.OpFailed && op.Status != lifecycle.OpStopped {
			return fmt.Errorf("it is %s: %w", op.Status, lifecycle.ErrConflict)
		}
		err = t.must(ctx, `UPDATE operations SET status = 'queued', stage = '', error = '', errors = '',
			attempt = attempt + 1, started_at = 0, ended_at = 0, fence = fence + 1, lease_owner = '', lease_until = 0,
			sig_stop = 0, sig_undo = 0, sig_now = 0,
			actor = CASE WHEN $4 = '' THEN actor ELSE $4 END, actor_name = CASE WHEN $4 = '' THEN actor_name ELSE $5 END
			WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM operations n WHERE n.cluster_id = $2 AND n.number > $3 AND n.status <> 'cancelled')`,
			op.ID, op.ClusterID, op.Number, actor, actorName)
		if errors.Is(err, lifecycle.ErrNotFound) {
			return fmt.Errorf("a newer operation of cluster %q exists: %w", op.ClusterName, lifecycle.ErrConflict)
		}
		t.wake(Operations)
		return err
	})
	return about(err, "operation", id)
}

// CancelQueued implements commands.OperationStore. It writes no events.
func (s *Store) CancelQueued(ctx context.Context, clusterID string) ([]lifecycle.Operation, error) {
	var ops []lifecycle.Operation
	err := s.write(ctx, func(ctx context.Context, t *tx) (err error) {
		ops, err = t.cancelQueued(ctx, clusterID, "")
		return err
	})
	return ops, err
}

// cancelQueued takes a cluster's queued operations of all kinds but one out of the
// queue, oldest first; those that had worked before are stopped.
func (t *tx) cancelQueued(ctx context.Context, clusterID string, but lifecycle.OperationKind) ([]lifecycle.Operation, error) {
	ops, err := list(ctx, t.conn, scanOperation, `UPDATE operations SET status = `+unqueued+`, ended_at = $3
		WHERE cluster_id = $1 AND status = 'queued' AND kind <> $2 RETURNING `+operationColumns,
		clusterID, but, t.store.now())
	slices.SortFunc(ops, func(a, b lifecycle.Operation) int { return int(a.Number - b.Number) })
	return ops, err
}
