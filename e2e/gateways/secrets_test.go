package gateways

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// TestNoSecretComesOut: what accounts are configured with and what platforms hand
// out as tokens, tickets and sessions is in no log, metric, audit or setting, and
// nowhere in the data directory in clear; not when all goes well, and not when
// calls are refused with answers that repeat it.
func TestNoSecretComesOut(t *testing.T) {
	t.Parallel()
	w := &world{fakeslack.New(t), fakedingtalk.New(t), fakewecom.New(t)}
	web := fakeslack.New(t)
	a := (&accounts{}).with("log: {level: debug}").withSlack("ops", "socket", w.slack).withSlack("web", "http", web).
		withDingTalk("ops", w.ding).withApp("ops", w.wecom).withBot("helper", "connection", w.wecom).withBot("desk", "callback", w.wecom)
	s := drive.NewWatched(t, program, plenty+a.config(), a.env...)
	web.Callback(callbackURL(s, "slack", "web"))
	w.wecom.DeliverTo(callbackURL(s, "wecom", "ops"), callbackURL(s, "wecom-aibot", "desk"))
	w.ding.Connected(1)
	linkSlack(t, s, w.slack, "alice")
	linkDingTalk(t, s, w.ding, fakedingtalk.Staff, "alice")
	linkWeCom(t, s, w.wecom, "alice")
	everyWay(t, w, web, "well")
	drive.Eventually(t, patience, "answers from everywhere", func() bool {
		return len(w.slack.Shown(fakeslack.Room)) > 0 && len(web.Shown(fakeslack.Room)) > 0 && len(w.ding.Shown(fakedingtalk.Room)) > 0 &&
			len(w.wecom.Shown("alice")) > 1 && len(w.wecom.BotShown("alice")) > 1
	})
	secrets := append(secretsOf(w), web.Secrets()...)
	w.slack.Break()
	web.Break()
	w.ding.Break()
	w.wecom.Break()
	forgedEverywhere(t, w, web)
	everyWay(t, w, web, "ill")
	called := func() int {
		return min(w.slack.Calls("chat.postMessage"), w.ding.Calls("/v1.0/card/instances"), w.wecom.Calls("message/send"))
	}
	before := called()
	drive.Eventually(t, patience, "failed calls", func() bool { return called() > before })
	w.slack.Cut()
	w.ding.Cut()
	w.wecom.KillConnection()
	drive.Eventually(t, patience, "failed connections", func() bool { return w.slack.Calls("apps.connections.open") > 3 })
	secrets = append(append(secrets, secretsOf(w)...), web.Secrets()...)
	for what, text := range whatIsSeen(t, s) {
		if text == "" {
			t.Errorf("%s is empty", what)
		}
		t.Run(what, func(t *testing.T) { holdsNone(t, text, secrets) })
	}
}

// holdsNone wants none of the secrets in a text, which may be long and no text.
func holdsNone(t *testing.T, text string, secrets []string) {
	t.Helper()
	for n, secret := range secrets {
		if i := strings.Index(text, secret); secret != "" && i >= 0 {
			t.Errorf("secret %d of %d is there: %q…", n, len(secrets), strings.ReplaceAll(text[max(0, i-120):i+len(secret)], secret, "⟦secret⟧"))
		}
	}
}

// everyWay lets alice ask for something that needs every kind of call.
func everyWay(t *testing.T, w *world, web *fakeslack.Fake, name string) {
	t.Helper()
	create := "cluster create " + name + " region=sandbox masters=1 workers=1"
	for what, say := range map[string]func(context.Context) error{
		"slack": func(ctx context.Context) error {
			return w.slack.Say(ctx, fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: w.slack.Mention(create), ID: name})
		},
		"slack by HTTP": func(ctx context.Context) error { return web.SlashCommand(ctx, "U1", fakeslack.Room, create) },
		"dingtalk": func(ctx context.Context) error {
			return w.ding.Say(ctx, fakedingtalk.Message{ID: name, Text: create})
		},
		"wecom": func(ctx context.Context) error { return w.wecom.Say(ctx, "alice", name, create) },
		"the AI bot": func(ctx context.Context) error {
			_, err := w.wecom.BotSay(ctx, "alice", "", "bot-"+name, create)
			return err
		},
		"the AI bot by HTTP": func(ctx context.Context) error {
			return w.wecom.CallBotSay(ctx, "alice", "", "desk-"+name, create)
		},
	} {
		untilTaken(t, what, say)
	}
}

// forgedEverywhere calls in ways that are refused.
func forgedEverywhere(t *testing.T, w *world, web *fakeslack.Fake) {
	t.Helper()
	web.Skew(-time.Hour)
	if web.SlashCommand(t.Context(), "U1", fakeslack.Room, "whoami") == nil {
		t.Error("an old call was let in")
	}
	web.Skew(0)
	for _, e := range []fakewecom.Envelope{w.wecom.SealAs("ww0", w.wecom.TextXML("alice", "x", "whoami")), w.wecom.SealBot(`{"msgid":"y"}`)} {
		e.Signature = "0" + e.Signature[1:]
		if _, err := w.wecom.Post(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
}

// whatIsSeen is all that the program shows to people, monitoring and disk.
func whatIsSeen(t *testing.T, s *drive.Server) map[string]string {
	t.Helper()
	res, err := http.Get("http://" + s.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	metrics, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{"metrics": string(metrics), "audit": s.Chat("--json", "audit list lines=500"),
		"settings": s.Chat("--json", "settings show"), "operations": s.Chat("--json", "op list")}
	s.Kill()
	seen["log"] = s.Log()
	err = filepath.WalkDir(s.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		seen["data"] += string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}
