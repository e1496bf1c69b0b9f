package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// cardData is a card as --json shows it.
type cardData struct {
	Operation string                    `json:"operation"`
	Kind      lifecycle.OperationKind   `json:"kind"`
	Cluster   string                    `json:"cluster"`
	Status    lifecycle.OperationStatus `json:"status"`
	Stage     string                    `json:"stage,omitempty"`
	Attempt   int                       `json:"attempt"`
	Simulated bool                      `json:"simulated"`
	Actor     string                    `json:"actor"`
	Waiting   string                    `json:"waiting,omitempty"` // the operation that is before it
	ElapsedMS int64                     `json:"elapsedMs"`
	Errors    []*lifecycle.Error        `json:"errors,omitempty"`
	Steps     []lifecycle.Step          `json:"steps"`
}

// Card is the living card of an operation as it stands now, in one language.
func (s *Services) Card(ctx context.Context, operationID, lang string) (bot.Message, error) {
	return s.cardFor(ctx, operationID, lang, nil)
}

// cardFor is a card with only what its reader may do; may is nil in a room, where
// whoever presses a button is asked for the right.
func (s *Services) cardFor(ctx context.Context, operationID, lang string, may func(canonical string) bool) (bot.Message, error) {
	op, err := s.Store.Operation(ctx, operationID)
	if err != nil {
		return bot.Message{}, err
	}
	cl, err := s.Store.Cluster(ctx, op.ClusterID)
	if err != nil {
		return bot.Message{}, err
	}
	nodes, err := s.Store.Nodes(ctx, op.ClusterID)
	if err != nil {
		return bot.Message{}, err
	}
	steps, err := s.Store.Steps(ctx, op.ID)
	if err != nil {
		return bot.Message{}, err
	}
	c := &Call{Lang: lang, Zone: s.TimeZone, catalogue: s.Catalogue, Words: s.words(lang), may: may}
	m := bot.Message{Title: c.Say("card.title", "op", op.Label(), "kind", lifecycle.T("op.kind."+string(op.Kind)), "cluster", op.ClusterName),
		Operation: op.Label(), Final: op.Status.Ended(), Succeeded: op.Status == lifecycle.OpSucceeded,
		Severity: cardSeverity(op.Status), Progress: s.progress(c, op, cl, nodes, steps)}
	d := cardData{Operation: op.Label(), Kind: op.Kind, Cluster: op.ClusterName, Status: op.Status, Stage: op.Stage, Attempt: op.Attempt,
		Simulated: cl.Simulated, Actor: op.ActorName, Errors: op.Errors, Steps: steps, ElapsedMS: m.Progress.Elapsed}
	if op.Status == lifecycle.OpQueued {
		if d.Waiting, err = s.waitsFor(ctx, op); err != nil {
			return bot.Message{}, err
		}
	}
	p, err := s.Store.ProjectByID(ctx, cl.ProjectID)
	if err != nil {
		return bot.Message{}, err
	}
	goesOn, err := s.mayGoOn(ctx, op, cl)
	if err != nil {
		return bot.Message{}, err
	}
	m.Text, m.Data = c.cardText(op, d.Waiting, goesOn), data(d)
	m.Actions, m.Footer = c.cardActions(op, ClusterRef(p.Name, cl.Name), goesOn)
	if may != nil {
		m.Actions = slices.DeleteFunc(m.Actions, func(a bot.Action) bool { return !may(a.Command) })
	}
	if link := s.operationLink(op.Label()); link != "" {
		m.Links = []bot.Link{{Label: c.Say("card.page"), URL: link}}
	}
	c.sayWhenSimulated(&m, cl)
	return m, nil
}

func (s *Services) operationLink(label string) string {
	if s.OperationLink == nil {
		return ""
	}
	return s.OperationLink(label)
}

func cardSeverity(st lifecycle.OperationStatus) bot.Severity {
	switch st {
	case lifecycle.OpSucceeded:
		return bot.Success
	case lifecycle.OpFailed:
		return bot.Error
	case lifecycle.OpStopped, lifecycle.OpStopping, lifecycle.OpUndoing, lifecycle.OpCancelled, lifecycle.OpUndone:
		return bot.Warning
	default:
		return bot.Info
	}
}

