package commands

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Replier takes the answers; the hub implements it. Called in the transaction of
// the command: answer and effect are kept together or not at all.
type Replier interface {
	// Reply sends m to a room. With operationID set, m becomes that operation's
	// living card there, kept current in lang.
	Reply(ctx context.Context, to bot.Address, m bot.Message, operationID, lang string) error
}

// Router takes what people say to what it makes the bot do: it is the only way
// to a handler. Everything it lets through was parsed, authorised and, where its
// kind asks for it, confirmed.
type Router struct {
	s        *Services
	registry *Registry
	replies  Replier
	limits   *Limiter
	log      *slog.Logger
	// strangers are accounts that no user was found for.
	strangers strangers
}

// NewRouter makes the Router of the services' commands. A nil limits means none.
func NewRouter(s *Services, registry *Registry, replies Replier, limits *Limiter, log *slog.Logger) *Router {
	s.registry = registry
	return &Router{s: s, registry: registry, replies: replies, limits: limits, log: log}
}

// Handle works on one accepted message to its end. An error means that nothing
// was done and the message may be tried again; whatever a person must know has
// been told to them.
func (r *Router) Handle(ctx context.Context, in bot.Inbound) error {
	subject, err := r.subject(ctx, in)
	if err != nil {
		return err
	}
	if in.Gone {
		return r.accountGone(ctx, in)
	}
	if subject.User == nil {
		if subject, err = r.linkByEmail(ctx, in); err != nil {
			return err
		}
	}
	t := &turn{r: r, in: in, subject: subject, lang: r.langOf(in, subject), zone: r.zoneOf(subject)}
	if wait := r.limits.over(t.userKey(), in.From.Room, r.s.Now()); wait > 0 {
		return t.tell(ctx, failure(t.say("limit.over", "seconds", int(wait.Seconds())+1)))
	}
	if in.Press != "" {
		return t.pressed(ctx)
	}
	return t.handle(ctx)
}

// subject finds the person behind an account. In the built-in room, whoever may
// open the socket may try on another user's rights: `local as alice`.
func (r *Router) subject(ctx context.Context, in bot.Inbound) (access.Subject, error) {
	if in.Identity == "local:local" {
		u, err := r.s.Store.UserByID(ctx, access.LocalUserID)
		return access.Subject{User: u}, err
	}
	u, err := r.s.Store.UserByIdentity(ctx, in.Identity)
	if errors.Is(err, lifecycle.ErrNotFound) && in.On == "local" {
		u, err = r.s.Store.UserByName(ctx, terminalName(in.Identity))
	}
	if errors.Is(err, lifecycle.ErrNotFound) {
		return access.Subject{}, nil
	}
	if err != nil {
		return access.Subject{}, err
	}
	ms, err := r.s.Store.UserMemberships(ctx, u.ID)
	return access.Subject{User: u, Memberships: ms}, err
}

// terminalName is the NAME of "terminal:NAME".
func terminalName(identity string) string {
	const prefix = "terminal:"
	if len(identity) > len(prefix) && identity[:len(prefix)] == prefix {
		return identity[len(prefix):]
	}
	return ""
}

// langOf: the asker's choice for this message, their profile, the server's.
func (r *Router) langOf(in bot.Inbound, who access.Subject) string {
	switch {
	case who.User != nil && who.User.Lang != "" && !in.LangForced:
		return who.User.Lang
	case in.Lang != "":
		return in.Lang
	default:
		return r.s.Lang
	}
}

func (r *Router) zoneOf(who access.Subject) *time.Location {
	if who.User != nil && who.User.TimeZone != "" {
		if zone, err := time.LoadLocation(who.User.TimeZone); err == nil {
			return zone
		}
	}
	return r.s.TimeZone
}

// turn is one message on its way through the router.
type turn struct {
	r       *Router
	in      bot.Inbound
	subject access.Subject
	lang    string
	zone    *time.Location
	// button is the one that was pressed; it is used up with the answer.
	button *bot.Button
}

func (t *turn) say(key string, kv ...any) string {
	return t.r.s.Catalogue.Text(t.lang, lifecycle.T(key, kv...))
}

// userKey is who a dialogue and a limit belong to.
func (t *turn) userKey() string {
	if t.subject.User != nil {
		return t.subject.User.ID
	}
	return t.in.Identity
}

// allowed filters help, suggestions and completion.
func (t *turn) allowed(s *Spec) bool { return t.subject.Allowed(s.Needs, access.Object{}) }

