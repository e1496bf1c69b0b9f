package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/web"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/commands/pages"
	"github.com/coxswain-ops/coxswain/store"
)

// webParts is what the pages stand on.
type webParts struct {
	store     *store.Store
	room      *room.Room
	router    *commands.Router
	services  *commands.Services
	handle    func(context.Context, bot.Inbound) error
	catalogue *messages.Catalogue
}

// openWeb makes the browser front end with all pages; nil when the public
// listener is off.
func (a *App) openWeb(p webParts) (http.Handler, error) {
	if a.cfg.Server.Listen == "" {
		return nil, nil
	}
	sandbox := ""
	for _, r := range a.regions {
		if r.Simulated {
			sandbox = r.Name
		}
	}
	w, err := web.New(web.Config{Room: p.room, Handle: p.handle, Sessions: p.store, Person: personOf(p.router), Assistant: p.router,
		Transcript: p.store, Say: p.catalogue.Say, Sandbox: sandbox, Secure: strings.HasPrefix(a.cfg.Server.URL, "https:"), Log: a.log})
	if err != nil {
		return nil, err
	}
	pg, err := pages.New(pages.Config{Router: p.router, Services: p.services, Shell: w, Changed: subscription(p.store, store.Operations),
		LinkKey: a.keys.Derive(operationLinks), Log: a.log})
	if err != nil {
		return nil, err
	}
	a.task("pages", pg.Run)
	for _, pattern := range []string{"GET /clusters", "GET /clusters/", "GET /operations", "GET /op/", "GET /o/", "GET /static/"} {
		w.Mount(pattern, pg.Handler())
	}
	return w.Handler(), nil
}

// operationLinks is what the key that signs them is derived for.
const operationLinks = "operation links"

// personOf lets the pages know people as the router does.
func personOf(r *commands.Router) func(context.Context, bot.Inbound) (web.Person, error) {
	return func(ctx context.Context, in bot.Inbound) (web.Person, error) {
		v, err := r.Visitor(ctx, in)
		if err != nil {
			return web.Person{}, err
		}
		p := web.Person{Lang: v.Lang, Zone: v.Zone, Projects: v.Projects}
		if u := v.Subject.User; u != nil && !u.Disabled {
			p.UserID, p.Name, p.Admin = u.ID, u.Name, u.Admin
		}
		return p, nil
	}
}

// serveHTTP takes both addresses, so that a start fails at once when one is taken.
func (a *App) serveHTTP(ctx context.Context, st *store.Store, pages http.Handler, accounts []account) error {
	if a.cfg.Server.Listen != "" {
		mux := http.NewServeMux()
		mux.Handle("/", pages)
		callbacks(mux, accounts)
		public := newPublicServer(a.cfg.Server.Listen, a.metrics.HTTP(mux), a.log)
		a.public = public
		a.onClose("public listener", public.Close)
		if err := public.Listen(ctx); err != nil {
			return err
		}
		a.task("public listener", public.Run)
	}
	if a.cfg.Server.AdminListen != "" {
		admin := newAdminServer(a.cfg.Server.AdminListen, st.Ping, a.metrics.Gatherer(), a.log)
		a.admin = admin
		a.onClose("admin listener", admin.Close)
		if err := admin.Listen(ctx); err != nil {
			return err
		}
		a.task("admin listener", admin.Run)
	}
	return nil
}

// url is where browsers find the pages, "" when there are none.
func (a *App) url() string {
	if a.public == nil {
		return ""
	}
	if a.cfg.Server.URL != "" {
		return strings.TrimRight(a.cfg.Server.URL, "/")
	}
	return "http://" + reachable(a.public.Addr())
}

// operationLink is the address of an operation's page for other platforms' cards:
// signed, good for a week at least, and the same all day.
func (a *App) operationLink(label string) string {
	if a.url() == "" {
		return ""
	}
	expires := time.Now().UTC().Truncate(24 * time.Hour).Add(8 * 24 * time.Hour)
	return a.url() + pages.SignLink(a.keys.Derive(operationLinks), label, expires)
}

// greetWeb is the link that lets the server's owner in, once.
func (a *App) greetWeb(ctx context.Context) (string, error) {
	if a.public == nil {
		return "", nil
	}
	return a.services.MakePass(ctx, "local:local", "", greetPass)
}
