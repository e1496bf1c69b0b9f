package gateways

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// plenty lets a test say more in a minute than a person should.
const plenty = "limits: {per_user: 10000, per_room: 10000}\n"

// accounts is a configuration in the making: sections with secrets by name, and
// the secrets as variables of the environment.
type accounts struct {
	general, slack, dingtalk, apps, bots string
	env                                  []string
}

// secret gives what stands for a value in the configuration.
func (a *accounts) secret(value string) string {
	name := fmt.Sprintf("GATEWAY_SECRET_%d", len(a.env))
	a.env = append(a.env, name+"="+value)
	return "{env: " + name + "}"
}

// with adds settings that are no account's.
func (a *accounts) with(text string) *accounts {
	a.general += text + "\n"
	return a
}

// entry makes one entry of a list of accounts of "setting: value" lines.
func entry(lines ...string) string { return "  - " + strings.Join(lines, "\n    ") + "\n" }

func (a *accounts) withSlack(name, mode string, f *fakeslack.Fake, more ...string) *accounts {
	lines := append([]string{"name: " + name, "mode: " + mode, "api_url: " + f.URL, "bot_token: " + a.secret(f.BotToken),
		"app_token: " + a.secret(f.AppToken), "signing_secret: " + a.secret(f.SigningSecret)}, more...)
	a.slack += entry(lines...)
	return a
}

func (a *accounts) withDingTalk(name string, f *fakedingtalk.Fake, more ...string) *accounts {
	lines := append([]string{"name: " + name, "corp_id: " + fakedingtalk.CorpID, "client_id: " + fakedingtalk.ClientID,
		"client_secret: " + a.secret(fakedingtalk.ClientSecret), "api: " + f.URL, "oapi: " + f.URL}, more...)
	a.dingtalk += entry(lines...)
	return a
}

func (a *accounts) withApp(name string, f *fakewecom.Fake, more ...string) *accounts {
	lines := append([]string{"name: " + name, "corp_id: " + f.CorpID, fmt.Sprint("agent_id: ", f.AgentID), "api: " + f.URL,
		"secret: " + a.secret(f.Secret), "token: " + a.secret(f.Token), "encoding_aes_key: " + a.secret(f.AESKey)}, more...)
	a.apps += entry(lines...)
	return a
}

// withBot adds an AI bot; mode is connection or callback.
func (a *accounts) withBot(name, mode string, f *fakewecom.Fake, more ...string) *accounts {
	lines := []string{"name: " + name, "corp_id: " + f.CorpID, "mode: " + mode}
	if mode == "callback" {
		lines = append(lines, "token: "+a.secret(f.BotToken), "encoding_aes_key: "+a.secret(f.BotAESKey))
	} else {
		lines = append(lines, "bot_id: "+f.BotID, "secret: "+a.secret(f.BotSecret), "gateway: "+f.URL)
	}
	a.bots += entry(append(lines, more...)...)
	return a
}

func (a *accounts) config() string {
	out := a.general
	for _, section := range []struct{ head, text string }{{"slack:\n", a.slack}, {"dingtalk:\n", a.dingtalk}} {
		if section.text != "" {
			out += section.head + section.text
		}
	}
	if a.apps+a.bots != "" {
		out += "wecom:\n"
	}
	if a.apps != "" {
		out += "  apps:\n" + a.apps
	}
	if a.bots != "" {
		out += "  ai_bots:\n" + a.bots
	}
	return out
}

// serve starts the program with these accounts.
func (a *accounts) serve(t *testing.T) *drive.Server {
	t.Helper()
	return drive.NewWith(t, program, plenty+a.config(), a.env...)
}

// callbackURL is where a platform calls the program for an account.
func callbackURL(s *drive.Server, kind, name string) string {
	return "http://" + s.Listen + "/callback/" + kind + "/" + name + "/"
}

// examine lets doctor look at these accounts.
func (a *accounts) examine(t *testing.T) (out string, status int) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "coxswain.yaml")
	text := "server: {listen: \"\", admin_listen: \"\"}\n" + a.config()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return drive.Run(t, patience, a.env, program, "doctor", "--config", file, "--data", filepath.Join(dir, "data"), "--lang", "en")
}
