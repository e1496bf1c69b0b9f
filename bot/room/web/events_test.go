package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room/web"
)

// shown is what a page gets of an entry.
type shown struct {
	ID, Room, Author, ReplyTo, HTML string
	Edited, Mine                    bool
}

// frame is one server-sent event.
type frame struct {
	event string
	id    int64 // -1 = none
	shown
	data string
}

// stream is an open one.
type stream struct {
	h      *house
	lines  *bufio.Scanner
	status int
	header http.Header
	last   bool // the connection ends with it
	end    func()
}

// try opens a stream, or is refused.
func (h *house) try(path, cookie string, header ...string) *stream {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	req, err := http.NewRequestWithContext(ctx, "GET", h.base+path, nil)
	check(h.t, err)
	req.Header.Set("Cookie", cookie)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	res, err := h.client.Do(req)
	if err != nil {
		cancel()
		h.t.Fatal(err)
	}
	s := &stream{h: h, lines: bufio.NewScanner(res.Body), status: res.StatusCode, header: res.Header, last: res.Close}
	s.lines.Buffer(nil, 4<<20)
	s.end = sync.OnceFunc(func() { cancel(); res.Body.Close() })
	h.t.Cleanup(s.end)
	return s
}

// glance opens a stream and gives only the status.
func (h *house) glance(path, cookie string) int {
	s := h.try(path, cookie)
	defer s.end()
	return s.status
}

func (h *house) listen(name, cookie string, after int64) *stream {
	h.t.Helper()
	s := h.try(fmt.Sprintf("/ui/events?room=%s&after=%d", escape(name), after), cookie)
	if s.status != http.StatusOK {
		h.t.Fatalf("events of %s: %d", name, s.status)
	}
	return s
}

// next gives the next event; ok is false when the stream has ended.
func (s *stream) next() (f frame, ok bool) {
	f.id = -1
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "event":
			f.event = value
		case "id":
			f.id, _ = strconv.ParseInt(value, 10, 64)
		case "data":
			f.data = value
			if f.event == "entry" {
				check(s.h.t, json.Unmarshal([]byte(value), &f.shown))
			}
			return f, true
		}
	}
	return f, false
}

// want is next of a certain kind.
func (s *stream) want(event string) frame {
	s.h.t.Helper()
	f, ok := s.next()
	if !ok || f.event != event {
		s.h.t.Fatalf("%q instead of %q (%v): %s", f.event, event, s.lines.Err(), f.data)
	}
	return f
}

// history gives what a stream tells from the beginning on.
func (h *house) history(name, cookie string) (all []frame) {
	h.t.Helper()
	s := h.listen(name, cookie, 0)
	defer s.end()
	for {
		f, ok := s.next()
		if !ok || f.event == "live" {
			return all
		}
		all = append(all, f)
	}
}

func TestAStreamGoesOnWhereItWas(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	for i := range 3 {
		h.bot("qa", bot.Message{Text: fmt.Sprint("old ", i)})
	}
	s := h.listen("qa", cookie, 1)
	if kind := s.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		t.Errorf("type %q", kind)
	}
	for want := int64(2); want <= 3; want++ {
		if f := s.want("entry"); f.id != want || !strings.Contains(f.HTML, fmt.Sprint("old ", want-1)) {
			t.Errorf("%+v", f)
		}
	}
	if f := s.want("live"); f.id != 3 || f.data != `{"cursor":3}` {
		t.Errorf("%+v", f)
	}
	id := h.bot("qa", bot.Message{Text: "new"})
	if f := s.want("entry"); f.id != 4 || f.ID != id || f.Edited || f.Mine {
		t.Errorf("%+v", f)
	}
	s.end()
	// the browser's own word counts for more than the address that it began with
	s = h.try("/ui/events?room=qa&after=0", cookie, "Last-Event-ID: 3")
	if f := s.want("entry"); f.id != 4 {
		t.Errorf("%+v", f)
	}
	if f := s.want("live"); f.id != 4 {
		t.Errorf("%+v", f)
	}
	for _, bad := range []string{"", "&after=", "&after=x", "&after=-1", "&after=1e3", "&after=99999999999999999999"} {
		if status := h.glance("/ui/events?room=qa"+bad, cookie); status != http.StatusBadRequest {
			t.Errorf("%q: %d", bad, status)
		}
	}
	if s := h.try("/ui/events?room=qa&after=0", cookie, "Last-Event-ID: x"); s.status != http.StatusBadRequest {
		t.Errorf("a bad Last-Event-ID: %d", s.status)
	}
}

