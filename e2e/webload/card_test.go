package webload

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// The living card.
const (
	watchers  = 50
	mostDelay = 500 * time.Millisecond
	rounds    = 3 // of which one has to be good
)

// The pace of the sandbox. Held, a create gets to kubeadm init and no further.
const (
	cardPace = manyWords + "sandbox: {speed: 6}\n"
	cardHeld = manyWords + "sandbox: {speed: 6, delay: {kubeadm init: 24h}}\n"
)

// TestCard follows a living card in fifty browsers: each of its states is in all
// of them soon after it was in the first, and soon after it was drawn, which is
// just before it is written to the transcript.
func TestCard(t *testing.T) {
	s := drive.NewWeb(t, program, cardPace)
	c := newTerminal(t, s)
	s.Chat("--room", "ops", "help") // a stream tells of the rooms that there are when it is opened
	var all []*browser
	for _, name := range []string{"ann", "ben", "cem", "dan"} {
		s.Chat("user add " + name + " admin=yes")
		for range watchers / 5 {
			all = append(all, c.entered(name))
		}
	}
	for len(all) < watchers {
		all = append(all, c.entered(""))
	}
	for round := range rounds {
		stood := watchClock()
		d := oneCard(t, s, c, all, round+1)
		still := stood()
		t.Logf("round %d: %d browsers, %d states; after the first browser p50 %s, p99 %s, max %s; after it was drawn p50 %s, p99 %s, max %s; the machine stood still for up to %s",
			round+1, len(all), d.states, d.first.at(0.5), d.first.at(0.99), d.first.at(1), d.drawn.at(0.5), d.drawn.at(0.99), d.drawn.at(1), still.Round(time.Millisecond))
		if d.worst() < mostDelay+still {
			return
		}
	}
	t.Errorf("a state took more than %s to be everywhere, %d times", mostDelay, rounds)
}

// watchClock begins to watch for how long this process is kept from running when
// it should; the function that it gives ends that and tells the longest time. On a
// machine with nothing else to do it is a few milliseconds.
func watchClock() (end func() time.Duration) {
	const every = 5 * time.Millisecond
	quit, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		var most time.Duration
		for last := time.Now(); ; {
			select {
			case <-quit:
				longest <- most
				return
			case <-tick.C:
			}
			now := time.Now()
			most, last = max(most, now.Sub(last)-every), now
		}
	}()
	return func() time.Duration {
		close(quit)
		return <-longest
	}
}

// delays are sorted.
type delays []time.Duration

func (d delays) at(q float64) time.Duration {
	return d[min(len(d)-1, int(q*float64(len(d))))].Round(100 * time.Microsecond)
}

// spread is how long the states of a card took to get around.
type spread struct {
	states       int
	first, drawn delays
}

func (s spread) worst() time.Duration { return max(s.first.at(1), s.drawn.at(1)) }

// oneCard lets a cluster be made in a room that everybody watches: four of five
// have it open, the others another room, where they are told of it.
func oneCard(t *testing.T, s *drive.Server, c *terminal, all []*browser, round int) spread {
	t.Helper()
	name := fmt.Sprint("demo", round)
	s.Configure(cardHeld)
	_, from := c.transcript("ops", 0)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	last := "last-of-" + name // what is said when the card is done
	watching := make([]*watcher, len(all))
	for i, b := range all {
		open := "ops"
		if i%5 == 4 {
			open = "lobby"
		}
		watching[i] = watch(func(each func(sighting) error) error { return b.follow(ctx, open, from, each) }, last)
	}
	terminal := watch(func(each func(sighting) error) error { return c.follow(ctx, "ops", from, each) }, last)
	for _, w := range append(watching, terminal) {
		<-w.live
	}
	c.say("ops", "cluster create "+name+" region=sandbox masters=1 workers=7")
	began := c.began(fmt.Sprint("op-", round))
	s.Configure(cardPace)
	drive.Eventually(t, patience, "the card is done", func() bool {
		return c.card("ops", from).Bot.Final
	})
	if err := c.post(last, "ops", "help"); err != nil {
		t.Fatal(err)
	}
	for i, w := range append(watching, terminal) {
		if err := <-w.ended; err != nil {
			t.Fatalf("watcher %d: %v", i, err)
		}
	}
	return spreadOf(t, watching, terminal, began)
}

