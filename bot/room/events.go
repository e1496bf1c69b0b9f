package room

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	heartbeat = 15 * time.Second
	// writeWait is how long a reader may take for one entry before it is cut
	// off; it comes back with its cursor.
	writeWait   = 10 * time.Second
	historySize = 50
	maxHistory  = 500
)

// getEvents streams the entries of a room and of the speaker's DM as
// server-sent events. With "after" (or Last-Event-ID) it goes on from there;
// without, it first gives the newest "last" entries. The event "live" says that
// what follows is new; its id is the cursor to come back with.
func (a *API) getEvents(w http.ResponseWriter, r *http.Request, c Caller) error {
	q := r.URL.Query()
	s, err := c.speak(q.Get("as"), q.Get("room"))
	if err != nil {
		return err
	}
	after, resume, err := cursorOf(r)
	if err != nil {
		return err
	}
	last, err := number(q.Get("last"), historySize)
	if err != nil || last > maxHistory {
		return refuse(http.StatusBadRequest, "bad-number", "name", "last", "value", clip(q.Get("last")))
	}
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		return refuse(http.StatusTooManyRequests, "busy")
	}
	out := &stream{w: w, rc: http.NewResponseController(w)}
	defer context.AfterFunc(r.Context(), out.cut)()
	rooms := slices.Compact([]string{s.room, DM(s.identity)})
	if !resume {
		after, err = a.sendHistory(r, rooms, int(last), out)
		if err != nil && !out.started {
			return err
		}
		if err != nil {
			return nil // cut in the middle: the reader comes back
		}
	}
	if err := out.start(); err != nil {
		return nil // the reader has gone
	}
	if err := a.room.follow(r.Context(), rooms, after, out.entry, out.idle); err != nil && r.Context().Err() == nil && !out.gone {
		a.log.Error("room: a reader was cut off", "err", err)
	}
	return nil
}

func (a *API) sendHistory(r *http.Request, rooms []string, last int, out *stream) (int64, error) {
	old, cursor, err := a.room.history(r.Context(), rooms, last)
	if err != nil {
		return 0, fmt.Errorf("history: %w", err)
	}
	for _, e := range old {
		// Without id: an edited entry's cursor is ahead of those that follow
		// it here, and a reader that came back with it would miss them.
		if err := out.send("entry", "", e); err != nil {
			return 0, err
		}
	}
	return cursor, nil
}

// cursorOf reads where a reader wants to go on, if it does.
func cursorOf(r *http.Request) (after int64, resume bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return 0, false, nil
	}
	after, err = number(text, 0)
	return after, true, err
}

func number(text string, otherwise int64) (int64, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, refuse(http.StatusBadRequest, "bad-number", "name", "after", "value", clip(text))
	}
	return n, nil
}

// stream writes server-sent events to one reader, each with its own deadline.
type stream struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	started bool
	live    bool
	gone    bool
	beat    time.Time

	mu     sync.Mutex
	closed bool // no write may wait any longer
}

// cut ends a write that waits for a reader, for a server that goes down.
func (s *stream) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	_ = s.rc.SetWriteDeadline(time.Now()) // a recorder in a test has none
}

func (s *stream) allow(wait time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return http.ErrServerClosed
	}
	_ = s.rc.SetWriteDeadline(time.Now().Add(wait)) // a recorder in a test has none
	return nil
}

func (s *stream) start() error {
	if s.started {
		return nil
	}
	s.started = true
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	return s.write(": coxswain\n\n")
}

func (s *stream) entry(e Entry) error {
	return s.send("entry", strconv.FormatInt(e.Cursor, 10), e)
}

func (s *stream) send(event, id string, v any) error {
	if err := s.start(); err != nil {
		return err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	frame := "event: " + event + "\n"
	if id != "" {
		frame += "id: " + id + "\n"
	}
	return s.write(frame + "data: " + string(data) + "\n\n")
}

// idle says once that the reader is up to date, then sends heartbeats.
func (s *stream) idle(cursor int64) error {
	if !s.live {
		s.live = true
		return s.send("live", strconv.FormatInt(cursor, 10), map[string]int64{"cursor": cursor})
	}
	if time.Since(s.beat) < heartbeat {
		return nil
	}
	return s.write(": beat\n\n")
}

func (s *stream) write(frame string) error {
	s.beat = time.Now()
	err := s.allow(writeWait)
	if err == nil {
		_, err = s.w.Write([]byte(frame))
	}
	if err == nil {
		err = s.rc.Flush()
	}
	s.gone = err != nil
	return err
}
