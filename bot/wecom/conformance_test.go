package wecom_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/bot/wecom"
)

// pickForm is what WeCom can show as a form: lists to choose from.
func pickForm() *bot.Form {
	return &bot.Form{Title: "Network", Command: "cluster create demo", Submit: "Create", Fields: []bot.FormField{
		{Name: "network", Label: "Network", Type: "choice", Choices: []string{"flannel", "calico"}, Required: true},
		{Name: "audit-log", Label: "Audit log", Type: "bool"}}}
}

var (
	picked = map[string]string{"network": "calico", "audit-log": "true"}
	// pickedTexts is the same by the words on the card.
	pickedTexts = map[string]string{"Network": "calico", "Audit log": "Yes"}
)

// shown are the messages of one side and room that are no files, and the files. Of
// a text with a card below it the text is taken, which is what the limit is of.
func shown(f *fakewecom.Fake, by, to string) (texts []string, files []bot.Attachment) {
	for _, m := range f.Messages() {
		switch {
		case m.By != by || m.To != to || m.Recalled:
		case m.Media == nil && m.Text != "":
			texts = append(texts, m.Text)
		case m.Media == nil:
			texts = append(texts, m.Shown())
		case m.Media.Kind == "file":
			files = append(files, bot.Attachment{Name: m.Media.Name, Content: m.Media.Content})
		}
	}
	return texts, files
}

func fromFake(t *testing.T, f *fakewecom.Fake, mem *bottest.Shelf, by string) bottest.Subject {
	t.Cleanup(func() {
		if wrong := f.Violations(); len(wrong) > 0 {
			t.Errorf("the platform's rules were broken: %q", wrong)
		}
	})
	texts := func() []string { out, _ := shown(f, by, "alice"); return out }
	return bottest.Subject{Person: "wecom:" + f.CorpID + "/alice", Break: f.Break, Unplug: f.Unplug, Secrets: f.Secrets, Log: &bottest.Log{}, Shown: texts, DM: texts,
		Uploaded: func() []bot.Attachment { _, out := shown(f, by, "alice"); return out },
		Buttons:  shared(t, mem, "test", "zh").Buttons, Form: pickForm(), Fill: picked, Cannot: map[bottest.Ability]string{bottest.Threads: "WeCom has none"}}
}

func TestAppConformance(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		f, mem := fakewecom.New(t), &bottest.Shelf{}
		s := fromFake(t, f, mem, "app")
		a, err := wecom.NewApp(appConfig(f), shared(t, mem, "test", "zh"), s.Log.Logger())
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(a.Callbacks())
		t.Cleanup(server.Close)
		f.DeliverTo(server.URL+"/", "")
		s.Platform, s.To = a, bot.Address{Account: "wecom:ops", Room: "user:alice"}
		s.Ready = func(ctx context.Context) error { return answers(ctx, f) }
		s.Say = func(ctx context.Context, id, text string) error { return f.Say(ctx, "alice", id, text) }
		s.Press = func(ctx context.Context, label string) error { return f.Press(ctx, "alice", label, nil) }
		s.Redeliver = f.Redeliver
		s.Submit = func(ctx context.Context, form *bot.Form, _ map[string]string) error {
			return f.Press(ctx, "alice", form.Submit, pickedTexts)
		}
		s.Cannot[bottest.Edits] = "an application can change a card once, and once more for each press on it, and Markdown never"
		s.Cannot[bottest.Markdown] = "an application's Markdown has no code fences"
		return s
	})
}

// answers waits until the application's callback is let in.
func answers(ctx context.Context, f *fakewecom.Fake) error {
	for {
		a, err := f.Verify(ctx, "ready")
		if err == nil && a.Status == http.StatusOK {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("status %d: %w", a.Status, ctx.Err())
		}
	}
}

