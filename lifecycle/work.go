package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// work is one claimed operation in this process.
type work struct {
	r     *Runner
	op    *Operation
	fence Fence
	proc  Procedure
	log   *slog.Logger
	out   *outputLog
	poked chan struct{}

	cluster *Cluster
	nodes   []*Node
	entered int // index of the last stage that was begun

	mu    sync.Mutex
	steps map[stepKey]*Step
	seq   int
	told  time.Time // when rooms last heard how far it is

	stop atomic.Bool // at the next safe point
	undo atomic.Bool // and then undo
	// stopNow ends the running steps; set up by forward.
	stopNow atomic.Pointer[context.CancelCauseFunc]
}

type stepKey struct{ phase, node string }

var (
	errStopNow  = errors.New("stopped at once by a person")
	errLeaseOut = errors.New("the lease could not be renewed in time")
)

func newWork(r *Runner, op *Operation) *work {
	return &work{r: r, op: op, fence: Fence{OperationID: op.ID, Token: op.Fence}, proc: r.procedures[op.Kind],
		log:   r.cfg.Log.With("operation", op.Label(), "kind", op.Kind, "cluster", op.ClusterName),
		steps: map[stepKey]*Step{}, poked: make(chan struct{}, 1)}
}

// run takes the operation as far as it goes. When ctx ends or the fence is lost
// it writes nothing more, but for the last lines of the log while the fence still
// lets it: whoever claims it next goes on from the journal.
func (w *work) run(parent context.Context) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	w.out = newOutputLog(w.r.store, w.fence, w.r.cfg, w.log)
	var wg sync.WaitGroup
	wg.Go(func() { w.out.run(ctx) })
	wg.Go(func() { w.heartbeat(ctx, cancel) })
	err := w.drive(ctx)
	w.out.close()
	cancel(nil)
	wg.Wait()
	switch {
	case err == nil:
	case errors.Is(err, ErrFenced), errors.Is(context.Cause(ctx), ErrFenced):
		w.log.Warn("the operation has another owner now; let go")
	case parent.Err() != nil:
		w.release(parent)
	default:
		w.log.Error("the operation could not go on here; its lease will run out", "error", err)
	}
}

// release gives the lease back at a regular shutdown.
func (w *work) release(parent context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(parent), 5*time.Second)
	defer cancel()
	if _, err := w.r.store.Renew(ctx, w.fence, 0); err != nil && !errors.Is(err, ErrFenced) {
		w.log.Warn("giving the lease back", "error", err)
	}
}

// drive goes on from wherever the journal says the operation is.
func (w *work) drive(ctx context.Context) error {
	if err := w.load(ctx); err != nil {
		return err
	}
	sig, err := w.r.store.Renew(ctx, w.fence, w.r.cfg.Lease) // a stop may have been asked for before this claim
	if err != nil {
		return err
	}
	w.signalled(sig)
	if w.cluster.Status == ClusterDeleted { // what is gone is neither built nor taken away
		return w.fail(ctx, []*Error{{Class: Permanent, Text: T("operation.gone", "cluster", w.op.ClusterName)}})
	}
	if len(w.proc.Stages) == 0 {
		return w.fail(ctx, []*Error{{Class: Permanent, Text: T("operation.unknownkind", "kind", string(w.op.Kind))}})
	}
	switch w.op.Status {
	case OpUndoing:
		return w.undoAll(ctx)
	case OpStopping:
		w.stop.Store(true)
		return w.stopped(ctx)
	default:
		if w.op.Stage == "" {
			refusal, err := w.mayBegin(ctx)
			switch {
			case err != nil:
				return err
			case refusal != nil:
				return w.fail(ctx, []*Error{refusal})
			}
		}
		return w.forward(ctx)
	}
}

func (w *work) load(ctx context.Context) error {
	c, err := w.r.store.Cluster(ctx, w.op.ClusterID)
	if err != nil {
		return fmt.Errorf("loading the cluster: %w", err)
	}
	nodes, err := w.r.store.Nodes(ctx, w.op.ClusterID)
	if err != nil {
		return fmt.Errorf("loading the nodes: %w", err)
	}
	steps, err := w.r.store.Steps(ctx, w.op.ID)
	if err != nil {
		return fmt.Errorf("loading the steps: %w", err)
	}
	w.cluster, w.nodes = c, nodes
	for _, s := range steps {
		w.steps[stepKey{s.Phase, s.Node}] = &s
		w.seq = max(w.seq, s.Seq)
	}
	return nil
}

// mayBegin checks what may have changed while the operation was queued. The
// refusal is for people; an error says that it could not be found out.
func (w *work) mayBegin(ctx context.Context) (refusal *Error, err error) {
	if w.r.cfg.Authorize != nil {
		if err := w.r.cfg.Authorize(ctx, w.op); errors.As(err, &refusal) {
			return refusal, nil
		} else if err != nil {
			return nil, fmt.Errorf("checking the rights: %w", err)
		}
	}
	if w.op.PlanHash != "" && w.op.PlanHash != PlanHash(w.proc, w.cluster, w.nodes) {
		return Block(T("operation.drift", "op", w.op.Label()), T("operation.drift.next", "op", w.op.Label())), nil
	}
	return nil, nil
}