func (t *turn) handle(ctx context.Context) error {
	text, refs := t.fill(), t.in.Refs
	d, err := t.r.s.Store.Dialogue(ctx, t.userKey(), t.in.From, t.r.s.Now())
	if err != nil && !errors.Is(err, lifecycle.ErrNotFound) {
		return err
	}
	if d != nil {
		next, reply := t.answer(d, text)
		if reply != nil {
			return t.closeDialogue(ctx, *reply)
		}
		text, refs = next, d.refs(refs)
		if err := t.r.s.Store.DeleteDialogue(ctx, t.userKey(), t.in.From); err != nil {
			return err
		}
	}
	return t.command(ctx, text, refs)
}

// command parses and runs one command text.
func (t *turn) command(ctx context.Context, text string, refs map[string]bot.Ref) error {
	p := t.r.registry.Parse(text, refs, t.allowed)
	if p.Lang == "zh" && !t.in.LangForced && (t.subject.User == nil || t.subject.User.Lang == "") {
		t.lang = "zh" // who types Chinese is answered in Chinese, unless they chose otherwise
	}
	if len(p.Errors) > 0 {
		m := t.r.registry.RenderErrors(t.lang, p)
		t.formAgain(ctx, p, &m)
		return t.tell(ctx, m)
	}
	c := &Call{Spec: p.Spec, In: t.in, Subject: t.subject, Lang: t.lang, Zone: t.zone, Values: p.Values,
		Words: t.r.s.words(t.lang), catalogue: t.r.s.Catalogue, parsed: p, canonical: Canonical(p)}
	c.may = func(canonical string) bool { return t.r.mayGive(c, canonical) }
	err := t.r.resolve(ctx, c) // before a denial, too: the audit says what it was about
	switch {
	case !t.subject.Allowed(p.Spec.Needs, access.Object{}), errors.Is(err, errDenied):
		return t.deny(ctx, c)
	case err != nil:
		return t.refused(ctx, c, err)
	}
	if p.Spec.Direct && !t.in.Private {
		return t.refused(ctx, c, refuse("direct.only", "command", c.Words(p.Spec.Name())))
	}
	if len(p.Missing) > 0 {
		return t.ask(ctx, c, p.Missing[0])
	}
	return t.confirmAndRun(ctx, c)
}

// mayGive reports whether the asker of c may give another command, as far as can
// be told: about the same project and cluster, if it is about one.
func (r *Router) mayGive(c *Call, canonical string) bool {
	p := r.registry.Parse(canonical, nil, func(*Spec) bool { return true })
	if p.Spec == nil {
		return true
	}
	o := access.Object{}
	if p.Spec.Scope != ScopeSystem && c.Project != nil {
		o.ProjectID = c.Project.ID
		if c.Cluster != nil {
			o.ClusterID = c.Cluster.ID
		}
	}
	return c.Subject.Allowed(p.Spec.needs(p.Values), o)
}

// confirmAndRun makes the plan where the kind has one, confirms it, and runs.
func (t *turn) confirmAndRun(ctx context.Context, c *Call) error {
	if c.Spec.Plan != nil {
		preview, err := c.Spec.Plan(ctx, c)
		if err != nil {
			return t.failedRun(ctx, c, err)
		}
		c.Preview = preview
		if reply, stop := t.confirm(c); stop {
			return t.tellPreview(ctx, c, reply)
		}
	}
	o, err := c.Spec.Run(ctx, c)
	if err != nil {
		return t.failedRun(ctx, c, err)
	}
	return t.commit(ctx, c, o)
}

// failedRun tells an error of Plan or Run: a question to ask, a denial found
// late, or what went wrong.
func (t *turn) failedRun(ctx context.Context, c *Call, err error) error {
	var ask *askFor
	switch {
	case errors.As(err, &ask):
		return t.ask(ctx, c, ask.param)
	case errors.Is(err, errDenied):
		return t.deny(ctx, c)
	default:
		return t.refused(ctx, c, err)
	}
}

// commit does what the command decided, with its audit line, its answer and the
// end of the message, in one transaction.
func (t *turn) commit(ctx context.Context, c *Call, o *Outcome) error {
	err := t.r.s.Store.WithTx(ctx, func(ctx context.Context) error {
		reply, opID := o.Reply, ""
		if o.Commit != nil {
			m, err := o.Commit(ctx)
			if err != nil {
				return err
			}
			reply = m
		}
		if o.Operation != nil {
			card, err := t.r.s.Card(ctx, o.Operation.ID, c.Lang)
			if err != nil {
				return err
			}
			reply, opID, o.Detail = card, o.Operation.ID, o.Operation.Label()
		}
		if c.Spec.Kind.Mutates() || c.Spec.Direct {
			if err := t.audit(ctx, c, "ok", o); err != nil {
				return err
			}
		}
		return t.finish(ctx, reply, opID)
	})
	var told *lifecycle.Error
	switch {
	case errors.As(err, &told), errors.Is(err, errDenied):
		return t.failedRun(ctx, c, err)
	case err != nil:
		return err
	}
	if o.After != nil {
		if err := o.After(ctx); err != nil {
			t.r.log.Error("after a command", "command", c.Spec.Name(), "error", err)
		}
	}
	return nil
}

