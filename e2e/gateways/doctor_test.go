package gateways

import (
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
)

// world is one account of each kind.
type world struct {
	slack *fakeslack.Fake
	ding  *fakedingtalk.Fake
	wecom *fakewecom.Fake
}

// nowhere is an address where nobody listens.
const nowhere = "http://127.0.0.1:1"

// ailments are what can be wrong with an account, by what a doctor's lines about it
// must have in them. Each is one line with a next step.
var ailments = map[string]struct {
	spoil  func(w *world, a *accounts)
	line   string // of what is wrong
	next   string // of what to do
	except string // secret that only this case knows
}{
	"Slack's bot token": {line: "slack:ops: the bot token does not work", next: "bot_token", except: "xoxb-wrong",
		spoil: func(w *world, a *accounts) {
			a.withSlack("ops", "http", w.slack)
			a.env[0] = "GATEWAY_SECRET_0=xoxb-wrong"
		}},
	"Slack's app token": {line: "slack:ops: Slack refuses a Socket Mode connection", next: "app_token", except: "xapp-wrong",
		spoil: func(w *world, a *accounts) {
			a.withSlack("ops", "socket", w.slack)
			a.env[1] = "GATEWAY_SECRET_1=xapp-wrong"
		}},
	"Slack's scopes": {line: "slack:ops: the bot token lacks the scopes files:write", next: "OAuth & Permissions",
		spoil: func(w *world, a *accounts) { w.slack.Revoke("files:write"); a.withSlack("ops", "http", w.slack) }},
	"Slack out of reach": {line: "slack:ops: Slack cannot be reached", next: nowhere,
		spoil: func(w *world, a *accounts) { w.slack.URL = nowhere + "/api/"; a.withSlack("ops", "socket", w.slack) }},
	"DingTalk's secret": {line: "dingtalk:ops: DingTalk does not accept the app's credentials", next: "client_secret", except: "not-the-secret",
		spoil: func(w *world, a *accounts) {
			a.withDingTalk("ops", w.ding)
			a.env[0] = "GATEWAY_SECRET_0=not-the-secret"
		}},
	"DingTalk's permission": {line: "dingtalk:ops: the app lacks a permission for card: Card.Instance.Write", next: "Permissions",
		spoil: func(w *world, a *accounts) { w.ding.Forbid("Card.Instance.Write"); a.withDingTalk("ops", w.ding) }},
	"DingTalk out of reach": {line: "dingtalk:ops: DingTalk cannot be reached", next: "api.dingtalk.com",
		spoil: func(w *world, a *accounts) { w.ding.URL = nowhere; a.withDingTalk("ops", w.ding) }},
	"WeCom's secret": {line: "wecom:ops: WeCom does not accept the application's secret", next: "Secret", except: "app-secret-wrong",
		spoil: func(w *world, a *accounts) { a.withApp("ops", w.wecom); a.env[0] = "GATEWAY_SECRET_0=app-secret-wrong" }},
	"WeCom's corporation": {line: "wecom:ops: WeCom knows no corporation ww0", next: "corp_id",
		spoil: func(w *world, a *accounts) {
			was := w.wecom.CorpID
			w.wecom.CorpID = "ww0"
			a.withApp("ops", w.wecom)
			w.wecom.CorpID = was
		}},
	"WeCom out of reach": {line: "wecom:ops: WeCom's API cannot be reached", next: "network",
		spoil: func(w *world, a *accounts) { w.wecom.URL = nowhere; a.withApp("ops", w.wecom) }},
	"the AI bot's gateway out of reach": {line: "wecom-aibot:helper: the gateway for long connections cannot be reached", next: "gateway",
		spoil: func(w *world, a *accounts) { w.wecom.URL = nowhere; a.withBot("helper", "connection", w.wecom) }},
}

// TestDoctor: what is wrong with an account is one line that names it and the next
// step, and the exit status is 1. No line has a secret in it.
func TestDoctor(t *testing.T) {
	for name, c := range ailments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{fakeslack.New(t), fakedingtalk.New(t), fakewecom.New(t)}
			known := append(secretsOf(w), c.except)
			a := &accounts{}
			c.spoil(w, a)
			out, status := a.examine(t)
			wrong := linesWith(out, "✗")
			if status != 1 || len(wrong) != 1 || !strings.Contains(wrong[0], c.line) {
				t.Errorf("status %d, %d lines of what is wrong, want one with %q:\n%s", status, len(wrong), c.line, out)
			}
			if len(wrong) == 1 {
				_, after, _ := strings.Cut(out, wrong[0]+"\n")
				if step, _, _ := strings.Cut(after, "\n"); !strings.Contains(step, "→") || !strings.Contains(step, c.next) {
					t.Errorf("the next step has no %q: %s", c.next, step)
				}
			}
			if !strings.Contains(out, "1 thing must be mended") {
				t.Errorf("no summary:\n%s", out)
			}
			bottest.AssertNoSecret(t, out, known...)
		})
	}
}

// TestDoctorIsContent: with every account in order it says so of each, and leaves
// the connection of a running AI bot alone.
func TestDoctorIsContent(t *testing.T) {
	t.Parallel()
	w := &world{fakeslack.New(t), fakedingtalk.New(t), fakewecom.New(t)}
	a := (&accounts{}).withSlack("ops", "socket", w.slack).withSlack("web", "http", w.slack, "link_by_email: true").
		withDingTalk("ops", w.ding, "link_by_email: true").withApp("ops", w.wecom).withBot("helper", "connection", w.wecom).withBot("desk", "callback", w.wecom)
	out, status := a.examine(t)
	if status != 0 || len(linesWith(out, "✗")) != 0 || !strings.Contains(out, "Nothing needs to be mended.") {
		t.Errorf("status %d:\n%s", status, out)
	}
	for _, account := range []string{"slack:ops", "slack:web", "dingtalk:ops", "wecom:ops", "wecom-aibot:helper", "wecom-aibot:desk"} {
		if len(linesWith(out, "✓ "+account+": ")) == 0 {
			t.Errorf("not a word about %s:\n%s", account, out)
		}
	}
	if n := w.wecom.Connections(); n != 0 {
		t.Errorf("the doctor connected the AI bot %d times", n)
	}
	bottest.AssertNoSecret(t, out, secretsOf(w)...)
}

func secretsOf(w *world) []string {
	return append(append(w.slack.Secrets(), w.ding.Secrets()...), w.wecom.Secrets()...)
}

func linesWith(text, mark string) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if strings.HasPrefix(l, mark) {
			out = append(out, l)
		}
	}
	return out
}