// forward runs the stages in order.
func (w *work) forward(ctx context.Context) error {
	stages := w.proc.stagesFor(w.cluster)
	w.entered = reached(stages, w.op.Stage)
	workCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.stopNow.Store(&cancel)
	for i, stage := range stages {
		if err := w.listen(ctx); err != nil {
			return err
		}
		if w.stop.Load() {
			return w.stopped(ctx)
		}
		if err := w.enter(ctx, stage, i, len(stages)); err != nil {
			return err
		}
		failed, err := w.runStage(workCtx, stage)
		switch {
		case errors.Is(context.Cause(workCtx), errStopNow):
			return w.stopped(ctx)
		case err != nil:
			return err
		case len(failed) > 0 && w.stop.Load():
			return w.stopped(ctx)
		case len(failed) > 0:
			return w.fail(ctx, failed)
		}
	}
	err := w.succeed(ctx)
	if errors.Is(err, ErrUndoAsked) {
		w.undo.Store(true)
		return w.stopped(ctx)
	}
	return err
}

// reached is the index of the stage that the journal says was begun last, -1
// when none was.
func reached(stages []Stage, name string) int {
	return slices.IndexFunc(stages, func(s Stage) bool { return s.Phase.Name() == name })
}

// enter records that a stage begins, once: after a restart, the stages before it
// are looked at again but not told again.
func (w *work) enter(ctx context.Context, stage Stage, i, total int) error {
	name := stage.Phase.Name()
	if i <= w.entered {
		return nil
	}
	w.entered = i
	w.mu.Lock()
	w.told = w.r.cfg.Now()
	w.mu.Unlock()
	c := Checkpoint{Operation: w.op}
	if w.op.Stage == "" {
		w.op.StartedAt = w.r.cfg.Now()
		w.cluster.Status = outcomes[w.op.Kind].begun
		c.Cluster = w.cluster
		c.Events = append(c.Events, w.event("operation.started", Info))
	}
	w.op.Stage = name
	c.Events = append(c.Events, w.event("operation.stage", Info, "phase", name, "number", i+1, "total", total))
	return w.checkpoint(ctx, c)
}

// runStage runs a stage on all its targets and gives every failure; the error is
// for what must end this work without a word in the journal.
func (w *work) runStage(ctx context.Context, stage Stage) ([]*Error, error) {
	over := targets(stage, w.nodes)
	failed, errs := make([][]*Error, len(over)), make([]error, len(over))
	atOnce(min(stage.atOnce(), w.r.cfg.NodesAtOnce), len(over), func(i int) {
		if ctx.Err() != nil {
			errs[i] = context.Cause(ctx)
			return
		}
		failed[i], errs[i] = w.runStep(ctx, stage.Phase, over[i])
	})
	var all []*Error
	for i := range over {
		all = append(all, failed[i]...)
	}
	return all, errors.Join(errs...)
}

// listen takes in signals that the heartbeat has not brought yet: who was told
// that an operation will stop must not see one more stage begin.
func (w *work) listen(ctx context.Context) error {
	sig, err := w.r.store.Renew(ctx, w.fence, w.r.cfg.Lease)
	if err != nil {
		return fmt.Errorf("looking for signals: %w", err)
	}
	w.signalled(sig)
	return nil
}

// heartbeat renews the lease and carries signals in. When the lease cannot be
// renewed before it ends, the work ends: somebody else may have it by then.
func (w *work) heartbeat(ctx context.Context, cancel context.CancelCauseFunc) {
	every := w.r.cfg.Lease / 3
	timer := time.NewTicker(every)
	defer timer.Stop()
	renewed := w.r.cfg.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-w.poked:
		}
		asked := w.r.cfg.Now()
		callCtx, done := context.WithTimeout(ctx, every)
		sig, err := w.r.store.Renew(callCtx, w.fence, w.r.cfg.Lease)
		done()
		switch {
		case err == nil:
			renewed = asked
			w.signalled(sig)
		case errors.Is(err, ErrFenced):
			cancel(ErrFenced)
			return
		case w.r.cfg.Now().Sub(renewed) > w.r.cfg.Lease-every:
			cancel(errLeaseOut)
			return
		}
	}
}

func (w *work) signalled(sig Signals) {
	if sig.Undo {
		w.undo.Store(true)
	}
	if sig.Stop {
		w.stop.Store(true)
	}
	if sig.Now {
		if cancel := w.stopNow.Load(); cancel != nil {
			(*cancel)(errStopNow)
		}
	}
}

// checkpoint writes under the fence.
func (w *work) checkpoint(ctx context.Context, c Checkpoint) error {
	err := w.r.store.Checkpoint(ctx, w.fence, c)
	if err == nil {
		w.observe(c)
	}
	return err
}

// journalOf is the Journal that phases see.
type journalOf struct{ w *work }

// Checkpoint implements Journal.
func (j journalOf) Checkpoint(ctx context.Context, c Checkpoint) error { return j.w.checkpoint(ctx, c) }

// Value implements Journal.
func (j journalOf) Value(ctx context.Context, key string) (string, error) {
	return j.w.r.store.OperationValue(ctx, j.w.op.ID, key)
}

// Secret implements Journal.
func (j journalOf) Secret(ctx context.Context, key string) (string, error) {
	return j.w.r.store.OperationSecret(ctx, j.w.op.ID, key)
}
