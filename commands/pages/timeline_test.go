package pages

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func after(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }

func ran(seq int, phase, node string, status lifecycle.StepStatus, from, to float64) lifecycle.Step {
	st := lifecycle.Step{Seq: seq, Phase: phase, Node: node, Status: status, StartedAt: after(from)}
	if to > 0 {
		st.EndedAt = after(to)
	}
	return st
}

func TestMedian(t *testing.T) {
	s := time.Second
	for _, c := range []struct {
		all  []time.Duration
		want time.Duration
	}{{nil, 0}, {[]time.Duration{3 * s}, 3 * s}, {[]time.Duration{9 * s, s, 4 * s}, 4 * s}, {[]time.Duration{10 * s, 2 * s, 4 * s, 100 * s}, 7 * s}} {
		if got := median(c.all); got != c.want {
			t.Errorf("%v: %v, want %v", c.all, got, c.want)
		}
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0:00", 7 * time.Second: "0:07", 750 * time.Second: "12:30", 3720 * time.Second: "1:02:00", 24*time.Hour + 2*time.Second: "24:00:02"} {
		if got := clock(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// TestAxisCutsIdleTime: a night between two attempts takes a sliver of the line.
func TestAxisCutsIdleTime(t *testing.T) {
	busy := []stretch{{after(0), after(40)}, {after(30), after(60)}, {after(40000), after(40040)}}
	a := newAxis(busy, after(40040), false)
	if len(a.pieces) != 2 || a.total != 105*time.Second {
		t.Fatalf("%d pieces, total %v", len(a.pieces), a.total)
	}
	for _, c := range []struct {
		at   time.Time
		want float64
	}{{after(-5), 0}, {after(0), 0}, {after(30), 100 * 30 / 105.0}, {after(60), 100 * 60 / 105.0}, {after(9000), 100 * 60 / 105.0}, {after(40000), 100 * 65 / 105.0}, {after(40040), 100}, {after(50000), 100}} {
		if got := a.at(c.at); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%v: %.2f, want %.2f", c.at.Sub(noon), got, c.want)
		}
	}
	marks := a.marks()
	if len(marks) != 2 || marks[0].Cut || !marks[1].Cut || marks[1].Label != "11:06:40" {
		t.Errorf("marks %+v", marks)
	}
}

// TestAxisInOrder: later is never further left, and all is on the line.
func TestAxisInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var busy []stretch
		for range rapid.IntRange(0, 8).Draw(t, "stretches") {
			from := rapid.Float64Range(0, 1e6).Draw(t, "from")
			busy = append(busy, stretch{after(from), after(from + rapid.Float64Range(0, 1e4).Draw(t, "length"))})
		}
		a := newAxis(busy, after(rapid.Float64Range(0, 2e6).Draw(t, "end")), rapid.Bool().Draw(t, "open"))
		if len(a.marks()) > 40 && len(busy) > 0 {
			t.Fatalf("%d marks", len(a.marks()))
		}
		last := 0.0
		for s := 0.0; s < 2e6; s += 9973 {
			x := a.at(after(s))
			if x < last || x > 100 {
				t.Fatalf("at %v: %f after %f", s, x, last)
			}
			last = x
		}
	})
}

func TestAxisStandsStill(t *testing.T) {
	a := newAxis([]stretch{{after(0), after(61)}}, after(61), true)
	b := newAxis([]stretch{{after(0), after(62)}}, after(62), true)
	if a.total != b.total || a.total <= 62*time.Second {
		t.Errorf("%v, a second later %v", a.total, b.total)
	}
}

