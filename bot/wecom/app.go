package wecom

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// App is one self-built application.
type App struct {
	name    string
	cfg     AppConfig
	log     *slog.Logger
	now     func() time.Time
	shared  bot.Shared
	client  *client
	drawer  drawer
	records records
	gate    gate
	pace    pace
	calls   *callback
	redraws chan redraw
}

var (
	_ bot.Platform  = (*App)(nil)
	_ bot.Updater   = (*App)(nil)
	_ bot.Uploader  = (*App)(nil)
	_ bot.DMOpener  = (*App)(nil)
	_ bot.Directory = (*App)(nil)
	_ bot.Callbacks = (*App)(nil)
	_ bot.Checker   = (*App)(nil)
)

// NewApp makes the account "wecom:NAME".
func NewApp(cfg AppConfig, shared bot.Shared, log *slog.Logger) (*App, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("wecom %s: %s", cfg.Name, problems[0])
	}
	e, err := newEnvelope(cfg.Token.Reveal(), cfg.EncodingAESKey.Reveal(), cfg.CorpID)
	if err != nil {
		return nil, err
	}
	name := "wecom:" + cfg.Name
	a := &App{name: name, cfg: cfg, log: log.With("account", name), now: time.Now, shared: shared,
		drawer: drawer{shared: shared}, redraws: make(chan redraw, 256)}
	now := func() time.Time { return a.now() }
	a.client = &client{base: strings.TrimRight(cfg.API, "/"), corp: cfg.CorpID, secret: cfg.Secret.Reveal(), http: newHTTP(),
		timeout: cfg.Timeout, now: now, vault: shared.Vault, key: name + "/token"}
	a.pace.now = now
	a.records = records{vault: shared.Vault, account: name, now: now}
	a.calls = &callback{envelope: e, gate: &a.gate, now: now, log: a.log, encrypted: encryptedXML, receive: a.receive}
	return a, nil
}

// Name implements bot.Platform.
func (a *App) Name() string { return a.name }

// Limits implements bot.Platform. WeCom drops what exceeds 30 messages a minute to
// one person without a word, and one message of ours can be two of theirs.
func (a *App) Limits() bot.Limits {
	return bot.Limits{Bytes: 2048, Actions: maxButtons, PerMinute: 15, EditEvery: 5 * time.Second, EditsPerMinute: editsPerMinute}
}

// editsPerMinute is far below the 10,000 calls a minute that a corporation may make
// of one API: the applications of others call it as well.
const editsPerMinute = 600

// Callbacks implements bot.Callbacks.
func (a *App) Callbacks() http.Handler { return a.calls }

// Run implements bot.Platform: callbacks are let in until ctx ends.
func (a *App) Run(ctx context.Context, handle func(context.Context, bot.Inbound) error) error {
	a.gate.open(handle)
	var drawing sync.WaitGroup
	drawing.Go(func() { a.redrawing(ctx) })
	<-ctx.Done()
	a.gate.close()
	drawing.Wait()
	a.client.http.CloseIdleConnections()
	return nil
}

// receive persists one message. WeCom takes "success" for an answer; what there
// is to say is sent when it is ready.
func (a *App) receive(ctx context.Context, handle accept, message []byte) ([]byte, error) {
	m, err := parseAppMessage(message)
	if err != nil {
		return nil, err
	}
	if m.press() && m.EventKey == refreshKey {
		a.redraw(m)
		return []byte("success"), nil
	}
	in, ok := m.inbound(a.name, a.cfg.CorpID)
	if !ok {
		return []byte("success"), nil
	}
	if in.Press != "" && len(m.Selected) > 0 {
		if err := a.fill(ctx, m, &in); err != nil {
			return nil, err
		}
	}
	if err := handle(ctx, in); err != nil {
		return nil, err
	}
	if in.Press != "" {
		a.redraw(m)
	}
	return []byte("success"), nil
}

// fill makes a filled-in form of a press on a card with lists.
func (a *App) fill(ctx context.Context, m *appMessage, in *bot.Inbound) error {
	rec, err := a.records.load(ctx, cardRef(m.TaskID))
	if err != nil {
		return err
	}
	if rec != nil && rec.Message.Form != nil {
		in.Text, in.Values = rec.Message.Form.Command, filled(rec.Message.Form, m.Selected)
	}
	return nil
}

// OpenDM implements bot.DMOpener: everybody in the application's range can be
// written to.
func (a *App) OpenDM(_ context.Context, who string) (bot.Address, error) {
	user, ok := userOf(a.cfg.CorpID, who)
	if !ok {
		return bot.Address{}, permanent("nobody of this corporation has the identity that a DM was asked for")
	}
	return bot.Address{Account: a.name, Room: directRoom(user)}, nil
}
