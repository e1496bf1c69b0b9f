package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/coxswain-ops/coxswain/bot/room"
)

// How many entries a room's page begins with, and after "earlier".
const (
	firstEntries = 60
	moreEntries  = 500
)

// roomView is a room's page.
type roomView struct {
	Name, Title string
	Entries     []entryView
	Cursor      int64
	Earlier     string // where older entries are, "" when these are all
	Welcome     *welcome
}

// welcome is what an empty room of one's own begins with.
type welcome struct {
	Sandbox string // command that makes a first cluster, "" without simulated machines
}

func (s *Web) roomPage(w http.ResponseWriter, r *http.Request) {
	v, ok := s.enterFirst(w, r)
	if !ok {
		return
	}
	name := r.PathValue("room")
	if !s.open(v, name) {
		s.fail(w, r, http.StatusNotFound, "web.noroom")
		return
	}
	f := s.frame(r, v)
	f.Section, f.Title = "rooms", f.roomTitle(name)
	last := firstEntries
	if r.URL.Query().Get("earlier") != "" {
		last = moreEntries
	}
	view, err := s.roomView(r, v, f, name, last)
	if err == nil {
		err = s.rooms(r, v, f, name)
	}
	if err == nil {
		err = s.cfg.Transcript.MarkRead(r.Context(), v.in.Identity, name, view.Cursor)
	}
	if err != nil {
		s.cfg.Log.Error("web: a room's page", "error", err)
		s.fail(w, r, http.StatusServiceUnavailable, "web.unavailable")
		return
	}
	f.Room = view
	s.render(w, http.StatusOK, "room", f)
}

// open reports whether the visitor may enter a room of this name.
func (s *Web) open(v *visit, name string) bool {
	if name == v.in.From.Room || name == room.DM(v.in.Identity) {
		return true
	}
	return !strings.HasPrefix(name, room.DM("")) && room.ValidName(name) && v.mayEnter(name)
}

func (s *Web) roomView(r *http.Request, v *visit, f *frame, name string, last int) (*roomView, error) {
	old, cursor, err := s.cfg.Room.History(r.Context(), []string{name}, last)
	if err != nil {
		return nil, err
	}
	view := &roomView{Name: name, Title: f.roomTitle(name), Cursor: cursor}
	for _, e := range old {
		view.Entries = append(view.Entries, s.entryView(f, v, e))
	}
	if len(old) == last && last < moreEntries {
		view.Earlier = roomURL(name) + "?earlier=1"
	}
	if len(old) == 0 {
		view.Welcome = &welcome{}
		if s.cfg.Sandbox != "" {
			view.Welcome.Sandbox = "cluster create demo region=" + s.cfg.Sandbox + " masters=1 workers=2"
		}
	}
	return view, nil
}

// read notes how far the visitor has read a room.
func (s *Web) read(w http.ResponseWriter, r *http.Request) {
	v, ok := s.enterFirst(w, r)
	if !ok {
		return
	}
	var body struct {
		Room   string `json:"room"`
		Cursor int64  `json:"cursor"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSmall)).Decode(&body)
	if err != nil || body.Cursor < 0 || !s.open(v, body.Room) {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	if err := s.cfg.Transcript.MarkRead(r.Context(), v.in.Identity, body.Room, body.Cursor); err != nil {
		s.cfg.Log.Error("web: a read mark", "error", err)
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	answer(w, http.StatusOK, map[string]bool{"ok": true})
}

// form answers with the form of a command that is being typed, or nothing.
func (s *Web) form(w http.ResponseWriter, r *http.Request) {
	v, ok := s.enterFirst(w, r)
	if !ok {
		return
	}
	var body struct {
		Room string `json:"room"`
		Text string `json:"text"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSmall)).Decode(&body); err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	in := v.in
	in.Text = body.Text
	if s.open(v, body.Room) {
		in.From.Room = body.Room
	}
	form, err := s.cfg.Assistant.Form(r.Context(), in)
	if err != nil {
		s.cfg.Log.Error("web: a form", "error", err)
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	if form == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	f := s.frame(r, v)
	html, err := s.pages.part("form", formView{f, form, "f" + strconv.FormatInt(s.cfg.Now().UnixNano(), 36)})
	if err != nil {
		s.cfg.Log.Error("web: a form", "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]string{"html": html, "title": form.Title})
}
