package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
)

func TestWebhookThenAPI(t *testing.T) {
	d, f := account(t)
	run(t, d, f)
	if err := f.Say(t.Context(), fakedingtalk.Message{Text: "help"}); err != nil {
		t.Fatal(err)
	}
	first := send(t, d, room(d), bot.Message{Text: "by webhook", For: d.identity("staff01")})
	shown := f.Messages(fakedingtalk.Room)
	if s := shown[0]; first.ID == "" || !strings.HasPrefix(s.ID, "wh") || len(s.At) != 1 || s.At[0] != "staff01" || !strings.Contains(s.Text, "@staff01") {
		t.Errorf("%+v", s)
	}
	now := time.Now()
	d.hooks.now = func() time.Time { return now.Add(2 * time.Hour) }
	second := send(t, d, room(d), bot.Message{Text: "by API", For: d.identity("staff01")})
	if !strings.HasPrefix(second.ID, "pqk") {
		t.Errorf("used a webhook that is over: %s", second.ID)
	}
}

// TestWebhookOfAnotherProcess: one process receives, another answers.
func TestWebhookOfAnotherProcess(t *testing.T) {
	f := fakedingtalk.New(t)
	shared, _ := testShared()
	receiver, answerer := start(t, testConfig(f), shared, quick()), start(t, testConfig(f), shared, quick())
	run(t, receiver, f)
	if err := f.Say(t.Context(), fakedingtalk.Message{Text: "help"}); err != nil {
		t.Fatal(err)
	}
	f.Until("kept", func() bool {
		hook, err := answerer.hooks.of(t.Context(), fakedingtalk.Room)
		return err == nil && hook != ""
	})
	send(t, answerer, room(answerer), bot.Message{Text: "hello"})
	if s := f.Messages(fakedingtalk.Room); len(s) != 1 || !strings.HasPrefix(s[0].ID, "wh") {
		t.Errorf("%+v", s)
	}
}

func TestWebhookThatIsNoMore(t *testing.T) {
	d, f := account(t)
	run(t, d, f)
	if err := f.Say(t.Context(), fakedingtalk.Message{Text: "help", WebhookLife: time.Hour}); err != nil {
		t.Fatal(err)
	}
	f.Storm(1, 300001)
	if ref := send(t, d, room(d), bot.Message{Text: "hello"}); !strings.HasPrefix(ref.ID, "pqk") {
		t.Errorf("%+v", ref)
	}
	if hook, err := d.hooks.of(t.Context(), fakedingtalk.Room); hook != "" || err != nil {
		t.Error("it is still there")
	}
}

func TestTokenIsSharedAndRenewedOnce(t *testing.T) {
	f := fakedingtalk.New(t)
	shared, _ := testShared()
	one, two := start(t, testConfig(f), shared, quick()), start(t, testConfig(f), shared, quick())
	fetched := func() int { return f.Calls("/v1.0/oauth2/accessToken") }
	for _, d := range []*DingTalk{one, two, one} {
		send(t, d, room(d), bot.Message{Text: "x"})
	}
	if fetched() != 1 {
		t.Errorf("%d tokens fetched", fetched())
	}
	f.ExpireTokens()
	send(t, one, room(one), bot.Message{Text: "x"})
	send(t, two, room(two), bot.Message{Text: "x"})
	if fetched() != 2 {
		t.Errorf("%d tokens fetched after the first was refused", fetched())
	}
	for i, storm := range []func(n int){
		func(n int) { f.Storm(n, 40014) }, func(n int) { f.Storm(n, 42001) }, func(n int) { f.StormSub(n, "40014") },
		func(n int) { f.StormAt("/v1.0/robot/groupMessages/send", n, 400, "InvalidAuthentication", "") },
	} {
		before := fetched()
		storm(1)
		send(t, one, room(one), bot.Message{Text: "x"})
		if fetched() != before+1 {
			t.Errorf("%d: %d fetched", i, fetched()-before)
		}
		storm(2)
		if _, err := one.Send(t.Context(), room(one), bot.Message{Text: "x"}); err == nil || fetched() > before+3 {
			t.Errorf("%d: refused twice: %v, %d fetched", i, err, fetched()-before)
		}
	}
}

