package slack_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/slack"
	"github.com/coxswain-ops/coxswain/config/value"
)

func TestConfig(t *testing.T) {
	secret := value.NewSecret("xoxb-1", "test")
	good := slack.Config{Name: "ops", Mode: "socket", BotToken: secret, AppToken: secret}
	if p := good.Validate(); len(p) != 0 {
		t.Errorf("%+v", p)
	}
	for field, c := range map[string]slack.Config{
		"name":           {Name: "Ops Team", BotToken: secret, AppToken: secret},
		"bot_token":      {Name: "ops", AppToken: secret},
		"app_token":      {Name: "ops", Mode: "socket", BotToken: secret},
		"signing_secret": {Name: "ops", Mode: "http", BotToken: secret},
	} {
		p := c.Validate()
		if len(p) != 1 || p[0].Field != field || p[0].Expected.IsZero() {
			t.Errorf("%s: %+v", field, p)
		}
		if _, err := slack.New(c, bot.Shared{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := slack.New(good, bot.Shared{}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("made without what it needs")
	}
}

// TestRates: what Slack promises every app, or what the configuration says that it
// has granted more.
func TestRates(t *testing.T) {
	o := newOffice(t, "socket")
	for _, c := range []struct{ messages, edits, wantMessages, wantEdits int }{{0, 0, 60, 50}, {1200, 900, 1200, 900}} {
		cfg := o.config("socket")
		cfg.MessagesPerMinute, cfg.EditsPerMinute = c.messages, c.edits
		s, err := slack.New(cfg, o.shared("en"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if l := s.Limits(); l.PerMinute != c.wantMessages || l.EditsPerMinute != c.wantEdits {
			t.Errorf("%+v gives %+v", c, l)
		}
	}
}
