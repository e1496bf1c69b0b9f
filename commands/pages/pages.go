package pages

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
)

// Shell is the layout around every page, and the way in.
type Shell interface {
	// Visitor gives who a request is from. When nobody is in, it has answered with
	// the way in and ok is false. It is also asked while a stream is open, with a
	// writer that nobody reads.
	Visitor(w http.ResponseWriter, r *http.Request) (in bot.Inbound, ok bool)
	// Show answers with body in the layout. section is the navigation entry that
	// is current: "clusters", "operations".
	Show(w http.ResponseWriter, r *http.Request, in bot.Inbound, status int, title, section string, body template.HTML)
}

// Config is what the pages are made of.
type Config struct {
	Router   *commands.Router
	Services *commands.Services
	Shell    Shell
	// Changed gives a channel that is signalled when operations have changed, and
	// what ends the subscription. It is a hint: who is watched is looked at every
	// second anyway.
	Changed func() (<-chan struct{}, func())
	// LinkKey signs links from other platforms, at least 16 bytes; without it none
	// is good.
	LinkKey []byte
	Log     *slog.Logger
	// MaxStreams bounds the open streams; 0 means 512.
	MaxStreams int
}

// Pages are the browser's pages. Run must run for operations to be followed.
type Pages struct {
	cfg       Config
	store     commands.Store
	templates *template.Template
	assets    map[string]asset
	medians   *medians
	hub       *hub
}

// New makes the pages.
func New(cfg Config) (*Pages, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxStreams == 0 {
		cfg.MaxStreams = 512
	}
	p := &Pages{cfg: cfg, store: cfg.Services.Store, medians: newMedians(cfg.Services)}
	p.hub = newHub(cfg.MaxStreams, p.take, cfg.Log)
	var err error
	if p.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	p.templates, err = loadTemplates(p.assets)
	return p, err
}

// Run follows the operations that somebody looks at until ctx ends; then every
// stream has been told to end.
func (p *Pages) Run(ctx context.Context) error {
	changed, cancel := p.cfg.Changed()
	defer cancel()
	return p.hub.run(ctx, changed)
}

// Handler gives everything that browsers ask for here. All of it is GET.
func (p *Pages) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /clusters", p.visited(p.clusterList))
	mux.HandleFunc("GET /clusters/{project}/{name}", p.visited(p.clusterPage))
	mux.HandleFunc("GET /clusters/{project}/{name}/nodes", p.visited(p.clusterNodes))
	mux.HandleFunc("GET /operations", p.visited(p.operationList))
	mux.HandleFunc("GET /op/{label}", p.visited(p.operationPage))
	mux.HandleFunc("GET /op/{label}/events", p.visited(p.operationEvents))
	mux.HandleFunc("GET /op/{label}/log", p.visited(p.operationLog))
	mux.HandleFunc("GET /op/{label}/log.txt", p.visited(p.operationLogText))
	mux.HandleFunc("GET /o/{label}", p.visited(p.signedLink))
	for name := range p.assets {
		mux.HandleFunc("GET /static/"+name, p.serveAsset(name))
	}
	return mux
}

// page answers a request of somebody who is in. Its error means that nothing was
// answered yet.
type page func(w http.ResponseWriter, r *http.Request, in bot.Inbound) error

// visited lets in who is in, and answers what a page could not.
func (p *Pages) visited(answer page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		in, ok := p.cfg.Shell.Visitor(w, r)
		if !ok {
			return
		}
		err := answer(w, r, in)
		switch {
		case err == nil, r.Context().Err() != nil:
		case errors.Is(err, commands.ErrDenied):
			p.cfg.Log.Info("a page was denied", "path", r.URL.Path, "identity", in.Identity)
			p.tell(w, r, in, http.StatusNotFound, "page.missing")
		default:
			p.cfg.Log.Error("a page failed", "path", r.URL.Path, "error", err)
			p.tell(w, r, in, http.StatusInternalServerError, "page.failed")
		}
	}
}

// tell answers with a page of a few words: a key's title, text and advice.
func (p *Pages) tell(w http.ResponseWriter, r *http.Request, in bot.Inbound, status int, key string) {
	rd, err := p.stranger(r.Context(), in)
	if err != nil {
		p.cfg.Log.Error("who reads a page", "error", err)
		rd = p.reader(nil)
	}
	v := struct {
		*reader
		Key string
	}{rd, key}
	if err := p.show(w, r, in, status, rd.T(key+".title"), "", "told", v); err != nil {
		p.cfg.Log.Error("making a page", "error", err)
		http.Error(w, http.StatusText(status), status)
	}
}

// show renders a template whole and hands it to the layout.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, in bot.Inbound, status int, title, section, name string, view any) error {
	body, err := p.render(name, view)
	if err != nil {
		return err
	}
	p.cfg.Shell.Show(w, r, in, status, title, section, body)
	return nil
}

func (p *Pages) render(name string, view any) (template.HTML, error) {
	var b bytes.Buffer
	if err := p.templates.ExecuteTemplate(&b, name, view); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil // #nosec G203 -- html/template has escaped it
}

// look lets the reader in to what a command would show them; ErrDenied when it
// would not.
func (p *Pages) look(ctx context.Context, in bot.Inbound, command string) (*commands.Call, *reader, error) {
	call, err := p.cfg.Router.Look(ctx, in, command)
	if err != nil {
		return nil, nil, err
	}
	return call, p.reader(call), nil
}
