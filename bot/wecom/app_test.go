package wecom_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/bot/wecom"
)

func livingCard(done int) bot.Message {
	return bot.Message{Title: "创建集群 prod-1", Operation: "op-7", For: "", Progress: &bot.Progress{Done: done, Total: 9, Elapsed: 65_000,
		Items: []bot.ProgressItem{{State: "done", Text: "预检"}, {State: "running", Text: fmt.Sprint("第", done, "步"), Note: "h1"}}},
		Actions: []bot.Action{{ID: "stop", Label: "停止", Command: "op stop op-7", Style: "danger"}}}
}

func finalCard() bot.Message {
	m := livingCard(9)
	m.Final, m.Succeeded, m.Severity, m.Actions = true, true, bot.Success, nil
	m.Progress.Items = m.Progress.Items[:1]
	return m
}

func wantShown(t *testing.T, shown []string, want ...[]string) {
	t.Helper()
	if len(shown) != len(want) {
		t.Fatalf("%d messages of %d: %q", len(shown), len(want), shown)
	}
	for i, parts := range want {
		for _, part := range parts {
			if !strings.Contains(shown[i], part) {
				t.Errorf("message %d lacks %q: %q", i, part, shown[i])
			}
		}
	}
}

// A living card is sent once and changed once: to its final state. What is between
// is shown when somebody asks for it.
func TestLivingCardOfAnApplication(t *testing.T) {
	h := openApp(t)
	ref := h.send(livingCard(1))
	for i := 2; i < 6; i++ {
		if err := h.app.Update(t.Context(), ref, livingCard(i)); err != nil {
			t.Fatal(err)
		}
	}
	if h.fake.Calls("message/send") != 1 || h.fake.Calls("message/update_template_card") != 0 {
		t.Errorf("%d sends, %d updates", h.fake.Calls("message/send"), h.fake.Calls("message/update_template_card"))
	}
	if err := h.fake.Press(t.Context(), "alice", "刷新", nil); err != nil {
		t.Fatal(err)
	}
	if !h.fake.Wait(time.Minute, func() bool { return strings.Contains(h.fake.Shown("alice")[0], "第5步") }) {
		t.Errorf("not refreshed: %q", h.fake.Shown("alice"))
	}
	if err := h.app.Update(t.Context(), ref, finalCard()); err != nil {
		t.Fatal(err)
	}
	wantShown(t, h.fake.Shown("alice"), []string{"✅", "9/9", "1:05"})
	if strings.Contains(h.fake.Shown("alice")[0], "停止") {
		t.Error("the final card can still be stopped")
	}
	if len(h.inbox.all()) != 0 {
		t.Error("a refresh is no command")
	}
	if wrong := h.fake.Violations(); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
}

