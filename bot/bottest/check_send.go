package bottest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
)

func checkReply(t *testing.T, s Subject, d *desk) {
	in := d.hears(t, s, "inbound-1", "cluster list")
	for _, text := range []string{"answer-one", "answer-two"} { // a second one, too: progress, a file's name
		send(t, s, in.From, bot.Message{Text: text, For: in.Identity, ReplyTo: in.ID})
	}
	shown := s.Shown()
	if len(shown) != 2 || !strings.Contains(shown[0], "answer-one") || !strings.Contains(shown[1], "answer-two") {
		t.Errorf("%q", shown)
	}
}

func checkThread(t *testing.T, s Subject, d *desk) {
	need(t, s, Threads)
	thread := ""
	again(t, "the word in a thread", func(ctx context.Context) (err error) {
		thread, err = s.SayIn(ctx, "inbound-1", "cluster list")
		return err
	})
	in := d.next(t, 0, "the word in a thread")
	if thread == "" || in.From.Thread != thread || in.From.Room != s.To.Room {
		t.Errorf("said in %q, comes from %+v", thread, in.From)
	}
	send(t, s, in.From, bot.Message{Text: "answer-here", For: in.Identity, ReplyTo: in.ID})
	send(t, s, s.To, bot.Message{Text: "news-for-all"})
	if shown := strings.Join(s.ShownIn(thread), "\n"); !strings.Contains(shown, "answer-here") || strings.Contains(shown, "news-for-all") {
		t.Errorf("the thread reads %q", shown)
	}
}

func checkOrder(t *testing.T, s Subject, _ *desk) {
	ids := map[string]bool{}
	for i := range 5 {
		ids[send(t, s, s.To, bot.Message{Text: fmt.Sprintf("message-%d", i)}).ID] = true
	}
	shown := s.Shown()
	if len(shown) != 5 || len(ids) != 5 {
		t.Fatalf("%d messages with %d ids of 5: %q", len(shown), len(ids), shown)
	}
	for i, text := range shown {
		if !strings.Contains(text, fmt.Sprintf("message-%d", i)) {
			t.Errorf("place %d: %q", i, text)
		}
	}
}

func checkEdits(t *testing.T, s Subject, _ *desk) {
	need(t, s, Updates, Edits)
	u := s.Platform.(bot.Updater)
	first := send(t, s, s.To, bot.Message{Text: "first-state"})
	send(t, s, s.To, bot.Message{Text: "bystander"})
	for _, state := range []string{"second-state", "third-state"} {
		if err := u.Update(t.Context(), first, bot.Message{Text: state}); err != nil {
			t.Fatalf("Update: %v", err)
		}
	}
	shown := s.Shown()
	if len(shown) != 2 || !strings.Contains(shown[0], "third-state") || strings.Contains(shown[0], "first") || !strings.Contains(shown[1], "bystander") {
		t.Errorf("%q", shown)
	}
}

// card is a state of a living card.
func card(done int) bot.Message {
	m := bot.Message{Title: "Create demo", Operation: "op-7", Progress: &bot.Progress{Done: done, Total: 3,
		Items: []bot.ProgressItem{{State: "running", Text: fmt.Sprintf("stage-%d", done), Note: "h1"}}}}
	if done == 3 {
		m.Final, m.Succeeded, m.Severity, m.Title, m.Progress = true, true, bot.Success, "demo is ready", nil
	}
	return m
}

// checkCard: whatever a platform makes of the states between, the last one is
// shown, once.
func checkCard(t *testing.T, s Subject, d *desk) {
	need(t, s, Updates)
	u := s.Platform.(bot.Updater)
	in := d.hears(t, s, "inbound-1", "cluster create demo")
	first := card(0)
	first.For, first.ReplyTo = in.Identity, in.ID
	ref := send(t, s, in.From, first)
	for done := 1; done <= 3; done++ {
		if err := u.Update(t.Context(), ref, card(done)); err != nil {
			t.Fatalf("Update %d: %v", done, err)
		}
	}
	shown := s.Shown()
	if n := strings.Count(strings.Join(shown, "\n"), "demo is ready"); n != 1 || !strings.Contains(shown[len(shown)-1], "demo is ready") {
		t.Errorf("the end is shown %d times: %q", n, shown)
	}
	gone := bot.MessageRef{Address: s.To, ID: "no-such-message"}
	var failed *bot.SendError
	if err := u.Update(t.Context(), gone, bot.Message{Text: "x"}); err == nil {
		t.Error("changed a message that is not there")
	} else if !implements[bot.Transactional](s) && (!errors.As(err, &failed) || !failed.Permanent) {
		t.Errorf("a message that is not there will be tried again: %v", err)
	}
}

func checkKinds(t *testing.T, s Subject, _ *desk) {
	for name, m := range map[string]bot.Message{
		"empty":    {},
		"fields":   {Fields: []bot.Field{{Label: "状态", Value: "运行中", Short: true}}},
		"progress": {Title: "op-1", Operation: "op-1", Progress: &bot.Progress{Done: 1, Total: 2, Items: []bot.ProgressItem{{State: "done", Text: "one"}, {State: "running", Text: "two", Note: "h1"}}}},
		"form":     {Form: &bot.Form{Title: "form", Command: "help", Fields: []bot.FormField{{Name: "a", Label: "A", Type: "choice", Choices: []string{"x"}}}}},
		"image":    {Image: &bot.Image{Name: "a.png", Alt: "a picture", PNG: []byte("\x89PNG")}},
		"links":    {Links: []bot.Link{{Label: "page", URL: "https://cox.example/"}}},
		"marks":    {Text: "a*b_c~d`e <f> & @all [g](h) | i", Severity: bot.Critical},
		"private":  {Text: "for you", Private: true, For: s.Person},
	} {
		if _, err := s.Platform.Send(t.Context(), s.To, m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func checkForeign(t *testing.T, s Subject, _ *desk) {
	_, err := s.Platform.Send(t.Context(), bot.Address{Account: "elsewhere:x", Room: s.To.Room}, bot.Message{Text: "lost"})
	var failed *bot.SendError
	if !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("want a permanent *bot.SendError, got %v", err)
	}
	if len(s.Shown()) != 0 {
		t.Errorf("sent all the same: %q", s.Shown())
	}
}

func checkContext(t *testing.T, s Subject, _ *desk) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Platform.Send(ctx, s.To, bot.Message{Text: "late"}); err == nil {
		t.Error("sent though the context had ended")
	}
}