// TestNoGapAndNoRepeat has readers that are cut off again and again while much is
// said and edited: each cursor that they may see comes once, in order.
func TestNoGapAndNoRepeat(t *testing.T) {
	const said = 400
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:bob", "local")
	var wg sync.WaitGroup
	for reader := range 4 {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(reader), 1))
			var cursor int64
			texts := map[string]string{} // by entry, the newest
			for n := 0; !strings.Contains(texts["last"], "the end"); {
				s := h.try(fmt.Sprintf("/ui/events?room=qa&after=%d", cursor), cookie)
				for range 1 + dice.IntN(60) {
					f, ok := s.next()
					if !ok {
						t.Errorf("reader %d: cut off: %v", reader, s.lines.Err())
						return
					}
					if f.event == "live" {
						continue
					}
					if f.id <= cursor {
						t.Errorf("reader %d: %d after %d", reader, f.id, cursor)
					}
					cursor = f.id
					if f.Room == "qa" {
						texts[f.ID] = f.HTML
						if strings.Contains(f.HTML, "the end") {
							texts["last"] = f.HTML
							break
						}
					}
					n++
				}
				s.end()
			}
			if len(texts) != said+2 {
				t.Errorf("reader %d has %d entries of %d", reader, len(texts)-1, said+1)
			}
			for id, html := range texts {
				if id != "last" && !strings.Contains(html, "final") && !strings.Contains(html, "the end") {
					t.Errorf("reader %d has an old state of %s", reader, id)
				}
			}
		})
	}
	for range said {
		id := h.bot("qa", bot.Message{Text: "first"})
		h.bot("ops", bot.Message{Text: "elsewhere"})
		h.edit(id, "qa", bot.Message{Text: "second"})
		h.edit(id, "qa", bot.Message{Text: "final"})
	}
	h.bot("qa", bot.Message{Text: "the end"})
	wg.Wait()
}

func TestAnEditComesInItsPlace(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	card := bot.Message{Title: "op-1", ReplyTo: "message-1", Operation: "op-1", Progress: &bot.Progress{Done: 1, Total: 3, Items: []bot.ProgressItem{{State: "running", Text: "Preflight"}}}}
	id := h.bot("qa", card)
	s := h.listen("qa", cookie, 0)
	first := s.want("entry")
	s.want("live")
	card.Progress.Done, card.ReplyTo = 2, ""
	h.edit(id, "qa", card)
	second := s.want("entry")
	if second.ID != first.ID || second.id <= first.id || !second.Edited || first.Edited || second.ReplyTo != "message-1" {
		t.Errorf("%+v\n%+v", first.shown, second.shown)
	}
	of := func(f frame) *html.Node {
		return elements(parse(t, f.HTML), func(n *html.Node) bool { return n.Data == "article" })[0]
	}
	if attr(of(first), "id") != attr(of(second), "id") || !strings.Contains(text(of(second)), "2/3") || !strings.Contains(attr(of(second), "class"), "card") {
		t.Errorf("%s", second.HTML)
	}
}

func TestOtherRoomsAreOnlyToldOf(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:bob", "local")
	s := h.listen("qa", cookie, 0)
	s.want("live")
	for _, name := range []string{"dm:terminal:alice", "dm:terminal:boss", "terminal", "secret"} {
		h.bot(name, bot.Message{Text: "hidden"})
	}
	h.bot("ops", bot.Message{Text: "private to ops"})
	h.bot("dm:terminal:bob", bot.Message{Text: "to bob"})
	h.post("/v1/messages", cookie, map[string]string{"id": "message-1", "room": "ops", "text": "said by bob"})
	h.bot("qa", bot.Message{Text: "here"})
	for _, want := range []shown{{Room: "ops"}, {Room: "dm:terminal:bob"}, {Room: "ops", Mine: true, Author: "terminal:bob"}} {
		f := s.want("entry")
		if f.Room != want.Room || f.HTML != "" || f.Mine != want.Mine || f.Author != want.Author || strings.Contains(f.data, "private") || strings.Contains(f.data, "said by") {
			t.Errorf("%s, want %+v", f.data, want)
		}
	}
	if f := s.want("entry"); f.Room != "qa" || !strings.Contains(f.HTML, "here") {
		t.Errorf("%+v", f)
	}
}

