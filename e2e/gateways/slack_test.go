package gateways

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// ackBar is the promise: what Slack is told within this is in time, whatever the
// command takes.
const ackBar = 100 * time.Millisecond

// TestSlashCommandByHTTP: a signed command is acknowledged in time, before any
// work, and its card comes by chat.postMessage and goes on by chat.update.
func TestSlashCommandByHTTP(t *testing.T) {
	t.Parallel()
	f := fakeslack.New(t)
	s := (&accounts{}).with("sandbox: {speed: 4}").withSlack("ops", "http", f).serve(t)
	f.Callback(callbackURL(s, "slack", "ops"))
	linkSlack(t, s, f, "alice")
	give := func(text string) time.Duration {
		began := time.Now()
		if err := f.SlashCommand(t.Context(), "U1", fakeslack.Room, text); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
	give("whoami") // the first one warms up
	var took []time.Duration
	for range 10 {
		took = append(took, give("whoami").Round(time.Millisecond/10))
	}
	took = append(took, give("cluster create demo region=sandbox masters=1 workers=1 confirm=demo").Round(time.Millisecond/10))
	t.Logf("acknowledged within %v, bar %s", took, ackBar)
	if best := slices.Min(took); best >= ackBar {
		t.Errorf("the best of %d acknowledgements took %s", len(took), best)
	}
	cardEnds(t, f, "demo")
	if posted, changed := f.Calls("chat.postMessage"), f.Calls("chat.update"); posted == 0 || changed == 0 {
		t.Errorf("%d calls of chat.postMessage, %d of chat.update", posted, changed)
	}
	if n := f.Limited(); n != 0 {
		t.Errorf("%d calls were too fast", n)
	}
}

// cardEnds waits until the one card of a cluster's create shows its end.
func cardEnds(t *testing.T, f *fakeslack.Fake, cluster string) {
	t.Helper()
	var card fakeslack.Message
	drive.Eventually(t, patience, "the card of "+cluster+" shows its end", func() bool {
		all := cardsOf(f, cluster)
		if len(all) != 1 {
			return false
		}
		card = all[0]
		return ended(card)
	})
	if card.Edits == 0 {
		t.Errorf("the card was never changed:\n%s", card.Shown())
	}
}

// cardsOf gives the messages about a cluster's create in the common room.
func cardsOf(f *fakeslack.Fake, cluster string) []fakeslack.Message {
	return slices.DeleteFunc(f.Messages(fakeslack.Room), func(m fakeslack.Message) bool {
		title, _, _ := strings.Cut(m.Shown(), "\n")
		return m.User != "" || !strings.HasSuffix(title, " · create "+cluster)
	})
}

// ended reports whether a card shows that all is done.
func ended(m fakeslack.Message) bool {
	return strings.HasPrefix(m.Shown(), "✅") && strings.Contains(m.Shown(), "Done.")
}

// TestForgedCalls: what is not signed by Slack, or was not just now, is refused and
// nothing comes of it.
func TestForgedCalls(t *testing.T) {
	t.Parallel()
	f := fakeslack.New(t)
	s := (&accounts{}).withSlack("ops", "http", f).serve(t)
	f.Callback(callbackURL(s, "slack", "ops"))
	linkSlack(t, s, f, "alice")
	secret := f.SigningSecret
	refused := func(what string) {
		err := f.SlashCommand(t.Context(), "U1", fakeslack.Room, "project create forged")
		if err == nil || !strings.Contains(err.Error(), "HTTP 4") {
			t.Errorf("%s: %v", what, err)
		}
	}
	f.SigningSecret = strings.Repeat("0", len(secret))
	refused("another secret")
	f.SigningSecret = secret
	f.Skew(-6 * time.Minute)
	refused("an old timestamp")
	f.Skew(6 * time.Minute)
	refused("a timestamp to come")
	f.Skew(0)
	if err := f.SlashCommand(t.Context(), "U1", fakeslack.Room, "project create true"); err != nil {
		t.Fatal(err)
	}
	eachOnce(t, s, "project create", []string{"project create true"})
}

// TestRedeliveredFiveTimes: at once and after the program was killed and started
// again, an event runs once and is answered once.
func TestRedeliveredFiveTimes(t *testing.T) {
	for _, mode := range []string{"http", "socket"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f := fakeslack.New(t)
			s := (&accounts{}).withSlack("ops", mode, f).serve(t)
			if mode == "http" {
				f.Callback(callbackURL(s, "slack", "ops"))
			}
			linkSlack(t, s, f, "alice")
			tellSlack(t, f, fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: f.Mention("project create once")})
			if err := f.Redeliver(t.Context(), 5); err != nil {
				t.Error(err)
			}
			drive.Eventually(t, patience, "the answer", func() bool { return len(f.Shown(fakeslack.Room)) > 0 })
			s.Kill()
			s.Start()
			for range 5 {
				untilTaken(t, "the redelivery", func(ctx context.Context) error { return f.Redeliver(ctx, 1) })
			}
			// Who writes is answered in order: the answer to this is the last one.
			tellSlack(t, f, fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: f.Mention("project create last")})
			eachOnce(t, s, "project create", []string{"project create once", "project create last"})
			drive.Eventually(t, patience, "the last answer", func() bool { return len(f.Shown(fakeslack.Room)) >= 2 })
			if shown := f.Shown(fakeslack.Room); len(shown) != 2 {
				t.Errorf("%d answers: %q", len(shown), shown)
			}
		})
	}
}
