package webload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// The storm.
const (
	stormClients = 5000
	// What the server allows itself: bot/room/web, altogether and for one person.
	streamsAll, streamsEach = 512, 128
	// The bars, in MB more than before.
	mostAtPeak, mostAfter = 120, 25
)

// TestStorm opens five thousand streams from another process and drops them: first
// in the name of one person, whom others do not notice, then of four, who have
// every place that there is.
func TestStorm(t *testing.T) {
	if err := allow(descriptors); err != nil {
		t.Skip(err)
	}
	s := drive.NewWeb(t, program, atEase)
	c := newTerminal(t, s)
	w := &weather{t: t, s: s}
	var one, four []string
	for _, name := range []string{"ann", "ben", "cem", "dan"} {
		s.Chat("user add " + name + " admin=yes")
		for range 12 {
			four = append(four, c.entered(name).cookie)
		}
	}
	one = four[:12]
	s.Chat("user add eve")
	w.eve = c.entered("eve")
	w.calm = w.use()
	if err := w.watch(); err != nil {
		t.Fatal(err)
	}
	w.before = resident(t, s.Pid())
	w.storm("one person", one, streamsEach)
	w.storm("four people", four, streamsAll)
}

// weather is a server in a storm, and eve, who has nothing to do with it.
type weather struct {
	t      *testing.T
	s      *drive.Server
	eve    *browser
	said   int
	calm   time.Duration // until she is answered
	before float64       // MB
}

const home = "dm:terminal:eve"

// storm lets a crowd come, of whom open find a place, and go.
func (w *weather) storm(who string, cookies []string, open int) {
	t := w.t
	t.Helper()
	began := time.Now()
	crowd, r := gather(t, order{Address: w.s.Listen, Path: events("ops", 0), Cookies: cookies, Clients: stormClients})
	arrived := time.Since(began)
	if r.Open != open || r.Refused != stormClients-open || r.Odd != 0 {
		t.Errorf("%s: %+v, want %d open and the others refused with Retry-After", who, r, open)
	}
	peak := resident(t, w.s.Pid())
	answered := w.use()
	full := w.watch()
	if (full == nil) != (open < streamsAll) || full != nil && !errors.Is(full, errRefused) {
		t.Errorf("%s: eve's own stream: %v", who, full)
	}
	peak = max(peak, resident(t, w.s.Pid()))
	crowd.scatter()
	drive.Eventually(t, patience, "the places are free again", func() bool { return w.watch() == nil })
	t.Logf("%s: %d clients in %.1f s, %d open, %d refused; %.1f MB before, %.1f at the peak; meanwhile eve is answered in %d ms (%d before), her stream: %v",
		who, stormClients, arrived.Seconds(), r.Open, r.Refused, w.before, peak, answered.Milliseconds(), w.calm.Milliseconds(), full)
	if peak > w.before+mostAtPeak {
		t.Errorf("%s: the server grew by %.1f MB, at most %d are allowed", who, peak-w.before, mostAtPeak)
	}
	began = time.Now()
	after := 0.0
	drive.Eventually(t, patience, fmt.Sprintf("at most %d MB more than before the storm", mostAfter), func() bool {
		w.use() // a server that nobody uses tidies up seldom
		after = resident(t, w.s.Pid())
		return after <= w.before+mostAfter
	})
	t.Logf("%s: %.1f MB %.1f s after they went", who, after, time.Since(began).Seconds())
}

// id is of a message that eve has not said before.
func (w *weather) id() string {
	w.said++
	return fmt.Sprintf("eve-%06d", w.said)
}

// use lets eve say something and read the answer on her room's page, and gives how
// long it took.
func (w *weather) use() time.Duration {
	w.t.Helper()
	began, id := time.Now(), w.id()
	if err := w.eve.say(id, home, "whoami"); err != nil {
		w.t.Fatal(err)
	}
	drive.Eventually(w.t, patience, "an answer on the page", func() bool {
		status, page, _ := w.eve.get("/rooms/" + home)
		if status != http.StatusOK {
			w.t.Fatalf("the room's page: %d", status)
		}
		return strings.Contains(page, `data-reply="`+id+`"`)
	})
	return time.Since(began)
}

// watch lets eve follow her room, say something and see the answer come.
func (w *weather) watch() error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	id := ""
	return w.eve.follow(ctx, home, 0, func(s sighting) error {
		var e shown
		switch {
		case s.event == "live" && id == "":
			id = w.id()
			return w.eve.say(id, home, "whoami")
		case s.event == "entry" && json.Unmarshal(s.data, &e) == nil && id != "" && e.ReplyTo == id:
			return errEnough
		}
		return nil
	})
}

// entered lets somebody in.
func (c *terminal) entered(as string) *browser { return enter(c.t, c.link(as)) }
