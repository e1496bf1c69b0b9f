package slack

import (
	"context"
	"fmt"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/coxswain-ops/coxswain/bot"
)

// Person implements bot.Directory. The e-mail address is given only where Slack
// has had it confirmed, and never for guests of other workspaces or for bots.
func (s *Slack) Person(ctx context.Context, identity string) (bot.Person, error) {
	id := userOf(identity)
	if id == "" {
		return bot.Person{}, &bot.SendError{Permanent: true, Err: fmt.Errorf("slack: %q is no account of Slack", identity)}
	}
	var u *slackapi.User
	err := s.api.do(ctx, "users.info", "", func(ctx context.Context) (err error) {
		if u, err = s.api.GetUserInfoContext(ctx, id); err == nil {
			err = answered(u.ID, nil)
		}
		return err
	})
	if err != nil {
		return bot.Person{}, err
	}
	p := bot.Person{Name: u.RealName, Active: !u.Deleted, Lang: langOf(u.Locale)}
	ownTeam := strings.HasPrefix(identity, "slack:"+u.TeamID+"/")
	if u.IsEmailConfirmed && ownTeam && !u.IsBot && !u.IsStranger && !u.Deleted {
		p.Email = u.Profile.Email
	}
	return p, nil
}

// langOf is the language of ours that a locale such as zh-CN stands for.
func langOf(locale string) string {
	lang, _, _ := strings.Cut(strings.ToLower(locale), "-")
	if lang == "zh" || lang == "en" {
		return lang
	}
	return ""
}
