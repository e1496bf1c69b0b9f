package slack_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
)

func sendError(t *testing.T, err error) *bot.SendError {
	t.Helper()
	var failed *bot.SendError
	if !errors.As(err, &failed) {
		t.Fatalf("no *bot.SendError: %v", err)
	}
	return failed
}

// TestRetryAfterIsHonoured: the error says how long, and until then that room's
// messages are not even tried, while others are.
func TestRetryAfterIsHonoured(t *testing.T) {
	o := newOffice(t, "socket")
	now := time.Now()
	o.slack.SetNow(func() time.Time { return now })
	o.fake.AddRoom("C2", true)
	o.fake.Storm(1, 7*time.Second)
	_, err := o.slack.Send(t.Context(), o.room(), bot.Message{Text: "one"})
	if failed := sendError(t, err); failed.Permanent || failed.RetryAfter != 7*time.Second {
		t.Errorf("%+v", failed)
	}
	now = now.Add(4 * time.Second)
	_, err = o.slack.Send(t.Context(), o.room(), bot.Message{Text: "one"})
	if failed := sendError(t, err); failed.RetryAfter != 3*time.Second {
		t.Errorf("%+v", failed)
	}
	if n := o.fake.Calls("chat.postMessage"); n != 1 {
		t.Errorf("%d calls though Slack wanted to hear nothing", n)
	}
	_, err = o.slack.Send(t.Context(), bot.Address{Account: "slack:ops", Room: "C2"}, bot.Message{Text: "other"})
	must(t, err)
	now = now.Add(3 * time.Second)
	o.send(bot.Message{Text: "one"})
}

// TestEditsWaitInAllRooms: chat.update's limit is one of the workspace. Until its
// end no room asks for edits again, while new messages go on.
func TestEditsWaitInAllRooms(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.AddRoom("C2", true)
	other := bot.Address{Account: "slack:ops", Room: "C2"}
	first := o.send(bot.Message{Text: "one"})
	second, err := o.slack.Send(t.Context(), other, bot.Message{Text: "two"})
	must(t, err)
	o.fake.Only("chat.update")
	o.fake.Storm(1, 30*time.Second)
	if failed := sendError(t, o.slack.Update(t.Context(), first, bot.Message{Text: "one more"})); failed.RetryAfter != 30*time.Second || failed.Account {
		t.Errorf("%+v", failed)
	}
	if failed := sendError(t, o.slack.Update(t.Context(), second, bot.Message{Text: "two more"})); failed.RetryAfter < 20*time.Second || failed.Account {
		t.Errorf("%+v", failed)
	}
	if n := o.fake.Calls("chat.update"); n != 1 {
		t.Errorf("%d calls though Slack wanted to hear nothing", n)
	}
	o.send(bot.Message{Text: "three"})
}

// TestRatesOfARoom: the fake enforces Slack's one message a second, and what we
// are told fits what it does.
func TestRatesOfARoom(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.Rate("chat.postMessage", 60, 1)
	o.send(bot.Message{Text: "one"})
	_, err := o.slack.Send(t.Context(), o.room(), bot.Message{Text: "two"})
	if failed := sendError(t, err); failed.RetryAfter != time.Second || o.fake.Limited() != 1 {
		t.Errorf("%+v, %d limited", failed, o.fake.Limited())
	}
}

func TestWhatMayBeTriedAgain(t *testing.T) {
	o := newOffice(t, "socket")
	for name, c := range map[string]struct {
		fault     func()
		permanent bool
		wait      time.Duration
	}{
		"a room that is gone":      {func() { o.fake.Fail(1, "is_archived") }, true, 0},
		"a token that is revoked":  {func() { o.fake.Fail(1, "token_revoked") }, false, time.Minute},
		"a fault of Slack's":       {func() { o.fake.Fail(1, "internal_error") }, false, 0},
		"a code that is new to us": {func() { o.fake.Fail(1, "mercury_retrograde") }, false, 0},
		"HTTP 503":                 {func() { o.fake.Status(1, 503) }, false, 0},
		"HTTP 302":                 {func() { o.fake.Status(1, 302) }, false, 0},
		"half an answer":           {func() { o.fake.Garbage(1) }, false, 0},
		"an empty answer":          {func() { o.fake.Empty(1) }, false, 0},
	} {
		c.fault()
		_, err := o.slack.Send(t.Context(), o.room(), bot.Message{Text: name})
		if failed := sendError(t, err); failed.Permanent != c.permanent || failed.RetryAfter != c.wait || failed.Account != (name == "a token that is revoked") {
			t.Errorf("%s: %+v", name, failed)
		}
	}
}

func TestAMissingScopeIsNamed(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.Revoke("chat:write")
	_, err := o.slack.Send(t.Context(), o.room(), bot.Message{Text: "x"})
	if failed := sendError(t, err); failed.Permanent || !strings.Contains(err.Error(), "needs the scope chat:write") {
		t.Errorf("%+v", failed)
	}
}