// TestTimeline: what a running operation shows, against earlier runs.
func TestTimeline(t *testing.T) {
	op := &lifecycle.Operation{Status: lifecycle.OpRunning, StartedAt: after(0)}
	nodes := []*lifecycle.Node{{Name: "w1", Role: lifecycle.Worker}, {Name: "m1", Role: lifecycle.ControlPlane}}
	outline := []lifecycle.StageOutline{{Phase: "preflight", Targets: 1}, {Phase: "packages", Targets: 2}, {Phase: "init", Targets: 1}, {Phase: "verify", Targets: 1}}
	steps := []lifecycle.Step{ran(1, "preflight", "", lifecycle.StepDone, 0, 30), ran(2, "packages", "w1", lifecycle.StepRunning, 30, 0),
		ran(3, "packages", "m1", lifecycle.StepDone, 30, 35), ran(4, "undeclared", "gone", lifecycle.StepFailed, 1, 2)}
	usual := medianSet{phases: map[string]time.Duration{"preflight": 4 * time.Second, "packages": 20 * time.Second, "init": 10 * time.Second, "verify": 5 * time.Second}, runs: 7}
	line := newTimeline(op, outline, nodes, steps, usual, after(40))

	if got := line.Nodes; len(got) != 4 || got[0] != "" || got[1] != "m1" || got[2] != "w1" || got[3] != "gone" {
		t.Errorf("nodes %q", got)
	}
	if line.Left != 25*time.Second || line.Runs != 7 {
		t.Errorf("left %v of %d runs", line.Left, line.Runs)
	}
	pre, packages, init, last := line.Rows[0], line.Rows[1], line.Rows[2], line.Rows[4]
	if !pre.Slow || pre.Took != 30*time.Second || pre.State != lifecycle.StepDone {
		t.Errorf("preflight %+v", pre)
	}
	if packages.Slow || packages.State != lifecycle.StepRunning || packages.Ended != 1 || packages.Since != after(30) || len(packages.Running) != 1 {
		t.Errorf("packages %+v", packages)
	}
	if b := packages.Bars; len(b) != 2 || b[0].Node != "m1" || b[1].Start != after(30).UnixMilli() || b[0].W >= b[1].W || b[0].Y >= b[1].Y {
		t.Errorf("bars %+v", b)
	}
	if !init.Expected || len(init.Bars) != 0 || math.Abs(float64(init.Band.X-packages.Band.End)) > 0.01 {
		t.Errorf("init is expected at %+v, packages end at %+v", init.Band, packages.Band)
	}
	if last.Phase != "undeclared" || last.State != lifecycle.StepFailed || last.Usual != 0 {
		t.Errorf("a phase that only the journal knows: %+v", last)
	}
	if packages.Cells[1].Took != 5*time.Second || packages.Cells[0].Step != nil {
		t.Errorf("cells %+v", packages.Cells)
	}

	usual.phases["init"] = 0
	if line := newTimeline(op, outline, nodes, steps, usual, after(40)); line.Left != 0 {
		t.Errorf("left %v, though nobody knows", line.Left)
	}
	op.Status, op.EndedAt = lifecycle.OpFailed, after(50)
	if line := newTimeline(op, outline, nodes, steps, usual, after(9000)); line.axis.total > 2*time.Hour+31*time.Minute || line.Rows[3].Band.W != 0 {
		t.Errorf("an ended one: %+v", line.axis)
	}
}

// TestTimelineOfMany: however many nodes there are, a row keeps within bounds.
func TestTimelineOfMany(t *testing.T) {
	op := &lifecycle.Operation{Status: lifecycle.OpSucceeded, StartedAt: after(0), EndedAt: after(10)}
	var steps []lifecycle.Step
	for i := range 500 {
		steps = append(steps, ran(i, "packages", string(rune('a'+i%26))+string(rune('a'+i/26)), lifecycle.StepDone, 0, float64(1+i%9)))
	}
	row := newTimeline(op, []lifecycle.StageOutline{{Phase: "packages", Targets: 500}}, nil, steps, medianSet{}, after(20)).Rows[0]
	if row.Height > mostRow+10 || len(row.Bars) != 500 || row.Bars[499].Y+row.Bars[499].H > row.Height {
		t.Errorf("height %v, the last bar at %v", row.Height, row.Bars[499].Y)
	}
	empty := newTimeline(&lifecycle.Operation{Status: lifecycle.OpQueued}, nil, nil, nil, medianSet{}, after(0))
	if len(empty.Rows) != 0 || math.IsInf(empty.Rate, 0) || math.IsNaN(empty.Rate) {
		t.Errorf("nothing yet: %+v", empty)
	}
}
