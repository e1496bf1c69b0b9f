package pages

import (
	"fmt"
	"slices"
	"time"
)

// stretch is a piece of time.
type stretch struct{ from, to time.Time }

func (s stretch) length() time.Duration { return s.to.Sub(s.from) }

// axis puts moments on a line from 0 to 100. Long stretches in which nothing ran,
// as between a failure and its retry the next day, are cut short.
type axis struct {
	pieces []piece
	total  time.Duration // what the line stands for, cuts left out
	step   time.Duration // between two marks
}

// piece is a stretch between cuts and where it begins on the line.
type piece struct {
	stretch
	at time.Duration
}

const (
	// idleLeast is the shortest idle time that is cut.
	idleLeast = 2 * time.Minute
	// cutWidth is what a cut takes of the line, as a part of the busy time.
	cutWidth = 20
	// marks is about how many marks an axis has.
	marks = 6
)

// newAxis makes the axis of what ran in busy, up to end at least. open leaves
// room for what still runs: the end is rounded up, so that it stands still for a
// while.
func newAxis(busy []stretch, end time.Time, open bool) axis {
	busy = merged(busy)
	if len(busy) == 0 {
		return axis{total: time.Second, step: time.Second, pieces: []piece{{stretch{end, end}, 0}}}
	}
	var sum time.Duration
	for _, s := range busy {
		sum += s.length()
	}
	var a axis
	for _, s := range busy {
		if n := len(a.pieces); n > 0 && s.from.Sub(a.pieces[n-1].to) <= max(idleLeast, sum/2) {
			a.pieces[n-1].to = s.to
			continue
		} else if n > 0 {
			last := a.pieces[n-1]
			a.pieces = append(a.pieces, piece{s, last.at + last.length() + sum/cutWidth})
			continue
		}
		a.pieces = append(a.pieces, piece{s, 0})
	}
	last := &a.pieces[len(a.pieces)-1]
	if end.After(last.to) {
		last.to = end
	}
	a.total = max(last.at+last.length(), time.Second)
	a.step = niceStep(a.total / marks)
	if open {
		a.total = (a.total/a.step + 1) * a.step
	}
	return a
}

// merged sorts stretches and joins those that touch.
func merged(all []stretch) []stretch {
	all = slices.SortedFunc(slices.Values(all), func(a, b stretch) int { return a.from.Compare(b.from) })
	var out []stretch
	for _, s := range all {
		if n := len(out); n > 0 && !s.from.After(out[n-1].to) {
			if s.to.After(out[n-1].to) {
				out[n-1].to = s.to
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// at is where a moment lies, in percent.
func (a axis) at(t time.Time) float64 {
	i := len(a.pieces) - 1
	for i > 0 && t.Before(a.pieces[i].from) {
		i--
	}
	p := a.pieces[i]
	d := t.Sub(p.from)
	if i < len(a.pieces)-1 {
		d = min(d, p.length()) // within a cut: where it begins
	}
	return a.percent(p.at + max(d, 0))
}

// percent is how long a duration is on the line.
func (a axis) percent(d time.Duration) float64 {
	return min(100, max(0, 100*float64(d)/float64(a.total)))
}

// mark is a labelled point of the axis.
type mark struct {
	X     float64
	Label string // since the beginning: "1:30"
	Cut   bool   // time was left out before it
}

// marks are the labels: every step, or where there are cuts the beginnings of
// what ran.
func (a axis) marks() []mark {
	if len(a.pieces) > 1 {
		var out []mark
		for i, p := range a.pieces {
			out = append(out, mark{a.percent(p.at), clock(p.from.Sub(a.pieces[0].from)), i > 0})
		}
		return out
	}
	var out []mark
	for d := time.Duration(0); d <= a.total; d += a.step {
		out = append(out, mark{a.percent(d), clock(d), false})
	}
	return out
}

// niceStep is the next step that people count in.
func niceStep(d time.Duration) time.Duration {
	for _, s := range []time.Duration{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800} {
		if s*time.Second >= d {
			return s * time.Second
		}
	}
	day := 24 * time.Hour
	return (d/day + 1) * day
}

// clock shows a duration as a clock does: 0:07, 12:30, 1:02:00.
func clock(d time.Duration) string {
	s := int(d.Round(time.Second).Seconds())
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}