func TestTokenIsRenewedBeforeItsEnd(t *testing.T) {
	f := fakedingtalk.New(t)
	shared, _ := testShared()
	now := time.Now()
	tm := quick()
	tm.now = func() time.Time { return now }
	d := start(t, testConfig(f), shared, tm)
	send(t, d, room(d), bot.Message{Text: "x"})
	now = now.Add(7200*time.Second - renewBefore)
	send(t, d, room(d), bot.Message{Text: "x"})
	if n := f.Calls("/v1.0/oauth2/accessToken"); n != 2 {
		t.Errorf("%d", n)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		storm     func(f *fakedingtalk.Fake)
		permanent bool
		wait      time.Duration
	}{
		"too fast":            {func(f *fakedingtalk.Fake) { f.Storm(1, 130101) }, false, 10 * time.Minute},
		"keyword, sign or IP": {func(f *fakedingtalk.Fake) { f.Storm(1, 310000) }, true, 0},
		"busy":                {func(f *fakedingtalk.Fake) { f.Storm(1, -1) }, false, 0},
		"quota":               {func(f *fakedingtalk.Fake) { f.StormSub(1, "90018") }, false, time.Minute},
		"no permission":       {func(f *fakedingtalk.Fake) { f.Forbid("qyapi_robot_sendmsg") }, true, 0},
		"429":                 {func(f *fakedingtalk.Fake) { f.StormAt("/v1.0/robot/groupMessages/send", 1, 429, "x", "7") }, false, 7 * time.Second},
		"calls a second": {func(f *fakedingtalk.Fake) {
			f.StormAt("/v1.0/robot/groupMessages/send", 1, 403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "")
		}, false, 2 * time.Second},
		"gateway":         {func(f *fakedingtalk.Fake) { f.StormRaw(1, 502, "<html>Bad Gateway</html>") }, false, 0},
		"no JSON":         {func(f *fakedingtalk.Fake) { f.StormRaw(1, 200, "ok") }, false, 0},
		"unknown errcode": {func(f *fakedingtalk.Fake) { f.Storm(1, 987654) }, false, 0},
		"wrong argument": {func(f *fakedingtalk.Fake) {
			f.StormAt("/v1.0/robot/groupMessages/send", 1, 400, "invalidParameter.msgKey.invalid", "")
		}, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d, f := account(t)
			c.storm(f)
			_, err := d.Send(t.Context(), room(d), bot.Message{Text: "x"})
			var failed *bot.SendError
			if !errors.As(err, &failed) || failed.Permanent != c.permanent || failed.RetryAfter != c.wait {
				t.Errorf("%+v", err)
			}
			// One conversation is closed by 130101; all else that wants us to wait is
			// about the app.
			if failed != nil && failed.Account != (c.wait > 0 && name != "too fast") {
				t.Errorf("for the whole account: %v", failed.Account)
			}
			if c.wait < time.Minute {
				return
			}
			before := f.Calls("/v1.0/robot/groupMessages/send")
			if _, err := d.Send(t.Context(), room(d), bot.Message{Text: "x"}); err == nil || f.Calls("/v1.0/robot/groupMessages/send") != before {
				t.Errorf("knocked at a closed door: %v", err)
			}
		})
	}
}

// TestAWrongSecretCanBeMended: until then nothing is lost, and no room knocks on its
// own account.
func TestAWrongSecretCanBeMended(t *testing.T) {
	d, f := account(t)
	f.StormAt("/v1.0/oauth2/accessToken", 1, 400, "invalidClientIdOrSecret", "")
	_, err := d.Send(t.Context(), room(d), bot.Message{Text: "x"})
	var failed *bot.SendError
	if !errors.As(err, &failed) || failed.Permanent || failed.RetryAfter != time.Minute || !failed.Account {
		t.Errorf("%+v", err)
	}
}

