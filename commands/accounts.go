package commands

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// accountGone unlinks an account that its platform has removed or disabled. There
// is nobody to answer.
func (r *Router) accountGone(ctx context.Context, in bot.Inbound) error {
	return r.s.Store.WithTx(ctx, func(ctx context.Context) error {
		err := r.s.Store.UnlinkIdentity(ctx, in.Identity)
		if err == nil {
			err = r.s.Store.AppendAudit(ctx, access.AuditEntry{At: r.s.Now(), Actor: in.From.Account, Identity: in.Identity, Room: in.From.Room,
				Command: "unlink", Target: in.Identity, Result: "ok", Detail: "account.gone", Cause: in.From.Account + "/" + in.ID})
		}
		if err != nil && !errors.Is(err, lifecycle.ErrNotFound) {
			return err
		}
		return r.s.Store.DoneInbound(ctx, in.From.Account, in.ID)
	})
}

const (
	// askAgain is how long an account that could not be matched is not looked up
	// again.
	askAgain     = 10 * time.Minute
	lookupLimit  = 10 * time.Second
	mostStranger = 10_000
)

// strangers remembers accounts that no user was found for, so that a platform's
// address book is not asked at every word of theirs.
type strangers struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (s *strangers) known(identity string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.until[identity].After(now)
}

func (s *strangers) note(identity string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil || len(s.until) >= mostStranger {
		s.until = map[string]time.Time{}
	}
	s.until[identity] = now.Add(askAgain)
}

// linkByEmail links an account whose platform vouches for an e-mail address that
// exactly one user has, where an administrator has allowed that for the platform.
// Whoever cannot be matched stays unlinked.
func (r *Router) linkByEmail(ctx context.Context, in bot.Inbound) (access.Subject, error) {
	nobody := access.Subject{}
	if r.s.Directory == nil || in.On != "" || r.strangers.known(in.Identity, r.s.Now()) {
		return nobody, nil
	}
	book := r.s.Directory(in.From.Account)
	if book == nil {
		return nobody, nil
	}
	u, err := r.userByEmail(ctx, book, in.Identity)
	if err != nil {
		r.log.Warn("looking an account up by its e-mail", "account", in.From.Account, "error", err)
	}
	if u == nil {
		r.strangers.note(in.Identity, r.s.Now())
		return nobody, nil
	}
	err = r.s.Store.WithTx(ctx, func(ctx context.Context) error {
		if err := r.s.Store.LinkIdentity(ctx, access.Identity{ID: in.Identity, UserID: u.ID, LinkedAt: r.s.Now()}); err != nil {
			return err
		}
		return r.s.Store.AppendAudit(ctx, access.AuditEntry{At: r.s.Now(), Actor: u.Name, Identity: in.Identity, Room: in.From.Room,
			Command: "link", Target: u.Name, Result: "ok", Detail: "link.email", Cause: in.From.Account + "/" + in.ID})
	})
	if err != nil && !errors.Is(err, lifecycle.ErrExists) {
		return nobody, err
	}
	return r.subject(ctx, in)
}

// userByEmail gives the one enabled user with the account's address, nil when
// there is none or more than one.
func (r *Router) userByEmail(ctx context.Context, book bot.Directory, identity string) (*access.User, error) {
	asked, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	p, err := book.Person(asked, identity)
	if err != nil || !p.Active || p.Email == "" {
		return nil, err
	}
	all, err := r.s.Store.Users(ctx)
	if err != nil {
		return nil, err
	}
	var found *access.User
	for i := range all {
		if all[i].Disabled || !strings.EqualFold(all[i].Email, p.Email) {
			continue
		}
		if found != nil {
			return nil, nil // ambiguous: a code decides
		}
		found = &all[i]
	}
	return found, nil
}

// unlink takes an account from its user: one's own, or for an administrator
// anybody's.
func (s *Services) unlink() *Spec {
	account := opt("account", TypeText, "账号")
	return &Spec{Verb: Word{"unlink", []string{"解绑", "取消关联"}}, Needs: access.Linked, Kind: Change,
		Options: []Param{account}, Examples: []string{"unlink", "unlink account=slack:T0001/U0002"}, ExampleZH: "解绑", Run: s.runUnlink}
}

func (s *Services) runUnlink(ctx context.Context, c *Call) (*Outcome, error) {
	id := nonempty(c.Values.Text("account"), c.In.Identity)
	if id == "local:local" {
		return nil, refuse("user.builtin")
	}
	owner, err := s.Store.UserByIdentity(ctx, id)
	if errors.Is(err, lifecycle.ErrNotFound) || err == nil && owner.ID != c.Subject.User.ID && !c.Subject.Allowed(access.SystemChange, access.Object{}) {
		return nil, refuse("unlink.missing", "identity", id) // the same words: no hint of other people's accounts
	}
	if err != nil {
		return nil, err
	}
	reply := c.ok("whoami", "unlink.done", "identity", id, "user", owner.Name)
	reply.Data = data(map[string]any{"identity": id, "user": owner.Name})
	return done(id, reply, func(ctx context.Context) error { return s.Store.UnlinkIdentity(ctx, id) }), nil
}
