package room

import (
	"context"
	"encoding/json"
	"errors"
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
// what follows is new; its id is the cursor to come back with. The stream ends when
// its reader may not read it any more.
func (a *API) getEvents(w http.ResponseWriter, r *http.Request, c Caller) error {
	q := r.URL.Query()
	s, err := c.speak(q.Get("as"), q.Get("room"))
	if err != nil {
		return err
	}
	after, resume, err := CursorOf(r)
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
	out := NewStream(w)
	defer context.AfterFunc(r.Context(), out.Cut)()
	l := &reader{api: a, r: r, speaker: s, out: out, looked: time.Now()}
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
	if err := out.Start(); err != nil {
		return nil // the reader has gone
	}
	err = a.room.Follow(r.Context(), rooms, after, l.entry, l.idle)
	if err != nil && r.Context().Err() == nil && !out.Gone() && !errors.Is(err, errShut) {
		a.log.Error("room: a reader was cut off", "err", err)
	}
	return nil
}

// errShut ends the stream of somebody who may not read it any more.
var errShut = errors.New("the room is not open to its reader any more")

// reader is one open stream.
type reader struct {
	api     *API
	r       *http.Request
	speaker speaker // as of the beginning
	out     *Stream
	looked  time.Time
}

func (l *reader) entry(e Entry) error {
	if err := l.look(); err != nil {
		return err
	}
	return l.out.entry(e)
}

func (l *reader) idle(cursor int64) error {
	if err := l.look(); err != nil {
		return err
	}
	return l.out.Idle(cursor)
}

// look asks again who the reader is and whether the room is open to them: a stream
// outlives the session and the rights that it began with. Who comes back is told why
// not.
func (l *reader) look() error {
	if time.Since(l.looked) < l.api.room.cfg.LookAgain {
		return nil
	}
	l.looked = time.Now()
	c, err := l.api.identify(l.r)
	if err != nil {
		return shut(err)
	}
	q := l.r.URL.Query()
	now, err := c.speak(q.Get("as"), q.Get("room"))
	if err == nil && now != l.speaker {
		err = errShut // somebody else by now
	}
	return shut(err)
}

// shut tells a refusal, which is nothing to log, from a failure.
func shut(err error) error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return errors.Join(errShut, err)
	}
	return err
}

func (a *API) sendHistory(r *http.Request, rooms []string, last int, out *Stream) (int64, error) {
	old, cursor, err := a.room.History(r.Context(), rooms, last)
	if err != nil {
		return 0, fmt.Errorf("history: %w", err)
	}
	for _, e := range old {
		// Without id: an edited entry's cursor is ahead of those that follow
		// it here, and a reader that came back with it would miss them.
		if err := out.Send("entry", "", e); err != nil {
			return 0, err
		}
	}
	return cursor, nil
}

// CursorOf reads where a reader wants to go on, if it does.
func CursorOf(r *http.Request) (after int64, resume bool, err error) {
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

// Stream writes server-sent events to one reader, each with its own deadline.
type Stream struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	started bool
	live    bool
	gone    bool
	beat    time.Time

	mu     sync.Mutex
	closed bool // no write may wait any longer
}

// NewStream makes one. Until Start or the first event nothing is answered yet.
func NewStream(w http.ResponseWriter) *Stream {
	return &Stream{w: w, rc: http.NewResponseController(w)}
}

// Cut ends a write that waits for a reader, for a server that goes down.
func (s *Stream) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	_ = s.rc.SetWriteDeadline(time.Now()) // a recorder in a test has none
}

// Gone reports whether the reader has gone.
func (s *Stream) Gone() bool { return s.gone }

func (s *Stream) allow(wait time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return http.ErrServerClosed
	}
	_ = s.rc.SetWriteDeadline(time.Now().Add(wait)) // a recorder in a test has none
	return nil
}

// Start answers that the stream is open.
func (s *Stream) Start() error {
	if s.started {
		return nil
	}
	s.started = true
	_ = s.rc.SetReadDeadline(time.Time{}) // the listener's is for requests; this one has no end
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	return s.write(": coxswain\n\n")
}

func (s *Stream) entry(e Entry) error {
	return s.Send("entry", strconv.FormatInt(e.Cursor, 10), e)
}

// Send writes one event; id is the cursor to come back with, "" = none.
func (s *Stream) Send(event, id string, v any) error {
	if err := s.Start(); err != nil {
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

// Idle says once that the reader is up to date, then sends heartbeats.
func (s *Stream) Idle(cursor int64) error {
	if !s.live {
		s.live = true
		return s.Send("live", strconv.FormatInt(cursor, 10), map[string]int64{"cursor": cursor})
	}
	if time.Since(s.beat) < heartbeat {
		return nil
	}
	return s.write(": beat\n\n")
}

func (s *Stream) write(frame string) error {
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
