package dingtalk

import (
	"context"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
)

func conform(t *testing.T, change func(*Config), hide func(*DingTalk) bot.Platform) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		d, f := account(t, change)
		f.AckWait = 400 * time.Millisecond // the suite repeats what was not accepted
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

func TestConformanceWithoutCards(t *testing.T) {
	conform(t, func(c *Config) { c.Cards = cardsNever }, func(d *DingTalk) bot.Platform { return withoutCards{d, hideUpdate{}} })
}

// TestOpen: an account is what its configuration lets it be.
func TestOpen(t *testing.T) {
	f := fakedingtalk.New(t)
	shared, _ := testShared()
	for _, cards := range []string{cardsAlways, cardsLiving, cardsNever} {
		cfg := testConfig(f)
		cfg.Cards = cards
		p, err := Open(cfg, shared, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, updates := p.(bot.Updater)
		_, uploads := p.(bot.Uploader)
		_, called := p.(bot.Callbacks)
		_, checked := p.(bot.Checker)
		_, opens := p.(bot.DMOpener)
		_, looks := p.(bot.Directory)
		if updates != (cards != cardsNever) || !uploads || !called || !checked || !opens || !looks {
			t.Errorf("%s: %v", cards, []bool{updates, uploads, called, checked, opens, looks})
		}
	}
	if _, err := Open(Config{}, shared, nil); err == nil {
		t.Error("opened nothing")
	}
}
