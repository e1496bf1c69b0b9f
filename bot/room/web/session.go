package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands/access"
)

// How long a browser stays signed in, and how often that is written down.
const (
	idleLife   = 12 * time.Hour     // without being seen
	longest    = 7 * 24 * time.Hour // altogether
	touchEvery = time.Minute
)

// errOut says that a request comes from nobody who is signed in.
var errOut = errors.New("not signed in")

// visit is a request of somebody who is signed in.
type visit struct {
	session *access.Session
	person  Person
	in      bot.Inbound // as the sender of a message
}

// mayEnter reports whether a room that is nobody's DM is open to the visitor: to
// an administrator all are, to others those of their projects.
func (v *visit) mayEnter(name string) bool {
	if name == room.Terminal {
		return v.in.Identity == "local:local"
	}
	return v.person.Admin || slices.Contains(v.person.Projects, name)
}

func (s *Web) cookieName() string {
	if s.cfg.Secure {
		return "__Host-coxswain" // browsers take it by TLS only, from this host only
	}
	return "coxswain"
}

// visit finds out who a request is from; errOut when from nobody. The person is
// looked up each time, so that who is disabled or unlinked is out at once.
func (s *Web) visit(r *http.Request) (*visit, error) {
	c, err := r.Cookie(s.cookieName())
	if err != nil || c.Value == "" {
		return nil, errOut
	}
	now := s.cfg.Now()
	b, err := s.cfg.Sessions.Session(r.Context(), access.HashSecret(c.Value), now)
	if errors.Is(err, access.ErrNoSession) {
		return nil, errOut
	}
	if err != nil {
		return nil, err // the door stays shut, but nobody was signed out
	}
	v := &visit{session: b, in: s.sender(r, b)}
	if v.person, err = s.cfg.Person(r.Context(), v.in); err != nil {
		return nil, err
	}
	if v.person.UserID == "" || v.person.UserID != b.UserID {
		return nil, errOut // unlinked since, or linked to somebody else
	}
	v.in.Lang = v.person.Lang
	if now.Sub(b.SeenAt) >= touchEvery {
		expires := now.Add(idleLife)
		if last := b.CreatedAt.Add(longest); expires.After(last) {
			expires = last
		}
		if err := s.cfg.Sessions.TouchSession(r.Context(), b.ID, remoteOf(r), now, expires); err != nil {
			s.cfg.Log.Warn("web: a session's last sight was not noted", "error", err)
		}
	}
	return v, nil
}

// sender is who a session speaks as. The language is the browser's until the
// person's own is known; a choice made by the switch wins over all.
func (s *Web) sender(r *http.Request, b *access.Session) bot.Inbound {
	in := bot.Inbound{Identity: b.Identity, On: b.On, Lang: browserLang(r), From: bot.Address{Account: room.Account, Room: room.Home(b.Identity)}}
	if c, err := r.Cookie("coxswain_lang"); err == nil && (c.Value == "zh" || c.Value == "en") {
		in.Lang, in.LangForced = c.Value, true
	}
	return in
}

// browserLang is the first of our languages that a browser asks for, "" for none.
func browserLang(r *http.Request) string {
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag := strings.ToLower(strings.TrimSpace(part))
		switch {
		case strings.HasPrefix(tag, "zh"):
			return "zh"
		case strings.HasPrefix(tag, "en"):
			return "en"
		}
	}
	return ""
}

func remoteOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// caller lets the room's own API know a browser.
func (s *Web) caller(r *http.Request) (room.Caller, error) {
	v, err := s.visit(r)
	if errors.Is(err, errOut) {
		return room.Caller{}, &room.Error{Status: http.StatusUnauthorized, Key: "web.out"}
	}
	if err != nil {
		return room.Caller{}, err
	}
	return room.Caller{Identity: v.session.Identity, On: v.session.On, Person: v.person.UserID, Admin: v.person.Admin, Enter: v.mayEnter}, nil
}

// words says to a browser what the room's API refuses.
func (s *Web) words(r *http.Request, e *room.Error) string {
	lang := s.lang(r)
	if v, err := s.visit(r); err == nil {
		lang = v.person.Lang
	}
	return s.cfg.Say(lang, e.Key, e.Args)
}

// admit makes a session of a pass and gives the cookie's secret.
func (s *Web) admit(ctx context.Context, r *http.Request, secret string) (cookie *http.Cookie, err error) {
	now := s.cfg.Now()
	p, err := s.cfg.Sessions.TakePass(ctx, access.HashSecret(secret), now)
	if errors.Is(err, access.ErrNoSession) {
		return nil, errOut
	}
	if err != nil {
		return nil, err
	}
	b := &access.Session{Identity: p.Identity, On: p.On, Agent: clip(r.UserAgent(), 200), Remote: remoteOf(r),
		CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(idleLife)}
	who, err := s.cfg.Person(ctx, s.sender(r, b))
	if err != nil {
		return nil, err
	}
	if who.UserID == "" {
		return nil, errOut
	}
	b.UserID = who.UserID
	key := access.NewSecret()
	b.Hash = access.HashSecret(key)
	if err := s.cfg.Sessions.CreateSession(ctx, b); err != nil {
		return nil, err
	}
	return s.cookie(key, longest), nil
}

func (s *Web) cookie(value string, life time.Duration) *http.Cookie {
	//nolint:gosec // Secure is false only where browsers are known to come without TLS, where it would lock them out
	return &http.Cookie{Name: s.cookieName(), Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, Secure: s.cfg.Secure,
		SameSite: http.SameSiteLaxMode} // Lax: a card's link in another chat opens the page
}

func clip(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, "�"))
	return string(r[:min(len(r), n)])
}
