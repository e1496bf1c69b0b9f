package pages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
)

const (
	// beatEvery is how often a stream says that it lives, and makes sure that its
	// reader is still in and still may look.
	beatEvery = 5 * time.Second
	// writeFor is how long a browser may take for one piece.
	writeFor = 10 * time.Second
)

// stream tells one browser what is new about one operation.
type stream struct {
	p    *Pages
	w    http.ResponseWriter
	rc   *http.ResponseController
	rd   *reader
	sent position
}

// position is how far a browser has got: it is the id of every event, so that a
// stream goes on where another one was cut off, also after a restart.
type position struct {
	state string
	line  int64
}

// String is the id.
func (s position) String() string { return s.state + "." + strconv.FormatInt(s.line, 10) }

// positionOf reads an id; one that makes no sense is the beginning.
func positionOf(id string) position {
	state, line, _ := strings.Cut(id, ".")
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		return position{}
	}
	return position{state, n}
}

// operationEvents streams the part of the page that changes, and how far the log
// has got.
func (p *Pages) operationEvents(w http.ResponseWriter, r *http.Request, in bot.Inbound) error {
	call, rd, err := p.lookAt(r, in, "op show ")
	if err != nil {
		return err
	}
	seat, ok := p.hub.sit(call.Op.ID, in.Identity)
	if !ok {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many streams", http.StatusServiceUnavailable)
		return nil
	}
	defer seat.leave()
	first, err := p.take(r.Context(), call.Op.ID)
	if err != nil {
		return err
	}
	s := &stream{p: p, w: w, rc: http.NewResponseController(w), rd: rd, sent: positionOf(resumeFrom(r))}
	if err := s.begin(); err != nil {
		return nil //nolint:nilerr // the browser has gone
	}
	if err := s.follow(r, in, seat, first); err != nil && r.Context().Err() == nil {
		p.cfg.Log.Debug("a stream ended", "operation", call.Op.Label(), "error", err)
	}
	return nil
}

// resumeFrom is what the browser has seen: EventSource says it when it connects
// again by itself, the page's script when it opens a new one.
func resumeFrom(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("after")
}

func (s *stream) begin() error {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	// The server's read timeout is for requests, and this one was read.
	if err := s.rc.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return s.write("retry: 2000\n\n")
}

// follow sends what is there, then "live", then what comes.
func (s *stream) follow(r *http.Request, in bot.Inbound, seat *seat, next *snapshot) error {
	if err := s.show(r.Context(), next); err != nil {
		return err
	}
	// A tab that only looks in has seen everything now.
	if err := s.write("event: live\ndata: {}\n\n"); err != nil {
		return err
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-s.p.hub.ended:
			return nil
		case <-seat.wake:
			if err := s.show(r.Context(), seat.watch.latest.Load()); err != nil {
				return err
			}
		case <-beat.C:
			if err := s.still(r, in); err != nil {
				return err
			}
		}
	}
}

// show sends what is new in a snapshot.
func (s *stream) show(ctx context.Context, snap *snapshot) error {
	if snap.logLast > s.sent.line {
		s.sent.line = snap.logLast
		if err := s.event("log", fmt.Sprintf(`{"last":%d}`, snap.logLast)); err != nil {
			return err
		}
	}
	if snap.state == s.sent.state {
		return nil
	}
	s.rd.now = snap.at
	html, err := s.p.live(ctx, snap, s.rd)
	if err != nil {
		return err
	}
	s.sent.state = snap.state
	return s.event("state", string(html))
}

// still ends the stream of somebody who is no longer in or no longer may look.
func (s *stream) still(r *http.Request, in bot.Inbound) error {
	now, ok := s.p.cfg.Shell.Visitor(&nobody{header: http.Header{}}, r)
	if !ok || now.Identity != in.Identity {
		return errors.Join(errOut, s.write("event: out\ndata: {}\n\n"))
	}
	if _, _, err := s.p.lookAt(r, in, "op show "); err != nil {
		if errors.Is(err, commands.ErrDenied) {
			err = errors.Join(err, s.write("event: out\ndata: {}\n\n"))
		}
		return err
	}
	return s.write(":\n\n")
}

var errOut = errors.New("the reader has left")

// event sends one event under the present position.
func (s *stream) event(name, data string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\nid: %s\n", name, s.sent)
	for line := range strings.Lines(data) {
		b.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	b.WriteByte('\n')
	return s.write(b.String())
}

// write sends text at once; a browser that does not take it is let go.
func (s *stream) write(text string) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(writeFor)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.rc.Flush()
}

// nobody takes an answer that is for nobody.
type nobody struct{ header http.Header }

// Header implements http.ResponseWriter.
func (n *nobody) Header() http.Header { return n.header }

// Write implements http.ResponseWriter.
func (n *nobody) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (n *nobody) WriteHeader(int) {}
