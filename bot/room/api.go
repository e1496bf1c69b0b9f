package room

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
)

// Bounds of what a caller may send or hold open.
const (
	maxBody    = 2 << 20  // bytes of a posted message as JSON
	maxText    = 16 << 10 // bytes of its text
	maxRefs    = 16
	maxValues  = 64
	maxStreams = 256
	// MaxInline is the largest content, in bytes, that travels within a message;
	// more is uploaded first.
	MaxInline = 256 << 10
)

// Caller is who a request comes from, as its front end knows them.
type Caller struct {
	Identity string // "local:local"
	On       string // who really speaks, when Identity is tried on
	// ActAs lets the caller speak as any user name, audited as both.
	ActAs bool
	// Person is who the caller is over all of their identities; "" = Identity.
	Person string
	// Admin lets the caller upload what is large, and several files at a time.
	Admin bool
	// Enter says which rooms are open to the caller, DMs aside; nil = all.
	Enter func(room string) bool
}

// LocalCaller is everybody who may open the socket.
func LocalCaller(*http.Request) (Caller, error) {
	return Caller{Identity: "local:local", ActAs: true, Admin: true}, nil
}

func (c Caller) person() string {
	if c.Person != "" {
		return c.Person
	}
	return c.Identity
}

// API serves the room over HTTP, behind any listener.
type API struct {
	room     *Room
	handle   func(context.Context, bot.Inbound) error
	identify func(*http.Request) (Caller, error)
	words    func(r *http.Request, e *Error) string
	streams  chan struct{}
	log      *slog.Logger
}

// API makes the HTTP side of the room. handle persists what people say; identify
// tells who a request is from and fails for those that may not enter.
func (r *Room) API(handle func(context.Context, bot.Inbound) error, identify func(*http.Request) (Caller, error)) *API {
	return &API{room: r, handle: handle, identify: identify, streams: make(chan struct{}, maxStreams), log: r.cfg.Log}
}

// InWords has refusals say in the caller's language what they are, for callers that
// have no catalogue.
func (a *API) InWords(words func(r *http.Request, e *Error) string) *API {
	a.words = words
	return a
}

// Handler gives the routes.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/messages", a.route(a.postMessage))
	mux.HandleFunc("POST /v1/uploads", a.route(a.postUpload))
	mux.HandleFunc("GET /v1/events", a.route(a.getEvents))
	mux.HandleFunc("POST /v1/complete", a.route(a.postComplete))
	mux.HandleFunc("GET /v1/healthz", a.route(a.getHealth))
	mux.HandleFunc("POST /v1/passes", a.route(a.postPass))
	return mux
}

// Error is a refusal as it travels: a key of the message catalogues and its
// arguments, put into words by whoever shows it.
type Error struct {
	Status int            `json:"-"` // HTTP
	Key    string         `json:"key"`
	Args   map[string]any `json:"args,omitempty"`
	Text   string         `json:"text,omitempty"` // in words, for callers without a catalogue
}

// Error is the log's wording.
func (e *Error) Error() string { return fmt.Sprintf("%s %v", e.Key, e.Args) }

func refuse(status int, key string, kv ...any) *Error {
	e := &Error{Status: status, Key: "room.error." + key}
	for i := 0; i+1 < len(kv); i += 2 {
		if e.Args == nil {
			e.Args = map[string]any{}
		}
		e.Args[fmt.Sprint(kv[i])] = kv[i+1]
	}
	return e
}

// speaker is a caller together with the person they speak as.
type speaker struct {
	identity, on string
	room         string // the room asked for, or the speaker's own
}

func (s speaker) private() bool {
	return s.room == DM(s.identity) || (s.room == Terminal && s.on == "")
}

type handler func(w http.ResponseWriter, r *http.Request, c Caller) error

// route turns a handler's error into an answer. What is not a refusal is logged
// and not shown.
func (a *API) route(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := a.identify(r)
		if err == nil {
			err = h(w, r, c)
		}
		var refusal *Error
		switch {
		case err == nil:
		case errors.As(err, &refusal):
			a.tell(w, r, refusal)
		default:
			a.log.Error("room: request failed", "route", r.Pattern, "err", err)
			a.tell(w, r, refuse(http.StatusServiceUnavailable, "unavailable"))
		}
	}
}

