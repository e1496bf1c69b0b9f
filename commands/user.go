package commands

import (
	"context"
	"errors"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

func userArg() Param { return arg("user", TypeUser, "用户") }

// userAdd makes a user; a link code joins their accounts to it.
func (s *Services) userAdd() *Spec {
	return &Spec{Noun: nounUser, Verb: verbAdd, Needs: access.SystemChange, Kind: Change,
		Args: []Param{arg("name", TypeName, "名称")},
		Options: []Param{opt("fullname", TypeText, "姓名"), opt("email", TypeText, "邮箱", "mail"),
			opt("admin", TypeBool, "管理员")},
		Examples:  []string{"user add alice email=alice@example.com", "user add bob admin=yes"},
		ExampleZH: "用户 添加 alice 邮箱=alice@example.com",
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			name := c.Values.Text("name")
			u := &access.User{Name: name, FullName: c.Values.Text("fullname"), Email: c.Values.Text("email"),
				Admin: c.Values.Bool("admin"), CreatedAt: s.Now()}
			reply := c.ok("user code "+name, "user.added", "user", name)
			return added(name, reply, u, func(ctx context.Context) error {
				return taken(s.Store.SaveUser(ctx, u), "user", name)
			}), nil
		}}
}

func (s *Services) userList() *Spec {
	return &Spec{Noun: nounUser, Verb: verbList, Needs: access.SystemChange,
		Examples: []string{"user list"}, ExampleZH: "用户 列表",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			users, err := s.Store.Users(ctx)
			if err != nil {
				return nil, err
			}
			var rows [][]string
			for _, u := range users {
				rows = append(rows, []string{u.Name, u.FullName, u.Email, c.yes(u.Admin), c.userState(&u)})
			}
			return &Outcome{Reply: c.list("user.list", rows, "user.none", "user show NAME",
				map[string]any{"users": users}, "name", "fullname", "email", "admin", "status")}, nil
		}}
}

func (c *Call) userState(u *access.User) string {
	if u.Disabled {
		return c.Say("user.state.disabled")
	}
	return c.Say("user.state.enabled")
}

func (s *Services) userShow() *Spec {
	return &Spec{Noun: nounUser, Verb: verbShow, Needs: access.SystemChange, Args: []Param{userArg()},
		Examples: []string{"user show alice"}, ExampleZH: "用户 查看 alice",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			u, err := s.user(ctx, c)
			if err != nil {
				return nil, err
			}
			roles, err := s.roles(ctx, c, u.ID)
			if err != nil {
				return nil, err
			}
			ids, err := s.Store.Identities(ctx, u.ID)
			if err != nil {
				return nil, err
			}
			m := bot.Message{Title: u.Name, Text: c.roleWords(u, roles),
				Fields: fields(c.field("fullname", u.FullName), c.field("email", u.Email),
					c.field("status", c.userState(u)), c.field("created", c.when(u.CreatedAt))),
				Footer: c.next("user code " + u.Name),
				Data:   data(map[string]any{"user": u, "roles": roles, "identities": ids})}
			for _, i := range ids {
				m.Fields = append(m.Fields, c.field("identity", i.ID))
			}
			return &Outcome{Reply: m}, nil
		}}
}

// user gives the user that the argument names.
func (s *Services) user(ctx context.Context, c *Call) (*access.User, error) {
	name := c.Values.Text("user")
	u, err := s.Store.UserByName(ctx, name)
	return u, missing(err, "user", name)
}

func (s *Services) userDisable() *Spec {
	return &Spec{Noun: nounUser, Verb: Word{"disable", []string{"禁用", "停用"}}, Needs: access.SystemChange,
		Kind: Change, Args: []Param{userArg()}, Examples: []string{"user disable alice"}, ExampleZH: "用户 禁用 alice",
		Run: s.changeUser("user.disabled", "user enable", access.MayRemove, func(u *access.User) { u.Disabled = true })}
}

func (s *Services) userEnable() *Spec {
	return &Spec{Noun: nounUser, Verb: Word{"enable", []string{"启用"}}, Needs: access.SystemChange, Kind: Change,
		Args: []Param{userArg()}, Examples: []string{"user enable alice"}, ExampleZH: "用户 启用 alice",
		Run: s.changeUser("user.enabled", "user show", mayAlways, func(u *access.User) { u.Disabled = false })}
}