// waitsFor names the operation that a queued one waits for, "" when it is next.
func (s *Services) waitsFor(ctx context.Context, op *lifecycle.Operation) (string, error) {
	ahead, err := s.Store.Operations(ctx, OperationFilter{ClusterID: op.ClusterID, Active: true})
	if err != nil {
		return "", err
	}
	for _, o := range slices.Backward(ahead) { // oldest first
		if o.ID != op.ID && o.Number < op.Number {
			return o.Label(), nil
		}
	}
	return "", nil
}

// mayGoOn reports whether an operation that did not succeed can be retried or
// undone: nothing newer has been done with its cluster, which is still there.
func (s *Services) mayGoOn(ctx context.Context, op *lifecycle.Operation, cl *lifecycle.Cluster) (bool, error) {
	if op.Status != lifecycle.OpFailed && op.Status != lifecycle.OpStopped || cl.Status == lifecycle.ClusterDeleted {
		return false, nil
	}
	ops, err := s.Store.Operations(ctx, OperationFilter{ClusterID: cl.ID, Limit: listLimit})
	i := slices.IndexFunc(ops, func(o lifecycle.Operation) bool { return o.Status != lifecycle.OpCancelled })
	return i >= 0 && ops[i].ID == op.ID, err
}

// ClusterRef is how a command names a cluster: with its project, unless that is
// the default one.
func ClusterRef(project, name string) string {
	if project == "" || project == lifecycle.DefaultProject {
		return name
	}
	return project + "/" + name
}

func (c *Call) cardText(op *lifecycle.Operation, waiting string, mayGoOn bool) string {
	switch {
	case op.Status == lifecycle.OpStopped && !mayGoOn:
		return c.Say("card.stopped.past")
	case op.Status == lifecycle.OpStopping && op.Signals.Undo:
		return c.Say("card.stopping.undo")
	case waiting != "":
		return c.Say("card.waiting", "op", waiting)
	case op.Status == lifecycle.OpFailed:
		lines := []string{c.Say("card.failed", "count", len(op.Errors))}
		for _, e := range op.Errors {
			lines = append(lines, "✗ "+c.renderError(e))
		}
		return strings.Join(lines, "\n")
	default:
		return c.Say("card." + string(op.Status))
	}
}

// cardActions are the buttons that make sense now, and the command to go on with.
func (c *Call) cardActions(op *lifecycle.Operation, cluster string, mayGoOn bool) ([]bot.Action, string) {
	button := func(id, command, style string) bot.Action {
		return c.action(id, c.Say("action."+id), command, style)
	}
	label := op.Label()
	logs := button("logs", "op logs "+label, "")
	switch op.Status {
	case lifecycle.OpQueued, lifecycle.OpRunning:
		return []bot.Action{button("stop", "op stop "+label, "danger"), logs}, ""
	case lifecycle.OpFailed, lifecycle.OpStopped:
		if !mayGoOn {
			return []bot.Action{logs}, c.next("op list")
		}
		all := []bot.Action{button("retry", "op retry "+label, "primary"), logs}
		if op.Kind == lifecycle.OpCreate {
			all = append(all, button("undo", "op stop "+label+" undo=yes", "danger"))
		}
		return all, c.next("op retry " + label)
	case lifecycle.OpSucceeded:
		if op.Kind == lifecycle.OpCreate {
			return []bot.Action{button("nodes", "cluster nodes "+cluster, "primary")}, c.next("cluster show " + cluster)
		}
		return nil, c.next("cluster list")
	default:
		return []bot.Action{logs}, ""
	}
}

// progress folds the steps into one line a stage.
func (s *Services) progress(c *Call, op *lifecycle.Operation, cl *lifecycle.Cluster, nodes []*lifecycle.Node, steps []lifecycle.Step) *bot.Progress {
	p := &bot.Progress{Elapsed: s.elapsed(op).Milliseconds()}
	byPhase := map[string][]lifecycle.Step{}
	for _, st := range steps {
		byPhase[st.Phase] = append(byPhase[st.Phase], st)
	}
	for _, stage := range s.Procedures[op.Kind].For(cl, nodes) {
		item := c.progressItem(stage, byPhase[stage.Phase], op)
		p.Total++
		if item.State == string(lifecycle.StepDone) || item.State == string(lifecycle.StepSatisfied) {
			p.Done++
		}
		p.Items = append(p.Items, item)
	}
	return p
}

func (s *Services) elapsed(op *lifecycle.Operation) time.Duration {
	switch {
	case op.StartedAt.IsZero():
		return 0
	case op.EndedAt.IsZero():
		return s.Now().Sub(op.StartedAt)
	default:
		return op.EndedAt.Sub(op.StartedAt)
	}
}

