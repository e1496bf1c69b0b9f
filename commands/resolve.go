package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// errDenied says that the asker may not, in a way that does not tell whether the
// thing exists.
var errDenied = errors.New("denied")

// askFor says that a command cannot go on without one more value.
type askFor struct{ param Param }

// Error implements error.
func (a *askFor) Error() string { return "needs a value for " + a.param.Name }

// resolve finds what the command is about and checks the right to it there. What
// is not visible to the asker is denied just like what is not there.
func (r *Router) resolve(ctx context.Context, c *Call) error {
	var err error
	switch c.Spec.Scope {
	case ScopeSystem:
		return nil
	case ScopeProject:
		err = r.resolveProject(ctx, c, c.Values.Text("project"))
	case ScopeCluster:
		err = r.resolveCluster(ctx, c)
	case ScopeOperation:
		err = r.resolveOperation(ctx, c)
	}
	if err != nil {
		return err
	}
	o := access.Object{}
	if c.Project != nil {
		o.ProjectID = c.Project.ID
	}
	if c.Cluster != nil {
		o.ClusterID = c.Cluster.ID
	}
	if !c.Subject.Allowed(c.Spec.needs(c.Values), o) {
		return errDenied
	}
	return nil
}

// hidden turns "not there" into a denial for everybody but an admin, who may
// know what exists.
func (c *Call) hidden(err error, kind, name string) error {
	if !errors.Is(err, lifecycle.ErrNotFound) {
		return err
	}
	if c.Subject.User != nil && c.Subject.User.Admin {
		return missing(err, kind, name)
	}
	return errDenied
}

func (r *Router) resolveProject(ctx context.Context, c *Call, name string) error {
	if name == "" {
		name = r.defaultProject(ctx, c)
	}
	p, err := r.s.Store.ProjectByName(ctx, name)
	if err != nil {
		return c.hidden(err, "project", name)
	}
	c.Project = p
	return nil
}

// defaultProject is the one that a command means when it names none: the one
// whose room it is said in, the only project of a person who has just one, else
// "default".
func (r *Router) defaultProject(ctx context.Context, c *Call) string {
	if name := r.roomProject(ctx, c); name != "" {
		return name
	}
	if c.Subject.User == nil || c.Subject.User.Admin {
		return lifecycle.DefaultProject
	}
	visible, err := r.s.visibleProjects(ctx, c.Subject, access.ProjectRead)
	if err == nil && len(visible) == 1 {
		return visible[0].Name
	}
	return lifecycle.DefaultProject
}

func (r *Router) resolveCluster(ctx context.Context, c *Call) error {
	project, name := splitName(c.Values.Text("cluster"))
	if name == "" {
		return nil // asked for later
	}
	if project == "" {
		project = c.Values.Text("project")
	}
	if err := r.resolveProject(ctx, c, project); err != nil {
		return err
	}
	cl, err := r.s.Store.ClusterByName(ctx, c.Project.ID, name)
	if err != nil {
		return c.hidden(err, "cluster", name)
	}
	c.Cluster = cl
	return nil
}

func (r *Router) resolveOperation(ctx context.Context, c *Call) error {
	v, ok := c.Values["operation"]
	if !ok {
		return nil // asked for later
	}
	label := fmt.Sprintf("op-%d", v.Int)
	op, err := r.s.Store.OperationByNumber(ctx, int64(v.Int))
	if err != nil {
		return c.hidden(err, "op", label)
	}
	cl, err := r.s.Store.Cluster(ctx, op.ClusterID)
	if err != nil {
		return c.hidden(err, "op", label)
	}
	p, err := r.s.Store.ProjectByID(ctx, op.ProjectID)
	if err != nil {
		return c.hidden(err, "op", label)
	}
	c.Op, c.Cluster, c.Project = op, cl, p
	return nil
}

// told gives the errors that a person may read, every one of a joined error;
// anything else is internal.
func told(err error) []*lifecycle.Error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var out []*lifecycle.Error
		for _, e := range joined.Unwrap() {
			out = append(out, told(e)...)
		}
		return out
	}
	return []*lifecycle.Error{lifecycle.AsError(err)}
}

// explain puts an error into words. Internal ones are logged, once, under the
// message's id, which is what the person sees of them.
func (c *Call) explain(err error, log *slog.Logger, id string) string {
	var lines []string
	for _, e := range told(err) {
		if e.Text.Key == "error.internal" {
			log.Error("a command failed inside", "command", c.Spec.Name(), "message", id, "error", err)
			lines = append(lines, c.Say("error.internal.ref", "ref", id))
			continue
		}
		lines = append(lines, c.renderError(e))
	}
	return strings.Join(lines, "\n")
}

func (c *Call) actorName() string { return actorName(c.In.On, c.Subject.User.Name) }

// actingAs joins who acts with whose rights they try: "local as alice". No name
// has a space in it.
const actingAs = " as "

func actorName(on, name string) string {
	if on == "" {
		return name
	}
	return on + actingAs + name
}

// ActorText is an actor, as an operation or the audit has it, in a reader's words.
func ActorText(actor string, say func(lifecycle.Text) string) string {
	on, name, as := strings.Cut(actor, actingAs)
	if !as {
		return actor
	}
	return say(lifecycle.T("actor.as", "on", on, "name", name))
}
