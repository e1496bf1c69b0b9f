package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/cmd/coxswain/metrics"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/config"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/bundle"
	"github.com/coxswain-ops/coxswain/lifecycle/hosts"
	"github.com/coxswain-ops/coxswain/lifecycle/phases"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
	"github.com/coxswain-ops/coxswain/lifecycle/sandbox"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

// Options is what an App is made of.
type Options struct {
	Config     *config.Config
	ConfigPath string // "" = no file, nothing to watch
	Log        *slog.Logger
	Level      *slog.LevelVar
}

// App is the whole program: New wires it in one straight line, Run works, and
// Close undoes New, last in first out.
type App struct {
	cfg     *config.Config
	log     *slog.Logger
	owner   string
	alone   bool
	regions []lifecycle.Region
	// running is the configuration in force, which a reload changes.
	running func() *config.Config
	keys    *store.KeyRing
	sandbox *sandbox.Sandbox // nil when it is off
	public  *webServer       // nil when it is off
	admin   *webServer       // nil when it is off
	metrics *metrics.Metrics
	// services make the link that greets a newcomer.
	services *commands.Services
	tasks    []task
	closers  []closer
}

type task struct {
	name string
	run  func(context.Context) error
}

type closer struct {
	name  string
	close func() error
}

// New wires the program. What it has opened when it fails is closed again.
func New(ctx context.Context, o Options) (app *App, err error) {
	a := &App{cfg: o.Config, log: o.Log, owner: ownerName(), metrics: metrics.New(buildVersion())}
	a.running = func() *config.Config { return a.cfg }
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	st, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	catalogue, err := messages.Load()
	if err != nil {
		return nil, fmt.Errorf("message catalogues: %w", err)
	}
	if err := bundle.Clean(a.cfg.Server.Data); err != nil {
		return nil, err
	}
	pool := remote.NewPool(remote.Opts{})
	a.onClose("connections", pool.Close)

	hostProvider := hosts.New(st)
	providers := map[string]lifecycle.Provider{hosts.Kind: hostProvider}
	machines := map[string]lifecycle.MachineProvider{}
	offered := map[string]func(string) (string, error){}
	if a.cfg.Sandbox.Enabled {
		sb, err := a.openSandbox()
		if err != nil {
			return nil, err
		}
		providers[sandbox.Kind], machines[sandbox.Kind], offered[sandbox.Kind] = sb, sb, sb.ResolveVersion
		a.sandbox = sb
		a.regions = append(a.regions, lifecycle.Region{Name: "sandbox", Provider: sandbox.Kind, Simulated: true, Status: "ready"})
	}
	a.regions = append(a.regions, lifecycle.Region{Name: "hosts", Provider: hosts.Kind, Status: "ready"})
	if err := bootstrap(ctx, st, a.regions); err != nil {
		return nil, fmt.Errorf("first rows: %w", err)
	}

	bundles := bundleLibrary{data: a.cfg.Server.Data, store: st}
	procedures := phases.Procedures(phases.Deps{Dialer: pool, Machines: machines, Hosts: hostProvider, Bundles: bundles})
	zone, err := time.LoadLocation(a.cfg.Server.Timezone)
	if err != nil {
		return nil, fmt.Errorf("server.timezone: %w", err)
	}
	services := &commands.Services{Store: st, Catalogue: catalogue, Procedures: byKind(procedures), Providers: providers,
		Regions: a.regions, Hosts: hostChecker{hostProvider, pool}, Bundles: bundles, KeyCheck: checkKey,
		Versions: versionResolver{hostProvider, pool, bundles, offered},
		Kube:     kubeClient{st, hostProvider, machines, pool}, Planning: phases.KeepFacts,
		Settings: func() []commands.Setting { return settings(a.running()) }, Defaults: defaultsOf(a.cfg), Lang: a.cfg.Server.Lang, TimeZone: zone, Now: time.Now}
	services.URL, services.OperationLink, a.services = a.url, a.operationLink, services
	registry, err := commands.NewRegistry(commands.All(services))
	if err != nil {
		return nil, fmt.Errorf("command language: %w", err)
	}

	assistant := &lateAssistant{}
	rm := room.New(room.Config{Transcript: st, Changed: subscription(st, store.Entries), Assistant: assistant,
		Pass: func(ctx context.Context, identity, on string) (string, error) {
			return services.MakePass(ctx, identity, on, commands.PassLifetime)
		},
		Data: a.cfg.Server.Data, MaxUpload: int64(a.cfg.Uploads.MaxBytes), Log: a.log})
	accounts, err := openPlatforms(a.cfg, bot.Shared{Owner: a.owner, Buttons: bot.NewButtons(st, a.keys.Derive("buttons"), time.Now),
		Vault: st, Leases: st, Assistant: assistant, Say: catalogue.Say, Lang: a.cfg.Server.Lang}, a.log)
	if err != nil {
		return nil, err
	}
	services.Directory = directory(accounts)
	platforms := []bot.Platform{rm}
	for _, p := range accounts {
		platforms = append(platforms, p.Platform)
	}
	events, deliveries := a.subscribe(st, store.Events), a.subscribe(st, store.Deliveries)
	a.metrics.Prepare(namesOf(platforms), procedures)
	hub := notifiers.New(st, notifiers.Config{Owner: a.owner, Alone: a.alone, Platforms: platforms, Observe: a.metrics,
		Render: services, Events: events, Deliveries: deliveries, Log: a.log})
	limits := commands.NewLimiter(limitsOf(a.cfg))
	router := commands.NewRouter(services, registry, hub, limits, a.log)
	assistant.Assistant = router
	inbox := bot.NewInbox(st, a.owner, bot.InboxOptions{Alone: a.alone, GiveUp: router.GiveUp, Log: a.log})
	runner := lifecycle.NewRunner(st, lifecycle.RunnerConfig{Owner: a.owner, Lease: a.cfg.Engine.Lease,
		AtOnce: a.cfg.Engine.Operations, NodesAtOnce: a.cfg.Engine.Nodes, Alone: a.alone, Procedures: procedures,
		Wake: a.subscribe(st, store.Operations), Authorize: services.AuthorizeOperation, Words: services.SearchWords, Observe: a.metrics, Log: a.log})
	accept := a.metrics.Accept(inbox.Accept)

	web, err := a.openWeb(webParts{store: st, room: rm, router: router, services: services, handle: accept, catalogue: catalogue})
	if err != nil {
		return nil, err
	}
	if err := a.serveHTTP(ctx, st, web, accounts); err != nil {
		return nil, err
	}
	a.task("inbox", func(ctx context.Context) error { return inbox.Run(ctx, a.metrics.Handle(router.Handle)) })
	a.task("hub", hub.Run)
	a.task("engine", runner.Run)
	a.task("room", func(ctx context.Context) error { return rm.Run(ctx, accept) })
	for _, p := range accounts {
		a.task(p.Name(), func(ctx context.Context) error { return keepRunning(ctx, p.Platform, accept, a.log) })
	}
	if o.ConfigPath != "" {
		w := config.NewWatcher(o.ConfigPath, a.cfg, a.applier(services, limits, o.Level), a.log)
		a.running = w.Running
		a.task("configuration", w.Run)
	}
	return a, nil
}

