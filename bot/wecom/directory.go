package wecom

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// Person implements bot.Directory. The e-mail is the corporate mailbox, which the
// administrator gives out; the other one is what people write into their profile.
func (a *App) Person(ctx context.Context, who string) (bot.Person, error) {
	user, ok := userOf(a.cfg.CorpID, who)
	if !ok {
		return bot.Person{}, permanent("nobody of this corporation has the identity that was looked up")
	}
	var got struct {
		Name    string `json:"name"`
		BizMail string `json:"biz_mail"`
		Status  int    `json:"status"`
		Enable  *int   `json:"enable"`
	}
	err := a.client.call(ctx, "user/get", url.Values{"userid": {user}}, nil, &got)
	if codeOf(err) == codeNoSuchUser {
		return bot.Person{}, nil // not active: removed
	}
	if err != nil {
		return bot.Person{}, sendError(err)
	}
	active := got.Status == statusActive && (got.Enable == nil || *got.Enable == 1)
	return bot.Person{Name: got.Name, Email: got.BizMail, Active: active}, nil
}

// Check implements bot.Checker.
func (a *App) Check(ctx context.Context) []bot.Finding {
	args := map[string]any{"account": a.name}
	if _, err := a.client.token(ctx); err != nil {
		return []bot.Finding{a.ailment(err)}
	}
	out := []bot.Finding{{OK: true, Key: "wecom.check.credentials", Args: args}, calledAt(a.name)}
	var agent struct {
		Name  string `json:"name"`
		Close int    `json:"close"`
		Users struct {
			User []struct {
				UserID string `json:"userid"`
			} `json:"user"`
		} `json:"allow_userinfos"`
	}
	if err := a.client.call(ctx, "agent/get", url.Values{"agentid": {itoa(a.cfg.AgentID)}}, nil, &agent); err != nil {
		return append(out, a.ailment(err))
	}
	args = map[string]any{"account": a.name, "name": agent.Name}
	if agent.Close != 0 {
		return append(out, bot.Finding{Key: "wecom.check.closed", Next: "wecom.check.closed.next", Args: args})
	}
	out = append(out, bot.Finding{OK: true, Key: "wecom.check.agent", Args: args})
	if a.cfg.LinkByEmail && len(agent.Users.User) > 0 {
		out = append(out, a.checkMail(ctx, agent.Users.User[0].UserID))
	}
	return out
}

// calledAt says where WeCom delivers to, which nobody but its console can try.
func calledAt(account string) bot.Finding {
	kind, name, _ := strings.Cut(account, ":")
	return bot.Finding{OK: true, Key: "wecom.check.callback", Args: map[string]any{"account": account, "path": "/callback/" + kind + "/" + name + "/"}}
}

// checkMail looks whether WeCom shows e-mail addresses to the application.
func (a *App) checkMail(ctx context.Context, user string) bot.Finding {
	args := map[string]any{"account": a.name}
	p, err := a.Person(ctx, identity(a.cfg.CorpID, user))
	if err != nil {
		return a.ailment(err)
	}
	if p.Email == "" {
		return bot.Finding{Key: "wecom.check.mail", Next: "wecom.check.mail.next", Args: args}
	}
	return bot.Finding{OK: true, Key: "wecom.check.mail.ok", Args: args}
}

// ailment puts an error of the API into words.
func (a *App) ailment(err error) bot.Finding {
	f := bot.Finding{Args: map[string]any{"account": a.name, "code": codeOf(err), "corp": a.cfg.CorpID, "agent": a.cfg.AgentID}}
	switch codeOf(err) {
	case codeBadCorp:
		f.Key, f.Next = "wecom.check.corp", "wecom.check.corp.next"
	case codeBadSecret:
		f.Key, f.Next = "wecom.check.secret", "wecom.check.secret.next"
	case codeForeignIP:
		f.Key, f.Next = "wecom.check.ip", "wecom.check.ip.next"
	case codeNoRight, codeNotAllowed, codeWrongAgent, codeNoAgent:
		f.Key, f.Next = "wecom.check.right", "wecom.check.right.next"
	case codeRate, codeBusy:
		f.Key, f.Next = "wecom.check.busy", "wecom.check.busy.next"
	case 0:
		f.Key, f.Next = "wecom.check.network", "wecom.check.network.next"
		f.Args["cause"] = cause(err)
	default:
		f.Key, f.Next = "wecom.check.code", "wecom.check.code.next"
	}
	return f
}

func cause(err error) string {
	var u *bot.SendError
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}
