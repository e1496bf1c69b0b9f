package commands

import (
	"context"
	"errors"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// credentialAdd stores what opens machines; the secret comes by reference only.
func (s *Services) credentialAdd() *Spec {
	user := opt("user", TypeText, "登录用户")
	user.Default = "root"
	return &Spec{Noun: nounCredential, Verb: verbAdd, Needs: access.SystemChange, Kind: Change, Direct: true,
		Args: []Param{arg("name", TypeName, "名称")},
		Options: []Param{user, opt("password", TypeSecret, "密码"), opt("key", TypeSecret, "私钥"),
			opt("passphrase", TypeSecret, "私钥口令")},
		Examples:  []string{"credential add lab user=root key=@FILE", "credential add ops user=ops password=@-"},
		ExampleZH: "凭据 添加 lab 登录用户=root 私钥=@FILE", Run: s.runCredentialAdd}
}

func (s *Services) runCredentialAdd(_ context.Context, c *Call) (*Outcome, error) {
	name := c.Values.Text("name")
	cred := &lifecycle.Credential{Name: name, User: c.Values.Text("user"), CreatedAt: s.Now(),
		Password: c.Values.Secret("password"), PrivateKey: c.Values.Secret("key"), Passphrase: c.Values.Secret("passphrase")}
	switch {
	case cred.PrivateKey != "":
		cred.Kind = "key"
		cred.PrivateKey += "\n"
		if err := s.KeyCheck(cred); err != nil {
			return nil, err
		}
	case cred.Password != "":
		cred.Kind = "password"
	case !c.In.Interactive:
		return nil, refuse("credential.nosecret", "name", name)
	default:
		return nil, &askFor{param: opt("password", TypeSecret, "密码")}
	}
	reply := c.ok("host add h1 ADDRESS credential="+name, "credential.added", "name", name)
	return added(name, reply, cred, func(ctx context.Context) error {
		return taken(s.Store.CreateCredential(ctx, cred), "credential", name)
	}), nil
}

func (s *Services) credentialList() *Spec {
	return &Spec{Noun: nounCredential, Verb: verbList, Needs: access.SystemChange,
		Examples: []string{"credential list"}, ExampleZH: "凭据 列表",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			all, err := s.Store.Credentials(ctx)
			if err != nil {
				return nil, err
			}
			var rows [][]string
			for _, cred := range all {
				rows = append(rows, []string{cred.Name, cred.User, c.word("credential.kind", cred.Kind), c.when(cred.CreatedAt)})
			}
			return &Outcome{Reply: c.list("credential.list", rows, "credential.none", "credential add NAME user=root key=@FILE",
				map[string]any{"credentials": all}, "name", "login", "kind", "created")}, nil
		}}
}

func (s *Services) credentialDelete() *Spec {
	return &Spec{Noun: nounCredential, Verb: verbDelete, Needs: access.SystemChange, Kind: Destructive,
		Args:     []Param{arg("credential", TypeCred, "凭据")},
		Examples: []string{"credential delete lab confirm=lab"}, ExampleZH: "凭据 删除 lab 确认=lab",
		Plan: func(ctx context.Context, c *Call) (*Preview, error) {
			name := c.Values.Text("credential")
			if _, err := s.Store.CredentialByName(ctx, name); err != nil {
				return nil, missing(err, "credential", name)
			}
			return simplePreview(c, name, "credential.delete.preview", "name", name), nil
		},
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			name := c.Values.Text("credential")
			return done(name, c.ok("credential list", "credential.deleted", "name", name), func(ctx context.Context) error {
				cred, err := s.Store.CredentialByName(ctx, name)
				if err != nil {
					return missing(err, "credential", name)
				}
				err = s.Store.DeleteCredential(ctx, cred.ID)
				if errors.Is(err, lifecycle.ErrConflict) {
					return refuse("credential.used", "name", name)
				}
				return err
			}), nil
		}}
}

// regionList shows where clusters can be built.
func (s *Services) regionList() *Spec {
	return &Spec{Noun: nounRegion, Verb: verbList, Needs: access.ResourceRead,
		Examples: []string{"region list"}, ExampleZH: "区域 列表",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			names, all, err := s.granted(ctx, c.Subject, access.ResourceRead, "region")
			if err != nil {
				return nil, err
			}
			visible, rows := []lifecycle.Region{}, [][]string{}
			for _, r := range s.Regions {
				if !all && !names[r.Name] {
					continue
				}
				if err := s.Providers[r.Provider].Validate(ctx, r); err != nil {
					r.Status = "failed"
				}
				visible = append(visible, r)
				rows = append(rows, []string{r.Name, r.Provider, c.word("region.status", r.Status), c.word("region.about", r.Provider)})
			}
			return &Outcome{Reply: c.list("region.list", rows, "region.none", "cluster create NAME region=sandbox",
				map[string]any{"regions": visible}, "name", "provider", "status", "note")}, nil
		}}
}

// region gives a region by name, nil when there is none.
func (s *Services) region(name string) *lifecycle.Region {
	for i := range s.Regions {
		if s.Regions[i].Name == name {
			return &s.Regions[i]
		}
	}
	return nil
}

// settingsShow shows what is in force; secrets are not among it.
func (s *Services) settingsShow() *Spec {
	return &Spec{Noun: nounSettings, Verb: verbShow, Needs: access.SystemChange,
		Examples: []string{"settings show"}, ExampleZH: "设置 查看",
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			all := s.Settings()
			var rows [][]string
			for _, v := range all {
				rows = append(rows, []string{v.Name, v.Value, c.word("setting.source", v.Source), c.yes(v.Reloadable)})
			}
			return &Outcome{Reply: bot.Message{Title: c.Say("settings.title"), Table: c.table(rows, "name", "value", "source", "reloadable"),
				Data: data(map[string]any{"settings": all})}}, nil
		}}
}
