package wecom_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/bot/wecom"
)

func TestAppConfigProblems(t *testing.T) {
	f := fakewecom.New(t)
	for field, spoil := range map[string]func(*wecom.AppConfig){
		"name":             func(c *wecom.AppConfig) { c.Name = "Ops Room" },
		"secret":           func(c *wecom.AppConfig) { c.Secret = secret("") },
		"token":            func(c *wecom.AppConfig) { c.Token = secret("") },
		"encoding_aes_key": func(c *wecom.AppConfig) { c.EncodingAESKey = secret("short") },
	} {
		c := appConfig(f)
		spoil(&c)
		p := c.Validate()
		if len(p) != 1 || p[0].Field != field || p[0].Expected.IsZero() {
			t.Errorf("%s: %+v", field, p)
		}
		_, err := wecom.NewApp(c, shared(t, &bottest.Shelf{}, "x", "en"), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), field) || strings.Contains(fmt.Sprint(err), "short") {
			t.Errorf("%s: %v", field, err)
		}
	}
	c := appConfig(f)
	if p := c.Validate(); len(p) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestAIBotConfigProblems(t *testing.T) {
	f := fakewecom.New(t)
	for name, spoil := range map[string]func(*wecom.AIBotConfig){
		"name: is not":              func(c *wecom.AIBotConfig) { c.Name = "" },
		"bot_id: is missing":        func(c *wecom.AIBotConfig) { c.BotID = "" },
		"secret: is missing":        func(c *wecom.AIBotConfig) { c.Secret = secret("") },
		"token: is missing":         func(c *wecom.AIBotConfig) { c.Mode, c.Token = wecom.ModeCallback, secret("") },
		"encoding_aes_key: is not ": func(c *wecom.AIBotConfig) { c.Mode, c.EncodingAESKey = wecom.ModeCallback, secret("x") },
	} {
		c := botConfig(f)
		spoil(&c)
		p := c.Validate()
		if len(p) != 1 || !strings.HasPrefix(p[0].Field+": "+p[0].What.Text, name) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	c := botConfig(f)
	c.Token, c.EncodingAESKey = secret(""), secret("") // only the mode's own are needed
	if p := c.Validate(); len(p) != 0 {
		t.Errorf("%+v", p)
	}
}
