package wecom_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/bot/wecom"
)

// openCalledBot has an AI bot that is called by HTTP.
func openCalledBot(t *testing.T) *botHouse {
	t.Helper()
	h := &botHouse{T: t, fake: fakewecom.New(t), mem: &bottest.Shelf{}, inbox: newInbox(), to: bot.Address{Account: "wecom-aibot:ops", Room: "user:alice"}}
	cfg := botConfig(h.fake)
	cfg.Mode = wecom.ModeCallback
	h.bot = newBot(t, cfg, h.mem, "one")
	server := httptest.NewServer(h.bot.Callbacks())
	t.Cleanup(server.Close)
	h.fake.DeliverTo("", server.URL)
	h.stop = running(t, h.bot, h.inbox.handle)
	if !h.fake.Wait(time.Minute, func() bool {
		a, err := h.fake.Post(t.Context(), fakewecom.Envelope{URL: server.URL, Body: []byte("{}")})
		return err == nil && a.Status == http.StatusBadRequest
	}) {
		t.Fatal("the callback was never opened")
	}
	return h
}

func (h *botHouse) called(user, chat, id, text string) {
	h.Helper()
	if err := h.fake.CallBotSay(h.Context(), user, chat, id, text); err != nil {
		h.Fatal(err)
	}
}

func (h *botHouse) poll(wantOpen int) {
	h.Helper()
	if open, err := h.fake.Poll(h.Context()); err != nil || open != wantOpen {
		h.Errorf("%d streams are open, %v", open, err)
	}
}

func TestCalledBotAnswersByStreamAndURL(t *testing.T) {
	h := openCalledBot(t)
	h.called("alice", "", "m1", "cluster list")
	h.called("alice", "", "m1", "cluster list") // a redelivery
	if got := h.inbox.all(); len(got) != 1 || got[0].ID != "msg:m1" || got[0].Text != "cluster list" || !got[0].Private {
		t.Fatalf("%+v", got)
	}
	wantShown(t, h.fake.BotShown("alice"), []string{"…"})
	h.poll(1)
	h.send(bot.Message{Title: "集群", Text: "一个", ReplyTo: "msg:m1"})
	h.poll(0)
	h.send(bot.Message{Title: "还有", ReplyTo: "msg:m1", Actions: []bot.Action{{ID: "a", Label: "更多", Command: "help"}}})
	wantShown(t, h.fake.BotShown("alice"), []string{"一个"}, []string{"还有", "[更多]"})
	var failed *bot.SendError
	for _, m := range []bot.Message{{Text: "third", ReplyTo: "msg:m1"}, {Text: "news"}, {Text: "x", ReplyTo: "msg:other"}} {
		if _, err := h.bot.Send(t.Context(), h.to, m); !errors.As(err, &failed) || !failed.Permanent || !strings.Contains(err.Error(), "mode connection") {
			t.Errorf("%+v", err)
		}
	}
	if _, err := h.bot.Upload(t.Context(), h.to, "f", []byte("content")); !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("%+v", err)
	}
	h.wellDone()
}

func TestLivingCardOfACalledBot(t *testing.T) {
	h := openCalledBot(t)
	clock := newClock()
	h.bot.Clock(clock.now)
	h.fake.Clock(clock.now)
	h.called("alice", "chat-1", "m1", "@x cluster create")
	h.to.Room = "chat-1"
	first := livingCard(1)
	first.ReplyTo = "msg:m1"
	ref := h.send(first)
	h.poll(1)
	wantShown(t, h.fake.BotShown("chat-1"), []string{"第1步", "[刷新]"})
	// Another replica is asked for the next state.
	cfg := botConfig(h.fake)
	cfg.Mode = wecom.ModeCallback
	two := newBot(t, cfg, h.mem, "two")
	two.Clock(clock.now)
	if err := two.Update(t.Context(), ref, livingCard(2)); err != nil {
		t.Fatal(err)
	}
	h.poll(1)
	wantShown(t, h.fake.BotShown("chat-1"), []string{"第2步"})
	clock.add(5*time.Minute + 40*time.Second)
	h.poll(0)
	wantShown(t, h.fake.BotShown("chat-1"), []string{"六分钟"})
	if err := h.bot.Update(t.Context(), ref, livingCard(5)); err != nil {
		t.Fatal(err)
	}
	if err := h.fake.CallBotPress(t.Context(), "alice", "chat-1", "刷新", nil); err != nil {
		t.Fatal(err)
	}
	wantShown(t, h.fake.BotShown("chat-1"), []string{"第5步"})
	if err := h.bot.Update(t.Context(), ref, finalCard()); err != nil {
		t.Fatal(err)
	}
	wantShown(t, h.fake.BotShown("chat-1"), []string{"六分钟"}, []string{"9/9"})
	h.wellDone()
}

