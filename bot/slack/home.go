package slack

import (
	"context"
	"encoding/json"

	slackapi "github.com/slack-go/slack"

	"github.com/coxswain-ops/coxswain/bot"
)

// drawHome draws the home tab of somebody who has opened it. What it shows is
// asked for then: the next opening draws it anew.
func (s *Slack) drawHome(i incoming) {
	begun := s.later.do(func(ctx context.Context) {
		if err := s.publishHome(ctx, i); err != nil {
			s.log.Warn("the home tab was not drawn", "user", i.user, "error", err)
		}
	})
	if !begun {
		s.log.Warn("the home tab was not drawn: too much to do", "user", i.user)
	}
}

func (s *Slack) publishHome(ctx context.Context, i incoming) error {
	dm, err := s.openDM(ctx, i.user)
	if err != nil {
		return err
	}
	in := i.in
	in.Press, in.Text, in.Values, in.Refs = "", "", nil, nil
	in.From = bot.Address{Account: s.Name(), Room: dm}
	m, err := s.shared.Assistant.Home(ctx, in)
	if err != nil {
		return err
	}
	// The buttons are this person's, and what they do is answered in the DM.
	m.For, m.ReplyTo = i.in.Identity, i.in.ID // every drawing has buttons of its own
	c, err := s.compose(ctx, in.From, m, false)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(metadata{Room: dm})
	if err != nil {
		return err
	}
	view := slackapi.HomeTabViewRequest{Type: slackapi.VTHomeTab, Blocks: slackapi.Blocks{BlockSet: c.blocks}, PrivateMetadata: string(raw)}
	return s.api.do(ctx, "views.publish", i.user, func(ctx context.Context) error {
		_, err := s.api.PublishViewContext(ctx, slackapi.PublishViewContextRequest{UserID: i.user, View: view})
		return err
	})
}