// TestAStreamEndsWithItsSession: who is signed out, disabled, unlinked or put out
// of the room hears nothing more after the next look.
func TestAStreamEndsWithItsSession(t *testing.T) {
	for name, c := range waysOut {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil).open()
			s := h.listen("qa", h.signIn("terminal:alice", "local"), 0)
			s.want("live")
			c.change(h)
			h.clock.pass(6 * time.Second)
			h.bot("qa", bot.Message{Text: "not for their eyes"})
			if f := s.want("out"); f.data != fmt.Sprintf(`{"out":%v}`, !c.signed) {
				t.Errorf("%s", f.data)
			}
			if f, ok := s.next(); ok {
				t.Errorf("it goes on with %+v", f)
			}
		})
	}
}

// TestTheRoomsOwnStreamEndsWithItsSession: neither with news nor without is there
// another way to read on.
func TestTheRoomsOwnStreamEndsWithItsSession(t *testing.T) {
	for name, c := range waysOut {
		for _, spoken := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, spoken %v", name, spoken), func(t *testing.T) {
				h := newHouse(t, nil).open()
				s := h.try("/v1/events?room=qa&after=0", h.signIn("terminal:alice", "local"))
				s.want("live")
				c.change(h)
				if spoken {
					h.bot("qa", bot.Message{Text: "not for their eyes"})
				}
				if f, ok := s.next(); ok {
					t.Errorf("it goes on with %+v", f)
				}
				if err := s.lines.Err(); err != nil {
					t.Errorf("it did not end by itself: %v", err)
				}
				if text := h.log.String(); strings.Contains(text, "ERROR") {
					t.Errorf("a refusal is logged as a failure: %s", text)
				}
			})
		}
	}
}

// waysOut are what ends the sight of a person who reads the room qa.
var waysOut = map[string]struct {
	change func(h *house)
	signed bool // in still
}{
	"signed out": {func(h *house) {
		for _, s := range h.sessions.(*memory).all() {
			check(h.t, h.sessions.DeleteSession(context.Background(), s.ID))
		}
	}, false},
	"disabled":         {func(h *house) { h.people.set("terminal:alice", web.Person{}) }, false},
	"linked elsewhere": {func(h *house) { h.people.set("terminal:alice", web.Person{UserID: "u-x", Projects: []string{"qa"}}) }, false},
	"expired":          {func(h *house) { h.clock.pass(12 * time.Hour) }, false},
	"room closed":      {func(h *house) { h.people.set("terminal:alice", web.Person{UserID: "u-alice"}) }, true},
}

// TestAStreamEndsWithoutNews: nobody needs to speak for it.
func TestAStreamEndsWithoutNews(t *testing.T) {
	h := newHouse(t, nil).open()
	s := h.listen("qa", h.signIn("terminal:alice", "local"), 0)
	s.want("live")
	h.people.set("terminal:alice", web.Person{})
	h.clock.pass(6 * time.Second)
	s.want("out")
}

// TestAStreamFollowsRights: a room that was closed to its reader meanwhile is not
// told of any more, the open one goes on.
func TestAStreamFollowsRights(t *testing.T) {
	h := newHouse(t, nil).open()
	s := h.listen("qa", h.signIn("terminal:bob", "local"), 0)
	s.want("live")
	h.people.set("terminal:bob", web.Person{UserID: "u-bob", Projects: []string{"qa"}})
	h.clock.pass(6 * time.Second)
	h.bot("ops", bot.Message{Text: "not for bob"})
	h.bot("qa", bot.Message{Text: "for bob"})
	if f := s.want("entry"); f.Room != "qa" {
		t.Errorf("%s", f.data)
	}
}

