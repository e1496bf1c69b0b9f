package term

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// signOf is how a stage's state is shown.
func signOf(state string) (sign, sgr string) {
	switch state {
	case "running", "undoing":
		return "●", cyan
	case "done":
		return "✓", green
	case "satisfied":
		return "✓", dim
	case "failed":
		return "✗", red
	case "undone":
		return "↶", yellow
	default:
		return "○", dim
	}
}

// progress is a bar and a line for each stage.
func (r Renderer) progress(p *bot.Progress) []string {
	if p == nil {
		return nil
	}
	out := []string{r.bar(p)}
	for _, item := range p.Items {
		out = append(out, r.stage(item))
	}
	return out
}

func (r Renderer) bar(p *bot.Progress) string {
	const size = 24
	full := 0
	if p.Total > 0 {
		full = min(size, size*p.Done/p.Total)
	}
	return r.paint(green, strings.Repeat("█", full)) + r.paint(dim, strings.Repeat("░", size-full)) +
		fmt.Sprintf(" %d/%d  %s", p.Done, p.Total, clock(time.Duration(p.Elapsed)*time.Millisecond))
}

func (r Renderer) stage(item bot.ProgressItem) string {
	sign, sgr := signOf(item.State)
	text, note := oneLine(item.Text), oneLine(item.Note)
	if r.Width > 0 {
		text = cut(text, max(10, r.Width-4))
		note = cut(note, max(0, r.Width-width(text)-8))
	}
	if item.State == "pending" {
		text = r.paint(dim, text)
	}
	if note != "" {
		text += r.paint(dim, " · "+note)
	}
	return "  " + r.paint(sgr, sign) + " " + text
}

func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// Card shows a living card in at most height lines (0: all): stages that are
// neither at work nor failed are left out first.
func (r Renderer) Card(m bot.Message, height int) string {
	lines := r.lines(m)
	if height > 0 && len(lines) > height && m.Progress != nil {
		p := *m.Progress
		p.Items = slices.DeleteFunc(slices.Clone(p.Items), func(i bot.ProgressItem) bool {
			return i.State != "running" && i.State != "failed" && i.State != "undoing"
		})
		m.Progress = &p
		lines = r.lines(m)
	}
	if height > 0 && len(lines) > height {
		lines = append(lines[:max(0, height-1)], "…")
	}
	return strings.Join(lines, "\n")
}
