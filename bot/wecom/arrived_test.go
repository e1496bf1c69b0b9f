package wecom_test

import (
	"errors"
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

// wholeMessage is one of every part: words, a picture, a file of what does not fit,
// and a card to press.
func wholeMessage() bot.Message {
	return bot.Message{Title: "日志", ReplyTo: "msg:1", Code: &bot.Code{Text: strings.Repeat("一行日志 line of a log\n", 1500), Filename: "kubelet.log"},
		Image: &bot.Image{Name: "chart.png", Alt: "图", PNG: []byte("\x89PNG\r\n\x1a\nxxxx")}, Actions: []bot.Action{{ID: "a", Label: "更多", Command: "logs"}}}
}

// wholeParts are its parts as they are read, in that order.
func wholeParts() [][]string {
	return [][]string{{"日志", "…"}, {"(image chart.png)"}, {"(file kubelet.log)"}, {"[更多]"}}
}

// side is an application or an AI bot under test.
type side struct {
	bot.Platform
	fake   *fakewecom.Fake
	to     bot.Address
	upload string // the call that begins an upload
	shown  func() []string
	// again is the account in a process that was started anew.
	again func(t *testing.T) bot.Platform
}

func appSide(t *testing.T) side {
	h := openApp(t)
	return side{Platform: h.app, fake: h.fake, to: h.to, upload: "media/upload", shown: func() []string { return h.fake.Shown("alice") },
		again: func(t *testing.T) bot.Platform { return newApp(t, h.fake, h.mem, "zh") }}
}

func botSide(t *testing.T) side {
	h := openBot(t)
	return side{Platform: h.bot, fake: h.fake, to: h.to, upload: "aibot_upload_media_init", shown: func() []string { return h.fake.BotShown("alice") },
		again: func(t *testing.T) bot.Platform {
			h.stop()
			h.bot = newBot(t, botConfig(h.fake), h.mem, "two")
			h.stop = running(t, h.bot, h.inbox.handle)
			h.connected()
			return h.bot
		}}
}

// onBothSides runs a test for an application and for an AI bot.
func onBothSides(t *testing.T, test func(t *testing.T, s side)) {
	t.Run("application", func(t *testing.T) { test(t, appSide(t)) })
	t.Run("AI bot", func(t *testing.T) { test(t, botSide(t)) })
}

// fails sends m, which the platform does not take.
func (s side) fails(t *testing.T, p bot.Platform, m bot.Message) *bot.SendError {
	t.Helper()
	var failed *bot.SendError
	if _, err := p.Send(t.Context(), s.to, m); !errors.As(err, &failed) {
		t.Fatalf("%v", err)
	}
	return failed
}

func (s side) sends(t *testing.T, p bot.Platform, m bot.Message) {
	t.Helper()
	if _, err := p.Send(t.Context(), s.to, m); err != nil {
		t.Fatal(err)
	}
}

// When the card is refused, the words, picture and file before it are not sent
// again with it, neither by this process nor by the next.
func TestOnlyWhatHasNotArrivedIsSentAgain(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		s.fake.StormOf("template_card", 45009, 3)
		for range 2 {
			if failed := s.fails(t, s, wholeMessage()); failed.RetryAfter == 0 {
				t.Errorf("%+v", failed)
			}
		}
		next := s.again(t)
		s.fails(t, next, wholeMessage())
		wantShown(t, s.shown(), wholeParts()[:3]...)
		s.sends(t, next, wholeMessage())
		wantShown(t, s.shown(), wholeParts()...)

		s.sends(t, next, wholeMessage()) // another one with the same words
		wantShown(t, s.shown(), slices.Concat(wholeParts(), wholeParts())...)
		if wrong := s.fake.Violations(); len(wrong) > 0 {
			t.Errorf("%q", wrong)
		}
	})
}

// A card that is refused for good is not waited for.
func TestACardThatIsNeverTaken(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		s.fake.StormOf("template_card", 48002, 1)
		if failed := s.fails(t, s, wholeMessage()); !failed.Permanent {
			t.Errorf("%+v", failed)
		}
		s.sends(t, s, wholeMessage())
		wantShown(t, s.shown(), slices.Concat(wholeParts()[:3], wholeParts())...)
	})
}

