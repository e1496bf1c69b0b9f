package pages

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// lookAt looks at the operation of the path, by the command that begins with
// head.
func (p *Pages) lookAt(r *http.Request, in bot.Inbound, head string) (*commands.Call, *reader, error) {
	label := r.PathValue("label")
	if !labelForm.MatchString(label) {
		return nil, nil, commands.ErrDenied
	}
	return p.look(r.Context(), in, head+label)
}

// operationView is the page of an operation.
type operationView struct {
	*reader
	Op       *lifecycle.Operation
	Position position // where the stream goes on
	Live     template.HTML
	Phases   []string // to narrow the log to
	Nodes    []string
	Lines    int64
	Logs     bool // the reader may read the log
}

// operationPage shows one operation.
func (p *Pages) operationPage(w http.ResponseWriter, r *http.Request, in bot.Inbound) error {
	call, rd, err := p.lookAt(r, in, "op show ")
	if err != nil {
		return err
	}
	snap, err := p.take(r.Context(), call.Op.ID)
	if err != nil {
		return err
	}
	rd.now = snap.at
	v := operationView{reader: rd, Op: snap.op, Position: position{snap.state, snap.logLast}, Lines: snap.logLast,
		Nodes: slices.DeleteFunc(slices.Clone(snap.line.Nodes), func(n string) bool { return n == "" }),
		Logs:  rd.may(access.ClusterLogs, snap.cluster)}
	for _, row := range snap.line.Rows {
		v.Phases = append(v.Phases, row.Phase)
	}
	if v.Live, err = p.live(r.Context(), snap, rd); err != nil {
		return err
	}
	return p.show(w, r, in, http.StatusOK, rd.opTitle(snap.op), "operations", "operation", v)
}

func (rd *reader) opTitle(op *lifecycle.Operation) string {
	return rd.T("card.title", "op", op.Label(), "kind", lifecycle.T("op.kind."+string(op.Kind)), "cluster", op.ClusterName)
}

// liveView is the part of the page that changes.
type liveView struct {
	*reader
	Op         *lifecycle.Operation
	Cluster    *lifecycle.Cluster
	ClusterURL string // "" when it is gone
	Message    string
	Errors     []*lifecycle.Error
	Buttons    []bot.Action
	Time       *timeline
	AtMS       int64 // the server's time, unix ms
	StartedMS  int64 // of a running one
}

func (p *Pages) liveView(ctx context.Context, s *snapshot, rd *reader, control bool) (*liveView, error) {
	card, err := p.cfg.Services.Card(ctx, s.op.ID, rd.Lang)
	if err != nil {
		return nil, err
	}
	project, err := p.store.ProjectByID(ctx, s.op.ProjectID)
	if err != nil {
		return nil, err
	}
	v := &liveView{reader: rd, Op: s.op, Cluster: s.cluster, Errors: s.op.Errors, Time: s.line,
		AtMS: s.at.UnixMilli()}
	if s.cluster.Status != lifecycle.ClusterDeleted {
		v.ClusterURL = clusterURL(project.Name, s.cluster.Name)
	}
	if s.op.Status != lifecycle.OpFailed {
		v.Errors = nil // of an earlier attempt
	}
	v.Message = rd.message(s.op, card)
	if !s.op.Status.Ended() && !s.op.StartedAt.IsZero() {
		v.StartedMS = s.op.StartedAt.UnixMilli()
	}
	if control {
		v.Buttons = slices.DeleteFunc(slices.Clone(card.Actions), func(a bot.Action) bool { return a.ID == "logs" || a.ID == "nodes" })
	}
	return v, nil
}

// message is what the card says of how it stands, without what the page shows
// otherwise.
func (rd *reader) message(op *lifecycle.Operation, card bot.Message) string {
	if op.Status == lifecycle.OpQueued {
		first, _, _ := strings.Cut(card.Text, "\n") // it names what it waits for
		return first
	}
	return rd.catalogue.Say(rd.Lang, "card."+string(op.Status), map[string]any{"count": len(op.Errors)})
}

// Ran is how long it took.
func (v *liveView) Ran() string {
	if v.Op.StartedAt.IsZero() {
		return "–"
	}
	end := v.now
	if !v.Op.EndedAt.IsZero() && v.Op.Status.Ended() {
		end = v.Op.EndedAt
	}
	return v.Dur(max(0, end.Sub(v.Op.StartedAt)))
}

// Percent is how much of it is done.
func (v *liveView) Percent() int {
	done := 0
	for _, r := range v.Time.Rows {
		if r.State == lifecycle.StepDone || r.State == lifecycle.StepSatisfied {
			done++
		}
	}
	return 100 * done / max(1, len(v.Time.Rows))
}

// UntilMS is when it will be done, by the medians.
func (v *liveView) UntilMS() int64 { return v.AtMS + v.Time.Left.Milliseconds() }

// axisMark is a label above the timeline.
type axisMark struct {
	X      pct
	DX     int
	Anchor string
	Label  string
	Cut    bool
}

// TimeMarks are the labels; the last ones are set so that they do not stand out
// over the edge. An axis that stands for nothing yet has none.
func (v *liveView) TimeMarks() []axisMark {
	var out []axisMark
	if v.Time.axis.total <= time.Second && v.Op.StartedAt.IsZero() {
		return nil
	}
	for _, m := range v.Time.axis.marks() {
		a := axisMark{X: pct(m.X), DX: 0, Anchor: "middle", Label: m.Label, Cut: m.Cut}
		switch {
		case m.X < 2:
			a.Anchor = "start"
		case m.X > 94:
			a.Anchor = "end"
		}
		out = append(out, a)
	}
	return out
}

// BarTitle says what a bar is.
func (v *liveView) BarTitle(b bar) string {
	parts := []string{v.PhaseName(b.Phase), v.Word("step.status", string(b.Status)), v.Dur(b.Took)}
	if b.Node != "" {
		parts = slices.Insert(parts, 0, b.Node)
	}
	return strings.Join(parts, " · ")
}

// Less takes some pixels off a height.
func (v *liveView) Less(h pixels, by int) pixels { return h - pixels(by) }

// Milli is a time as scripts count it.
func (v *liveView) Milli(t time.Time) int64 { return t.UnixMilli() }

// Plain is output without what steers a terminal; its lines are kept.
func (v *liveView) Plain(output string) string {
	lines := strings.Split(output, "\n")
	for i, l := range lines {
		lines[i] = plain(l)
	}
	return strings.Join(lines, "\n")
}