func (s *Services) userPromote() *Spec {
	return &Spec{Noun: nounUser, Verb: Word{"promote", []string{"提升", "设为管理员"}}, Needs: access.SystemChange,
		Kind: Change, Args: []Param{userArg()}, Examples: []string{"user promote alice"}, ExampleZH: "用户 提升 alice",
		Run: s.changeUser("user.promoted", "user show", mayAlways, func(u *access.User) { u.Admin = true })}
}

func mayAlways(_, _ *access.User, _ []access.User) error { return nil }

// changeUser changes one user under a rule about who may, checked in the
// transaction that changes it.
func (s *Services) changeUser(key, next string, may func(by, u *access.User, all []access.User) error,
	change func(*access.User)) func(context.Context, *Call) (*Outcome, error) {
	return func(_ context.Context, c *Call) (*Outcome, error) {
		name := c.Values.Text("user")
		reply := c.ok(next+" "+name, key, "user", name)
		return done(name, reply, func(ctx context.Context) error {
			u, err := s.mayChange(ctx, c, may)
			if err != nil {
				return err
			}
			change(u)
			return s.Store.SaveUser(ctx, u)
		}), nil
	}
}

func (s *Services) mayChange(ctx context.Context, c *Call,
	may func(by, u *access.User, all []access.User) error) (*access.User, error) {
	u, err := s.user(ctx, c)
	if err != nil {
		return nil, err
	}
	if u.ID == access.LocalUserID {
		return nil, refuse("user.builtin")
	}
	all, err := s.Store.Users(ctx)
	if err != nil {
		return nil, err
	}
	switch err := may(c.Subject.User, u, all); {
	case errors.Is(err, access.ErrLastAdmin):
		return nil, refuse("user.lastadmin", "user", u.Name)
	case errors.Is(err, access.ErrFirstAdmin):
		return nil, refuse("user.firstadmin", "user", u.Name)
	case err != nil:
		return nil, err
	}
	return u, nil
}

func (s *Services) userDelete() *Spec {
	return &Spec{Noun: nounUser, Verb: verbDelete, Needs: access.SystemChange, Kind: Destructive,
		Args: []Param{userArg()}, Examples: []string{"user delete alice confirm=alice"},
		ExampleZH: "用户 删除 alice 确认=alice",
		Plan: func(ctx context.Context, c *Call) (*Preview, error) {
			u, err := s.mayChange(ctx, c, access.MayRemove)
			if err != nil {
				return nil, err
			}
			return simplePreview(c, u.Name, "user.delete.preview", "user", u.Name), nil
		},
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			name := c.Values.Text("user")
			return done(name, c.ok("user list", "user.deleted", "user", name), func(ctx context.Context) error {
				u, err := s.mayChange(ctx, c, access.MayRemove)
				if err != nil {
					return err
				}
				return s.Store.DeleteUser(ctx, u.ID)
			}), nil
		}}
}

// userCode makes a link code. It is shown once, to the admin alone.
func (s *Services) userCode() *Spec {
	return &Spec{Noun: nounUser, Verb: Word{"code", []string{"绑定码"}}, Needs: access.SystemChange, Kind: Change,
		Direct: true, Args: []Param{userArg()}, Examples: []string{"user code alice"}, ExampleZH: "用户 绑定码 alice",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			u, err := s.user(ctx, c)
			if err != nil {
				return nil, err
			}
			if u.ID == access.LocalUserID {
				return nil, refuse("user.builtin")
			}
			code := access.NewCode()
			until := s.Now().Add(access.CodeLifetime)
			reply := bot.Message{Severity: bot.Success, Private: true, Text: c.Say("user.code", "user", u.Name, "until", c.when(until)),
				Code: &bot.Code{Text: c.Words("link " + code)},
				Data: data(map[string]any{"user": u.Name, "code": code, "expiresAt": until.UnixMilli()})}
			return done(u.Name, reply, func(ctx context.Context) error {
				return s.Store.SaveLinkCode(ctx, access.LinkCode{Hash: access.HashCode(code), UserID: u.ID,
					CreatedBy: c.Subject.User.ID, ExpiresAt: until})
			}), nil
		}}
}

// simplePreview is the preview of a change that needs no plan.
func simplePreview(c *Call, target, key string, kv ...any) *Preview {
	return &Preview{Target: target, Hash: lifecycle.HashText(c.Spec.Name(), target),
		Body: bot.Message{Severity: bot.Warning, Text: c.Say(key, kv...)}}
}
