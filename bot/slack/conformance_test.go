package slack_test

import (
	"context"
	"testing"
	"time"

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
			bottest.Exercise(t, func(t *testing.T) bottest.Subject {
				o := newOffice(t, mode)
				o.fake.AckDeadline = 500 * time.Millisecond
				return bottest.Subject{Platform: o.slack, To: o.room(),
					Say: func(ctx context.Context, id, text string) error {
						return o.fake.Say(ctx, fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: o.fake.Mention(text), ID: id})
					},
					Shown:   func() []string { return o.fake.Shown(fakeslack.Room) },
					Break:   o.fake.Break,
					Secrets: o.fake.Secrets(),
				}
			})
		})
	}
}
