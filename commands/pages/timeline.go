package pages

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// pct is a length or a place along the axis.
type pct float64

// String is the form that SVG attributes take.
func (p pct) String() string { return strconv.FormatFloat(float64(p), 'f', 2, 64) + "%" }

// timeline is what ran where and when, one row a phase, on one axis.
type timeline struct {
	Rows  []row
	Nodes []string // columns of the table of steps; "" is the cluster as a whole
	Rate  float64  // percent of the axis that pass in a millisecond
	Left  time.Duration
	Runs  int // that the medians are made of
	axis  axis
}

// row is one phase.
type row struct {
	Phase    string
	State    lifecycle.StepStatus
	Ended    int // steps, of Targets
	Targets  int
	Running  []string // nodes
	Took     time.Duration
	Since    time.Time // a running phase: when it would have begun without pauses
	Usual    time.Duration
	Slow     bool // much longer than usual
	Expected bool // has not begun: Band is where it would be
	Band     band
	Bars     []bar
	Height   pixels
	Cells    []cell // one for each of timeline.Nodes
	first    time.Time
}

// band is the usual time of a phase on the axis.
type band struct{ X, W, End pct }

// bar is one step on the axis.
type bar struct {
	Phase, Node string
	Status      lifecycle.StepStatus
	X, W        pct
	Y, H        pixels
	Took        time.Duration
	Start       int64 // unix ms, of one that runs
	Attempt     int
	Label       string // after, before or in the bar; "" for none
	LabelX      pct
	Middle      pixels
}

// cell is one step in the table; nil Step means that there is none.
type cell struct {
	Step *lifecycle.Step
	Took time.Duration
}

// newTimeline lays an operation out as it is at now.
func newTimeline(op *lifecycle.Operation, outline []lifecycle.StageOutline, nodes []*lifecycle.Node, steps []lifecycle.Step, usual medianSet, now time.Time) *timeline {
	t := &timeline{Runs: usual.runs, Nodes: columns(nodes, steps)}
	byPhase := map[string][]lifecycle.Step{}
	for _, st := range steps {
		byPhase[st.Phase] = append(byPhase[st.Phase], st)
	}
	for _, stage := range allStages(outline, steps) {
		own := byPhase[stage.Phase]
		slices.SortStableFunc(own, func(a, b lifecycle.Step) int {
			return cmp.Compare(slices.Index(t.Nodes, a.Node), slices.Index(t.Nodes, b.Node))
		})
		t.Rows = append(t.Rows, t.newRow(op, stage, own, usual, now))
	}
	end := t.forecast(op, now)
	t.axis = newAxis(busy(op, steps, now), end, !op.Status.Ended())
	t.Rate = 100 / float64(t.axis.total.Milliseconds())
	for i := range t.Rows {
		t.draw(&t.Rows[i], byPhase[t.Rows[i].Phase], now, !op.Status.Ended())
	}
	return t
}

// slow counts the phases that take much longer than usual.
func (t *timeline) slow() int {
	n := 0
	for i := range t.Rows {
		if t.Rows[i].Slow {
			n++
		}
	}
	return n
}

// columns are the nodes in order, those that steps know and the cluster no
// longer does at the end.
func columns(nodes []*lifecycle.Node, steps []lifecycle.Step) []string {
	var out []string
	if slices.ContainsFunc(steps, func(s lifecycle.Step) bool { return s.Node == "" }) {
		out = append(out, "")
	}
	for _, n := range append(lifecycle.ControlPlaneNodes(nodes), lifecycle.WorkerNodes(nodes)...) {
		out = append(out, n.Name)
	}
	for _, s := range steps {
		if !slices.Contains(out, s.Node) {
			out = append(out, s.Node)
		}
	}
	return out
}

