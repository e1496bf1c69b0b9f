package pages

import (
	"strconv"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// pixels are the heights of things; only the axis stretches with the window.
type pixels float64

// String is the form that SVG attributes take.
func (p pixels) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) }

const (
	leastRow  pixels = 26
	mostRow   pixels = 160 // however many nodes there are
	named            = 4   // rows of so many nodes have room for their names
	leastWide        = 0.4 // percent; a step of a moment can still be seen
)

// lanes is how high a lane and the bar in it are in a row of n nodes.
func lanes(n int) (lane, bar pixels) {
	switch {
	case n <= named:
		return 16, 10
	case n <= 12:
		return 9, 7
	case n <= 40:
		return 4, 3
	default:
		lane = mostRow / pixels(n)
		return lane, lane
	}
}

// draw places a row's bars and the time that it usually takes. While open, a row
// has room for what will run.
func (t *timeline) draw(r *row, steps []lifecycle.Step, now time.Time, open bool) {
	n := max(len(steps), 1)
	if open {
		n = max(n, r.Targets)
	}
	lane, high := lanes(n)
	r.Height = max(leastRow, lane*pixels(n)+6)
	top := (r.Height - lane*pixels(n)) / 2
	if r.Usual > 0 && !r.first.IsZero() {
		x := t.axis.at(r.first)
		w := min(t.axis.percent(r.Usual), 100-x)
		r.Band = band{pct(x), pct(w), pct(x + w)}
	}
	for i := range steps {
		st := &steps[i]
		if st.StartedAt.IsZero() {
			continue
		}
		y := top + lane*pixels(i)
		b := bar{Phase: st.Phase, Node: st.Node, Status: st.Status, Attempt: st.Attempt, Took: lasted(st, now),
			Y: y + (lane-high)/2, H: high, Middle: y + lane/2}
		x, w := t.axis.at(st.StartedAt), 0.0
		w = max(leastWide, t.axis.at(st.StartedAt.Add(b.Took))-x)
		x = min(x, 100-w)
		b.X, b.W = pct(x), pct(w)
		if inWork(st.Status) {
			b.Start = st.StartedAt.UnixMilli()
		}
		if n <= named && st.Node != "" {
			b.Label, b.LabelX = place(x, w)
		}
		r.Bars = append(r.Bars, b)
	}
}

// place finds room for a bar's name.
func place(x, w float64) (label string, at pct) {
	switch {
	case x+w < 76:
		return "after", pct(x + w)
	case x > 24:
		return "before", pct(x)
	default:
		return "in", pct(x + w)
	}
}
