package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands/access"
)

// Sessions is what the way in needs of the store. What is not there, or not any
// more, is access.ErrNoSession; any other error is a failure.
type Sessions interface {
	TakePass(ctx context.Context, hash string, now time.Time) (*access.Pass, error)
	CreateSession(ctx context.Context, s *access.Session) error
	Session(ctx context.Context, hash string, now time.Time) (*access.Session, error)
	TouchSession(ctx context.Context, id, remote string, seen, expires time.Time) error
	DeleteSession(ctx context.Context, id string) error
}

// Person is who a browser's sender is right now.
type Person struct {
	UserID   string // "" = nobody any more: not linked, or disabled
	Name     string
	Admin    bool
	Lang     string // what they read, "zh" or "en"
	Zone     *time.Location
	Projects []string // each has a room of its name
}

// Config is what a Web is made of.
type Config struct {
	Room     *room.Room
	Handle   func(context.Context, bot.Inbound) error // persists what people say
	Sessions Sessions
	// Person finds the person behind a sender.
	Person func(ctx context.Context, in bot.Inbound) (Person, error)
	// Form makes the form of a command for its sender, nil when there is none.
	Assistant bot.Assistant
	// Rooms lists the rooms that have entries.
	Transcript room.Transcript
	Say        func(lang, key string, args map[string]any) string
	// Sandbox is the region of simulated machines, "" when there is none.
	Sandbox string
	// Secure keeps the cookie off connections without TLS: browsers reach us by
	// https.
	Secure bool
	Log    *slog.Logger
	Now    func() time.Time
}

// Web is the browser front end.
type Web struct {
	cfg     Config
	assets  *assets
	pages   *templates
	streams *slots
	mounted []mount
}

type mount struct {
	pattern string
	handler http.Handler
}

// New makes it.
func New(cfg Config) (*Web, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	pages, err := loadTemplates(a)
	if err != nil {
		return nil, err
	}
	return &Web{cfg: cfg, assets: a, pages: pages, streams: newSlots(maxStreams, maxStreamsEach)}, nil
}

// Mount adds other people's pages below a ServeMux pattern, with the same
// protection as our own. Call it before Handler.
func (s *Web) Mount(pattern string, h http.Handler) {
	s.mounted = append(s.mounted, mount{pattern, h})
}

// Handler gives everything that browsers ask for.
func (s *Web) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /enter", s.enterPage)
	mux.HandleFunc("POST /enter", s.enter)
	mux.HandleFunc("POST /leave", s.leave)
	mux.HandleFunc("GET /rooms/{room}", s.roomPage)
	mux.HandleFunc("GET /ui/events", s.events)
	mux.HandleFunc("POST /ui/form", s.form)
	mux.HandleFunc("POST /ui/read", s.read)
	mux.HandleFunc("GET /static/app.css", s.assets.serve("app.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /static/app.js", s.assets.serve("app.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /static/icon.svg", s.assets.serve("icon.svg", "image/svg+xml"))
	mux.Handle("/v1/", s.cfg.Room.API(s.cfg.Handle, s.caller).InWords(s.words).Handler())
	for _, m := range s.mounted {
		mux.Handle(m.pattern, m.handler)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, http.StatusNotFound, "web.missing") })
	// A request that another site makes a browser send is refused by where it
	// says that it comes from; the cookie's SameSite is the second wall.
	return headers(http.NewCrossOriginProtection().Handler(mux))
}

// headers says what pages may load and who may embed them: nobody but us.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if h.Get("Cache-Control") == "" {
			h.Set("Cache-Control", "no-store") // pages are somebody's
		}
		next.ServeHTTP(w, r)
	})
}