// watcher is somebody who follows a stream until a certain entry.
type watcher struct {
	live  chan struct{}
	ended chan error
	saw   []sighting // of entries, in order; read it when ended has given its word
}

func watch(follow func(each func(sighting) error) error, last string) *watcher {
	w := &watcher{live: make(chan struct{}), ended: make(chan error, 1)}
	arrived := sync.OnceFunc(func() { close(w.live) })
	go func() {
		defer arrived()
		w.ended <- follow(func(s sighting) error {
			if s.event == "live" {
				arrived()
				return nil
			}
			w.saw = append(w.saw, s)
			var e shown
			if err := json.Unmarshal(s.data, &e); err != nil {
				return err
			}
			if e.ID == last {
				return errEnough
			}
			return nil
		})
	}()
	return w
}

// cardOf reads what an entry says as a card, if it is one.
func cardOf(e room.Entry) (d cardData, is bool) {
	return d, e.Bot.Progress != nil && json.Unmarshal(e.Bot.Data, &d) == nil
}

// cardData is what --json shows of a card.
type cardData struct {
	Operation, Cluster, Status string
	ElapsedMS                  int64
}

// card is the newest card of a room after a cursor.
func (c *terminal) card(name string, after int64) (card room.Entry) {
	c.t.Helper()
	all, _ := c.transcript(name, after)
	for _, e := range all {
		if _, is := cardOf(e); is {
			card = e
		}
	}
	return card
}

// began is when an operation was begun, as exactly as can be told from outside: an
// answer that says how long it has been going on was drawn just before the time
// that it bears. The earliest of some counts.
func (c *terminal) began(operation string) (at time.Time) {
	c.t.Helper()
	deadline := time.Now().Add(patience)
	for answers := 0; answers < 8 && time.Now().Before(deadline); {
		e := c.ask("op show " + operation)
		d, is := cardOf(e)
		switch {
		case !is || d.ElapsedMS == 0:
			continue // it is not there yet, or not begun
		case d.Status != "running":
			deadline = time.Time{} // it tells nothing any more
			continue
		}
		answers++
		if t := e.At.Add(-time.Duration(d.ElapsedMS) * time.Millisecond); at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if at.IsZero() {
		c.t.Fatalf("%s was never seen running", operation)
	}
	return at
}

// ask gives a command in the terminal and waits for its answer.
func (c *terminal) ask(text string) (answer room.Entry) {
	c.t.Helper()
	_, from := c.transcript(room.Terminal, 0)
	id := c.say(room.Terminal, text)
	drive.Eventually(c.t, patience, "an answer to "+text, func() bool {
		all, _ := c.transcript(room.Terminal, from)
		i := slices.IndexFunc(all, func(e room.Entry) bool { return e.Bot.ReplyTo == id })
		if i >= 0 {
			answer = all[i]
		}
		return i >= 0
	})
	return answer
}

// spreadOf compares when each state of the card was where. A browser that got a
// later state instead has it from then on.
func spreadOf(t *testing.T, all []*watcher, terminal *watcher, began time.Time) (out spread) {
	t.Helper()
	for _, state := range terminal.saw {
		var e room.Entry
		if err := json.Unmarshal(state.data, &e); err != nil {
			t.Fatal(err)
		}
		d, is := cardOf(e)
		if !is {
			continue
		}
		out.states++
		first, each := state.at, []time.Time{}
		for i, w := range all {
			at, ok := w.when(e.ID, state.id)
			if !ok {
				t.Fatalf("browser %d was never told of state %d", i, state.id)
			}
			each = append(each, at)
			if at.Before(first) {
				first = at
			}
		}
		for _, at := range each {
			out.first = append(out.first, at.Sub(first))
			if d.ElapsedMS > 0 {
				drawn := began.Add(time.Duration(d.ElapsedMS) * time.Millisecond)
				out.drawn = append(out.drawn, at.Sub(drawn))
			}
		}
	}
	if out.states < 5 {
		t.Fatalf("the card had %d states: too few to say anything", out.states)
	}
	slices.Sort(out.first)
	slices.Sort(out.drawn)
	return out
}

// when is when a watcher first knew a state of an entry, or a later one.
func (w *watcher) when(id string, cursor int64) (time.Time, bool) {
	for _, s := range w.saw {
		var e shown
		if s.id >= cursor && json.Unmarshal(s.data, &e) == nil && e.ID == id {
			return s.at, true
		}
	}
	return time.Time{}, false
}
