package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// ErrDenied says that a page is not for its reader: they may not, or it is not
// there, and they are not told which.
var ErrDenied = errDenied

// Visitor is a person as pages know them.
type Visitor struct {
	Subject access.Subject
	Lang    string
	Zone    *time.Location
	// Projects are the names of those that exist for the person.
	Projects []string
}

// Visitor finds the person behind a browser; User is nil for one that is no
// longer linked.
func (r *Router) Visitor(ctx context.Context, in bot.Inbound) (*Visitor, error) {
	who, err := r.subject(ctx, in)
	if err != nil {
		return nil, err
	}
	v := &Visitor{Subject: who, Lang: r.langOf(in, who), Zone: r.zoneOf(who)}
	if who.User == nil {
		return v, nil
	}
	visible, err := r.s.visibleProjects(ctx, who, access.ProjectRead)
	for _, p := range visible {
		v.Projects = append(v.Projects, p.Name)
	}
	return v, err
}

// Look parses and authorises a reading command for a page, just as if its reader
// had typed it, and gives what it is about; ErrDenied when they may not. It runs
// nothing.
func (r *Router) Look(ctx context.Context, in bot.Inbound, command string) (*Call, error) {
	who, err := r.subject(ctx, in)
	if err != nil {
		return nil, err
	}
	may := func(s *Spec) bool { return who.Allowed(s.Needs, access.Object{}) }
	p := r.registry.Parse(command, nil, may)
	if p.Spec == nil || len(p.Errors) > 0 || len(p.Missing) > 0 || !may(p.Spec) {
		return nil, errDenied
	}
	if p.Spec.Kind != Read {
		return nil, fmt.Errorf("look: %q changes something", p.Spec.Name())
	}
	c := r.call(in, who)
	c.Spec, c.Values, c.parsed, c.canonical = p.Spec, p.Values, p, Canonical(p)
	err = r.resolve(ctx, c)
	var told *lifecycle.Error
	if errors.As(err, &told) || errors.Is(err, lifecycle.ErrNotFound) {
		err = errDenied // an admin is told in chat that it is not there
	}
	return c, err
}

// Reply answers a reading command for a page as chat would.
func (r *Router) Reply(ctx context.Context, in bot.Inbound, command string) (bot.Message, error) {
	c, err := r.Look(ctx, in, command)
	if err != nil {
		return bot.Message{}, err
	}
	o, err := c.Spec.Run(ctx, c)
	if err != nil {
		return bot.Message{}, err
	}
	return o.Reply, nil
}

// roomProject is the project whose own room the command was said in, "" when it
// was said elsewhere. In the built-in room a project's room has its name.
func (r *Router) roomProject(ctx context.Context, c *Call) string {
	name := c.In.From.Room
	if c.In.From.Account != builtinRoom || strings.Contains(name, ":") {
		return ""
	}
	visible, err := r.s.visibleProjects(ctx, c.Subject, access.ProjectRead)
	if err != nil || !slices.ContainsFunc(visible, func(p lifecycle.Project) bool { return p.Name == name }) {
		return ""
	}
	return name
}

// builtinRoom is the account of the built-in room.
const builtinRoom = "room"
