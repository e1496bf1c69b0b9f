package slack_test

import (
	"context"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

func say(t *testing.T) func(lang, key string, args map[string]any) string {
	t.Helper()
	c, err := messages.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c.Say
}

func assertClean(t *testing.T, o *office) {
	bottest.AssertNoSecret(t, o.log.String(), o.fake.Secrets()...)
}

func TestConformance(t *testing.T) {
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			bottest.Exercise(t, func(t *testing.T) bottest.Subject { return subject(t, mode) })
		})
	}
}

func subject(t *testing.T, mode string) bottest.Subject {
	o := newOffice(t, mode)
	o.assistant.form = createForm()
	s := bottest.Subject{Platform: o.slack, To: o.room(), Person: alice, Log: o.log, Secrets: o.fake.Secrets, Break: o.fake.Break, Unplug: o.fake.Unplug,
		Buttons: o.shared("en").Buttons, Form: createForm(),
		Fill: map[string]string{"name": "demo", "network": "calico", "audit-log": "是", "password": "correct horse", "kubeconfig": "apiVersion: v1"},
		Say: func(ctx context.Context, id, text string) error {
			return o.fake.Say(ctx, fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: o.fake.Mention(text), ID: id})
		},
		Shown: func() []string { return o.fake.Shown(fakeslack.Room) },
		DM:    func() []string { return o.fake.Shown("D1") },
		SayIn: func(ctx context.Context, id, text string) (string, error) {
			const thread = "1700000000.000001"
			return thread, o.fake.Say(ctx, fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: o.fake.Mention(text), ID: id, Thread: thread})
		},
		ShownIn: func(thread string) []string {
			var out []string
			for _, m := range o.fake.Messages(fakeslack.Room) {
				if m.Thread == thread && m.User == "" {
					out = append(out, m.Shown())
				}
			}
			return out
		},
		Press: func(ctx context.Context, label string) error {
			return o.fake.Press(ctx, "U1", fakeslack.Room, label)
		},
		Redeliver: func(ctx context.Context) error { return o.fake.Redeliver(ctx, 1) },
		Submit: func(ctx context.Context, f *bot.Form, fill map[string]string) error {
			if err := o.fake.Press(ctx, "U1", fakeslack.Room, f.Title); err != nil {
				return err
			}
			if _, _, err := o.fake.Form(ctx, "U1"); err != nil {
				return err
			}
			return o.fake.SubmitForm(ctx, "U1", fill)
		},
		Uploaded: func() []bot.Attachment {
			var out []bot.Attachment
			for _, f := range o.fake.Files(fakeslack.Room) {
				out = append(out, bot.Attachment{Name: f.Name, Content: f.Content})
			}
			return out
		},
		Cannot: map[bottest.Ability]string{bottest.Markdown: "blocks are literal text; a fence in them is three characters"},
	}
	if mode == "socket" {
		s.Ready = func(ctx context.Context) error {
			return o.fake.Wait(ctx, func() bool { return o.fake.Sockets() == 2 })
		}
	}
	return s
}
