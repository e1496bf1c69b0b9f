package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// frame is what every page is made of.
type frame struct {
	web     *Web
	Lang    string // "zh" or "en"
	Theme   string // "light", "dark", "auto"
	Title   string
	Section string // entry of the navigation that is current
	Here    string // path of this page, for the language switch
	Next    string // the way-in page: where to go after
	Person  *Person
	Home    string // the visitor's own room
	Rooms   []roomLink
	Body    template.HTML
	Room    *roomView
	Message string
}

// roomLink is a room in the list at the side.
type roomLink struct {
	Name, Title, URL string
	Unread           int
	Current          bool
	Own              bool // nobody else reads along
}

// T puts a key of the catalogues into the reader's words.
func (f *frame) T(key string, kv ...any) string {
	args := map[string]any{}
	for i := 0; i+1 < len(kv); i += 2 {
		args[fmt.Sprint(kv[i])] = kv[i+1]
	}
	return f.web.cfg.Say(f.Lang, key, args)
}

// HTMLLang is the document's language tag.
func (f *frame) HTMLLang() string {
	if f.Lang == "zh" {
		return "zh-CN"
	}
	return "en"
}

// OtherLang is the language that the switch changes to.
func (f *frame) OtherLang() string {
	if f.Lang == "zh" {
		return "en"
	}
	return "zh"
}

// frame begins a page; v is nil for somebody who is not signed in.
func (s *Web) frame(r *http.Request, v *visit) *frame {
	f := &frame{web: s, Lang: s.lang(r), Theme: "auto", Here: r.URL.Path}
	if c, err := r.Cookie("coxswain_theme"); err == nil && (c.Value == "dark" || c.Value == "light") {
		f.Theme = c.Value
	}
	if v != nil {
		f.Lang, f.Person, f.Home = v.person.Lang, &v.person, v.in.From.Room
	}
	return f
}

// lang is what somebody reads who is not known.
func (s *Web) lang(r *http.Request) string {
	if c, err := r.Cookie("coxswain_lang"); err == nil && (c.Value == "zh" || c.Value == "en") {
		return c.Value
	}
	if lang := browserLang(r); lang != "" {
		return lang
	}
	return "en"
}

func (s *Web) say(r *http.Request, key string) string { return s.cfg.Say(s.lang(r), key, nil) }

// roomURL is a room's page.
func roomURL(name string) string { return "/rooms/" + url.PathEscape(name) }

// rooms lists what the visitor may enter: the own room first.
func (s *Web) rooms(r *http.Request, v *visit, f *frame, current string) error {
	names, err := s.roomNames(r.Context(), v, current)
	if err != nil {
		return err
	}
	unread, err := s.cfg.Transcript.Unread(r.Context(), v.in.Identity, names)
	if err != nil {
		return err
	}
	for _, name := range names {
		f.Rooms = append(f.Rooms, roomLink{Name: name, Title: f.roomTitle(name), URL: roomURL(name), Unread: unread[name], Current: name == current,
			Own: name == f.Home || strings.HasPrefix(name, room.DM(""))})
	}
	return nil
}

// roomNames gives the names of what the visitor may enter now, current among them.
func (s *Web) roomNames(ctx context.Context, v *visit, current string) ([]string, error) {
	spoken, err := s.cfg.Transcript.Rooms(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{v.in.From.Room}
	if dm := room.DM(v.in.Identity); dm != v.in.From.Room && (slices.Contains(spoken, dm) || current == dm) {
		names = append(names, dm)
	}
	others := append(slices.Clone(v.person.Projects), spoken...)
	if current != "" {
		others = append(others, current)
	}
	slices.Sort(others)
	for _, name := range slices.Compact(others) {
		if !strings.HasPrefix(name, room.DM("")) && name != room.Terminal && v.mayEnter(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (f *frame) roomTitle(name string) string {
	switch {
	case name == f.Home:
		return f.T("web.room.home")
	case strings.HasPrefix(name, room.DM("")):
		return f.T("web.room.dm")
	default:
		return name
	}
}

// render answers with a page. It is made whole before the first byte goes out.
func (s *Web) render(w http.ResponseWriter, status int, page string, f *frame) {
	var b bytes.Buffer
	if err := s.pages.byName[page].ExecuteTemplate(&b, "layout", f); err != nil {
		s.cfg.Log.Error("web: making a page", "page", page, "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser may have gone
}

// fail answers with a page that says what is wrong.
func (s *Web) fail(w http.ResponseWriter, r *http.Request, status int, key string) {
	v, err := s.visit(r)
	if err != nil {
		v = nil
	}
	f := s.frame(r, v)
	f.Title, f.Message = f.T(key+".title"), f.T(key)
	if v != nil {
		if err := s.rooms(r, v, f, ""); err != nil {
			s.cfg.Log.Error("web: rooms", "error", err)
		}
	}
	s.render(w, status, "message", f)
}

// Visitor gives who a request is from, for pages of others. When nobody is in it
// has answered with the way in, and ok is false.
func (s *Web) Visitor(w http.ResponseWriter, r *http.Request) (in bot.Inbound, ok bool) {
	v, ok := s.enterFirst(w, r)
	if !ok {
		return bot.Inbound{}, false
	}
	return v.in, true
}

// Show answers with a page of others in the layout that all share.
func (s *Web) Show(w http.ResponseWriter, r *http.Request, in bot.Inbound, status int, title, section string, body template.HTML) {
	v, err := s.visit(r)
	if err == nil && v.in.Identity != in.Identity {
		err = errOut
	}
	f := s.frame(r, v)
	f.Title, f.Section, f.Body = title, section, body
	if err == nil {
		err = s.rooms(r, v, f, "")
	}
	if err != nil {
		if !errors.Is(err, errOut) {
			s.cfg.Log.Error("web: a page's frame", "error", err)
		}
		s.fail(w, r, http.StatusServiceUnavailable, "web.unavailable")
		return
	}
	s.render(w, status, "page", f)
}
