package commands

import (
	"context"
	"errors"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// whoami tells a person who the bot takes them for.
func (s *Services) whoami() *Spec {
	return &Spec{Verb: Word{"whoami", []string{"我是谁", "我"}}, Needs: access.Everyone,
		Examples: []string{"whoami"}, ExampleZH: "我是谁", Run: s.runWhoami}
}

func (s *Services) runWhoami(ctx context.Context, c *Call) (*Outcome, error) {
	u := c.Subject.User
	if u == nil {
		return &Outcome{Reply: bot.Message{Text: c.Say("whoami.unlinked", "identity", c.In.Identity),
			Footer: c.next("link CODE"),
			Data:   data(map[string]any{"identity": c.In.Identity, "linked": false})}}, nil
	}
	roles, err := s.roles(ctx, c, u.ID)
	if err != nil {
		return nil, err
	}
	return &Outcome{Reply: bot.Message{Title: u.Name, Text: c.roleWords(u, roles),
		Fields: fields(c.field("identity", c.In.Identity), c.field("actedby", c.In.On), c.field("email", u.Email),
			c.field("lang", c.word("lang", c.Lang)), c.field("timezone", c.Zone.String())),
		Footer: c.next("help"),
		Data: data(map[string]any{"identity": c.In.Identity, "linked": true, "user": u.Name,
			"admin": u.Admin, "disabled": u.Disabled, "roles": roles, "on": c.In.On})}}, nil
}

// roleRow is a membership in names.
type roleRow struct {
	Project string      `json:"project"`
	Role    access.Role `json:"role"`
	Cluster string      `json:"cluster,omitempty"`
}

// roles names a user's memberships, as far as they still lead somewhere.
func (s *Services) roles(ctx context.Context, _ *Call, userID string) ([]roleRow, error) {
	ms, err := s.Store.UserMemberships(ctx, userID)
	if err != nil {
		return nil, err
	}
	rows := []roleRow{}
	for _, m := range ms {
		row, err := s.roleRow(ctx, m)
		if errors.Is(err, lifecycle.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (s *Services) roleRow(ctx context.Context, m access.Membership) (roleRow, error) {
	p, err := s.Store.ProjectByID(ctx, m.ProjectID)
	if err != nil {
		return roleRow{}, err
	}
	row := roleRow{Project: p.Name, Role: m.Role}
	if m.ClusterID != "" {
		cl, err := s.Store.Cluster(ctx, m.ClusterID)
		if err != nil {
			return roleRow{}, err
		}
		row.Cluster = cl.Name
	}
	return row, nil
}

func (c *Call) roleWords(u *access.User, rows []roleRow) string {
	switch {
	case u.Disabled:
		return c.Say("whoami.disabled")
	case u.Admin:
		return c.Say("whoami.admin")
	case len(rows) == 0:
		return c.Say("whoami.norole")
	}
	text := ""
	for _, r := range rows {
		if text != "" {
			text += "\n"
		}
		text += c.Say("whoami.role", "role", lifecycle.T("role."+string(r.Role)), "project", r.Project, "cluster", r.Cluster)
	}
	return text
}

// lang sets the language that a person is answered in.
func (s *Services) lang() *Spec {
	choice := Param{Word: Word{"language", []string{"语言"}}, Type: TypeChoice, Required: true,
		Choices: []Word{{"zh", []string{"中文", "chinese", "zh-cn"}}, {"en", []string{"英文", "english", "英语"}}}}
	return &Spec{Verb: Word{"lang", []string{"语言", "language"}}, Needs: access.Linked, Kind: Change,
		Args: []Param{choice}, Examples: []string{"lang zh", "lang en"}, ExampleZH: "语言 中文",
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			u := *c.Subject.User
			u.Lang = c.Values.Text("language")
			c.Lang = u.Lang
			reply := c.ok("help", "lang.done", "language", lifecycle.T("lang."+u.Lang))
			return done(u.Lang, reply, func(ctx context.Context) error { return s.Store.SaveUser(ctx, &u) }), nil
		}}
}

// link joins the account that a person writes from to a user, by a code that an
// admin has made.
func (s *Services) link() *Spec {
	return &Spec{Verb: Word{"link", []string{"绑定", "关联"}}, Needs: access.Everyone, Kind: Change,
		Args:     []Param{arg("code", TypeText, "绑定码")},
		Examples: []string{"link 7KQ4-M2XD-9PVA"}, ExampleZH: "绑定 7KQ4-M2XD-9PVA", Run: s.runLink}
}

func (s *Services) runLink(_ context.Context, c *Call) (*Outcome, error) {
	hash := access.HashCode(c.Values.Text("code"))
	if !c.In.Private { // whoever reads along could have used it
		return &Outcome{Detail: "code.burned", Commit: func(ctx context.Context) (bot.Message, error) {
			if _, err := s.Store.TakeLinkCode(ctx, hash, s.Now()); err != nil && !errors.Is(err, lifecycle.ErrNotFound) {
				return bot.Message{}, err
			}
			return bot.Message{Severity: bot.Error, Failed: true, Text: c.Say("link.burned")}, nil
		}}, nil
	}
	if c.Subject.User != nil {
		return nil, refuse("link.already", "user", c.Subject.User.Name)
	}
	return &Outcome{Commit: func(ctx context.Context) (bot.Message, error) { return s.commitLink(ctx, c, hash) }}, nil
}

func (s *Services) commitLink(ctx context.Context, c *Call, hash string) (bot.Message, error) {
	code, err := s.Store.TakeLinkCode(ctx, hash, s.Now())
	if errors.Is(err, lifecycle.ErrNotFound) {
		return bot.Message{}, refuse("link.bad")
	}
	if err != nil {
		return bot.Message{}, err
	}
	u, err := s.Store.UserByID(ctx, code.UserID)
	if errors.Is(err, lifecycle.ErrNotFound) || (err == nil && u.Disabled) {
		return bot.Message{}, refuse("link.bad")
	}
	if err != nil {
		return bot.Message{}, err
	}
	if err := s.Store.LinkIdentity(ctx, access.Identity{ID: c.In.Identity, UserID: u.ID, LinkedAt: s.Now()}); err != nil {
		return bot.Message{}, err
	}
	if err := s.markFirst(ctx, u); err != nil {
		return bot.Message{}, err
	}
	m := c.ok("help", "link.done", "user", u.Name)
	m.Data = data(map[string]any{"user": u.Name, "identity": c.In.Identity})
	return m, nil
}

// markFirst makes the first admin who links an account the first admin.
func (s *Services) markFirst(ctx context.Context, u *access.User) error {
	if !u.Admin {
		return nil
	}
	all, err := s.Store.Users(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.First {
			return nil
		}
	}
	u.First = true
	return s.Store.SaveUser(ctx, u)
}