func TestASlowSlackDoesNotHoldUs(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.Slow(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := o.slack.Send(ctx, o.room(), bot.Message{Text: "x"})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestLongOutputGoesAlongAsAFile(t *testing.T) {
	o := newOffice(t, "socket")
	var log strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&log, "line %d of the log 日志\n", i)
	}
	to := o.room()
	to.Thread = "1700000000.000001"
	_, err := o.slack.Send(t.Context(), to, bot.Message{Title: "Log", Code: &bot.Code{Text: log.String(), Filename: "op-1.log"}})
	must(t, err)
	files := o.fake.Files(fakeslack.Room)
	if len(files) != 1 || string(files[0].Content) != log.String() || files[0].Name != "op-1.log" || files[0].Thread != to.Thread {
		t.Errorf("%d files", len(files))
	}
	if shown := o.fake.Shown(fakeslack.Room); len(shown) != 1 || !strings.Contains(shown[0], "line 2999") {
		t.Errorf("%.200q", shown)
	}
}

func TestAPictureIsAFile(t *testing.T) {
	o := newOffice(t, "socket")
	ref := o.send(bot.Message{Text: "load", Image: &bot.Image{Name: "load.png", Alt: "Load of a week", PNG: []byte("\x89PNG")}})
	must(t, o.slack.Update(t.Context(), ref, bot.Message{Text: "load", Image: &bot.Image{Name: "load.png", Alt: "Load of a week", PNG: []byte("\x89PNG")}}))
	if files := o.fake.Files(fakeslack.Room); len(files) != 1 || files[0].Name != "load.png" {
		t.Errorf("%+v", files)
	}
	if shown := o.fake.Shown(fakeslack.Room); !strings.Contains(shown[0], "Load of a week") {
		t.Errorf("%q", shown)
	}
}

// TestAFileThatIsLostIsNamed: the message is not sent again for it.
func TestAFileThatIsLostIsNamed(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.Only("upload")
	o.fake.Status(1, 500)
	o.send(bot.Message{Text: "load", Footer: "next", Image: &bot.Image{Name: "load.png", Alt: "Load", PNG: []byte("\x89PNG")}})
	if shown := o.fake.Shown(fakeslack.Room); len(shown) != 1 || !strings.Contains(shown[0], "could not be sent: load.png") || !strings.Contains(shown[0], "next") {
		t.Errorf("%q", shown)
	}
}

func TestUploadOfOddNames(t *testing.T) {
	o := newOffice(t, "socket")
	for name, content := range map[string]string{"../../etc/passwd": "x", `C:\x\日志.txt`: "y", "": "z", "empty.txt": ""} {
		if _, err := o.slack.Upload(t.Context(), o.room(), name, []byte(content)); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, f := range o.fake.Files(fakeslack.Room) {
		if strings.ContainsAny(f.Name, `/\`) || f.Name == "" {
			t.Errorf("%q", f.Name)
		}
	}
}

func TestACardIsEditedInPlace(t *testing.T) {
	o := newOffice(t, "socket")
	card := func(done int) bot.Message {
		return bot.Message{Title: "op-1", Operation: "op-1", Progress: &bot.Progress{Done: done, Total: 3}, Actions: []bot.Action{{ID: "stop", Label: "Stop", Command: "op stop op-1"}}}
	}
	ref := o.send(card(0))
	for i := range 3 {
		must(t, o.slack.Update(t.Context(), ref, card(i+1)))
	}
	m := o.fake.Messages(fakeslack.Room)
	if len(m) != 1 || m[0].Edits != 3 || !strings.Contains(m[0].Shown(), "3/3") || o.memory.Buttons() != 1 {
		t.Errorf("%+v, %d buttons", m, o.memory.Buttons())
	}
}

func TestAButtonStoreThatFailsFailsTheMessage(t *testing.T) {
	o := newOffice(t, "socket")
	o.memory.Fail(errors.New("database is locked"))
	_, err := o.slack.Send(t.Context(), o.room(), bot.Message{Text: "x", Actions: []bot.Action{{ID: "a", Label: "A", Command: "help"}}})
	if failed := sendError(t, err); failed.Permanent || len(o.fake.Shown(fakeslack.Room)) != 0 {
		t.Errorf("%+v", failed)
	}
}

func TestBrokenAnswersLeakNothing(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.Break()
	_, err := o.slack.OpenDM(t.Context(), alice)
	_, perr := o.slack.Person(t.Context(), alice)
	for _, e := range []error{err, perr} {
		if e == nil {
			t.Error("no error")
		}
		bottest.AssertNoSecret(t, fmt.Sprintf("%v %+v %#v", e, e, errors.Unwrap(e)), o.fake.Secrets()...)
	}
	for _, f := range o.slack.Check(t.Context()) {
		bottest.AssertNoSecret(t, fmt.Sprintf("%+v", f), o.fake.Secrets()...)
	}
}
