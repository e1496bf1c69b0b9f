package webload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

const (
	followers = 20
	kills     = 2
	// sayings are what is said in the room meanwhile, each answered once.
	sayings = 120
)

// TestKilled pulls the plug while twenty browsers follow a room in which much is
// going on, and starts the server again, twice. Each goes on with its cursor; what
// each has at the end is the transcript, without a gap or a repeat.
func TestKilled(t *testing.T) {
	t.Parallel()
	s := drive.NewWeb(t, program, atEase+"sandbox: {speed: 2}\n")
	c := newTerminal(t, s)
	s.Chat("--room", "ops", "help")
	_, from := c.transcript("ops", 0)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	all := make([]*follower, followers)
	var following sync.WaitGroup
	for i := range all {
		all[i] = &follower{b: c.entered(""), cursor: from, pause: time.Duration(i*10) * time.Millisecond}
		following.Go(func() { all[i].run(ctx) })
	}
	c.say("ops", "cluster create demo region=sandbox masters=1 workers=2")
	said := make(chan int, sayings)
	following.Go(func() { c.keepSaying(ctx, said) })
	for range kills {
		for range sayings / (kills + 1) {
			<-said
		}
		s.Kill()
		s.Start()
	}
	drive.Eventually(t, patience, "everything is answered and the card is done", func() bool { return c.quiet("ops", from) })
	if err := c.post(lastWords, "ops", "whoami"); err != nil {
		t.Fatal(err)
	}
	following.Wait()
	want, _ := c.transcript("ops", from)
	for i, f := range all {
		if f.err != nil {
			t.Fatalf("browser %d: %v", i, f.err)
		}
		if f.opened <= kills {
			t.Errorf("browser %d was up to date only %d times: it was not cut off %d times", i, f.opened, kills)
		}
		for _, wrong := range f.compare(want) {
			t.Errorf("browser %d: %s", i, wrong)
		}
	}
	t.Logf("%d entries; browser 0 had %d streams and got %d events", len(want), all[0].opened, len(all[0].saw))
}

// lastWords are what a browser waits for.
const lastWords = "the-last-words"

// follower is a browser that comes back with its cursor whenever it is cut off.
type follower struct {
	b      *browser
	cursor int64
	pause  time.Duration // before it comes back
	opened int
	saw    []sighting
	err    error
}

func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.b.follow(ctx, "ops", f.cursor, f.note)
		if err == nil || errors.Is(err, errSpoilt) {
			f.err = err
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(f.pause + 20*time.Millisecond):
		}
	}
	f.err = ctx.Err()
}

var errSpoilt = errors.New("the stream is not what it should be")

func (f *follower) note(s sighting) error {
	if s.event == "live" {
		f.opened++
		f.cursor = max(f.cursor, s.id)
		return nil
	}
	if s.id <= f.cursor {
		return fmt.Errorf("%w: %d after %d", errSpoilt, s.id, f.cursor)
	}
	f.cursor = s.id
	f.saw = append(f.saw, s)
	var e shown
	if err := json.Unmarshal(s.data, &e); err != nil {
		return fmt.Errorf("%w: %w", errSpoilt, err)
	}
	if e.ID == lastWords {
		return errEnough
	}
	return nil
}

// compare says what differs from the transcript: each entry has its newest state,
// and one that was never changed came once.
func (f *follower) compare(want []room.Entry) (wrong []string) {
	newest, times := map[string]int64{}, map[string]int{}
	for _, s := range f.saw {
		var e shown
		if json.Unmarshal(s.data, &e) == nil && e.Room == "ops" {
			newest[e.ID] = s.id
			times[e.ID]++
		}
	}
	known := map[string]bool{}
	for _, e := range want {
		known[e.ID] = true
		switch {
		case newest[e.ID] == 0 && e.Cursor > newest[lastWords]:
			// the answer to the last words
		case newest[e.ID] != e.Cursor:
			wrong = append(wrong, fmt.Sprintf("entry %s is at %d, the browser has %d", e.ID, e.Cursor, newest[e.ID]))
		case !e.Edited && times[e.ID] != 1:
			wrong = append(wrong, fmt.Sprintf("entry %s came %d times", e.ID, times[e.ID]))
		}
	}
	for id := range newest {
		if !known[id] {
			wrong = append(wrong, fmt.Sprintf("entry %s is not in the transcript", id))
		}
	}
	return wrong
}

// keepSaying says one thing after another, each again until the server has taken
// it, as the page does.
func (c *terminal) keepSaying(ctx context.Context, said chan<- int) {
	for i := range sayings {
		for ctx.Err() == nil && c.post(fmt.Sprintf("saying-%06d", i), "ops", "whoami") != nil {
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		said <- i
	}
}

// quiet reports whether all that was said is answered and the card is done.
func (c *terminal) quiet(name string, after int64) bool {
	c.t.Helper()
	all, _ := c.transcript(name, after)
	answers, done := map[string]int{}, false
	for _, e := range all {
		if e.Author == "" && e.Bot.ReplyTo != "" {
			answers[e.Bot.ReplyTo]++
		}
		done = done || e.Bot.Progress != nil && e.Bot.Final
	}
	for i := range sayings {
		switch n := answers[fmt.Sprintf("saying-%06d", i)]; n {
		case 0:
			return false
		case 1:
		default:
			c.t.Fatalf("saying %d is answered %d times", i, n)
		}
	}
	return done
}
