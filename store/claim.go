package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// claimOperation takes the oldest operation that is ready: an active one whose
// lease ran out, or a queued one on whose cluster nothing is active and nothing
// older is queued. Only one per cluster can be ready, so that two claims at the
// same time never want the same cluster.
const claimOperation = `UPDATE operations SET
		started_at = CASE WHEN status = 'queued' THEN $1 ELSE started_at END,
		status = CASE WHEN status = 'queued' THEN 'running' ELSE status END,
		fence = fence + 1, lease_owner = $2, lease_until = $3
	WHERE id = (SELECT o.id FROM operations o
		WHERE o.status IN ` + openStatuses + ` AND (
			(o.status <> 'queued' AND o.lease_until <= $1)
			OR (o.status = 'queued' AND NOT EXISTS (SELECT 1 FROM operations b WHERE b.cluster_id = o.cluster_id
				AND (b.status IN ` + activeStatuses + ` OR (b.status = 'queued' AND b.number < o.number)))))
		ORDER BY o.number LIMIT 1%s)
	RETURNING ` + operationColumns

// Claim implements lifecycle.OperationStore.
func (s *Store) Claim(ctx context.Context, owner string, lease time.Duration) (*lifecycle.Operation, error) {
	var op *lifecycle.Operation
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		now, err := t.leaseNow(ctx)
		if err != nil {
			return err
		}
		op, err = get(ctx, t.conn, scanOperation, fmt.Sprintf(claimOperation, s.dialect.skipLocked), now, owner, now.Add(lease))
		return err
	})
	switch {
	case errors.Is(err, lifecycle.ErrNotFound):
		return nil, nil
	case errors.Is(err, lifecycle.ErrExists):
		return nil, nil // the cluster got another active operation in this instant
	case err != nil:
		return nil, fmt.Errorf("claiming an operation: %w", err)
	}
	return op, nil
}

// Renew implements lifecycle.OperationStore. An operation that has ended keeps
// its lapsed lease.
func (s *Store) Renew(ctx context.Context, f lifecycle.Fence, lease time.Duration) (lifecycle.Signals, error) {
	var sig lifecycle.Signals
	err := s.write(ctx, func(ctx context.Context, t *tx) error {
		now, err := t.leaseNow(ctx)
		if err != nil {
			return err
		}
		return fenced(t.one(ctx, []any{&sig.Stop, &sig.Undo, &sig.Now}, `UPDATE operations
			SET lease_until = CASE WHEN status IN `+activeStatuses+` THEN $3 ELSE lease_until END
			WHERE id = $1 AND fence = $2 AND status <> 'queued' RETURNING sig_stop, sig_undo, sig_now`,
			f.OperationID, f.Token, now.Add(lease)))
	})
	return sig, err
}

// fenced says that a statement under a fence which touched nothing was refused.
func fenced(err error) error {
	if errors.Is(err, lifecycle.ErrNotFound) {
		return lifecycle.ErrFenced
	}
	return err
}

// TakeOver implements lifecycle.OperationStore.
func (s *Store) TakeOver(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE operations SET lease_until = 0 WHERE status IN `+activeStatuses)
		t.wake(Operations)
		return err
	})
}
