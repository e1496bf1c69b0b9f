package pages

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// reader is the person that a page is made for; templates speak through it.
type reader struct {
	catalogue *messages.Catalogue
	Lang      string
	zone      *time.Location
	who       access.Subject
	words     func(string) string
	now       time.Time
}

// reader speaks as call does; without a call, in the server's language.
func (p *Pages) reader(call *commands.Call) *reader {
	s := p.cfg.Services
	rd := &reader{catalogue: s.Catalogue, Lang: s.Lang, zone: s.TimeZone, now: s.Now(),
		words: func(command string) string { return command }}
	if call != nil {
		rd.Lang, rd.zone, rd.who, rd.words = call.Lang, call.Zone, call.Subject, call.Words
	}
	return rd
}

// stranger is a reader who may not look at anything in particular.
func (p *Pages) stranger(ctx context.Context, in bot.Inbound) (*reader, error) {
	v, err := p.cfg.Router.Visitor(ctx, in)
	if err != nil {
		return nil, err
	}
	rd := p.reader(nil)
	rd.Lang, rd.zone, rd.who = v.Lang, v.Zone, v.Subject
	return rd, nil
}

// lister is a reader of a list: who may see nothing at all still gets the page,
// and finds it empty.
func (p *Pages) lister(ctx context.Context, in bot.Inbound, command string) (*reader, error) {
	_, rd, err := p.look(ctx, in, command)
	if errors.Is(err, commands.ErrDenied) {
		return p.stranger(ctx, in)
	}
	return rd, err
}

// T puts a key of the catalogues into the reader's words.
func (rd *reader) T(key string, kv ...any) string { return rd.Text(lifecycle.T(key, kv...)) }

// Actor is who has done something.
func (rd *reader) Actor(name string) string { return commands.ActorText(name, rd.Text) }

// Text puts a Text into the reader's words.
func (rd *reader) Text(t lifecycle.Text) string { return rd.catalogue.Text(rd.Lang, t) }

// Word shows a status or kind.
func (rd *reader) Word(group, value string) string {
	if value == "" {
		return ""
	}
	return rd.T(group + "." + value)
}

// PhaseName is what people call a phase; its own name where there is no word.
func (rd *reader) PhaseName(phase string) string {
	if key := "phase." + phase + ".short"; rd.catalogue.Has(key) {
		return rd.T(key)
	}
	return phase
}

// Dur shows a duration in words: "3 min 20 s".
func (rd *reader) Dur(d time.Duration) string { return rd.T("page.duration", "time", d) }

// When shows a time in the reader's zone.
func (rd *reader) When(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(rd.zone).Format("2006-01-02 15:04:05")
}

// Stamp is a time for programs.
func (rd *reader) Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Zone names the reader's time zone.
func (rd *reader) Zone() string { return rd.now.In(rd.zone).Format("MST") }

// Said is a command in the words of the reader's language.
func (rd *reader) Said(canonical string) string { return rd.words(canonical) }

// may reports whether the reader holds a permission on a cluster.
func (rd *reader) may(p access.Permission, cl *lifecycle.Cluster) bool {
	return rd.who.Allowed(p, access.Object{ProjectID: cl.ProjectID, ClusterID: cl.ID})
}

// Command is a command to copy, and the words around it.
type command struct {
	*reader
	Canonical string
}

// Cmd makes the line that says how to do the same in chat.
func (rd *reader) Cmd(parts ...string) command { return command{rd, strings.Join(parts, " ")} }

// Role is a node's role; the API server's own word where we have none.
func (rd *reader) Role(role string) string {
	if rd.catalogue.Has("node.role." + role) {
		return rd.T("node.role." + role)
	}
	return role
}

// badges are the colours of statuses.
var badges = map[string]string{
	"succeeded": "badge-ok", "running": "badge-info", "queued": "", "failed": "badge-bad", "stopping": "badge-warn",
	"undoing": "badge-warn", "stopped": "badge-warn", "undone": "badge-warn", "cancelled": "",
}

// OpBadge is the colour of an operation's status.
func (rd *reader) OpBadge(s lifecycle.OperationStatus) string { return badges[string(s)] }

// ClusterBadge is the colour of a cluster's status.
func (rd *reader) ClusterBadge(s lifecycle.ClusterStatus) string {
	switch s {
	case lifecycle.ClusterRunning:
		return "badge-ok"
	case lifecycle.ClusterFailed, lifecycle.ClusterUnreachable:
		return "badge-bad"
	case lifecycle.ClusterDegraded, lifecycle.ClusterDeleting:
		return "badge-warn"
	case lifecycle.ClusterDeleted, lifecycle.ClusterPending:
		return ""
	default:
		return "badge-info"
	}
}

// NodeBadge is the colour of a node's status.
func (rd *reader) NodeBadge(status string) string {
	switch status {
	case "ready":
		return "badge-ok"
	case "failed":
		return "badge-bad"
	case "preparing":
		return "badge-info"
	default:
		return ""
	}
}

// EventBadge is the colour of an event.
func (rd *reader) EventBadge(e lifecycle.Event) string {
	switch {
	case strings.HasSuffix(e.Name, ".succeeded"):
		return "badge-ok"
	case e.Severity == lifecycle.Critical, strings.HasSuffix(e.Name, ".failed"):
		return "badge-bad"
	case e.Severity == lifecycle.Warning:
		return "badge-warn"
	default:
		return "badge-info"
	}
}
