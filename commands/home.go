package commands

import (
	"context"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Home implements bot.Assistant: a person's clusters, what is at work on them, and
// the person's inbox: what came of what they have started.
func (r *Router) Home(ctx context.Context, in bot.Inbound) (bot.Message, error) {
	who, err := r.subject(ctx, in)
	if err != nil {
		return bot.Message{}, err
	}
	c := r.call(in, who)
	switch {
	case who.User == nil:
		return bot.Message{Title: c.Say("home.title"), Text: c.Say("denied.unlinked")}, nil
	case who.User.Disabled:
		return bot.Message{Title: c.Say("home.title"), Text: c.Say("denied")}, nil
	}
	m := bot.Message{Title: c.Say("home.title"), Footer: c.next("help")}
	clusters, err := r.s.visibleClusters(ctx, c, "")
	if err != nil {
		return bot.Message{}, err
	}
	label, err := r.clusterLabels(ctx, who)
	if err != nil {
		return bot.Message{}, err
	}
	running := 0
	m.Table = c.table(nil, "cluster", "status", "version", "operation")
	for i := range clusters {
		cl := &clusters[i]
		at, err := r.s.atWork(ctx, cl.ID)
		if err != nil {
			return bot.Message{}, err
		}
		if at != "" {
			running++
		}
		m.Table.Rows = append(m.Table.Rows, []string{label(cl), c.word("cluster.status", string(cl.Status)), cl.Spec.Version, at})
	}
	m.Text = c.Say("home.text", "clusters", len(clusters), "running", running)
	if len(clusters) == 0 {
		m.Table = nil
	}
	if m.Fields, err = r.s.inboxOf(ctx, c); err != nil {
		return bot.Message{}, err
	}
	if len(m.Fields) > 0 {
		m.Text += "\n" + c.Say("home.inbox")
	}
	if who.Allowed(access.ClusterChange, access.Object{}) {
		m.Actions = append(m.Actions, bot.Action{ID: "create", Label: c.Say("home.create"), Command: "cluster create", Style: "primary"})
	}
	m.Actions = append(m.Actions, bot.Action{ID: "clusters", Label: c.Say("home.clusters"), Command: "cluster list"},
		bot.Action{ID: "operations", Label: c.Say("home.operations"), Command: "op list"})
	m.Data = data(map[string]any{"clusters": len(clusters), "running": running})
	return m, nil
}

// inInbox is how many operations an inbox shows.
const inInbox = 5

// inboxOf gives a person's own latest operations, newest first, as far as they may
// still see them.
func (s *Services) inboxOf(ctx context.Context, c *Call) ([]bot.Field, error) {
	f := OperationFilter{Actor: c.Subject.User.ID, Limit: inInbox}
	f.ProjectIDs, f.ClusterIDs = c.Subject.Sight(access.ClusterRead)
	ops, err := s.Store.Operations(ctx, f)
	if err != nil {
		return nil, err
	}
	var out []bot.Field
	for _, op := range ops {
		at := op.EndedAt
		if at.IsZero() {
			at = op.CreatedAt
		}
		out = append(out, bot.Field{Label: op.Label(), Value: c.Say("home.news", "kind", c.word("op.kind", string(op.Kind)), "cluster", op.ClusterName,
			"status", c.word("op.status", string(op.Status)), "when", c.when(at))})
	}
	return out, nil
}

// clusterLabels gives how clusters are called for a person: with their project
// when the person has several, where one name may stand for two.
func (r *Router) clusterLabels(ctx context.Context, who access.Subject) (func(*lifecycle.Cluster) string, error) {
	projects, err := r.s.visibleProjects(ctx, who, access.ClusterRead)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, p := range projects {
		names[p.ID] = p.Name
	}
	return func(cl *lifecycle.Cluster) string {
		if len(names) < 2 {
			return cl.Name
		}
		return names[cl.ProjectID] + "/" + cl.Name
	}, nil
}

// atWork names the operation that has hold of a cluster, "" when none has.
func (s *Services) atWork(ctx context.Context, clusterID string) (string, error) {
	ops, err := s.Store.Operations(ctx, OperationFilter{ClusterID: clusterID, Active: true, Limit: 1})
	if err != nil || len(ops) == 0 {
		return "", err
	}
	return ops[0].Label(), nil
}

// call is a Call without a command, to put things into words with.
func (r *Router) call(in bot.Inbound, who access.Subject) *Call {
	lang := r.langOf(in, who)
	return &Call{In: in, Subject: who, Lang: lang, Zone: r.zoneOf(who), Words: r.s.words(lang), catalogue: r.s.Catalogue}
}
