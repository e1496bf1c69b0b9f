package lifecycle

import (
	"context"
	"errors"
	"time"
)

// checkTimeout bounds one Check: it only looks.
const checkTimeout = 2 * time.Minute

// checkBounded calls Check with its deadline.
func checkBounded(ctx context.Context, p Phase, s *State) (Need, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return p.Check(ctx, s)
}

// runStep brings one target to where the phase wants it: facts first, intent
// before action. It gives the failures that a person must see; the error is for
// what must end the work silently.
func (w *work) runStep(ctx context.Context, p Phase, node *Node) ([]*Error, error) {
	step := w.step(p.Name(), nodeName(node))
	for failures := 0; ; {
		err := w.tryStep(ctx, p, node, step)
		if err == nil {
			return nil, nil
		}
		if ctx.Err() != nil || errors.Is(err, ErrFenced) {
			return nil, errors.Join(context.Cause(ctx), err)
		}
		var saving *saveError
		if errors.As(err, &saving) {
			return nil, err
		}
		failures++
		if ClassOf(err) != Retryable || failures >= w.r.cfg.Retry.Attempts || w.stop.Load() {
			return w.failStep(ctx, step, p, node, err)
		}
		for _, e := range problems(err, p.Name(), node) {
			w.log.Info("a step is tried again", "phase", p.Name(), "node", nodeName(node), "attempt", step.Attempt, "error", e)
			w.out.remark(p.Name(), nodeName(node), T("log.again", "problem", e.Text))
		}
		if !unsettled(err) {
			step.Status = StepPending // the next try is another attempt, with a unit of its own
		}
		if err := w.waitRetry(ctx, failures); err != nil {
			return nil, err
		}
	}
}

// tryStep is one round of Check and, if needed, Do.
func (w *work) tryStep(ctx context.Context, p Phase, node *Node, step *Step) error {
	s := w.state(p, node, step)
	need, err := checkBounded(ctx, p, s)
	if err != nil {
		return err
	}
	if need.Kind == Satisfied {
		return w.satisfied(ctx, step)
	}
	if step.Status != StepRunning { // a running one is resumed: same attempt, same remote unit
		if step.Error == nil || !step.Error.Unsettled {
			step.Attempt++
		}
		step.Status, step.Acted = StepRunning, true
		step.StartedAt, step.EndedAt, step.Error = w.r.cfg.Now(), time.Time{}, nil
		if err := w.saveStep(ctx, step); err != nil {
			return err
		}
	}
	s.Attempt = step.Attempt
	if err := w.do(ctx, p, s); err != nil {
		return err
	}
	step.Status, step.EndedAt = StepDone, w.r.cfg.Now()
	return w.saveStep(ctx, step)
}

func (w *work) do(ctx context.Context, p Phase, s *State) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout(p))
	defer cancel()
	err := p.Do(ctx, s)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Class: Permanent, Text: T("step.timeout", "phase", p.Name(), "minutes", int(stepTimeout(p)/time.Minute)),
			Next: T("step.timeout.next"), Err: err}
	}
	return err
}

func stepTimeout(p Phase) time.Duration {
	if t, ok := p.(Timed); ok {
		return t.Timeout()
	}
	return DefaultStepTimeout
}

// satisfied records that the facts hold. What this operation had begun or done
// stays its own, so that an undo takes it back.
func (w *work) satisfied(ctx context.Context, step *Step) error {
	switch {
	case step.Status == StepDone || step.Status == StepSatisfied:
		return nil
	case step.Acted:
		step.Status = StepDone
	default:
		step.Status, step.StartedAt = StepSatisfied, w.r.cfg.Now()
	}
	step.EndedAt, step.Error = w.r.cfg.Now(), nil
	return w.saveStep(ctx, step)
}

// failStep records a failure with everything a person needs.
func (w *work) failStep(ctx context.Context, step *Step, p Phase, node *Node, err error) ([]*Error, error) {
	found := problems(err, p.Name(), node)
	for _, e := range found {
		w.log.Warn("a step failed", "phase", p.Name(), "node", nodeName(node), "error", e)
		w.out.remark(p.Name(), nodeName(node), T("log.failed", "problem", e.Text))
	}
	step.Status, step.EndedAt, step.Error = StepFailed, w.r.cfg.Now(), found[0]
	step.Error.Unsettled = unsettled(err)
	if err := w.saveStep(ctx, step); err != nil {
		return nil, err
	}
	return found, nil
}

// waitRetry waits before the next attempt; a stop ends the wait, and the step
// then fails at its next try.
func (w *work) waitRetry(ctx context.Context, failures int) error {
	timer := time.NewTimer(w.r.cfg.Retry.wait(failures))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// step gives the journal's entry, made when it is not there yet.
func (w *work) step(phase, node string) *Step {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := stepKey{phase, node}
	if s, ok := w.steps[k]; ok {
		return s
	}
	w.seq++
	s := &Step{OperationID: w.op.ID, Seq: w.seq, Phase: phase, Node: node, Status: StepPending}
	w.steps[k] = s
	return s
}

func (w *work) state(p Phase, node *Node, step *Step) *State {
	s := NewState(w.op, w.cluster, w.nodes, node, p.Name(), step.Attempt, journalOf{w})
	s.Log = func(line string) { w.out.line(p.Name(), nodeName(node), line) }
	s.Remark = func(t Text) { w.out.remark(p.Name(), nodeName(node), t) }
	return s
}

// saveError marks a failure of the journal itself: it must never be taken for a
// failure of the step.
type saveError struct{ err error }

// Error implements error.
func (e *saveError) Error() string { return "journal: " + e.err.Error() }

// Unwrap gives the cause.
func (e *saveError) Unwrap() error { return e.err }

func (w *work) saveStep(ctx context.Context, step *Step) error {
	if err := w.checkpoint(ctx, Checkpoint{Steps: []Step{*step}, Events: w.progress(step.Phase)}); err != nil {
		return &saveError{err}
	}
	return nil
}

// progressEvery is how often a stage that takes long is told of, at most. Rooms
// show their cards anew with it; a card that stands still for minutes looks dead.
const progressEvery = 5 * time.Second

// progress tells that a stage gets further, when nothing has been told for a while.
func (w *work) progress(phase string) []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.r.cfg.Now()
	if now.Sub(w.told) < progressEvery {
		return nil
	}
	w.told = now
	return []Event{w.event("operation.progress", Info, "phase", phase)}
}
