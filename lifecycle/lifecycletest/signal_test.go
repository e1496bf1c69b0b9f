package lifecycletest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// gatedLast is a create whose last stage passes the gate.
func (b *bench) gatedLast(g *gate) lifecycle.Procedure {
	p := b.procedure(nil)
	last := &p.Stages[len(p.Stages)-1]
	last.Phase = &waiter{Step: last.Phase.(*Step), gate: g}
	return p
}

// TestUndoInTheLastStage: who was told that it will be undone sees it undone, and
// not succeed because nothing was left to stop.
func TestUndoInTheLastStage(t *testing.T) {
	b, g := newBench(t, engines()[0]), newGate()
	defer b.start("one", true, b.gatedLast(g))()
	<-g.entered
	b.signal(b.op.ID, lifecycle.Signals{Stop: true, Undo: true})
	close(g.open)
	op := b.until(lifecycle.OpUndone)
	if left := b.world.Left(); len(left) > 0 || op.EndedAt.IsZero() {
		t.Errorf("left behind: %v", left)
	}
}

// TestStopInTheLastStage: what is done is not called stopped.
func TestStopInTheLastStage(t *testing.T) {
	b, g := newBench(t, engines()[0]), newGate()
	defer b.start("one", true, b.gatedLast(g))()
	<-g.entered
	b.signal(b.op.ID, lifecycle.Signals{Stop: true})
	close(g.open)
	b.until(lifecycle.OpSucceeded)
}

// TestStopNowLeavesNothingRunning: no step is said to run in an operation that has
// ended, and a retry takes the same attempt up again.
func TestStopNowLeavesNothingRunning(t *testing.T) {
	b, g := newBench(t, engines()[0]), newGate()
	defer b.start("one", true, b.gated(g))()
	<-g.entered
	b.signal(b.op.ID, lifecycle.Signals{Stop: true, Now: true})
	b.until(lifecycle.OpStopped)
	two := func() lifecycle.Step {
		steps, err := b.store.Steps(context.Background(), b.op.ID)
		check(t, err)
		return steps[len(steps)-1]
	}
	if s := two(); s.Phase != "two" || s.Status != lifecycle.StepFailed || s.EndedAt.IsZero() || s.Error == nil || s.Error.Text.Key != "step.brokenoff" {
		t.Errorf("the step that was broken off: %+v", s)
	}
	check(t, b.store.RetryOperation(context.Background(), b.op.ID, "", ""))
	<-g.entered
	if s := two(); s.Attempt != 1 || s.Status != lifecycle.StepRunning {
		t.Errorf("the step is taken up as %+v", s)
	}
	close(g.open)
	b.until(lifecycle.OpSucceeded)
}

// clusterStatus is what people see of the cluster.
func (b *bench) clusterStatus() lifecycle.ClusterStatus {
	b.t.Helper()
	c, err := b.store.Cluster(context.Background(), b.op.ClusterID)
	check(b.t, err)
	return c.Status
}

// TestWhatNeverBeganBreaksNothing: a delete that is refused before its first stage
// leaves a running cluster running, and one that comes for a deleted cluster leaves
// it deleted.
func TestWhatNeverBeganBreaksNothing(t *testing.T) {
	b := newBench(t, engines()[0])
	remove := lifecycle.Procedure{Kind: lifecycle.OpDelete, Version: 1, Stages: []lifecycle.Stage{{Phase: &Step{World: b.world, Phase: "remove"}}}}
	var may, known atomic.Bool
	may.Store(true)
	known.Store(true)
	wake, off := b.store.Subscribe(store.Operations)
	defer off()
	ctx, cancel := context.WithCancel(context.Background())
	b.world.Enter(NewDeath(0, cancel))
	r := lifecycle.NewRunner(b.store, lifecycle.RunnerConfig{Owner: "one", Alone: true, Lease: time.Second, Procedures: []lifecycle.Procedure{b.procedure(nil), remove},
		Wake: wake, Poll: 10 * time.Millisecond, Authorize: func(context.Context, *lifecycle.Operation) error {
			switch {
			case !known.Swap(true):
				return errors.New("the database is away")
			case !may.Load():
				return lifecycle.Block(lifecycle.T("operation.rights"), lifecycle.T("operation.rights.next"))
			}
			return nil
		}})
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	defer func() {
		cancel()
		check(t, <-done)
	}()
	b.until(lifecycle.OpSucceeded)

	may.Store(false)
	refused := b.second(lifecycle.OpDelete)
	b.untilOp(refused.ID, lifecycle.OpFailed)
	if got := b.clusterStatus(); got != lifecycle.ClusterRunning {
		t.Errorf("the cluster is %s after a delete that never began", got)
	}
	may.Store(true)
	known.Store(false) // once: it is tried again when the lease has run out
	check(t, b.store.RetryOperation(context.Background(), refused.ID, "", ""))
	b.untilOp(refused.ID, lifecycle.OpSucceeded)
	if got := b.clusterStatus(); got != lifecycle.ClusterDeleted {
		t.Errorf("the cluster is %s after its delete", got)
	}
	late := &lifecycle.Operation{Kind: lifecycle.OpDelete, ProjectID: b.op.ProjectID, ClusterID: b.op.ClusterID, ClusterName: b.op.ClusterName,
		Actor: "u", Cause: "test/late", Status: lifecycle.OpQueued, Attempt: 1, CreatedAt: time.Now()}
	check(t, b.store.CreateOperation(context.Background(), late))
	if op := b.untilOp(late.ID, lifecycle.OpFailed); op.Error == nil || op.Error.Text.Key != "operation.gone" {
		t.Errorf("what came late: %+v", op.Error)
	}
	if got := b.clusterStatus(); got != lifecycle.ClusterDeleted {
		t.Errorf("the cluster is %s after what came late", got)
	}
}
