package lifecycletest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// start runs an engine on the bench until stop is called.
func (b *bench) start(owner string, alone bool, procedures ...lifecycle.Procedure) (stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	b.world.Enter(NewDeath(0, cancel))
	wake, unsubscribe := b.store.Subscribe(store.Operations)
	r := lifecycle.NewRunner(b.store, lifecycle.RunnerConfig{Owner: owner, Alone: alone, Lease: 3 * time.Second, Procedures: procedures,
		Words: func(t lifecycle.Text) string { return "in words: " + t.Key }, Wake: wake, Poll: 10 * time.Millisecond, Retry: lifecycle.RetryPolicy{Attempts: 3, First: time.Millisecond, Most: time.Millisecond}})
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() {
		cancel()
		check(b.t, <-done)
		unsubscribe()
	}
}

// until polls for a status of the bench's operation.
func (b *bench) until(want lifecycle.OperationStatus) *lifecycle.Operation {
	b.t.Helper()
	return b.untilOp(b.op.ID, want)
}

func (b *bench) untilOp(id string, want lifecycle.OperationStatus) *lifecycle.Operation {
	b.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		op, err := b.store.Operation(context.Background(), id)
		check(b.t, err)
		if op.Status == want {
			return op
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("the operation is %s, want %s", op.Status, want)
		}
		<-tick.C
	}
}

// gate is a Do that waits until it is opened or its context ends.
type gate struct {
	entered chan struct{}
	open    chan struct{}
	ended   atomic.Bool // by its context
}

func newGate() *gate { return &gate{entered: make(chan struct{}, 16), open: make(chan struct{})} }

// waiter is a phase whose Do passes the gate.
type waiter struct {
	*Step
	gate *gate
}

// Do waits for the gate, then acts.
func (w *waiter) Do(ctx context.Context, s *lifecycle.State) error {
	w.gate.entered <- struct{}{}
	select {
	case <-w.gate.open:
	case <-ctx.Done():
		w.gate.ended.Store(true)
		return ctx.Err()
	}
	return w.Step.Do(ctx, s)
}

func (b *bench) gated(g *gate) lifecycle.Procedure {
	p := b.procedure(nil)
	p.Stages[1].Phase = &waiter{Step: p.Stages[1].Phase.(*Step), gate: g}
	return p
}

func (b *bench) signal(id string, s lifecycle.Signals) {
	b.t.Helper()
	_, err := b.store.SignalOperation(context.Background(), id, s)
	check(b.t, err)
}

func TestStopWaitsForTheRunningStep(t *testing.T) {
	b, g := newBench(t, engines()[0]), newGate()
	defer b.start("one", true, b.gated(g))()
	<-g.entered
	b.signal(b.op.ID, lifecycle.Signals{Stop: true})
	close(g.open)
	b.until(lifecycle.OpStopped)
	if err := b.world.Once("one@m1", "one@w1", "two"); err != nil {
		t.Error(err)
	}
	if b.world.Has("three@w1") {
		t.Error("the stage after the stop ran")
	}
	check(t, b.store.RetryOperation(context.Background(), b.op.ID, "", ""))
	b.until(lifecycle.OpSucceeded)
	if err := b.world.Once(effects...); err != nil {
		t.Errorf("after a retry: %v", err)
	}
}

