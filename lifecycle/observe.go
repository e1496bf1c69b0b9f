package lifecycle

// Observer is told what the engine has written to its journal, for measurements.
// Its methods return at once.
type Observer interface {
	// OperationEnded tells of an operation that was brought to its end.
	OperationEnded(op *Operation, provider string)
	// StepEnded tells of a step that was done, found done, undone, or failed.
	StepEnded(kind OperationKind, provider string, s Step)
}

// observe tells of what c has ended.
func (w *work) observe(c Checkpoint) {
	o := w.r.cfg.Observe
	if o == nil || w.cluster == nil {
		return
	}
	for _, s := range c.Steps {
		switch s.Status {
		case StepDone, StepSatisfied, StepFailed, StepUndone:
			o.StepEnded(w.op.Kind, w.cluster.Provider, s)
		case StepPending, StepRunning, StepUndoing:
		}
	}
	if c.Operation != nil && c.Operation.Status.Ended() {
		o.OperationEnded(c.Operation, w.cluster.Provider)
	}
}
