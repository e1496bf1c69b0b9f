package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	slackapi "github.com/slack-go/slack"

	"github.com/coxswain-ops/coxswain/bot"
)

// Send implements bot.Platform. A private message that is sent to a room goes to
// the person's DM, with a word of that in the room. A failed call may have
// succeeded at Slack, which has no way to tell: then a message stands there twice.
func (s *Slack) Send(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	if err := s.ours(to); err != nil {
		return bot.MessageRef{}, err
	}
	if m.Private && !isDM(to.Room) {
		return s.sendPrivately(ctx, to, m)
	}
	ref, err := s.post(ctx, to, m)
	if code := codeOf(err); (code == "not_in_channel" || code == "channel_not_found") && m.For != "" {
		// A slash command works in rooms that we are not in, and in DMs between
		// others; the answer does not.
		return s.postToPerson(ctx, m)
	}
	return ref, err
}

func (s *Slack) ours(to bot.Address) error {
	if to.Account != s.Name() || to.Room == "" {
		return &bot.SendError{Permanent: true, Err: fmt.Errorf("slack: %s cannot reach room %q of %s", s.Name(), to.Room, to.Account)}
	}
	return nil
}

func isDM(room string) bool { return strings.HasPrefix(room, "D") }

func (s *Slack) sendPrivately(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	if m.For == "" {
		// Nobody is named whom it may be shown to; the room may only know of it.
		return s.post(ctx, to, bot.Message{Severity: bot.Warning, Text: s.say("slack.private.nobody")})
	}
	ref, err := s.postToPerson(ctx, m)
	if err != nil {
		return ref, err
	}
	if _, err := s.post(ctx, to, bot.Message{Text: s.say("slack.private.sent"), For: m.For}); err != nil {
		// The answer has arrived; sending it again for this would repeat a secret.
		s.log.Warn("the word in the room about a private answer was not sent", "room", to.Room, "error", err)
	}
	return ref, nil
}

func (s *Slack) postToPerson(ctx context.Context, m bot.Message) (bot.MessageRef, error) {
	dm, err := s.OpenDM(ctx, m.For)
	if err != nil {
		return bot.MessageRef{}, err
	}
	return s.post(ctx, dm, m)
}

func (s *Slack) post(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	c, err := s.compose(ctx, to, m, true)
	if err != nil {
		return bot.MessageRef{}, err
	}
	options := c.options()
	if to.Thread != "" {
		options = append(options, slackapi.MsgOptionTS(to.Thread))
	}
	var channel, ts string
	err = s.api.do(ctx, "chat.postMessage", to.Room, func(ctx context.Context) (err error) {
		channel, ts, err = s.api.PostMessageContext(ctx, to.Room, options...)
		return answered(ts, err)
	})
	if err != nil {
		return bot.MessageRef{}, err
	}
	ref := bot.MessageRef{Address: bot.Address{Account: to.Account, Room: channel, Thread: to.Thread}, ID: ts}
	s.attach(ctx, ref, m, c)
	return ref, nil
}

// errNoAnswer stands for slack-go's success with nothing in it: it takes an answer
// without ok and without error for one.
var errNoAnswer = errors.New("the answer has no ok and no error in it")

func answered(what string, err error) error {
	if err == nil && what == "" {
		return errNoAnswer
	}
	return err
}

// attach sends what did not fit, and the picture. What cannot be sent is named on
// the message: sending all again would repeat what has arrived.
func (s *Slack) attach(ctx context.Context, ref bot.MessageRef, m bot.Message, c composed) {
	var lost []string
	for _, f := range c.files {
		if _, err := s.Upload(ctx, ref.Address, f.Name, f.Content); err != nil {
			s.log.Warn("a file was not sent", "room", ref.Address.Room, "file", f.Name, "error", err)
			lost = append(lost, f.Name)
		}
	}
	if len(lost) == 0 {
		return
	}
	note := s.say("slack.upload.failed", "files", strings.Join(lost, ", "))
	if m.Footer != "" {
		note = m.Footer + "\n" + note
	}
	m.Footer = note
	if err := s.Update(ctx, ref, m); err != nil {
		s.log.Warn("that a file was not sent could not be said", "room", ref.Address.Room, "error", err)
	}
}

// Update implements bot.Updater.
func (s *Slack) Update(ctx context.Context, ref bot.MessageRef, m bot.Message) error {
	if err := s.ours(ref.Address); err != nil {
		return err
	}
	if m.Private && !isDM(ref.Address.Room) {
		return &bot.SendError{Permanent: true, Err: errors.New("slack: a private message cannot take the place of one in a room")}
	}
	c, err := s.compose(ctx, ref.Address, m, false)
	if err != nil {
		return err
	}
	// Its limit is one of the workspace, not of the channel: who is told to wait in
	// one does not ask in another. What is new goes on meanwhile.
	return s.api.do(ctx, "chat.update", "", func(ctx context.Context) error {
		_, ts, _, err := s.api.UpdateMessageContext(ctx, ref.Address.Room, ref.ID, c.options()...)
		return answered(ts, err)
	})
}

// OpenDM implements bot.DMOpener.
func (s *Slack) OpenDM(ctx context.Context, identity string) (bot.Address, error) {
	user := userOf(identity)
	if user == "" {
		return bot.Address{}, &bot.SendError{Permanent: true, Err: fmt.Errorf("slack: %q is no account of Slack", identity)}
	}
	dm, err := s.openDM(ctx, user)
	if err != nil {
		return bot.Address{}, err
	}
	return bot.Address{Account: s.Name(), Room: dm}, nil
}

func (s *Slack) openDM(ctx context.Context, user string) (string, error) {
	if dm := s.dms.find(user); dm != "" {
		return dm, nil
	}
	var dm string
	err := s.api.do(ctx, "conversations.open", "", func(ctx context.Context) error {
		c, _, _, err := s.api.OpenConversationContext(ctx, &slackapi.OpenConversationParameters{Users: []string{user}})
		if c != nil {
			dm = c.ID
		}
		return answered(dm, err)
	})
	if err == nil {
		s.dms.learn(user, dm)
	}
	return dm, err
}

// maxDMs bounds what is remembered of DMs.
const maxDMs = 20_000

// dmBook knows which DM is whose; a DM keeps its id for ever.
type dmBook struct {
	mu     sync.Mutex
	ofUser map[string]string
}

func (d *dmBook) find(user string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ofUser[user]
}

func (d *dmBook) learn(user, room string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ofUser == nil || len(d.ofUser) >= maxDMs {
		d.ofUser = map[string]string{}
	}
	if user != "" && room != "" {
		d.ofUser[user] = room
	}
}