func TestStopNowAndUndo(t *testing.T) {
	b, g := newBench(t, engines()[0]), newGate()
	defer b.start("one", true, b.gated(g))()
	<-g.entered
	b.signal(b.op.ID, lifecycle.Signals{Stop: true, Undo: true, Now: true})
	b.until(lifecycle.OpUndone)
	if left := b.world.Left(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if !g.ended.Load() {
		t.Error("the running step was waited for")
	}
	events, err := b.store.UnroutedEvents(context.Background(), 100)
	check(t, err)
	if !slices.ContainsFunc(events, func(e lifecycle.Event) bool { return e.Name == "operation.undoing" }) {
		t.Error("nobody is told that it is being undone")
	}
}

func TestUndoLeavesWhatWasThereBefore(t *testing.T) {
	b := newBench(t, engines()[0])
	b.world.Enter(NewDeath(0, func() {}))
	check(t, b.world.Act("one@m1")) // somebody else's
	broken := func(*lifecycle.State) error { return lifecycle.Fail(lifecycle.T("error.internal"), nil) }
	defer b.start("one", true, b.procedure(broken))()
	b.until(lifecycle.OpFailed)
	b.signal(b.op.ID, lifecycle.Signals{Stop: true, Undo: true})
	b.until(lifecycle.OpUndone)
	if left := b.world.Left(); !slices.Equal(left, []string{"one@m1"}) {
		t.Errorf("left %v, want what was there before", left)
	}
	op, err := b.store.Operation(context.Background(), b.op.ID)
	check(t, err)
	steps, err := b.store.Steps(context.Background(), b.op.ID)
	check(t, err)
	for _, st := range steps {
		if st.Status == lifecycle.StepUndone && (st.StartedAt.Before(op.StartedAt) || st.EndedAt.Before(st.StartedAt)) {
			t.Errorf("%s on %s is said to have been undone from %s to %s, the undoing began at %s", st.Phase, st.Node, st.StartedAt, st.EndedAt, op.StartedAt)
		}
	}
}

func TestRetryableIsTriedAgainAndThenGivenUp(t *testing.T) {
	b := newBench(t, engines()[0])
	var tries atomic.Int32
	flaky := func(*lifecycle.State) error {
		if tries.Add(1) < 3 {
			return lifecycle.Retry(lifecycle.T("error.internal"), errors.New("not yet"))
		}
		return nil
	}
	stop := b.start("one", true, b.procedure(flaky))
	b.until(lifecycle.OpSucceeded)
	stop()
	steps, err := b.store.Steps(context.Background(), b.op.ID)
	check(t, err)
	if last := steps[len(steps)-1]; last.Attempt != 3 {
		t.Errorf("attempt %d, want 3", last.Attempt)
	}
	if got, want := b.remarks(), []string{"log.again", "log.again"}; !slices.Equal(got, want) {
		t.Errorf("the log says %v, want %v", got, want)
	}
	b = newBench(t, engines()[0])
	never := func(*lifecycle.State) error {
		return lifecycle.Retry(lifecycle.T("error.internal"), errors.New("never"))
	}
	stop = b.start("one", true, b.procedure(never))
	if op := b.until(lifecycle.OpFailed); len(op.Errors) != 1 || op.Errors[0].Node != "w1" || op.Errors[0].Phase != "three" {
		t.Errorf("errors %+v", op.Errors)
	}
	stop()
	if got := b.remarks(); len(got) < 2 || got[0] != "log.again" || got[len(got)-1] != "log.failed" {
		t.Errorf("the log says %v", got)
	}
}

// remarks are the keys of what the log of the bench's operation has in words. No
// line may have what only the program's own log may have.
func (b *bench) remarks() (keys []string) {
	b.t.Helper()
	lines, err := b.store.Log(context.Background(), b.op.ID, commands.LogFilter{})
	check(b.t, err)
	for _, l := range lines {
		if !l.Text.IsZero() {
			keys = append(keys, l.Text.Key)
			if l.Line != "in words: "+l.Text.Key {
				b.t.Errorf("%s is found as %q", l.Text.Key, l.Line)
			}
		}
		if strings.Contains(l.Line, "not yet") || strings.Contains(l.Line, "never") {
			b.t.Errorf("an inner error in the log: %q", l.Line)
		}
	}
	return keys
}

// second queues another operation on the bench's cluster.
func (b *bench) second(kind lifecycle.OperationKind) *lifecycle.Operation {
	b.t.Helper()
	op := &lifecycle.Operation{Kind: kind, ProjectID: b.op.ProjectID, ClusterID: b.op.ClusterID, ClusterName: b.op.ClusterName, Actor: "u",
		Cause: fmt.Sprintf("test/%s", kind), Status: lifecycle.OpQueued, Attempt: 1, CreatedAt: time.Now()}
	check(b.t, b.store.CreateOperation(context.Background(), op))
	return op
}

func TestOneAtATimeAndADeleteGoesNext(t *testing.T) {
	b, g := newBench(t, engines()[0]), newGate()
	remove := lifecycle.Procedure{Kind: lifecycle.OpDelete, Version: 1, Stages: []lifecycle.Stage{{Phase: &Step{World: b.world, Phase: "remove"}}}}
	defer b.start("one", true, b.gated(g), remove)()
	<-g.entered
	del := b.second(lifecycle.OpDelete)
	if op, err := b.store.Operation(context.Background(), del.ID); err != nil || op.Status != lifecycle.OpQueued {
		t.Fatalf("the second operation is %v, %v", op.Status, err)
	}
	b.signal(b.op.ID, lifecycle.Signals{Stop: true})
	close(g.open)
	b.until(lifecycle.OpStopped)
	b.untilOp(del.ID, lifecycle.OpSucceeded)
	c, err := b.store.Cluster(context.Background(), b.op.ClusterID)
	check(t, err)
	if c.Status != lifecycle.ClusterDeleted {
		t.Errorf("the cluster is %s", c.Status)
	}
}

func TestRightsAreLookedAtAgainWhenClaimed(t *testing.T) {
	b := newBench(t, engines()[0])
	ctx, cancel := context.WithCancel(context.Background())
	r := lifecycle.NewRunner(b.store, lifecycle.RunnerConfig{Owner: "one", Alone: true, Procedures: []lifecycle.Procedure{b.procedure(nil)},
		Authorize: func(context.Context, *lifecycle.Operation) error {
			return lifecycle.Block(lifecycle.T("operation.rights"), lifecycle.T("operation.rights.next"))
		}})
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	op := b.until(lifecycle.OpFailed)
	cancel()
	check(t, <-done)
	if op.Error.Text.Key != "operation.rights" || len(b.world.Left()) > 0 {
		t.Errorf("error %v, world %v", op.Error, b.world.Left())
	}
}

// frozen is a store whose writes hang, as in a process that was paused.
type frozen struct {
	lifecycle.OperationStore
	pause chan struct{} // closed: hang
	thaw  chan struct{}
	hit   atomic.Bool
}

// Checkpoint hangs while paused, then goes on with the old fence.
func (f *frozen) Checkpoint(ctx context.Context, fence lifecycle.Fence, c lifecycle.Checkpoint) error {
	select {
	case <-f.pause:
		<-f.thaw
	default:
	}
	err := f.OperationStore.Checkpoint(context.WithoutCancel(ctx), fence, c)
	if errors.Is(err, lifecycle.ErrFenced) {
		f.hit.Store(true)
	}
	return err
}

// Renew hangs while paused.
func (f *frozen) Renew(ctx context.Context, fence lifecycle.Fence, lease time.Duration) (lifecycle.Signals, error) {
	select {
	case <-f.pause:
		<-f.thaw
	default:
	}
	return f.OperationStore.Renew(context.WithoutCancel(ctx), fence, lease)
}

// TestAPausedProcessIsFencedOff pauses a process beyond its lease: another takes
// the operation over, and what the first writes when it wakes is refused.
func TestAPausedProcessIsFencedOff(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			b, g := newBench(t, e), newGate()
			f := &frozen{OperationStore: b.store, pause: make(chan struct{}), thaw: make(chan struct{})}
			b.world.Enter(NewDeath(0, func() {}))
			ctx, cancel := context.WithCancel(context.Background())
			r := lifecycle.NewRunner(f, lifecycle.RunnerConfig{Owner: "paused", Lease: 300 * time.Millisecond, Poll: 10 * time.Millisecond,
				Procedures: []lifecycle.Procedure{b.gated(g)}})
			done := make(chan error, 1)
			go func() { done <- r.Run(ctx) }()
			<-g.entered
			close(f.pause)
			stop := b.start("other", false, b.procedure(nil))
			b.until(lifecycle.OpSucceeded)
			close(f.thaw)
			close(g.open)
			fenced := func() bool { return f.hit.Load() || g.ended.Load() }
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for deadline := time.Now().Add(10 * time.Second); !fenced(); <-tick.C {
				if time.Now().After(deadline) {
					t.Fatal("the paused process was not fenced off")
				}
			}
			cancel()
			check(t, <-done)
			stop()
			b.until(lifecycle.OpSucceeded)
			if err := b.world.Once(effects...); err != nil {
				t.Errorf("two processes did the same: %v", err)
			}
		})
	}
}

// TestWhatMayStillRunIsTakenUpAgain tries an unsettled failure again as the same
// attempt, so that the remote unit is attached to and not started beside itself.
func TestWhatMayStillRunIsTakenUpAgain(t *testing.T) {
	b := newBench(t, engines()[0])
	var tries atomic.Int32
	cut := func(*lifecycle.State) error {
		if tries.Add(1) == 1 {
			inner := lifecycle.Retry(lifecycle.T("error.internal"), errors.New("cut off"))
			inner.Unsettled = true
			return lifecycle.Retry(lifecycle.T("error.internal"), inner)
		}
		return nil
	}
	stop := b.start("one", true, b.procedure(cut))
	b.until(lifecycle.OpSucceeded)
	stop()
	steps, err := b.store.Steps(context.Background(), b.op.ID)
	check(t, err)
	if last := steps[len(steps)-1]; last.Attempt != 1 || tries.Load() != 2 {
		t.Errorf("attempt %d after %d tries, want 1 after 2", last.Attempt, tries.Load())
	}
}