// What the platform puts off is put off whole: nothing is shown before it.
func TestAnUploadThatIsPutOff(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		s.fake.StormOf(s.upload, 45009, 1)
		if failed := s.fails(t, s, wholeMessage()); failed.RetryAfter == 0 {
			t.Errorf("%+v", failed)
		}
		wantShown(t, s.shown())
		s.sends(t, s, wholeMessage())
		wantShown(t, s.shown(), wholeParts()...)
	})
}

// A file that does not arrive is named, in the language of its message: what was
// cut would else be nowhere.
func TestMissingFilesAreNamed(t *testing.T) {
	parts := wholeParts()
	said := func(files string) []string { return []string{"⚠️", "未能发送：" + files} }
	onBothSides(t, func(t *testing.T, s side) {
		s.fake.StormOf(s.upload, 48002, 2)
		s.sends(t, s, wholeMessage())
		want := [][]string{parts[0], parts[3], said("chart.png, kubelet.log")}
		wantShown(t, s.shown(), want...)

		s.fake.StormOf("file", 40007, 1) // uploaded, and not taken
		s.sends(t, s, wholeMessage())
		want = append(want, parts[0], parts[1], parts[3], said("kubelet.log"))
		wantShown(t, s.shown(), want...)

		english := bot.Message{Title: "Logs", Code: wholeMessage().Code, Footer: "Next: logs"}
		s.fake.StormOf(s.upload, 48002, 1)
		s.sends(t, s, english)
		wantShown(t, s.shown(), append(want, []string{"Logs"}, []string{"could not be sent: kubelet.log"})...)
	})
}

// It is told also when the card was refused meanwhile.
func TestMissingFilesAreNamedAfterARetry(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		s.fake.StormOf("file", 40007, 1)
		m := wholeMessage()
		s.fake.StormOf("template_card", 45009, 1)
		s.fails(t, s, m)
		s.sends(t, s, m)
		parts := wholeParts()
		wantShown(t, s.shown(), parts[0], parts[1], parts[3], []string{"kubelet.log"})
	})
}

// A card that cannot be drawn keeps everything back.
func TestTheCardIsDrawnFirst(t *testing.T) {
	f := fakewecom.New(t)
	broken := &bottest.Shelf{}
	broken.Fail(errors.New("database is locked"))
	sh := shared(t, &bottest.Shelf{}, "one", "zh")
	sh.Buttons = bot.NewButtons(broken, []byte("0123456789abcdef0123456789abcdef"), time.Now)
	a, err := wecom.NewApp(appConfig(f), sh, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := side{fake: f, to: bot.Address{Account: "wecom:ops", Room: "user:alice"}}
	s.fails(t, a, wholeMessage())
	wantShown(t, f.Shown("alice"))
}

// The final state of a card in a stream has its files, or says that it has not.
func TestMissingFilesOfAStream(t *testing.T) {
	h := openBot(t)
	h.say("alice", "", "m1", "集群 创建")
	h.inbox.wait(t, 1)
	first := livingCard(1)
	first.ReplyTo = "msg:m1"
	ref := h.send(first)
	end := finalCard()
	end.Code = wholeMessage().Code
	h.fake.StormOf("aibot_upload_media_init", 48002, 1)
	if err := h.bot.Update(t.Context(), ref, end); err != nil {
		t.Fatal(err)
	}
	wantShown(t, h.fake.BotShown("alice"), []string{"9/9", "…"}, []string{"未能发送：kubelet.log"})
}

// A bot that is called by HTTP can send no files, and says so.
func TestNoFilesByCallback(t *testing.T) {
	h := openCalledBot(t)
	h.called("alice", "", "m1", "日志")
	h.send(bot.Message{Title: "日志", ReplyTo: "msg:m1", Code: wholeMessage().Code})
	h.poll(0)
	wantShown(t, h.fake.BotShown("alice"), []string{"日志", "…", "无法发送 kubelet.log"})
	h.called("alice", "", "m2", "日志")
	h.send(bot.Message{Title: "日志", ReplyTo: "msg:m2", Code: &bot.Code{Text: "一行", Filename: "kubelet.log"}})
	h.poll(0)
	if shown := h.fake.BotShown("alice"); len(shown) != 2 || strings.Contains(shown[1], "kubelet.log") {
		t.Errorf("%q", shown)
	}
	h.wellDone()
}
