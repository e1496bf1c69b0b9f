package term

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
)

// silence is the longest a healthy stream is quiet: the server's heartbeat, with
// time to spare.
const silence = 45 * time.Second

// Feed says what to follow.
type Feed struct {
	Room, As string
	// After is the cursor to go on from; negative: begin with the newest Last
	// entries.
	After int64
	Last  int
	// Away is called when the connection is lost and Back when it is there
	// again; both may be nil.
	Away func(error)
	Back func()
}

// errStop ends Follow from within emit.
var errStop = errors.New("enough")

// Follow calls emit with each state of each entry, each once, and connects again
// when the connection is lost, until ctx ends, the server refuses, or emit fails.
func (c *Client) Follow(ctx context.Context, f Feed, emit func(room.Entry) error) error {
	s := &feed{Feed: f, client: c, emit: emit, seen: map[string]int64{}}
	for try := 0; ; try++ {
		before := s.received
		err := s.connect(ctx)
		var refusal *room.Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case s.failed != nil:
			return s.failed
		case errors.As(err, &refusal) && refusal.Status < 500 && refusal.Status != http.StatusTooManyRequests:
			return err
		}
		if s.received != before {
			try = 0
		}
		s.away(err)
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// feed is a Follow under way.
type feed struct {
	Feed
	client   *Client
	emit     func(room.Entry) error
	seen     map[string]int64 // newest cursor of each entry of the history
	received int
	lost     bool
	failed   error // of emit
}

func (s *feed) away(err error) {
	if !s.lost && s.Away != nil {
		s.Away(err)
	}
	s.lost = true
}

func (s *feed) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q := url.Values{"room": {s.Room}, "as": {s.As}}
	if s.After >= 0 {
		q.Set("after", strconv.FormatInt(s.After, 10))
	} else if s.Last > 0 {
		q.Set("last", strconv.Itoa(s.Last))
	}
	res, err := s.client.open(ctx, http.MethodGet, "/v1/events?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if s.lost && s.Back != nil {
		s.Back()
	}
	s.lost = false
	watch := time.AfterFunc(silence, cancel)
	defer watch.Stop()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 64<<10), 32<<20)
	var f frame
	for lines.Scan() {
		watch.Reset(silence)
		if !f.take(lines.Text()) {
			continue
		}
		if err := s.handle(f); err != nil {
			return err
		}
		f = frame{}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return errors.New("the stream ended")
}

// frame is one server-sent event being read.
type frame struct{ event, id, data string }

// take adds a line and reports whether the event is complete.
func (f *frame) take(line string) bool {
	name, value, _ := strings.Cut(line, ": ")
	switch name {
	case "event":
		f.event = value
	case "id":
		f.id = value
	case "data":
		f.data = value
	case "":
		return f.event != ""
	}
	return false
}

func (s *feed) handle(f frame) error {
	s.received++
	switch f.event {
	case "entry":
		var e room.Entry
		if err := json.Unmarshal([]byte(f.data), &e); err != nil {
			return fmt.Errorf("entry: %w", err)
		}
		if err := s.give(e); err != nil {
			s.failed = err
			return err
		}
	case "live":
		s.seen = map[string]int64{} // from here on the cursor tells
	}
	if f.id == "" {
		return nil
	}
	cursor, err := strconv.ParseInt(f.id, 10, 64)
	if err != nil {
		return fmt.Errorf("cursor: %w", err)
	}
	s.After = cursor
	return nil
}

// give passes on what was not given before: a history that was cut comes whole
// again.
func (s *feed) give(e room.Entry) error {
	if s.After < 0 {
		if s.seen[e.ID] >= e.Cursor {
			return nil
		}
		s.seen[e.ID] = e.Cursor
	}
	return s.emit(e)
}
