package gateways

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// pace is what a Slack channel takes in a minute, and how long a test of it may
// last.
type pace struct {
	posts, edits int
	longest      time.Duration
}

// paceOf is Slack's true rate with COXSWAIN_SLOW=1. Without it the fake enforces,
// and the account is configured for, one that is more than ten times as fast;
// notifiers/quota_test.go holds the true one against a clock that jumps.
func paceOf() pace {
	if os.Getenv("COXSWAIN_SLOW") == "1" {
		return pace{posts: 60, edits: 50, longest: 20 * time.Minute}
	}
	return pace{posts: 1200, edits: 600, longest: 6 * time.Minute}
}

// TestAHundredLivingCards: all at once in one channel whose limits leave no room for
// a burst. Not one call is refused, each card is posted once, and each ends in its
// final state.
func TestAHundredLivingCards(t *testing.T) {
	t.Parallel()
	const cards = 100
	p := paceOf()
	f := fakeslack.New(t)
	f.Rate("chat.postMessage", float64(p.posts), 1)
	f.Rate("chat.update", float64(p.edits), 3) // its tier is one of minutes
	s := (&accounts{}).with("sandbox: {no_delay: true}\nengine: {operations: 100}").
		withSlack("ops", "socket", f, fmt.Sprint("messages_per_minute: ", p.posts), fmt.Sprint("edits_per_minute: ", p.edits)).serve(t)
	linkSlack(t, s, f, "alice")
	began := time.Now()
	var slowest time.Duration
	for n := range cards {
		name := fmt.Sprintf("c%03d", n)
		said := fakeslack.Said{ID: name, User: "U1", Room: fakeslack.Room,
			Text: f.Mention("cluster create " + name + " region=sandbox masters=1 workers=0 confirm=" + name)}
		given := time.Now()
		untilTaken(t, said.Text, func(ctx context.Context) error { return f.Say(ctx, said) })
		slowest = max(slowest, time.Since(given))
	}
	looked := time.Time{}
	drive.Eventually(t, p.longest, "every card shows its end", func() bool {
		if time.Since(looked) < time.Second {
			return false // looking is work that the program lacks
		}
		looked = time.Now()
		return endedCards(f) == cards
	})
	took := time.Since(began)
	seen, edits := map[string]int{}, 0
	for _, m := range f.Messages(fakeslack.Room) {
		if title, _, _ := strings.Cut(m.Shown(), "\n"); m.User == "" && strings.Contains(title, " · create ") {
			seen[title]++
			edits += m.Edits
		}
	}
	if len(seen) != cards {
		t.Errorf("%d cards of %d: %v", len(seen), cards, seen)
	}
	for title, n := range seen {
		if n != 1 {
			t.Errorf("%s was posted %d times", title, n)
		}
	}
	if n := f.Limited(); n != 0 {
		t.Errorf("%d calls were too fast", n)
	}
	t.Logf("%d cards at %d messages and %d edits a minute: all ended after %s, with %d edits and %d calls refused; the slowest acknowledgement took %s",
		cards, p.posts, p.edits, took.Round(time.Second/10), edits, f.Limited(), slowest.Round(time.Millisecond))
}

func endedCards(f *fakeslack.Fake) int {
	n := 0
	for _, m := range f.Messages(fakeslack.Room) {
		if title, _, _ := strings.Cut(m.Shown(), "\n"); m.User == "" && strings.Contains(title, " · create ") && ended(m) {
			n++
		}
	}
	return n
}