// tell answers with a refusal.
func (a *API) tell(w http.ResponseWriter, r *http.Request, e *Error) {
	told := *e
	if a.words != nil {
		told.Text = a.words(r, e)
	}
	a.answer(w, e.Status, map[string]any{"error": told})
}

func (a *API) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		a.log.Debug("room: the caller went before the answer", "err", err)
	}
}

var userName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)

// speak works out who speaks where. A DM is open to its own person only.
func (c Caller) speak(as, room string) (speaker, error) {
	s := speaker{identity: c.Identity, on: c.On, room: room}
	if as != "" {
		if !c.ActAs {
			return s, refuse(http.StatusForbidden, "act-as")
		}
		if !userName.MatchString(as) {
			return s, refuse(http.StatusBadRequest, "bad-user", "user", clip(as))
		}
		_, on, _ := strings.Cut(c.Identity, ":")
		s.identity, s.on = "terminal:"+as, on
	}
	if s.room == "" {
		s.room = Home(s.identity)
	}
	if !ValidName(s.room) {
		return s, refuse(http.StatusBadRequest, "bad-room", "room", clip(room))
	}
	owner, dm := isDM(s.room)
	if dm && owner != s.identity || !dm && c.Enter != nil && !c.Enter(s.room) {
		return s, refuse(http.StatusForbidden, "not-yours", "room", s.room)
	}
	return s, nil
}

// ValidName reports whether a room may have this name. "." and ".." would be
// another page in a browser's address.
func ValidName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 200 && utf8.ValidString(name) && !strings.ContainsFunc(name, unprintable)
}

// Home is the room in which a person and the bot are alone.
func Home(identity string) string {
	if identity == "local:local" {
		return Terminal
	}
	return DM(identity)
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// clip shortens what a caller sent, for an error that repeats it.
func clip(s string) string {
	if utf8.RuneCountInString(s) > 40 {
		s = string([]rune(s)[:40]) + "…"
	}
	return strings.ToValidUTF8(s, "�")
}

// postComplete answers with the ways to go on from what has been typed so far. That
// may be a secret, so it is not in the address, which every proxy writes down.
func (a *API) postComplete(w http.ResponseWriter, r *http.Request, c Caller) error {
	p, err := decodePost(w, r)
	if err != nil {
		return err
	}
	s, err := c.speak(p.As, p.Room)
	if err != nil {
		return err
	}
	out := []bot.Completion{}
	if a.room.cfg.Assistant != nil && len(p.Text) <= maxText {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		in := s.inbound("", p.Text, p.Lang)
		in.Interactive, in.LangForced = true, p.LangForced
		got, err := a.room.cfg.Assistant.Complete(ctx, in)
		if err != nil {
			return fmt.Errorf("complete: %w", err)
		}
		out = append(out, got[:min(len(got), 100)]...)
	}
	a.answer(w, http.StatusOK, map[string]any{"completions": out})
	return nil
}

func (a *API) getHealth(w http.ResponseWriter, r *http.Request, _ Caller) error {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	cursor, err := a.room.cfg.Transcript.LastCursor(ctx)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	a.answer(w, http.StatusOK, map[string]any{"ok": true, "cursor": cursor})
	return nil
}

func (s speaker) inbound(id, text, lang string) bot.Inbound {
	return bot.Inbound{ID: id, From: bot.Address{Account: Account, Room: s.room}, Identity: s.identity, On: s.on,
		Text: text, Direct: true, Private: s.private(), Lang: lang, At: time.Now().UTC()}
}

// postPass answers with a one-time link into the browser, as the caller or as
// somebody whom they may act as. Only who may act as others may ask.
func (a *API) postPass(w http.ResponseWriter, r *http.Request, c Caller) error {
	if !c.ActAs {
		return refuse(http.StatusForbidden, "act-as")
	}
	s, err := c.speak(r.URL.Query().Get("as"), "")
	if err != nil {
		return err
	}
	if a.room.cfg.Pass == nil {
		return refuse(http.StatusNotFound, "no-pages")
	}
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	link, err := a.room.cfg.Pass(ctx, s.identity, s.on)
	if err != nil {
		return fmt.Errorf("pass: %w", err)
	}
	a.answer(w, http.StatusCreated, map[string]string{"url": link})
	return nil
}
