package commands

import (
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

var nounSession = Word{"session", []string{"会话", "sessions"}}

// PassLifetime is how long a link into the browser room is good for.
const PassLifetime = 10 * time.Minute

// MakePass stores a one-time way into the browser for an identity and gives the
// link that has its secret, in the fragment, which browsers send to nobody.
func (s *Services) MakePass(ctx context.Context, identity, on string, good time.Duration) (link string, err error) {
	secret := access.NewSecret()
	err = s.Store.SavePass(ctx, access.Pass{Hash: access.HashSecret(secret), Identity: identity, On: on, ExpiresAt: s.Now().Add(good)})
	return s.WebURL() + "/enter#" + secret, err
}

// WebURL is where browsers find the pages, without a slash at its end; "" when the
// public listener is off.
func (s *Services) WebURL() string {
	if s.URL == nil {
		return ""
	}
	return s.URL()
}

// sessionOpen gives a link into the browser room.
func (s *Services) sessionOpen() *Spec {
	return &Spec{Noun: nounSession, Verb: Word{"open", []string{"打开", "web"}}, Needs: access.Linked, Kind: Change, Direct: true,
		Examples: []string{"session open"}, ExampleZH: "会话 打开",
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			if s.WebURL() == "" {
				return nil, refuse("session.noweb")
			}
			return &Outcome{Commit: func(ctx context.Context) (bot.Message, error) {
				link, err := s.MakePass(ctx, c.In.Identity, c.In.On, PassLifetime)
				if err != nil {
					return bot.Message{}, err
				}
				m := c.ok("session list", "session.opened", "minutes", int(PassLifetime.Minutes()))
				m.Links, m.Private = []bot.Link{{Label: c.Say("session.enter"), URL: link}}, true
				m.Data = data(map[string]any{"url": link})
				return m, nil
			}}, nil
		}}
}

// sessionRow is a browser as a list shows it.
type sessionRow struct {
	Session  string `json:"session"`
	User     string `json:"user"`
	Identity string `json:"identity"`
	Agent    string `json:"agent"`
	Remote   string `json:"remote"`
	SeenAt   int64  `json:"seenAt"` // unix ms
	Expires  int64  `json:"expiresAt"`
}

// sessionList shows the browsers that a person is in by; an administrator sees
// everybody's.
func (s *Services) sessionList() *Spec {
	return &Spec{Noun: nounSession, Verb: verbList, Needs: access.Linked, Examples: []string{"session list"}, ExampleZH: "会话 列表",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			all, err := s.sessionsOf(ctx, c)
			if err != nil {
				return nil, err
			}
			list, rows := []sessionRow{}, [][]string{}
			for _, b := range all {
				u, err := s.Store.UserByID(ctx, b.UserID)
				if errors.Is(err, lifecycle.ErrNotFound) {
					continue // deleted meanwhile
				}
				if err != nil {
					return nil, err
				}
				list = append(list, sessionRow{b.ID, u.Name, b.Identity, b.Agent, b.Remote, b.SeenAt.UnixMilli(), b.ExpiresAt.UnixMilli()})
				rows = append(rows, []string{b.ID, u.Name, clipped(b.Agent), b.Remote, c.when(b.SeenAt), c.when(b.ExpiresAt)})
			}
			return &Outcome{Reply: c.list("session.list", rows, "session.none", "session revoke ID", map[string]any{"sessions": list},
				"session", "user", "browser", "remote", "seen", "expires")}, nil
		}}
}

// sessionsOf are the sessions that the asker may see.
func (s *Services) sessionsOf(ctx context.Context, c *Call) ([]access.Session, error) {
	whose := c.Subject.User.ID
	if c.Subject.Allowed(access.SystemChange, access.Object{}) {
		whose = ""
	}
	return s.Store.Sessions(ctx, whose, s.Now())
}

// sessionRevoke shows a browser the door.
func (s *Services) sessionRevoke() *Spec {
	return &Spec{Noun: nounSession, Verb: Word{"revoke", []string{"注销", "吊销"}}, Needs: access.Linked, Kind: Change,
		Args:     []Param{arg("session", TypeText, "会话")},
		Examples: []string{"session revoke 01JD0000000000000000000000"}, ExampleZH: "会话 注销 01JD0000000000000000000000",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			id := c.Values.Text("session")
			all, err := s.sessionsOf(ctx, c)
			if err != nil {
				return nil, err
			}
			for _, b := range all {
				if b.ID == id {
					return done(id, c.ok("session list", "session.revoked", "session", id), func(ctx context.Context) error {
						return s.Store.DeleteSession(ctx, id)
					}), nil
				}
			}
			return nil, refuse("session.missing", "session", id)
		}}
}
