package wecom_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/bot/wecom"
)

func TestWhatAnAIBotReceives(t *testing.T) {
	h := openBot(t)
	h.say("alice", "", "m1", " 集群 列表 ")
	h.say("alice", "", "m1", " 集群 列表 ") // a redelivery
	h.say("bob", "chat-1", "m2", "@舵手 Bot cluster list")
	h.say("bob", "chat-1", "m3", "@another\u2005help")
	h.say("bob", "chat-1", "m4", "@舵手 Bot ")
	if err := h.fake.RawFrame(`{"cmd":"aibot_msg_callback","headers":{"req_id":"r"},"body":` + "{\"msgid\":\"m5\",\"chattype\":\"single\",\"from\":{\"userid\":\"carol\"},\"msgtype\":\"voice\",\"voice\":{\"content\":\"hel\x01p\"}}}"); err != nil {
		t.Fatal(err)
	}
	who := "wecom:" + h.fake.CorpID + "/"
	got := map[string]bot.Inbound{}
	for _, in := range h.inbox.wait(t, 4) {
		got[in.ID] = in
	}
	one := got["msg:m1"]
	if one.Text != "集群 列表" || one.From != h.to || one.Identity != who+"alice" || !one.Direct || !one.Private || !one.Interactive {
		t.Errorf("%+v", one)
	}
	if in := got["msg:m2"]; in.Text != "cluster list" || in.From.Room != "chat-1" || in.Private || !in.Direct {
		t.Errorf("%+v", in)
	}
	if got["msg:m3"].Text != "help" || got["msg:m5"].Text != "help" || len(got) != 4 {
		t.Errorf("%+v", got)
	}
}

func TestAIBotAnswersByStream(t *testing.T) {
	h := openBot(t)
	h.say("alice", "", "m1", "cluster list")
	h.inbox.wait(t, 1)
	h.send(bot.Message{Title: "集群", ReplyTo: "msg:m1", Table: &bot.Table{Columns: []string{"名称", "状态"}, Rows: [][]string{{"prod-1", "运行中"}}}})
	h.send(bot.Message{Text: "还有一句", ReplyTo: "msg:m1"}) // the message has its answer
	wantShown(t, h.fake.BotShown("alice"), []string{"| prod-1 | 运行中 |"}, []string{"还有一句"})
	if h.fake.Calls("aibot_respond_msg") != 1 || h.fake.Calls("aibot_send_msg") != 1 {
		t.Errorf("%d answers, %d messages", h.fake.Calls("aibot_respond_msg"), h.fake.Calls("aibot_send_msg"))
	}
	h.wellDone()
}

func (h *botHouse) wellDone() {
	h.Helper()
	if wrong := h.fake.Violations(); len(wrong) > 0 {
		h.Errorf("%q", wrong)
	}
}

func TestLivingCardOfAnAIBot(t *testing.T) {
	h := openBot(t)
	h.say("alice", "", "m1", "cluster create")
	h.inbox.wait(t, 1)
	first := livingCard(1)
	first.ReplyTo = "msg:m1"
	ref := h.send(first)
	for i := 2; i < 6; i++ {
		if err := h.bot.Update(t.Context(), ref, livingCard(i)); err != nil {
			t.Fatal(err)
		}
		wantShown(t, h.fake.BotShown("alice"), []string{fmt.Sprint("第", i, "步"), "[停止]", "[刷新]"})
	}
	if err := h.fake.BotPress("alice", "", "刷新", nil); err != nil {
		t.Fatal(err)
	}
	if !h.fake.Wait(time.Minute, func() bool { return h.fake.Calls("aibot_respond_update_msg") == 1 }) {
		t.Error("not refreshed")
	}
	if err := h.bot.Update(t.Context(), ref, finalCard()); err != nil {
		t.Fatal(err)
	}
	wantShown(t, h.fake.BotShown("alice"), []string{"✅", "9/9"})
	if !h.fake.Messages()[0].Finished {
		t.Error("the stream was not finished")
	}
	h.wellDone()
}

