package wecom_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// TestNothingIsDropped: WeCom drops what is too much for one person, and says that
// it has sent it. However much there is to send, we wait instead, and what is sent
// is sent whole.
func TestNothingIsDropped(t *testing.T) {
	h := openApp(t)
	clock := newClock()
	h.app.Clock(clock.now)
	h.fake.Clock(clock.now)
	h.mem.Now = clock.now
	log := strings.Repeat("line of a log\n", 400)
	waits := 0
	for n := range 120 {
		m := bot.Message{Title: "x", Text: "y"}
		if n%3 == 0 { // text, card, image and file
			m = bot.Message{Title: "log", Code: &bot.Code{Text: log, Filename: "a.log"}, Actions: []bot.Action{{ID: "a", Label: "more", Command: "logs"}},
				Image: &bot.Image{Name: "a.png", Alt: "a", PNG: []byte("\x89PNG\r\n\x1a\n")}}
		}
		for {
			_, err := h.app.Send(t.Context(), h.to, m)
			if err == nil {
				break
			}
			var failed *bot.SendError
			if !errors.As(err, &failed) || failed.Permanent || failed.Account || failed.RetryAfter <= 0 || failed.RetryAfter > time.Hour {
				t.Fatalf("%d: %+v", n, err)
			}
			waits++
			clock.add(failed.RetryAfter)
		}
		clock.add(200 * time.Millisecond)
	}
	if h.fake.Dropped() != 0 || waits == 0 {
		t.Errorf("%d messages dropped, waited %d times", h.fake.Dropped(), waits)
	}
	if got := len(h.fake.Shown("alice")); got != 80+40*4 {
		t.Errorf("%d messages of %d", got, 80+40*4)
	}
}