func TestCalledBotPressesFormsAndGreetings(t *testing.T) {
	h := openCalledBot(t)
	h.called("alice", "", "m1", "cluster create")
	m := choiceForm()
	m.ReplyTo = "msg:m1"
	h.send(m)
	h.poll(0)
	if err := h.fake.CallBotPress(t.Context(), "alice", "", "创建", map[string]string{"部署计划": "ha-3az"}); err != nil {
		t.Fatal(err)
	}
	got := h.inbox.all()
	if len(got) != 2 || got[1].Press == "" || got[1].Values["plan"] != "ha-3az" || !strings.HasPrefix(got[1].ID, "evt:") {
		t.Errorf("%+v", got)
	}
	answer, err := h.fake.CallBot(t.Context(), `{"msgid":"e1","aibotid":"x","chattype":"single","from":{"userid":"bob"},"msgtype":"event","event":{"eventtype":"enter_chat"}}`)
	if err != nil || !strings.Contains(answer, "您好") {
		t.Errorf("%q %v", answer, err)
	}
	if answer, err := h.fake.CallBot(t.Context(), `{"msgid":"e2","msgtype":"event","event":{"eventtype":"feedback_event"}}`); err != nil || answer != "" {
		t.Errorf("%q %v", answer, err)
	}
	h.wellDone()
}

func TestForgedCallsOfABot(t *testing.T) {
	h := openCalledBot(t)
	plain := `{"msgid":"m1","chattype":"single","from":{"userid":"alice"},"msgtype":"text","text":{"content":"help"}}`
	status := func(e fakewecom.Envelope) int {
		a, err := h.fake.Post(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		return a.Status
	}
	e := h.fake.SealBot(plain)
	e.Signature = strings.Repeat("a", 40)
	if s := status(e); s != http.StatusForbidden {
		t.Errorf("a forged signature: %d", s)
	}
	h.fake.Skew(-10 * time.Minute)
	if s := status(h.fake.SealBot(plain)); s != http.StatusForbidden {
		t.Errorf("a clock that is off: %d", s)
	}
	h.fake.Skew(0)
	if len(h.inbox.all()) != 0 {
		t.Error("work was done")
	}
	e = h.fake.SealBot(plain)
	if one, two := status(e), status(e); one != http.StatusOK || two != http.StatusConflict {
		t.Errorf("once %d, again %d", one, two)
	}
	h.inbox.set(errors.New("database is locked"))
	if s := status(h.fake.SealBot(strings.ReplaceAll(plain, "m1", "m2"))); s != http.StatusInternalServerError {
		t.Errorf("not persisted: %d", s)
	}
	h.mem.Fail(errors.New("the database is locked"))
	h.inbox.set(nil)
	if s := status(h.fake.SealBot(strings.ReplaceAll(plain, "m1", "m3"))); s != http.StatusInternalServerError {
		t.Errorf("the vault is down: %d", s)
	}
	h.stop()
	if s := status(h.fake.SealBot(plain)); s != http.StatusServiceUnavailable {
		t.Errorf("stopped: %d", s)
	}
}