// After six minutes a stream cannot be changed: it is finished in time, and the
// end is a new message.
func TestLivingCardThatOutlivesItsStream(t *testing.T) {
	clock := newClock()
	h := openBot(t, func(b *wecom.AIBot) { b.Clock(clock.now) })
	h.fake.Clock(clock.now)
	h.say("alice", "", "m1", "cluster create")
	h.inbox.wait(t, 1)
	first := livingCard(1)
	first.ReplyTo = "msg:m1"
	ref := h.send(first)
	clock.add(5*time.Minute + 40*time.Second)
	if !h.fake.Wait(time.Minute, func() bool { return h.fake.Messages()[0].Finished }) {
		t.Fatal("the stream was not finished in time")
	}
	wantShown(t, h.fake.BotShown("alice"), []string{"第1步", "六分钟"})
	if err := h.bot.Update(t.Context(), ref, livingCard(5)); err != nil {
		t.Fatal(err)
	}
	if len(h.fake.BotShown("alice")) != 1 {
		t.Error("a state in between was sent as a message")
	}
	if err := h.fake.BotPress("alice", "", "刷新", nil); err != nil {
		t.Fatal(err)
	}
	if !h.fake.Wait(time.Minute, func() bool { return strings.Contains(h.fake.BotShown("alice")[0], "第5步") }) {
		t.Error("the card does not show how it stands")
	}
	if err := h.bot.Update(t.Context(), ref, finalCard()); err != nil {
		t.Fatal(err)
	}
	wantShown(t, h.fake.BotShown("alice"), []string{"[停止]"}, []string{"9/9"})
	h.wellDone()
}

func TestAIBotButtonsAndForms(t *testing.T) {
	h := openBot(t)
	h.to.Room = "chat-1"
	h.say("alice", "chat-1", "m1", "@x cluster create")
	h.inbox.wait(t, 1)
	m := choiceForm()
	m.ReplyTo, m.For = "msg:m1", "wecom:"+h.fake.CorpID+"/alice"
	h.send(m)
	wantShown(t, h.fake.BotShown("chat-1"), []string{"部署计划: (single) (ha-3az)", "[创建]"})
	if err := h.fake.BotPress("alice", "chat-1", "创建", map[string]string{"部署计划": "ha-3az"}); err != nil {
		t.Fatal(err)
	}
	in := h.inbox.wait(t, 2)[1]
	if in.Press == "" || in.Text != "cluster create prod-1" || in.Values["plan"] != "ha-3az" || in.From.Room != "chat-1" || in.Private {
		t.Errorf("%+v", in)
	}
	h.send(bot.Message{Title: "确认", For: m.For, Actions: []bot.Action{{ID: "y", Label: "好", Command: "yes"}}})
	if err := h.fake.BotPress("bob", "chat-1", "好", nil); err != nil { // whether Bob may, the router decides
		t.Fatal(err)
	}
	if in := h.inbox.wait(t, 3)[2]; in.Press == "" || in.Text != "" || !strings.HasSuffix(in.Identity, "/bob") {
		t.Errorf("%+v", in)
	}
	if !h.fake.Wait(time.Minute, func() bool { return h.fake.Calls("aibot_respond_update_msg") == 2 }) {
		t.Error("a pressed card was not drawn again")
	}
	h.wellDone()
}

func TestAIBotGreetsAndMentions(t *testing.T) {
	h := openBot(t)
	if err := h.fake.BotEnter("alice"); err != nil {
		t.Fatal(err)
	}
	if !h.fake.Wait(time.Minute, func() bool { return len(h.fake.BotShown("alice")) == 1 }) {
		t.Fatal("not greeted")
	}
	h.say("alice", "chat-1", "m1", "@x kubeconfig")
	h.inbox.wait(t, 1)
	room := bot.Address{Account: h.to.Account, Room: "chat-1"}
	if _, err := h.bot.Send(t.Context(), room, bot.Message{Text: "apiVersion: v1", Private: true, ReplyTo: "msg:m1", For: "wecom:" + h.fake.CorpID + "/alice"}); err != nil {
		t.Fatal(err)
	}
	wantShown(t, h.fake.BotShown("alice"), []string{"您好"}, []string{"apiVersion"})
	wantShown(t, h.fake.BotShown("chat-1"), []string{"<@alice>", "单聊"})
}

func TestAIBotUploads(t *testing.T) {
	h := openBot(t)
	big := strings.Repeat("0123456789abcdef", 100_000) // three chunks
	if _, err := h.bot.Upload(t.Context(), h.to, "big.log", []byte(big)); err != nil {
		t.Fatal(err)
	}
	h.send(bot.Message{Title: "容量", Image: &bot.Image{Name: "chart.png", Alt: "图", PNG: []byte("\x89PNG\r\n\x1a\nxxxx")}, Code: &bot.Code{Text: big, Filename: "long.txt"}})
	files := h.fake.Files("alice")
	if len(files) != 3 || files[0] != "big.log: "+big || !strings.HasPrefix(files[1], "chart.png") || files[2] != "long.txt: "+big {
		t.Errorf("%d files", len(files))
	}
	h.wellDone()
}