// finish answers and ends the message. Called in a transaction.
func (t *turn) finish(ctx context.Context, reply bot.Message, opID string) error {
	reply.ReplyTo, reply.For = t.in.ID, t.in.Identity
	if t.button != nil {
		fresh, err := t.r.s.Store.UseButton(ctx, t.button.ID)
		if err != nil {
			return err
		}
		if !fresh {
			return errUsedButton // another press was faster: nothing of this one may stay
		}
	}
	if err := t.r.replies.Reply(ctx, t.in.From, reply, opID, t.lang); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	return t.r.s.Store.DoneInbound(ctx, t.in.From.Account, t.in.ID)
}

// The results of commands that were not carried out, in the audit.
const (
	auditDenied = "denied"
	auditFailed = "failed"
)

// tell answers with m alone.
func (t *turn) tell(ctx context.Context, m bot.Message) error {
	return t.r.s.Store.WithTx(ctx, func(ctx context.Context) error { return t.finish(ctx, m, "") })
}

// tellAudited is tell with a line of the audit, in the same transaction.
func (t *turn) tellAudited(ctx context.Context, m bot.Message, e access.AuditEntry) error {
	return t.r.s.Store.WithTx(ctx, func(ctx context.Context) error {
		if err := t.r.s.Store.AppendAudit(ctx, e); err != nil {
			return err
		}
		return t.finish(ctx, m, "")
	})
}

// refused tells why a command was not carried out.
func (t *turn) refused(ctx context.Context, c *Call, err error) error {
	m := failure(c.explain(err, t.r.log, t.in.ID))
	m.Data = data(map[string]any{"command": c.Spec.Name(), "errors": told(err)})
	if !c.Spec.Kind.Mutates() {
		return t.tell(ctx, m)
	}
	return t.tellAudited(ctx, m, t.entryOf(c, auditFailed))
}

// deny says no without a hint of what exists, and writes it down.
func (t *turn) deny(ctx context.Context, c *Call) error {
	key := "denied"
	if t.subject.User == nil {
		key = "denied.unlinked"
	}
	m := failure(t.say(key))
	m.Data = data(map[string]any{"denied": true})
	e := lifecycle.Event{Name: "security.denied", Severity: lifecycle.Notice, Subject: "security/" + t.userKey(), Actor: t.userKey(),
		Text: lifecycle.T("event.security.denied.text", "actor", t.actorName(), "command", c.Spec.Name()), At: t.r.s.Now()}
	return t.r.s.Store.WithTx(ctx, func(ctx context.Context) error {
		if err := t.r.s.Store.AppendAudit(ctx, t.entryOf(c, auditDenied)); err != nil {
			return err
		}
		if err := t.r.s.Store.AppendEvents(ctx, e); err != nil {
			return err
		}
		return t.finish(ctx, m, "")
	})
}

func failure(text string) bot.Message {
	return bot.Message{Severity: bot.Error, Failed: true, Text: text}
}

func (t *turn) actorName() string {
	name := t.in.Identity
	if t.subject.User != nil {
		name = t.subject.User.Name
	}
	return actorName(t.in.On, name)
}

func (t *turn) auditEntry(result, command string) access.AuditEntry {
	return access.AuditEntry{At: t.r.s.Now(), Actor: t.actorName(), Identity: t.in.Identity, Room: t.in.From.Room,
		Command: command, Result: result, Cause: t.in.From.Account + "/" + t.in.ID}
}

func (t *turn) audit(ctx context.Context, c *Call, result string, o *Outcome) error {
	e := t.entryOf(c, result)
	e.Target, e.Detail = o.Target, o.Detail
	return t.r.s.Store.AppendAudit(ctx, e)
}

// entryOf is the audit line of a call. It names the project and the cluster as far
// as they were found, so that those who answer for them see it, refused or not.
func (t *turn) entryOf(c *Call, result string) access.AuditEntry {
	e := t.auditEntry(result, c.canonical)
	if c.Project != nil {
		e.ProjectID = c.Project.ID
	}
	if c.Cluster != nil {
		e.ClusterID = c.Cluster.ID
	}
	return e
}
