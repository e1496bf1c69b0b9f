package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

const (
	// maxRunes is what one message may show. Slack takes about 13,000 characters
	// over all blocks, markup included; people read much less.
	maxRunes = 8000
	// maxButtons is what an actions block takes.
	maxButtons = 25
	// perMinute is chat.postMessage's limit for a channel, editsPerMinute what
	// chat.update's tier promises to the app in a workspace. Source: Slack's page
	// "Rate limits".
	perMinute, editsPerMinute = 60, 50
	// editEvery is often enough for who watches a card, and leaves others their
	// share of the edits.
	editEvery = 1500 * time.Millisecond
)

// handler is what Run is given.
type handler func(context.Context, bot.Inbound) error

// Slack is one app in one workspace.
type Slack struct {
	cfg    Config
	shared bot.Shared
	log    *slog.Logger
	api    *client
	now    func() time.Time
	timing timing

	intake intake
	later  background
	links  connections
	dms    dmBook
}

var (
	_ bot.Platform  = (*Slack)(nil)
	_ bot.Updater   = (*Slack)(nil)
	_ bot.Uploader  = (*Slack)(nil)
	_ bot.DMOpener  = (*Slack)(nil)
	_ bot.Directory = (*Slack)(nil)
	_ bot.Callbacks = (*Slack)(nil)
	_ bot.Checker   = (*Slack)(nil)
)

// New makes the adapter. Nothing is connected before Run.
func New(cfg Config, shared bot.Shared, log *slog.Logger) (*Slack, error) {
	for _, p := range cfg.Validate() {
		return nil, fmt.Errorf("slack %s: %s", cfg.Name, p)
	}
	if shared.Buttons == nil || shared.Say == nil || shared.Assistant == nil {
		return nil, errors.New("slack: Buttons, Say and Assistant of bot.Shared are needed")
	}
	if cfg.APIURL == "" {
		cfg.APIURL = "https://slack.com/api/"
	}
	if !strings.HasSuffix(cfg.APIURL, "/") {
		cfg.APIURL += "/"
	}
	if cfg.MessagesPerMinute == 0 {
		cfg.MessagesPerMinute = perMinute
	}
	if cfg.EditsPerMinute == 0 {
		cfg.EditsPerMinute = editsPerMinute
	}
	s := &Slack{cfg: cfg, shared: shared, log: log.With("account", "slack:"+cfg.Name), now: time.Now, timing: usualTiming()}
	s.api = newClient(cfg, func() time.Time { return s.now() })
	return s, nil
}

// Name implements bot.Platform.
func (s *Slack) Name() string { return "slack:" + s.cfg.Name }

// Limits implements bot.Platform.
func (s *Slack) Limits() bot.Limits {
	return bot.Limits{Runes: maxRunes, Actions: maxButtons, PerMinute: s.cfg.MessagesPerMinute, EditEvery: editEvery,
		EditsPerMinute: s.cfg.EditsPerMinute}
}

// Run implements bot.Platform. It returns when ctx has ended and all that it
// began is over; what Slack refuses meanwhile is tried again and logged.
func (s *Slack) Run(ctx context.Context, handle func(context.Context, bot.Inbound) error) error {
	defer s.api.close()
	if err := s.intake.open(handle); err != nil {
		return err
	}
	work, stop := context.WithCancel(ctx)
	defer stop()
	s.later.open(work)
	defer s.later.wait()
	defer s.intake.close()
	if s.cfg.Mode != "http" {
		s.runSocket(ctx)
		return ctx.Err()
	}
	<-ctx.Done()
	return ctx.Err()
}

// Callbacks implements bot.Callbacks.
func (s *Slack) Callbacks() http.Handler { return http.HandlerFunc(s.callback) }

func (s *Slack) say(key string, kv ...any) string {
	args := make(map[string]any, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		args[kv[i].(string)] = kv[i+1]
	}
	return s.shared.Say(s.shared.Lang, key, args)
}

// intake is the open door to the inbox: those who hand over are waited for
// before Run returns.
type intake struct {
	mu     sync.Mutex
	handle handler
	busy   sync.WaitGroup
}

var (
	errClosed  = errors.New("slack: not receiving")
	errRunning = errors.New("slack: Run was called while it runs")
)

func (i *intake) open(h handler) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.handle != nil {
		return errRunning
	}
	i.handle = h
	return nil
}

func (i *intake) close() {
	i.mu.Lock()
	i.handle = nil
	i.mu.Unlock()
	i.busy.Wait()
}

// enter gives the handler; leave is called when the delivery is answered.
func (i *intake) enter() (h handler, leave func(), err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.handle == nil {
		return nil, nil, errClosed
	}
	i.busy.Add(1)
	return i.handle, i.busy.Done, nil
}

const (
	// maxLater bounds what is done after an acknowledgement at the same time.
	maxLater  = 64
	laterTime = 15 * time.Second
)

// background does what may come after the acknowledgement: opening forms,
// drawing the home tab. It belongs to Run.
type background struct {
	mu    sync.Mutex
	ctx   context.Context
	slots chan struct{}
	busy  sync.WaitGroup
}

func (b *background) open(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ctx, b.slots = ctx, make(chan struct{}, maxLater)
}

func (b *background) wait() {
	b.mu.Lock()
	b.ctx = nil
	b.mu.Unlock()
	b.busy.Wait()
}

// do runs f soon; false when there is too much to do or Run is over.
func (b *background) do(f func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx == nil || b.ctx.Err() != nil {
		return false
	}
	ctx, slots := b.ctx, b.slots
	select {
	case slots <- struct{}{}:
	default:
		return false
	}
	b.busy.Go(func() {
		defer func() { <-slots }()
		ctx, cancel := context.WithTimeout(ctx, laterTime)
		defer cancel()
		f(ctx)
	})
	return true
}