// Run works until ctx ends or a part fails, then closes everything.
func (a *App) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, t := range a.tasks {
		group.Go(func() error {
			if err := t.run(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			return nil
		})
	}
	return errors.Join(group.Wait(), a.Close())
}

// Close closes what New has opened, last first.
func (a *App) Close() error {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i].close(); err != nil {
			errs = append(errs, fmt.Errorf("closing %s: %w", a.closers[i].name, err))
		}
	}
	a.closers = nil
	return errors.Join(errs...)
}

func (a *App) task(name string, run func(context.Context) error) {
	a.tasks = append(a.tasks, task{name, run})
}

func (a *App) onClose(name string, f func() error) { a.closers = append(a.closers, closer{name, f}) }

// openStore locks the data directory and opens the database in it, or the one
// that the configuration names.
func (a *App) openStore(ctx context.Context) (*store.Store, error) {
	data := a.cfg.Server.Data
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := store.LockDir(data)
	if err != nil {
		return nil, err
	}
	a.onClose("data directory lock", lock.Close)
	keys, err := loadKeys(a.cfg)
	if err != nil {
		return nil, err
	}
	a.keys = keys
	c := store.Config{Keys: keys, Log: a.log, DSN: a.cfg.Store.DSN.Reveal()}
	if c.DSN == "" {
		c.Path, a.alone = filepath.Join(data, "coxswain.db"), true
	}
	st, err := store.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	a.onClose("store", st.Close)
	a.task("store", st.Run)
	a.metrics.Watch(st.Waiting)
	if a.alone {
		if err := st.ReleaseLeases(ctx); err != nil {
			return nil, err
		}
	}
	a.task("housekeeping", func(ctx context.Context) error {
		tick := time.NewTicker(housekeepEvery)
		defer tick.Stop()
		h := housekeeper{store: st, owner: a.owner, keep: func() config.RetentionConfig { return a.running().Retention },
			count: a.metrics.Purged, log: a.log}
		return h.run(ctx, tick.C)
	})
	return st, nil
}

func loadKeys(cfg *config.Config) (*store.KeyRing, error) {
	if content := cfg.Store.Keys.Reveal(); content != "" {
		return store.ParseKeyRing(content)
	}
	return store.LoadOrCreateKeyRing(filepath.Join(cfg.Server.Data, "keys"))
}

func (a *App) openSandbox() (*sandbox.Sandbox, error) {
	c := a.cfg.Sandbox.Config
	c.Dir, c.Logger = filepath.Join(a.cfg.Server.Data, "sandbox"), a.log
	sb, err := sandbox.New(c)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	a.onClose("sandbox", sb.Close)
	a.task("sandbox", sb.Run)
	return sb, nil
}

// subscribe gives a channel that is signalled when the store has news, ended
// with the program.
func (a *App) subscribe(st *store.Store, topic store.Topic) <-chan struct{} {
	wake, cancel := st.Subscribe(topic)
	a.onClose("subscription", func() error { cancel(); return nil })
	return wake
}

func subscription(st *store.Store, topic store.Topic) func() (<-chan struct{}, func()) {
	return func() (<-chan struct{}, func()) { return st.Subscribe(topic) }
}

func byKind(all []lifecycle.Procedure) map[lifecycle.OperationKind]lifecycle.Procedure {
	out := map[lifecycle.OperationKind]lifecycle.Procedure{}
	for _, p := range all {
		out[p.Kind] = p
	}
	return out
}

func namesOf(platforms []bot.Platform) (names []string) {
	for _, p := range platforms {
		names = append(names, p.Name())
	}
	return names
}

// ownerName is this process among those that share a store.
func ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), ulid.Make())
}
