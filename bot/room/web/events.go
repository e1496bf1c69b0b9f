package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
)

// lookAgain is how often an open stream makes sure that its reader is still
// signed in, and looks for rooms that were made since it began.
const lookAgain = 5 * time.Second

// errAnew ends a stream that its page is to begin anew.
var errAnew = errors.New("there is another room")

// shown is an entry as a page gets it.
type shown struct {
	ID      string `json:"id"`
	Room    string `json:"room"`
	Author  string `json:"author"`
	ReplyTo string `json:"replyTo,omitempty"`
	HTML    string `json:"html,omitempty"` // of the room that is open
	Edited  bool   `json:"edited,omitempty"`
	Mine    bool   `json:"mine,omitempty"`
}

// events streams what happens in all rooms of the visitor: whole entries of the
// room that is open, for the others only that there is something.
func (s *Web) events(w http.ResponseWriter, r *http.Request) {
	v, ok := s.enterFirst(w, r)
	if !ok {
		return
	}
	name := r.URL.Query().Get("room")
	after, resume, err := room.CursorOf(r)
	if err != nil || !resume || !s.open(v, name) {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	release, ok := s.streams.take(v.person.UserID)
	if !ok {
		w.Header().Set("Retry-After", "10")
		w.Header().Set("Connection", "close") // who is many costs no memory while they wait
		http.Error(w, "too many streams", http.StatusServiceUnavailable)
		return
	}
	defer release()
	f := s.frame(r, v)
	if err := s.rooms(r, v, f, name); err != nil {
		s.cfg.Log.Error("web: rooms", "error", err)
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	l := &listener{web: s, r: r, v: v, f: f, room: name, out: room.NewStream(w), looked: s.cfg.Now()}
	defer context.AfterFunc(r.Context(), l.out.Cut)()
	if err := l.out.Start(); err != nil {
		return
	}
	err = s.cfg.Room.Follow(r.Context(), f.names(), after, l.entry, l.idle)
	if err != nil && r.Context().Err() == nil && !l.out.Gone() && !errors.Is(err, errOut) && !errors.Is(err, errAnew) {
		s.cfg.Log.Error("web: a reader was cut off", "error", err)
	}
}

func (f *frame) names() []string {
	out := make([]string, 0, len(f.Rooms))
	for _, r := range f.Rooms {
		out = append(out, r.Name)
	}
	return out
}

// listener is one open stream.
type listener struct {
	web    *Web
	r      *http.Request
	v      *visit
	f      *frame
	room   string
	out    *room.Stream
	looked time.Time
}

func (l *listener) entry(e room.Entry) error {
	if err := l.look(); err != nil {
		return err
	}
	if !l.web.open(l.v, e.Room) {
		return nil // it was, when the stream began
	}
	m := shown{ID: e.ID, Room: e.Room, Author: e.Author, ReplyTo: e.Bot.ReplyTo, Edited: e.Edited, Mine: e.Author == l.v.in.Identity}
	if e.Room == l.room {
		html, err := l.web.pages.part("entry", l.web.entryView(l.f, l.v, e))
		if err != nil {
			return err
		}
		m.HTML = html
	}
	return l.out.Send("entry", strconv.FormatInt(e.Cursor, 10), m)
}

func (l *listener) idle(cursor int64) error {
	if err := l.look(); err != nil {
		return err
	}
	return l.out.Idle(cursor)
}

// look ends the stream of somebody who was signed out, disabled or unlinked, or
// whose room was closed to them (out tells the page which), and of somebody for
// whom there is a new room.
func (l *listener) look() error {
	now := l.web.cfg.Now()
	if now.Sub(l.looked) < lookAgain {
		return nil
	}
	l.looked = now
	v, err := l.web.visit(l.r)
	if out := errors.Is(err, errOut); out || err == nil && !l.web.open(v, l.room) {
		return errors.Join(errOut, l.out.Send("out", "", map[string]bool{"out": out}))
	}
	if err != nil {
		return err
	}
	l.v = v
	return l.lookForRooms()
}

// lookForRooms ends a stream that does not follow all rooms of its reader: the page
// shows them and begins anew where it was.
func (l *listener) lookForRooms() error {
	names, err := l.web.roomNames(l.r.Context(), l.v, l.room)
	if err != nil {
		return err
	}
	followed := l.f.names()
	for _, name := range names {
		if !slices.Contains(followed, name) {
			return errors.Join(errAnew, l.out.Send("rooms", "", struct{}{}))
		}
	}
	return nil
}