// When the card can no longer be changed its end is a new message, and the old one
// is taken back.
func TestFinalStateWhenTheCodeIsGone(t *testing.T) {
	h := openApp(t)
	now := time.Now()
	clock := func() time.Time { return now }
	h.app.Clock(clock)
	h.fake.Clock(clock)
	ref := h.send(livingCard(1))
	if err := h.app.Update(t.Context(), ref, finalCard()); err != nil {
		t.Fatal(err)
	}
	again := finalCard()
	again.Text = "补充说明"
	if err := h.app.Update(t.Context(), ref, again); err != nil { // its one change was used
		t.Fatal(err)
	}
	wantShown(t, h.fake.Shown("alice"), []string{"补充说明"})
	again.Text = "再补充"
	if err := h.app.Update(t.Context(), ref, again); err != nil { // the new one's place is known
		t.Fatal(err)
	}
	if shown := h.fake.Shown("alice"); !strings.Contains(shown[len(shown)-1], "再补充") {
		t.Errorf("%q", shown)
	}

	old := h.send(livingCard(1))
	now = now.Add(80 * time.Hour)
	h.mem.Now = clock
	if err := h.app.Update(t.Context(), old, livingCard(2)); err != nil {
		t.Fatal(err)
	}
	before := len(h.fake.Shown("alice"))
	if err := h.app.Update(t.Context(), old, finalCard()); err != nil {
		t.Fatal(err)
	}
	if len(h.fake.Shown("alice")) != before+1 {
		t.Error("the final state of an old card was not shown")
	}
	for _, id := range []string{"no-such-message", "", "card"} {
		var failed *bot.SendError
		err := h.app.Update(t.Context(), bot.MessageRef{Address: h.to, ID: id}, finalCard())
		if !errors.As(err, &failed) || !failed.Permanent {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestButtonsCarryTokensOnly(t *testing.T) {
	h := openApp(t)
	m := bot.Message{Title: "删除集群？", Text: "将删除 prod-1", ReplyTo: "msg:1", For: "wecom:" + h.fake.CorpID + "/alice",
		Actions: []bot.Action{{ID: "yes", Label: "删除", Command: "cluster delete prod-1 plan=abc", Style: "danger"}, {ID: "no", Label: "取消", Command: "cancel"}}}
	h.send(m)
	for _, sent := range h.fake.Messages() {
		for _, b := range sent.Card.Press {
			if strings.Contains(b.Key, "cluster") || len(b.Key) != 24 {
				t.Errorf("key %q", b.Key)
			}
		}
	}
	plain, err := h.fake.PressXML("alice", "删除", nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // redelivered
		if a := h.post(h.fake.Seal(plain)); a.Status != 200 {
			t.Fatalf("status %d", a.Status)
		}
	}
	got := h.inbox.all()
	if len(got) != 1 || got[0].Text != "" || got[0].Identity != m.For || !got[0].Private {
		t.Fatalf("%+v", got)
	}
	if b, err := h.mem.Button(t.Context(), got[0].Press, time.Now()); err != nil || b.Command != m.Actions[0].Command || b.For != m.For {
		t.Errorf("%+v %v", b, err)
	}
	// The card is drawn again, or its buttons would stay grey.
	if !h.fake.Wait(time.Minute, func() bool { return h.fake.Calls("message/update_template_card") >= 1 }) {
		t.Error("the card was not drawn again")
	}
}

func choiceForm() bot.Message {
	return bot.Message{Text: "缺少参数", For: "wecom:c/alice", ReplyTo: "msg:9", Ask: &bot.Ask{Name: "plan"},
		Form: &bot.Form{ID: "f", Title: "创建集群", Command: "cluster create prod-1", Submit: "创建", Fields: []bot.FormField{
			{Name: "plan", Label: "部署计划", Type: "choice", Choices: []string{"single", "ha-3az"}, Required: true},
			{Name: "backup", Label: "备份", Type: "bool"},
			{Name: "note", Label: "备注", Type: "text"}}}}
}

func TestFormOfChoices(t *testing.T) {
	h := openApp(t)
	h.send(choiceForm())
	wantShown(t, h.fake.Shown("alice"), []string{"部署计划: (single) (ha-3az)", "备份: (–) (否) (是)", "[创建]"})
	if err := h.fake.Press(t.Context(), "alice", "创建", map[string]string{"部署计划": "ha-3az", "备份": "是"}); err != nil {
		t.Fatal(err)
	}
	in := h.inbox.wait(t, 1)[0]
	if in.Press == "" || in.Text != "cluster create prod-1" || in.Values["plan"] != "ha-3az" || in.Values["backup"] != "true" || len(in.Values) != 2 {
		t.Errorf("%+v", in)
	}
}

// A form that needs words is asked as text: WeCom has no field to write into.
func TestFormOfWords(t *testing.T) {
	h := openApp(t)
	m := choiceForm()
	m.Form.Fields[2].Required = true
	h.send(m)
	wantShown(t, h.fake.Shown("alice"), []string{"缺少参数", "• 备注", "• 部署计划 (single / ha-3az)"})
	if h.fake.Messages()[0].Card != nil {
		t.Error("a card")
	}
}

func TestLongAnswers(t *testing.T) {
	h := openApp(t)
	log := strings.Repeat("一行日志 line of a log\n", 500)
	h.send(bot.Message{Title: "日志", Code: &bot.Code{Text: log, Filename: "kubelet.log"}, Actions: []bot.Action{{ID: "a", Label: "更多", Command: "logs"}}})
	wantShown(t, h.fake.Shown("alice"), []string{"日志", "…"}, []string{"(file kubelet.log)"}, []string{"[更多]"})
	if files := h.fake.Files("alice"); len(files) != 1 || files[0] != "kubelet.log: "+log {
		t.Errorf("%d files", len(files))
	}
	if _, err := h.app.Upload(t.Context(), h.to, "../../etc/pass\"wd", []byte("x")); err != nil {
		t.Error(err)
	}
	if files := h.fake.Files("alice"); !strings.HasPrefix(files[1], "pass-wd: x") {
		t.Errorf("%q", files[1])
	}
	if wrong := h.fake.Violations(); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
}

// The room on a card is counted in characters, of which Chinese needs fewer.
func TestCardHoldsAsManyCharacters(t *testing.T) {
	h := openApp(t)
	more := []bot.Action{{ID: "a", Label: "更多", Command: "logs"}}
	h.send(bot.Message{Title: "集群", Text: strings.Repeat("字", 100), Footer: strings.Repeat("尾", 59), Actions: more})
	wantShown(t, h.fake.Shown("alice"), []string{"集群", "字", "尾", "[更多]"})
	h.send(bot.Message{Title: "集群", Text: strings.Repeat("字", 100), Footer: strings.Repeat("尾", 60), Actions: more})
	wantShown(t, h.fake.Shown("alice")[1:], []string{"集群", "字", "尾"}, []string{"[更多]"})
}

func TestGroupChatOfAnApplication(t *testing.T) {
	h := openApp(t)
	room := bot.Address{Account: "wecom:ops", Room: "chat-1"}
	me := "wecom:" + h.fake.CorpID + "/alice"
	ref, err := h.app.Send(t.Context(), room, livingCard(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.app.Update(t.Context(), ref, livingCard(2)); err != nil {
		t.Fatal(err)
	}
	if err := h.app.Update(t.Context(), ref, finalCard()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.app.Send(t.Context(), room, bot.Message{Text: "kubeconfig", Private: true, For: me}); err != nil {
		t.Fatal(err)
	}
	wantShown(t, h.fake.Shown("chat-1"), []string{"停止：op stop op-7"}, []string{"9/9"}, []string{"<@alice>", "单聊"})
	wantShown(t, h.fake.Shown("alice"), []string{"kubeconfig"})
	var failed *bot.SendError
	if _, err := h.app.Send(t.Context(), room, bot.Message{Text: "secret", Private: true}); !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("private to nobody: %v", err)
	}
	if _, err := h.app.Send(t.Context(), bot.Address{Account: "wecom:ops", Room: "chat-9"}, bot.Message{Text: "x"}); !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("no such chat: %v", err)
	}
}

func TestTokensAreSharedAndRefreshedOnce(t *testing.T) {
	h := openApp(t)
	other, err := wecom.NewApp(appConfig(h.fake), shared(t, h.mem, "two", "zh"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []*wecom.App{h.app, other, h.app, other} {
		if _, err := a.Send(t.Context(), h.to, bot.Message{Text: "x"}); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.fake.TokensGiven(); n != 1 {
		t.Errorf("two processes asked for %d tokens", n)
	}
	for i, spoil := range []func(){h.fake.ExpireTokens, h.fake.RevokeTokens} {
		spoil()
		h.send(bot.Message{Text: "y"})
		if n := h.fake.TokensGiven(); n != 2+i {
			t.Errorf("%d tokens", n)
		}
	}
	h.fake.Storm(42001, 100)
	calls := h.fake.Calls("message/send")
	_, err = h.app.Send(t.Context(), h.to, bot.Message{Text: "z"})
	var failed *bot.SendError
	if !errors.As(err, &failed) || failed.Permanent || failed.RetryAfter == 0 || h.fake.Calls("message/send")-calls != 2 {
		t.Errorf("%d calls: %+v", h.fake.Calls("message/send")-calls, err)
	}
}

// Near its end a token is replaced, but the platform is not asked for each message.
func TestTokenNearItsEnd(t *testing.T) {
	h := openApp(t)
	now := time.Now()
	clock := func() time.Time { return now }
	h.app.Clock(clock)
	h.fake.Clock(clock)
	h.mem.Now = clock
	h.send(bot.Message{Text: "1"})
	now = now.Add(2*time.Hour - 2*time.Minute)
	for range 5 {
		h.send(bot.Message{Text: "2"})
	}
	if n := h.fake.TokensGiven(); n != 2 {
		t.Errorf("asked for %d tokens", n)
	}
	now = now.Add(3 * time.Minute)
	h.send(bot.Message{Text: "3"})
	if n := h.fake.TokensGiven(); n != 3 {
		t.Errorf("asked for %d tokens", n)
	}
}

func TestErrorsOfTheAPI(t *testing.T) {
	h := openApp(t)
	h.send(bot.Message{Text: "x"})
	for code, permanent := range map[int]bool{-1: false, 45009: false, 45033: false, 48002: true, 81013: true, 45002: true, 60020: false, 40001: false} {
		h.fake.Storm(code, 1)
		_, err := h.app.Send(t.Context(), h.to, bot.Message{Text: "x"})
		var failed *bot.SendError
		if !errors.As(err, &failed) || failed.Permanent != permanent || (failed.RetryAfter > 0) == permanent {
			t.Errorf("%d: %+v", code, err)
		}
		if ofAccount := slices.Contains([]int{45009, 45033, 60020, 40001}, code); failed == nil || failed.Account != ofAccount {
			t.Errorf("%d holds for the whole account: want %v, %+v", code, ofAccount, failed)
		}
	}
	h.fake.StormHTTP(429, 1, 7*time.Second)
	_, err := h.app.Send(t.Context(), h.to, bot.Message{Text: "x"})
	var failed *bot.SendError
	if !errors.As(err, &failed) || failed.RetryAfter != 7*time.Second || !failed.Account {
		t.Errorf("429: %+v", err)
	}
	h.fake.Garble(true)
	if _, err := h.app.Send(t.Context(), h.to, bot.Message{Text: "x"}); !errors.As(err, &failed) || failed.Permanent {
		t.Errorf("garbled: %+v", err)
	}
	h.fake.Garble(false)
	if _, err := h.app.Send(t.Context(), bot.Address{Account: "wecom:ops", Room: "user:nobody"}, bot.Message{Text: "x"}); !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("nobody: %+v", err)
	}
	h.fake.Slow()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.app.Send(ctx, h.to, bot.Message{Text: "x"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: %v", err)
	}
}

// What cannot be reached at all must not show the address, which has a token in it.
func TestUnreachableLeaksNothing(t *testing.T) {
	f := fakewecom.New(t)
	cfg := appConfig(f)
	cfg.API = "http://127.0.0.1:1"
	a, err := wecom.NewApp(cfg, shared(t, &bottest.Shelf{}, "x", "en"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Send(t.Context(), bot.Address{Account: "wecom:ops", Room: "user:alice"}, bot.Message{Text: "x"})
	if err == nil {
		t.Fatal("sent")
	}
	bottest.AssertNoSecret(t, fmt.Sprintf("%v %+v %#v", err, err, err), f.Secret, "corpsecret")
	if !strings.Contains(err.Error(), "gettoken") {
		t.Errorf("%v does not say what failed", err)
	}
}

func TestAddressBook(t *testing.T) {
	h := openApp(t)
	who := "wecom:" + h.fake.CorpID + "/"
	p, err := h.app.Person(t.Context(), who+"alice")
	if err != nil || p.Email != "alice@corp.example" || p.Name != "爱丽丝" || !p.Active {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := h.app.Person(t.Context(), who+"carol"); err != nil || p.Active {
		t.Errorf("a disabled account: %+v %v", p, err)
	}
	if p, err := h.app.Person(t.Context(), who+"nobody"); err != nil || p.Active {
		t.Errorf("a removed account: %+v %v", p, err)
	}
	for _, foreign := range []string{"wecom:other/alice", "slack:T1/U1", who, who + "a|b"} {
		if _, err := h.app.Person(t.Context(), foreign); err == nil {
			t.Errorf("looked %s up", foreign)
		}
		if _, err := h.app.OpenDM(t.Context(), foreign); err == nil {
			t.Errorf("opened a DM with %s", foreign)
		}
	}
}

func TestCheckOfAnApplication(t *testing.T) {
	f := fakewecom.New(t)
	for name, c := range map[string]struct {
		spoil func(*wecom.AppConfig)
		want  []string
	}{
		"well":         {func(*wecom.AppConfig) {}, []string{"wecom.check.credentials", "wecom.check.callback", "wecom.check.agent"}},
		"mail":         {func(c *wecom.AppConfig) { c.LinkByEmail = true }, []string{"wecom.check.credentials", "wecom.check.callback", "wecom.check.agent", "wecom.check.mail.ok"}},
		"wrong corp":   {func(c *wecom.AppConfig) { c.CorpID = "ww0" }, []string{"wecom.check.corp"}},
		"wrong secret": {func(c *wecom.AppConfig) { c.Secret = secret("wrong") }, []string{"wecom.check.secret"}},
		"wrong agent":  {func(c *wecom.AppConfig) { c.AgentID = 7 }, []string{"wecom.check.credentials", "wecom.check.callback", "wecom.check.right"}},
		"unreachable":  {func(c *wecom.AppConfig) { c.API = "http://127.0.0.1:1" }, []string{"wecom.check.network"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, mem := appConfig(f), &bottest.Shelf{}
			c.spoil(&cfg)
			a, err := wecom.NewApp(cfg, shared(t, mem, "x", "en"), slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			wantFindings(t, mem, a.Check(t.Context()), c.want...)
		})
	}
	t.Run("foreign IP", func(t *testing.T) {
		mem := &bottest.Shelf{}
		a := newApp(t, f, mem, "en")
		f.Storm(60020, 1)
		wantFindings(t, mem, a.Check(t.Context()), "wecom.check.credentials", "wecom.check.callback", "wecom.check.ip")
	})
}

// wantFindings checks keys, and that each is in both languages.
func wantFindings(t *testing.T, mem *bottest.Shelf, got []bot.Finding, want ...string) {
	t.Helper()
	var keys []string
	for _, f := range got {
		keys = append(keys, f.Key)
		for _, lang := range []string{"en", "zh"} {
			say := shared(t, mem, "x", lang).Say
			for _, key := range []string{f.Key, f.Next} {
				if key == "" {
					continue
				}
				if text := say(lang, key, f.Args); strings.Contains(text, "wecom.check") || strings.Contains(text, "<no value>") {
					t.Errorf("%s %s: %q", lang, key, text)
				}
			}
		}
		if f.OK != (f.Next == "") {
			t.Errorf("%s: ok %v, next %q", f.Key, f.OK, f.Next)
		}
	}
	if strings.Join(keys, " ") != strings.Join(want, " ") {
		t.Errorf("%v, want %v", keys, want)
	}
}

// Two corporations at once share nothing.
func TestTwoCorporations(t *testing.T) {
	one, two := openApp(t), openApp(t)
	one.send(bot.Message{Text: "for one"})
	two.send(bot.Message{Text: "for two"})
	wantShown(t, one.fake.Shown("alice"), []string{"for one"})
	wantShown(t, two.fake.Shown("alice"), []string{"for two"})
	if a := two.post(fakewecom.Envelope{URL: two.fake.Seal("").URL, Body: one.fake.Seal("<xml/>").Body}); a.Status/100 != 4 {
		t.Errorf("status %d", a.Status)
	}
}
