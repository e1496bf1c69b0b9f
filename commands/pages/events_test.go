package pages_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// patience bounds what a test waits for.
const patience = 20 * time.Second

// reading is an open stream.
type reading struct {
	w      *world
	res    *http.Response
	cancel context.CancelFunc
	events chan event
}

type event struct{ name, id, data string }

// stream opens one, going on after an event.
func (w *world) stream(who, path, after string) *reading {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.URL+path, nil)
	check(w.t, err)
	req.Header.Set("X-Who", who)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req) //nolint:bodyclose // reading.close closes it
	check(w.t, err)
	s := &reading{w, res, cancel, make(chan event, 16)}
	if res.StatusCode == http.StatusOK {
		go s.read()
	}
	return s
}

func (s *reading) read() {
	defer close(s.events)
	var e event
	lines := bufio.NewScanner(s.res.Body)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data += value + "\n"
		case "":
			if e.name != "" {
				s.events <- e
			}
			e = event{}
		}
	}
}

// next gives the next event, which must have this name; that a stream has caught
// up is passed over unless it is waited for.
func (s *reading) next(name string) event {
	s.w.t.Helper()
	e, ok := <-s.events
	if ok && e.name == "live" && name != "live" {
		e, ok = <-s.events
	}
	if !ok || e.name != name {
		s.w.t.Fatalf("got %q %q (open %v), want a %s", e.name, e.data, ok, name)
	}
	return e
}

// until gives the first state that contains text.
func (s *reading) until(text string) event {
	s.w.t.Helper()
	for e := range s.events {
		if e.name == "state" && strings.Contains(e.data, text) {
			return e
		}
	}
	s.w.t.Fatalf("no state with %q came", text)
	return event{}
}

func (s *reading) close() {
	s.cancel()
	_ = s.res.Body.Close() // it was cut off
	for range s.events {   // until the reader has ended
	}
}

// TestStreamGoesOn: a browser that comes back, also to another process, gets what
// it has missed and nothing twice.
func TestStreamGoesOn(t *testing.T) {
	w := newWorld(t)
	start := time.Now().Add(-10 * time.Second)
	o := w.begin(w.cluster("qa", "demo", 1), "manager", start)
	path := "/op/" + o.Label() + "/events"
	s := w.stream("manager", path, "")
	if got := s.next("state"); !strings.Contains(got.data, `data-command="op stop `+o.Label()) || !strings.Contains(got.data, "timeline") {
		t.Errorf("the first state: %s", got.data)
	}
	o.save(step(1, "preflight", "", lifecycle.StepRunning, start, 1, 0))
	s.until("bar st-running")
	o.log(lifecycle.LogLine{Phase: "preflight", At: start, Line: "a line"})
	var last event
	for last.name != "log" {
		last = <-s.events
	}
	if last.data != "{\"last\":1}\n" || !strings.HasSuffix(last.id, ".1") {
		t.Errorf("a line: %+v", last)
	}
	s.close()

	w.close()
	w.open() // another process
	again := &work{o.Operation, w}
	s = w.stream("manager", path, last.id)
	again.log(lifecycle.LogLine{Phase: "preflight", At: start, Line: "another"})
	if got := s.next("log"); !strings.HasSuffix(got.id, ".2") || !strings.HasPrefix(got.id, strings.TrimSuffix(last.id, ".1")) {
		t.Errorf("after the restart: %+v, after %+v", got, last)
	}
	s.close()

	again.save(step(1, "preflight", "", lifecycle.StepDone, start, 1, 3)) // nobody looks
	again.log(lifecycle.LogLine{Phase: "preflight", At: start, Line: "a third"})
	again.end(lifecycle.OpSucceeded, time.Now())
	s = w.stream("manager", path, last.id)
	if got := s.next("log"); got.data != "{\"last\":3}\n" {
		t.Errorf("what was missed: %+v", got)
	}
	state := s.next("state")
	if !strings.Contains(state.data, "succeeded") || !strings.HasSuffix(state.id, ".3") || strings.Contains(state.data, "op stop") {
		t.Errorf("what was missed: %+v", state)
	}
	s.next("live")
	s.close()

	s = w.stream("manager", path+"?after="+state.id, "")
	again.log(lifecycle.LogLine{Phase: "preflight", At: start, Line: "late"})
	if got := s.next("log"); !strings.HasSuffix(got.id, ".4") {
		t.Errorf("something came twice: %+v", got)
	}
	s.close()
}

// TestStreamsAreBounded: beyond the bound a browser is told to come back, and a
// stream that ends makes room.
func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t)
	path := "/op/" + w.demo().Label() + "/events"
	var open []*reading
	for range 8 {
		s := w.stream("viewer", path, "")
		s.until("")
		open = append(open, s)
	}
	full := w.stream("manager", path, "")
	if full.res.StatusCode != http.StatusServiceUnavailable || full.res.Header.Get("Retry-After") == "" {
		t.Errorf("the ninth: %d %v", full.res.StatusCode, full.res.Header)
	}
	full.cancel()
	check(t, full.res.Body.Close())
	open[0].close()
	for { // the server learns of it when it writes
		s := w.stream("manager", path, "")
		if s.res.StatusCode == http.StatusOK {
			s.close()
			break
		}
		s.cancel()
		check(t, s.res.Body.Close())
	}
	for _, s := range open[1:] {
		s.close()
	}
}

// TestStreamEndsWithTheRight: who is signed out or loses the role sees no more.
func TestStreamEndsWithTheRight(t *testing.T) {
	w := newWorld(t)
	path := "/op/" + w.demo().Label() + "/events"
	viewer, manager := w.stream("viewer", path, ""), w.stream("manager", path, "")
	viewer.until("")
	manager.until("")
	w.mu.Lock()
	w.gone["viewer"] = true
	w.mu.Unlock()
	ctx := context.Background()
	u, err := w.store.UserByName(ctx, "manager")
	check(t, err)
	ms, err := w.store.UserMemberships(ctx, u.ID)
	check(t, err)
	check(t, w.store.DeleteMembership(ctx, ms[0]))
	for _, s := range []*reading{viewer, manager} {
		s.next("out")
		if e, more := <-s.events; more {
			t.Errorf("after the end came %+v", e)
		}
		s.close()
	}
}