// What cannot be persisted is said: this platform does not deliver it again.
func TestAIBotSaysWhatItCouldNotAccept(t *testing.T) {
	h := openBot(t)
	h.inbox.set(errors.New("database is locked"))
	h.say("alice", "", "m1", "cluster delete prod")
	if !h.fake.Wait(time.Minute, func() bool { return len(h.fake.BotShown("alice")) == 1 }) {
		t.Fatal("nothing was said")
	}
	wantShown(t, h.fake.BotShown("alice"), []string{"没有执行任何操作"})
	h.inbox.set(nil)
	h.say("alice", "", "m1", "cluster delete prod")
	h.inbox.wait(t, 1)
}

func TestAIBotErrors(t *testing.T) {
	h := openBot(t)
	for code, permanent := range map[int]bool{846607: false, -1: false, 45009: false, 86003: true} {
		h.fake.Storm(code, 1)
		_, err := h.bot.Send(t.Context(), h.to, bot.Message{Text: "x"})
		var failed *bot.SendError
		if !errors.As(err, &failed) || failed.Permanent != permanent || failed.Account != (code == 45009) {
			t.Errorf("%d: %+v", code, err)
		}
	}
	// The answer is tried again on the same message, or sent as one of its own.
	h.say("alice", "", "m1", "help")
	h.inbox.wait(t, 1)
	h.fake.Storm(-1, 1)
	if _, err := h.bot.Send(t.Context(), h.to, bot.Message{Text: "again", ReplyTo: "msg:m1"}); err == nil {
		t.Error("sent in a storm")
	}
	h.send(bot.Message{Text: "again", ReplyTo: "msg:m1"})
	h.say("alice", "", "m2", "help")
	h.inbox.wait(t, 2)
	h.fake.Storm(846605, 1)
	h.send(bot.Message{Text: "by itself", ReplyTo: "msg:m2"})
	wantShown(t, h.fake.BotShown("alice"), []string{"again"}, []string{"by itself"})
	if h.fake.Messages()[0].Kind != "stream" || h.fake.Messages()[1].Kind != "markdown" {
		t.Error("wrong ways")
	}
	// 30 a minute are the platform's limit: the errcode is handed on.
	var failed *bot.SendError
	for range 40 {
		if _, err := h.bot.Send(t.Context(), h.to, bot.Message{Text: "x"}); err != nil {
			if !errors.As(err, &failed) || failed.RetryAfter < 10*time.Second {
				t.Errorf("%+v", err)
			}
			return
		}
	}
	t.Error("no limit was met")
}

// Only one frame of a req_id is under way: living cards of one answer wait.
func TestOneAnswerAtATime(t *testing.T) {
	h := openBot(t)
	h.say("alice", "", "m1", "cluster create")
	h.inbox.wait(t, 1)
	first := livingCard(1)
	first.ReplyTo = "msg:m1"
	ref := h.send(first)
	h.fake.Slow()
	done := make(chan error, 5)
	for i := range 5 {
		go func() { done <- h.bot.Update(t.Context(), ref, livingCard(i)) }()
	}
	if !h.fake.Wait(time.Minute, func() bool { return h.fake.Calls("aibot_respond_msg") == 2 }) {
		t.Error("no update is under way")
	}
	h.fake.Unslow()
	for range 5 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	h.wellDone()
}

func TestAIBotCheck(t *testing.T) {
	h := openBot(t)
	wantFindings(t, h.mem, h.bot.Check(t.Context()), "wecom.check.connected")
	h.stop()
	before := h.fake.Connections()
	wantFindings(t, h.mem, h.bot.Check(t.Context()), "wecom.check.gateway.ok")
	if h.fake.Connections() != before {
		t.Error("the check took the connection")
	}
	cfg := botConfig(h.fake)
	cfg.Gateway = "http://127.0.0.1:1"
	wantFindings(t, h.mem, newBot(t, cfg, h.mem, "x").Check(t.Context()), "wecom.check.gateway")
	cfg.Mode = wecom.ModeCallback
	wantFindings(t, h.mem, newBot(t, cfg, h.mem, "x").Check(t.Context()), "wecom.check.callback")
}

func TestSecretsOfAnAIBot(t *testing.T) {
	f := fakewecom.New(t)
	b := newBot(t, botConfig(f), &bottest.Shelf{}, "one")
	_, err := b.Send(t.Context(), bot.Address{Account: "wecom-aibot:ops", Room: "user:alice"}, bot.Message{Text: "x"})
	var failed *bot.SendError
	if !errors.As(err, &failed) || failed.Permanent || failed.RetryAfter == 0 || b.Holds() {
		t.Errorf("without a connection: %+v", err)
	}
	bottest.AssertNoSecret(t, fmt.Sprintf("%v %+v", err, err), f.BotSecret)
}