// TestNeverBlocked: however much is wanted, the platform never has to block us.
func TestNeverBlocked(t *testing.T) {
	f := fakedingtalk.New(t)
	shared, _ := testShared()
	now := time.Now()
	tm := quick()
	tm.now = func() time.Time { return now }
	f.Clock(tm.now)
	d := start(t, testConfig(f), shared, tm)
	sent := 0
	for sent < 50 {
		_, err := d.Send(t.Context(), room(d), bot.Message{Text: fmt.Sprint("m", sent)})
		var failed *bot.SendError
		if errors.As(err, &failed) && failed.RetryAfter > 0 {
			now = now.Add(failed.RetryAfter)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		sent++
	}
	if f.Blocked() {
		t.Error("blocked")
	}
}

func TestLivingCard(t *testing.T) {
	d, f := account(t)
	stop := []bot.Action{{ID: "stop", Label: "Stop", Command: "op stop op-1", Style: "danger"}}
	card := func(done int) bot.Message {
		return bot.Message{Title: "Create prod-1", Operation: "op-1", Actions: stop, For: d.identity("staff01"),
			Progress: &bot.Progress{Done: done, Total: 3, Items: []bot.ProgressItem{{State: "running", Text: fmt.Sprint("stage-", done)}}}}
	}
	ref := send(t, d, room(d), card(0))
	for i := 1; i < 3; i++ {
		if err := d.Update(t.Context(), ref, card(i)); err != nil {
			t.Fatal(err)
		}
	}
	s := f.Messages(fakedingtalk.Room)
	if len(s) != 1 || f.Flow(ref.ID) != flowWriting || f.Streamed(ref.ID) != 2 || !strings.Contains(s[0].Text, "stage-2") || len(s[0].Buttons) != 1 || len(s[0].At) != 1 {
		t.Errorf("flow %s, streamed %d, %+v", f.Flow(ref.ID), f.Streamed(ref.ID), s)
	}
	other := start(t, d.cfg, d.shared, quick()) // another process goes on with it
	if err := other.Update(t.Context(), ref, card(3)); err != nil {
		t.Fatal(err)
	}
	end := bot.Message{Title: "Created prod-1", Operation: "op-1", Final: true, Succeeded: true, Severity: bot.Success, Text: "All is well"}
	for range 2 { // the hub may not know that the first got through
		if err := other.Update(t.Context(), ref, end); err != nil {
			t.Fatal(err)
		}
	}
	s = f.Messages(fakedingtalk.Room)
	if len(s) != 1 || f.Flow(ref.ID) != flowFinished || s[0].Text != "✅ Created prod-1\nAll is well" || len(s[0].Buttons) != 0 {
		t.Errorf("flow %s, %+v", f.Flow(ref.ID), s)
	}
}

func TestCardWithoutStreaming(t *testing.T) {
	d, f := account(t, func(c *Config) { c.CardStreaming = false })
	ref := send(t, d, room(d), bot.Message{Operation: "op-1", Text: "one"})
	if err := d.Update(t.Context(), ref, bot.Message{Operation: "op-1", Text: "two"}); err != nil {
		t.Fatal(err)
	}
	if s := f.Shown(fakedingtalk.Room); len(s) != 1 || s[0] != "two" || f.Streamed(ref.ID) != 0 {
		t.Errorf("%q", s)
	}
}

func TestPlainMessagesDoNotChange(t *testing.T) {
	d, _ := account(t)
	ref := send(t, d, room(d), bot.Message{Text: "plain"})
	var failed *bot.SendError
	if err := d.Update(t.Context(), ref, bot.Message{Text: "x"}); !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("%v", err)
	}
}

func TestButtonsInHTTPMode(t *testing.T) {
	d, f := account(t, func(c *Config) { c.Mode = modeHTTP })
	m := bot.Message{Operation: "op-1", Text: "running", Actions: []bot.Action{{ID: "s", Label: "Stop", Command: "op stop op-1"}}}
	ref := send(t, d, room(d), m)
	if err := d.Update(t.Context(), ref, m); err != nil {
		t.Fatal(err)
	}
	s := f.Messages(fakedingtalk.Room)
	if s[0].Kind != "card" || len(s[0].Buttons) != 0 || !strings.Contains(s[0].Text, "op stop op-1") {
		t.Errorf("%+v", s)
	}
	send(t, d, room(d), bot.Message{Text: "really?", Actions: m.Actions})
	if s := f.Messages(fakedingtalk.Room); s[1].Kind != "actionCard" {
		t.Errorf("%+v", s[1])
	}
}

func TestPrivate(t *testing.T) {
	d, f := account(t)
	secret := bot.Message{Text: "token: abc", Private: true, For: d.identity("staff01")}
	ref := send(t, d, room(d), secret)
	if ref.Address.Room != "dm:staff01" {
		t.Errorf("%+v", ref)
	}
	secret.For = "dingtalk:dingother/$x"
	send(t, d, room(d), secret)
	inRoom, inDM := strings.Join(f.Shown(fakedingtalk.Room), "\n"), f.Shown(fakedingtalk.DM("staff01"))
	if strings.Contains(inRoom, "abc") || !strings.Contains(inRoom, "dingtalk.private.sent") || !strings.Contains(inRoom, "dingtalk.private.nobody") ||
		len(inDM) != 1 || !strings.Contains(inDM[0], "abc") {
		t.Errorf("room %q, chat %q", inRoom, inDM)
	}
}