// TestARoomMadeLaterIsTold: the stream ends with that, without a gap, and the next
// one follows the new room too.
func TestARoomMadeLaterIsTold(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:boss", "local")
	s := h.listen("qa", cookie, 0)
	cursor := s.want("live").id
	h.bot("later", bot.Message{Text: "the first word there"})
	h.clock.pass(6 * time.Second)
	h.bot("qa", bot.Message{Text: "here"})
	s.want("rooms")
	if f, ok := s.next(); ok {
		t.Errorf("it goes on with %+v", f)
	}
	s = h.listen("qa", cookie, cursor)
	for _, want := range []string{"later", "qa"} {
		if f := s.want("entry"); f.Room != want {
			t.Errorf("%s, want %s", f.data, want)
		}
	}
}

// TestAFailingStoreCutsAStream: the browser comes back by itself; it was not
// signed out.
func TestAFailingStoreCutsAStream(t *testing.T) {
	for _, which := range []string{"sessions", "people"} {
		h := newHouse(t, nil).open()
		cookie := h.signIn("terminal:alice", "local")
		s := h.listen("qa", cookie, 0)
		s.want("live")
		fail := map[string]func(error){"sessions": h.sessions.(*memory).failWith, "people": h.people.failWith}[which]
		fail(errors.New("the database is locked"))
		h.clock.pass(6 * time.Second)
		if f, ok := s.next(); ok {
			t.Errorf("%s: %q %s", which, f.event, f.data)
		}
		fail(nil)
		h.listen("qa", cookie, 0).want("live")
	}
}

func TestStreamsAreBounded(t *testing.T) {
	h := newHouse(t, nil).open()
	alice := h.signIn("terminal:alice", "local")
	const carols = "dm:slack:T1/U2" // the room of somebody else
	carol := h.signIn("slack:T1/U2", "")
	var mu sync.Mutex
	var open []*stream
	take := func(room, cookie string, n int) (got, refused int) {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range n / 16 {
					s := h.try("/ui/events?after=0&room="+escape(room), cookie)
					mu.Lock()
					if s.status == http.StatusOK {
						got++
						open = append(open, s)
					} else {
						refused++
						if s.status != http.StatusServiceUnavailable || s.header.Get("Retry-After") == "" || !s.last {
							t.Errorf("refused with %d, Retry-After %q, the connection ends: %v", s.status, s.header.Get("Retry-After"), s.last)
						}
						s.end()
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		return got, refused
	}
	if got, refused := take("qa", alice, 160); got != 128 || refused != 32 {
		t.Errorf("one person has %d streams, %d refused", got, refused)
	}
	if got, _ := take("qa", h.signIn("terminal:alice", "local"), 16); got != 0 {
		t.Errorf("another session gave the same person %d streams more", got)
	}
	for _, who := range []string{"terminal:boss", "terminal:bob", "local:local"} {
		if got, _ := take("qa", h.signIn(who, ""), 128); got != 128 {
			t.Errorf("%s has %d streams", who, got)
		}
	}
	if got, _ := take(carols, carol, 16); got != 0 || len(open) != 512 {
		t.Errorf("%d streams, %d more", len(open), got)
	}
	if !h.in(carol) || h.get("/rooms/"+escape(carols), carol).status != http.StatusOK {
		t.Error("pages are refused while there are many streams")
	}
	for _, s := range slices.Clone(open[:64]) {
		s.end()
	}
	deadline := time.Now().Add(10 * time.Second)
	for s := h.try("/ui/events?after=0&room="+escape(carols), carol); s.status != http.StatusOK; s = h.try("/ui/events?after=0&room="+escape(carols), carol) {
		if s.end(); time.Now().After(deadline) {
			t.Fatal("streams that were left are not given back")
		}
	}
}

// TestTheServersEndEndsStreams, at once, and without a word of signing out: the
// browsers come back to the next one.
func TestTheServersEndEndsStreams(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	var streams []*stream
	for range 20 {
		s := h.listen("qa", cookie, 0)
		s.want("live")
		streams = append(streams, s)
	}
	h.clock.pass(time.Minute) // each would look at its session next
	began := time.Now()
	h.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the end took %s", took)
	}
	for _, s := range streams {
		if f, ok := s.next(); ok {
			t.Errorf("%q %s", f.event, f.data)
		}
	}
	if text := h.log.String(); strings.Contains(text, "ERROR") {
		t.Errorf("a normal end is logged as a failure: %s", text)
	}
}