// allStages are those of the procedure, then those that only the journal knows.
func allStages(outline []lifecycle.StageOutline, steps []lifecycle.Step) []lifecycle.StageOutline {
	out := slices.Clone(outline)
	for _, s := range steps {
		i := slices.IndexFunc(out, func(o lifecycle.StageOutline) bool { return o.Phase == s.Phase })
		if i < 0 {
			out = append(out, lifecycle.StageOutline{Phase: s.Phase, Targets: 1})
		}
	}
	return out
}

func (t *timeline) newRow(op *lifecycle.Operation, stage lifecycle.StageOutline, steps []lifecycle.Step, usual medianSet, now time.Time) row {
	r := row{Phase: stage.Phase, Targets: max(stage.Targets, len(steps)), Usual: usual.phases[stage.Phase], Cells: make([]cell, len(t.Nodes))}
	counts := map[lifecycle.StepStatus]int{}
	for i := range steps {
		st := &steps[i]
		counts[st.Status]++
		r.Cells[slices.Index(t.Nodes, st.Node)] = cell{st, lasted(st, now)}
		if inWork(st.Status) {
			r.Running = append(r.Running, st.Node)
		}
		if begun := st.StartedAt; !begun.IsZero() && (r.first.IsZero() || begun.Before(r.first)) {
			r.first = begun
		}
	}
	r.Ended = counts[lifecycle.StepDone] + counts[lifecycle.StepSatisfied]
	r.State = commands.StageState(stage, counts, op)
	for _, s := range merged(stretches(steps, now)) {
		r.Took += s.length()
	}
	if len(r.Running) > 0 {
		r.Since = now.Add(-r.Took)
	}
	r.Slow = r.Usual > 0 && r.Took > r.Usual*3/2 && r.Took > r.Usual+5*time.Second
	r.Expected = r.first.IsZero()
	return r
}

// forecast puts the phases that are still to come behind each other, each as long
// as usual, and gives the end of all.
func (t *timeline) forecast(op *lifecycle.Operation, now time.Time) time.Time {
	at, known := now, op.Status == lifecycle.OpRunning || op.Status == lifecycle.OpQueued
	if !op.EndedAt.IsZero() && op.Status.Ended() {
		return op.EndedAt
	}
	if !known {
		return now
	}
	for i := range t.Rows {
		r := &t.Rows[i]
		switch {
		case r.Expected:
			known = known && r.Usual > 0
			r.first = at
			at = at.Add(r.Usual)
		case r.State == lifecycle.StepRunning && r.first.Add(r.Usual).After(at):
			known = known && r.Usual > 0
			at = r.first.Add(r.Usual)
		}
	}
	if known && op.Status == lifecycle.OpRunning {
		t.Left = at.Sub(now)
	}
	return at
}

// busy are the times in which something ran.
func busy(op *lifecycle.Operation, steps []lifecycle.Step, now time.Time) []stretch {
	out := stretches(steps, now)
	switch {
	case len(out) == 0 && op.StartedAt.IsZero():
		return []stretch{{now, now}}
	case !op.StartedAt.IsZero():
		out = append(out, stretch{op.StartedAt, op.StartedAt})
	}
	if op.Status.Active() {
		out = append(out, stretch{now, now})
	}
	return out
}

func stretches(steps []lifecycle.Step, now time.Time) []stretch {
	var out []stretch
	for i := range steps {
		if !steps[i].StartedAt.IsZero() {
			out = append(out, stretch{steps[i].StartedAt, steps[i].StartedAt.Add(lasted(&steps[i], now))})
		}
	}
	return out
}

// lasted is how long a step took, or has taken.
func lasted(s *lifecycle.Step, now time.Time) time.Duration {
	switch {
	case s.StartedAt.IsZero():
		return 0
	case inWork(s.Status):
		return max(0, now.Sub(s.StartedAt))
	case s.EndedAt.IsZero():
		return 0
	default:
		return max(0, s.EndedAt.Sub(s.StartedAt))
	}
}

func inWork(s lifecycle.StepStatus) bool {
	return s == lifecycle.StepRunning || s == lifecycle.StepUndoing
}
