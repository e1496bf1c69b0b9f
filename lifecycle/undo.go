package lifecycle

import (
	"context"
	"errors"
	"slices"
	"time"
)

// stopped ends the operation at a safe point and, when asked, undoes it.
func (w *work) stopped(ctx context.Context) error {
	if w.undo.Load() {
		return w.undoAll(ctx)
	}
	w.op.Status, w.op.EndedAt = OpStopped, w.r.cfg.Now()
	return w.checkpoint(ctx, Checkpoint{Operation: w.op, Cluster: w.broken(ClusterFailed), Steps: w.brokenOff(), CancelQueued: true,
		Events: []Event{w.event("operation.stopped", Notice, "left", w.left())}})
}

// brokenOff gives the steps that nobody waits for any more, as failed ones: on the
// hosts they may go on, and a retry takes them up again.
func (w *work) brokenOff() []Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []Step
	for _, s := range w.steps {
		if s.Status != StepRunning {
			continue
		}
		s.Status, s.EndedAt = StepFailed, w.r.cfg.Now()
		s.Error = &Error{Class: Permanent, Text: T("step.brokenoff"), Phase: s.Phase, Node: s.Node, Unsettled: true}
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Step) int { return a.Seq - b.Seq })
	return out
}

// left counts the steps whose effects are still there.
func (w *work) left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, s := range w.steps {
		if s.Acted {
			n++
		}
	}
	return n
}

// undoAll takes back what this operation did, last stage first; the nodes of a
// stage at the same time.
func (w *work) undoAll(ctx context.Context) error {
	if w.op.Status != OpUndoing {
		w.op.Status, w.op.EndedAt = OpUndoing, time.Time{}
		if err := w.checkpoint(ctx, Checkpoint{Operation: w.op, Events: []Event{w.event("operation.undoing", Info)}}); err != nil {
			return err
		}
	}
	for _, stage := range slices.Backward(w.proc.Stages) {
		u, ok := stage.Phase.(Undoer)
		if !ok {
			continue
		}
		failed, err := w.undoStage(ctx, stage, u)
		if err != nil {
			return err
		}
		if len(failed) > 0 {
			return w.fail(ctx, failed)
		}
	}
	return w.undone(ctx)
}

func (w *work) undoStage(ctx context.Context, stage Stage, u Undoer) ([]*Error, error) {
	over := w.acted(stage.Phase.Name())
	failed, errs := make([][]*Error, len(over)), make([]error, len(over))
	atOnce(min(stage.atOnce(), w.r.cfg.NodesAtOnce), len(over), func(i int) {
		failed[i], errs[i] = w.undoStep(ctx, stage.Phase, u, over[i])
	})
	return slices.Concat(failed...), errors.Join(errs...)
}

// acted gives the steps of a phase that this operation may have changed
// something with.
func (w *work) acted(phase string) []*Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []*Step
	for _, s := range w.steps {
		if s.Phase == phase && s.Acted {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *Step) int { return b.Seq - a.Seq })
	return out
}

func (w *work) undoStep(ctx context.Context, p Phase, u Undoer, step *Step) ([]*Error, error) {
	node := w.node(step.Node)
	if step.Status != StepUndoing { // how long the undoing takes is told, not how long ago the step was done
		step.StartedAt, step.EndedAt = w.r.cfg.Now(), time.Time{}
	}
	for failures := 0; ; {
		step.Status, step.Attempt = StepUndoing, step.Attempt+1
		if err := w.saveStep(ctx, step); err != nil {
			return nil, err
		}
		err := w.callUndo(ctx, p, u, w.state(p, node, step))
		if err == nil {
			step.Status, step.Acted, step.EndedAt, step.Error = StepUndone, false, w.r.cfg.Now(), nil
			return nil, w.saveStep(ctx, step)
		}
		if ctx.Err() != nil || errors.Is(err, ErrFenced) {
			return nil, errors.Join(context.Cause(ctx), err)
		}
		failures++
		if ClassOf(err) != Retryable || failures >= w.r.cfg.Retry.Attempts {
			return w.failStep(ctx, step, p, node, err)
		}
		if err := w.waitRetry(ctx, failures); err != nil {
			return nil, err
		}
	}
}

func (w *work) callUndo(ctx context.Context, p Phase, u Undoer, s *State) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout(p))
	defer cancel()
	return u.Undo(ctx, s)
}

func (w *work) node(name string) *Node {
	for _, n := range w.nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

func (w *work) undone(ctx context.Context) error {
	w.op.Status, w.op.EndedAt, w.op.Error, w.op.Errors = OpUndone, w.r.cfg.Now(), nil, nil
	c := Checkpoint{Operation: w.op, Cluster: w.cluster, CancelQueued: true}
	w.cluster.Status = outcomes[w.op.Kind].undone
	if w.cluster.Status == ClusterDeleted {
		c.ReleaseHosts = HostReady
	}
	c.Events = []Event{w.event("operation.undone", Notice)}
	return w.checkpoint(ctx, c)
}
