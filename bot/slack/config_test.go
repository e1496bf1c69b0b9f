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
		if len(p) != 1 || p[0].Field != field || p[0].Expected == "" {
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