func TestFilesAndImages(t *testing.T) {
	d, f := account(t)
	for _, name := range []string{"report.pdf", "out.txt", "../../etc/pass\"wd", ""} {
		if _, err := d.Upload(t.Context(), room(d), name, []byte("x")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	send(t, d, room(d), bot.Message{Text: "see", Image: &bot.Image{Name: "chart.png", Alt: "Load", PNG: []byte("\x89PNG")}})
	want := "[file] report.pdf|[file] out.txt.zip|[file] pass_wd.zip|[file] file.txt.zip|see\n\n🖼 Load|[image] chart.png"
	if got := strings.Join(f.Shown(fakedingtalk.Room), "|"); got != want {
		t.Errorf("%q", got)
	}
	var failed *bot.SendError
	if _, err := d.Upload(t.Context(), room(d), "big.zip", make([]byte, maxMedia+1)); !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("%v", err)
	}
}

func TestLogGoesBesideItsMessage(t *testing.T) {
	d, f := account(t)
	send(t, d, room(d), bot.Message{Title: "Logs", Code: &bot.Code{Text: strings.Repeat("a \"quoted\" line of a log\n", 3000), Filename: "prod-1.log"}})
	s := f.Messages(fakedingtalk.Room)
	if len(s) != 2 || s[1].Text != "[file] prod-1.log.zip" || !strings.HasSuffix(s[0].Text, "```") {
		t.Errorf("%d messages, %+v", len(s), s[1:])
	}
}

func TestMissingFileIsSaid(t *testing.T) {
	d, f := account(t)
	run(t, d, f)
	if err := f.Say(t.Context(), fakedingtalk.Message{Text: "logs"}); err != nil { // the webhook carries the words
		t.Fatal(err)
	}
	f.StormAt("/v1.0/robot/groupMessages/send", 1, 500, "ServiceUnavailable", "")
	send(t, d, room(d), bot.Message{Title: "Logs", Code: &bot.Code{Text: strings.Repeat("a line\n", 5000), Filename: "prod-1.log"}})
	if s := f.Shown(fakedingtalk.Room); len(s) != 2 || s[1] != "dingtalk.upload.failed" {
		t.Errorf("%d messages", len(s))
	}
}

func TestBadAddresses(t *testing.T) {
	d, _ := account(t)
	for _, to := range []bot.Address{{Account: "dingtalk:else", Room: "cid1"}, {Account: d.Name()}, {Account: d.Name(), Room: "dm:"}, {Account: d.Name(), Room: "dm:$:LWCP"}, {Account: d.Name(), Room: "a b"}, {Account: d.Name(), Room: "dm:nobody"}} {
		var failed *bot.SendError
		if _, err := d.Send(t.Context(), to, bot.Message{Text: "x"}); !errors.As(err, &failed) || !failed.Permanent {
			t.Errorf("%+v: %v", to, err)
		}
		if _, err := d.Send(t.Context(), to, bot.Message{Operation: "op-1", Text: "x"}); !errors.As(err, &failed) || !failed.Permanent {
			t.Errorf("%+v as a card: %v", to, err)
		}
	}
	if _, err := d.OpenDM(t.Context(), "slack:T1/U1"); err == nil {
		t.Error("opened a chat with a stranger")
	}
}

// TestNoSecretEscapes breaks everything in turn and reads every error and the log.
func TestNoSecretEscapes(t *testing.T) {
	d, f := account(t)
	run(t, d, f)
	if err := f.Say(t.Context(), fakedingtalk.Message{Text: "help"}); err != nil {
		t.Fatal(err)
	}
	card := send(t, d, room(d), bot.Message{Operation: "op-1", Text: "x"})
	f.Break()
	var seen []string
	note := func(err error) {
		if err == nil {
			t.Error("went well though everything is broken")
		}
		seen = append(seen, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
	calls := func(ctx context.Context) {
		_, err := d.Send(ctx, room(d), bot.Message{Text: "x"})
		note(err)
		note(d.Update(ctx, card, bot.Message{Operation: "op-1", Text: "y"}))
		_, err = d.Upload(ctx, room(d), "a.zip", []byte("x"))
		note(err)
		_, err = d.Person(ctx, d.identity("staff01"))
		note(err)
		_, err = d.ticket(ctx)
		note(err)
		_, _, err = d.client.fetchToken(ctx)
		note(err)
		for _, found := range d.Check(ctx) {
			seen = append(seen, fmt.Sprint(found))
		}
	}
	calls(t.Context())
	secrets := f.Secrets()
	f.Close() // the connections are refused from here on
	calls(t.Context())
	bottest.AssertNoSecret(t, strings.Join(seen, "\n"), secrets...)
}

func TestStalledCallEndsWithItsDeadline(t *testing.T) {
	f := fakedingtalk.New(t)
	defer f.Stall()()
	shared, _ := testShared()
	tm := quick()
	tm.request = 50 * time.Millisecond
	d := start(t, testConfig(f), shared, tm)
	if _, err := d.Send(t.Context(), room(d), bot.Message{Text: "x"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