func (c *Call) progressItem(stage lifecycle.StageOutline, steps []lifecycle.Step, op *lifecycle.Operation) bot.ProgressItem {
	counts := map[lifecycle.StepStatus]int{}
	var running []string
	var first, last time.Time
	for _, st := range steps {
		counts[st.Status]++
		if st.Status == lifecycle.StepRunning || st.Status == lifecycle.StepUndoing {
			running = append(running, st.Node)
		}
		if !st.StartedAt.IsZero() && (first.IsZero() || st.StartedAt.Before(first)) {
			first = st.StartedAt
		}
		if st.EndedAt.After(last) {
			last = st.EndedAt
		}
	}
	item := bot.ProgressItem{Text: c.Say("phase." + stage.Phase + ".short"), State: string(StageState(stage, counts, op))}
	ended := counts[lifecycle.StepDone] + counts[lifecycle.StepSatisfied]
	switch {
	case len(running) > 0 && running[0] != "":
		slices.Sort(running)
		item.Note = fmt.Sprintf("%d/%d · %s", ended, stage.Targets, strings.Join(firstFew(running, 4), ", "))
	case item.State == string(lifecycle.StepDone) && !first.IsZero() && last.After(first):
		item.Note = span(last.Sub(first))
	}
	return item
}

func firstFew(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	return append(slices.Clone(names[:n]), "…")
}

// StageState is the one word about a stage of op, from the counts of its steps by
// status. The stage that op is at runs, also before its first step is written down.
func StageState(stage lifecycle.StageOutline, counts map[lifecycle.StepStatus]int, op *lifecycle.Operation) lifecycle.StepStatus {
	targets := stage.Targets
	for _, st := range []lifecycle.StepStatus{lifecycle.StepFailed, lifecycle.StepUndoing, lifecycle.StepRunning, lifecycle.StepUndone} {
		if counts[st] > 0 {
			return st
		}
	}
	switch {
	case targets > 0 && counts[lifecycle.StepSatisfied] == targets:
		return lifecycle.StepSatisfied
	case targets > 0 && counts[lifecycle.StepDone]+counts[lifecycle.StepSatisfied] >= targets:
		return lifecycle.StepDone
	case counts[lifecycle.StepDone]+counts[lifecycle.StepSatisfied] > 0 && op.Status.Active(),
		op.Status == lifecycle.OpRunning && op.Stage == stage.Phase:
		return lifecycle.StepRunning
	default:
		return lifecycle.StepPending
	}
}

// planMessage shows a plan: its problems, or its steps.
func (c *Call) planMessage(key string, cl *lifecycle.Cluster, plan lifecycle.Plan) bot.Message {
	m := bot.Message{Title: c.Say(key, "cluster", cl.Name), Severity: bot.Info,
		Fields: fields(c.field("region", c.regionWords(cl)), c.field("version", cl.Spec.Version),
			c.field("controlplanes", number(cl.Spec.ControlPlanes)), c.field("workers", fmt.Sprint(cl.Spec.Workers)),
			c.field("cni", cl.Spec.CNI+" "+cl.Spec.CNIMode), c.field("packages", c.packageWords(cl.Spec.Packages)),
			c.field("planhash", fmt.Sprintf("%.12s", plan.Hash))),
		Data: data(map[string]any{"cluster": cl.Name, "spec": cl.Spec, "simulated": cl.Simulated, "plan": plan})}
	if len(plan.Problems) > 0 {
		m.Severity, m.Failed = bot.Error, true
		lines := []string{c.Say("plan.blocked", "count", len(plan.Problems))}
		for _, e := range plan.Problems {
			lines = append(lines, "✗ "+c.renderError(e))
		}
		m.Text = strings.Join(lines, "\n")
	} else {
		m.Table = c.planTable(plan)
	}
	c.sayWhenSimulated(&m, cl)
	return m
}

// planTable is one line a step; what is satisfied already is said to be.
func (c *Call) planTable(plan lifecycle.Plan) *bot.Table {
	var rows [][]string
	for i, st := range plan.Steps {
		need := c.word("need", string(st.Need))
		if st.Need == lifecycle.Unknown && st.Until != "" {
			need = c.Say("need.until", "phase", lifecycle.T("phase."+st.Until+".short"))
		}
		rows = append(rows, []string{fmt.Sprint(i + 1), st.Node, c.text(st.Text), need})
	}
	return c.table(rows, "number", "node", "step", "need")
}
