package commands

import (
	"context"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// words puts canonical commands into the words of a language.
func (s *Services) words(lang string) func(string) string {
	return func(canonical string) string { return s.registry.Words(canonical, lang) }
}

// action is a button for a command, with how its reader would type it.
func (c *Call) action(id, label, command, style string) bot.Action {
	a := bot.Action{ID: id, Label: label, Command: command, Style: style}
	if words := c.Words(command); words != command {
		a.Words = words
	}
	return a
}

// names gives what exists of a type for a person, for completion and questions.
// It gives nothing where it cannot look: a completion is only a help.
func (s *Services) names(ctx context.Context, who access.Subject, t ParamType) []string {
	switch t {
	case TypeCluster, TypeOp:
		return s.workNames(ctx, who, t)
	case TypeProject:
		projects, err := s.visibleProjects(ctx, who, access.ProjectRead)
		return listNames(projects, err, func(p lifecycle.Project) string { return p.Name })
	case TypeHost:
		hosts, err := s.visibleHosts(ctx, who)
		return listNames(hosts, err, func(h lifecycle.Host) string { return h.Name })
	case TypeBundle:
		bundles, err := s.visibleBundles(ctx, who)
		return listNames(bundles, err, func(b lifecycle.Bundle) string { return b.Name })
	case TypeRegion:
		granted, all, err := s.granted(ctx, who, access.ClusterChange, "region")
		return listNames(s.Regions, err, func(r lifecycle.Region) string {
			if all || granted[r.Name] {
				return r.Name
			}
			return ""
		})
	case TypeUser, TypeCred:
		return s.systemNames(ctx, who, t)
	default:
		return nil
	}
}

// workNames are clusters or operations that the person sees.
func (s *Services) workNames(ctx context.Context, who access.Subject, t ParamType) []string {
	if t == TypeCluster {
		clusters, err := s.Store.Clusters(ctx)
		return listNames(clusters, err, func(cl lifecycle.Cluster) string {
			if who.Sees(cl.ProjectID, cl.ID) {
				return cl.Name
			}
			return ""
		})
	}
	f := OperationFilter{Limit: listLimit}
	f.ProjectIDs, f.ClusterIDs = who.Sight(access.ClusterRead)
	ops, err := s.Store.Operations(ctx, f)
	return listNames(ops, err, func(op lifecycle.Operation) string { return op.Label() })
}

func (s *Services) systemNames(ctx context.Context, who access.Subject, t ParamType) []string {
	if t == TypeUser && who.Allowed(access.MemberChange, access.Object{}) {
		users, err := s.Store.Users(ctx)
		return listNames(users, err, func(u access.User) string { return u.Name })
	}
	if t == TypeCred && who.Allowed(access.SystemChange, access.Object{}) {
		creds, err := s.Store.Credentials(ctx)
		return listNames(creds, err, func(c lifecycle.Credential) string { return c.Name })
	}
	return nil
}

func listNames[T any](all []T, err error, name func(T) string) []string {
	if err != nil {
		return nil
	}
	var out []string
	for _, v := range all {
		if n := name(v); n != "" {
			out = append(out, n)
		}
	}
	return out
}

// Event is the message that tells of e, for the hub.
func (s *Services) Event(_ context.Context, e lifecycle.Event, lang string) (bot.Message, error) {
	m := bot.Message{Severity: bot.Severity(e.Severity), Text: s.Catalogue.Text(lang, e.Text),
		Data: data(map[string]any{"event": e.Name, "id": e.ID, "severity": e.Severity, "details": e.Data})}
	switch {
	case strings.HasSuffix(e.Name, ".succeeded"):
		m.Severity = bot.Success
	case e.Severity == lifecycle.Notice:
		m.Severity = bot.Info
	}
	return m, nil
}

// Say implements notifiers.Renderer.
func (s *Services) Say(lang, key string, kv ...any) string {
	return s.Catalogue.Text(lang, lifecycle.T(key, kv...))
}
