package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Checkpoint implements lifecycle.OperationStore. The fence is checked by the
// first statement, which also holds the operation until commit; cluster,
// kubeconfig and hosts are those of the operation.
func (s *Store) Checkpoint(ctx context.Context, f lifecycle.Fence, c lifecycle.Checkpoint) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		clusterID, err := t.checkpointOperation(ctx, f, c.Operation)
		if err != nil {
			return err
		}
		if c.Cluster != nil {
			if c.Cluster.ID != clusterID {
				return fmt.Errorf("checkpoint of cluster %q under an operation on %q: %w", c.Cluster.ID, clusterID, lifecycle.ErrConflict)
			}
			if err := t.saveCluster(ctx, c.Cluster); err != nil {
				return err
			}
		}
		return t.checkpointRest(ctx, f.OperationID, clusterID, c)
	})
}

// checkpointOperation writes op, if there is one, under the fence and gives the
// operation's cluster. A stop that was signalled meanwhile is kept.
func (t *tx) checkpointOperation(ctx context.Context, f lifecycle.Fence, op *lifecycle.Operation) (clusterID string, err error) {
	if op == nil {
		err = t.one(ctx, []any{&clusterID}, `UPDATE operations SET fence = fence
			WHERE id = $1 AND fence = $2 AND status <> 'queued' RETURNING cluster_id`, f.OperationID, f.Token)
		return clusterID, fenced(err)
	}
	err = t.one(ctx, []any{&clusterID}, `UPDATE operations SET
		status = CASE WHEN status = 'stopping' AND $3 = 'running' THEN status ELSE $3 END,
		stage = $4, error = $5, errors = $6, attempt = $7, started_at = $8, ended_at = $9
		WHERE id = $1 AND fence = $2 AND status <> 'queued' AND (sig_undo = 0 OR $3 <> 'succeeded') RETURNING cluster_id`,
		f.OperationID, f.Token, op.Status, op.Stage, jsonArg{op.Error}, jsonArg{op.Errors}, op.Attempt, op.StartedAt, op.EndedAt)
	if errors.Is(err, lifecycle.ErrNotFound) && op.Status == lifecycle.OpSucceeded {
		if _, err = t.checkpointOperation(ctx, f, nil); err == nil { // the fence holds, so it was the undo
			err = lifecycle.ErrUndoAsked
		}
	}
	if op.Status.Ended() {
		t.wake(Operations) // the next one of the cluster may be ready
	}
	return clusterID, fenced(err)
}

func (t *tx) checkpointRest(ctx context.Context, operationID, clusterID string, c lifecycle.Checkpoint) error {
	if err := t.saveNodes(ctx, clusterID, c.Nodes); err != nil {
		return err
	}
	if err := t.saveSteps(ctx, operationID, c.Steps); err != nil {
		return err
	}
	if err := t.saveValues(ctx, operationID, c.Values); err != nil {
		return err
	}
	if c.Kubeconfig != "" {
		if err := t.saveKubeconfig(ctx, clusterID, c.Kubeconfig); err != nil {
			return err
		}
	}
	if c.ReleaseHosts != "" {
		if _, err := t.exec(ctx, `UPDATE hosts SET cluster_id = '', status = $2 WHERE cluster_id = $1`, clusterID, c.ReleaseHosts); err != nil {
			return err
		}
	}
	for _, id := range c.DirtyHosts {
		if _, err := t.exec(ctx, `UPDATE hosts SET status = $2 WHERE id = $1 AND cluster_id = ''`, id, lifecycle.HostDirty); err != nil {
			return err
		}
	}
	if err := t.appendEvents(ctx, c.Events); err != nil {
		return err
	}
	if c.CancelQueued {
		return t.cancelBehind(ctx, clusterID, c.Cluster != nil && c.Cluster.Status == lifecycle.ClusterDeleted)
	}
	return nil
}

// cancelBehind cancels what waits on a cluster and tells it. Deletes wait on,
// unless it is gone.
func (t *tx) cancelBehind(ctx context.Context, clusterID string, gone bool) error {
	but := lifecycle.OpDelete
	if gone {
		but = ""
	}
	ops, err := t.cancelQueued(ctx, clusterID, but)
	if err != nil {
		return err
	}
	events := make([]lifecycle.Event, len(ops))
	for i := range ops {
		events[i] = lifecycle.CancelledEvent(&ops[i], t.store.now())
	}
	return t.appendEvents(ctx, events)
}