func TestAIBotConformance(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		f, mem := fakewecom.New(t), &bottest.Shelf{}
		s := fromFake(t, f, mem, "bot")
		b, err := wecom.NewAIBot(botConfig(f), shared(t, mem, "one", "zh"), s.Log.Logger())
		if err != nil {
			t.Fatal(err)
		}
		s.Platform, s.To = b, bot.Address{Account: "wecom-aibot:ops", Room: "user:alice"}
		s.Ready = func(ctx context.Context) error {
			if !f.Wait(time.Minute, f.Connected) {
				return errors.New("not connected")
			}
			for !b.Connected() && ctx.Err() == nil { // it has yet to read that it is
				runtime.Gosched()
			}
			return ctx.Err()
		}
		s.Say = func(ctx context.Context, id, text string) error {
			_, err := f.BotSay(ctx, "alice", "", id, text)
			return err
		}
		s.Press = func(_ context.Context, label string) error { return f.BotPress("alice", "", label, nil) }
		s.Redeliver = func(context.Context) error { return f.BotRedeliver() }
		s.Submit = func(_ context.Context, form *bot.Form, _ map[string]string) error {
			return f.BotPress("alice", "", form.Submit, pickedTexts)
		}
		s.Cannot[bottest.Acks] = "the long connection has no acknowledgement and no redelivery; the bot tries three times and then says that it could not"
		s.Cannot[bottest.Edits] = "only the answer to a message can be changed, for six minutes"
		return s
	})
}

// asked lets somebody ask before everything that is sent: a bot that is called by
// HTTP can only answer.
type asked struct {
	*wecom.AIBot
	ask func(ctx context.Context) (inbound string, err error)
}

func (a asked) Send(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	if m.ReplyTo == "" && to.Account == a.Name() && ctx.Err() == nil {
		id, err := a.ask(ctx)
		if err != nil {
			return bot.MessageRef{}, err
		}
		m.ReplyTo = id
	}
	return a.AIBot.Send(ctx, to, m)
}

func TestCalledAIBotConformance(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		f, mem := fakewecom.New(t), &bottest.Shelf{}
		s := fromFake(t, f, mem, "bot")
		cfg := botConfig(f)
		cfg.Mode = wecom.ModeCallback
		b, err := wecom.NewAIBot(cfg, shared(t, mem, "one", "zh"), s.Log.Logger())
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(b.Callbacks())
		t.Cleanup(server.Close)
		f.DeliverTo("", server.URL+"/")
		var n atomic.Int32
		s.Platform = asked{b, func(ctx context.Context) (string, error) {
			id := fmt.Sprint("asked-", n.Add(1))
			return "msg:" + id, f.CallBotSay(ctx, "alice", "", id, "and then?")
		}}
		s.To = bot.Address{Account: "wecom-aibot:ops", Room: "user:alice"}
		s.Ready = func(ctx context.Context) error {
			for {
				_, err := f.CallBot(ctx, `{"msgid":"ready","msgtype":"event","from":{"userid":"alice"},"event":{"eventtype":"enter_chat"}}`)
				if err == nil || ctx.Err() != nil {
					return err
				}
			}
		}
		s.Say = func(ctx context.Context, id, text string) error { return f.CallBotSay(ctx, "alice", "", id, text) }
		texts := s.Shown
		s.Shown = func() []string {
			if _, err := f.Poll(context.WithoutCancel(t.Context())); err != nil {
				t.Error(err)
			}
			return texts()
		}
		s.DM = s.Shown
		s.Press = func(ctx context.Context, label string) error {
			s.Shown() // a card comes with the answer that is asked for
			return f.CallBotPress(ctx, "alice", "", label, nil)
		}
		s.Redeliver = f.RecallBot
		s.Submit = func(ctx context.Context, form *bot.Form, _ map[string]string) error {
			s.Shown()
			return f.CallBotPress(ctx, "alice", "", form.Submit, pickedTexts)
		}
		s.Break, s.Unplug, s.Uploaded = nil, nil, nil
		s.Cannot[bottest.Fails] = "nobody is called: what it says is asked for"
		s.Cannot[bottest.Edits] = "only what is still being said can be changed, for six minutes"
		s.Cannot[bottest.Uploads] = "answers by HTTP are text or a card; files need the long connection"
		return s
	})
}
