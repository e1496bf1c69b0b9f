package dingtalk

import (
	"context"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
)

func conform(t *testing.T, change func(*Config), hide func(*DingTalk) bot.Platform) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		d, f := account(t, change)
		t.Cleanup(d.client.http.CloseIdleConnections)
		return bottest.Subject{Platform: hide(d), To: room(d), Break: f.Break, Secrets: f.Secrets(),
			Shown: func() []string { return f.Shown(fakedingtalk.Room) },
			Say: func(ctx context.Context, id, text string) error {
				return f.Say(ctx, fakedingtalk.Message{ID: id, Text: text})
			}}
	})
}

func TestConformanceWithCards(t *testing.T) {
	conform(t, func(c *Config) { c.Cards = cardsAlways }, func(d *DingTalk) bot.Platform { return d })
}

// plainOnly hides what an account without cards cannot do.
type plainOnly struct {
	bot.Platform
	bot.Uploader
}

func TestConformanceWithoutCards(t *testing.T) {
	conform(t, func(c *Config) { c.Cards = cardsNever }, func(d *DingTalk) bot.Platform { return plainOnly{d, d} })
}
