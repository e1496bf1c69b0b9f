package wecom

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// AIBot is one AI bot (智能机器人).
type AIBot struct {
	name    string
	cfg     AIBotConfig
	log     *slog.Logger
	now     func() time.Time
	shared  bot.Shared
	drawer  drawer
	records records
	http    *http.Client
	gate    gate
	calls   *callback // nil in mode connection
	replies replies
	streams streams

	mu   sync.Mutex
	conn *conn // nil while there is none
	// yield is how long nothing is done after somebody outside this installation
	// has taken the connection.
	yield time.Duration
}

var (
	_ bot.Platform  = (*AIBot)(nil)
	_ bot.Updater   = (*AIBot)(nil)
	_ bot.Uploader  = (*AIBot)(nil)
	_ bot.DMOpener  = (*AIBot)(nil)
	_ bot.Callbacks = (*AIBot)(nil)
	_ bot.Checker   = (*AIBot)(nil)
	_ bot.Holder    = (*AIBot)(nil)
)

// NewAIBot makes the account "wecom-aibot:NAME".
func NewAIBot(cfg AIBotConfig, shared bot.Shared, log *slog.Logger) (*AIBot, error) {
	if problems := cfg.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("wecom AI bot %s: %s", cfg.Name, problems[0])
	}
	name := "wecom-aibot:" + cfg.Name
	b := &AIBot{name: name, cfg: cfg, log: log.With("account", name), now: time.Now, shared: shared,
		drawer: drawer{shared: shared}, http: newHTTP(), yield: time.Minute}
	now := func() time.Time { return b.now() }
	b.records = records{vault: shared.Vault, account: name, now: now}
	if cfg.Mode != ModeCallback {
		return b, nil
	}
	e, err := newEnvelope(cfg.Token.Reveal(), cfg.EncodingAESKey.Reveal(), "")
	if err != nil {
		return nil, err
	}
	b.calls = &callback{envelope: e, gate: &b.gate, now: now, log: b.log, encrypted: encryptedJSON, receive: b.receiveCall}
	return b, nil
}

// Name implements bot.Platform.
func (b *AIBot) Name() string { return b.name }

// Limits implements bot.Platform. WeCom takes 30 messages a minute in one chat,
// and whether it counts the states of a stream it does not say.
func (b *AIBot) Limits() bot.Limits {
	return bot.Limits{Bytes: 20480, Actions: maxButtons, PerMinute: 15, EditEvery: 5 * time.Second, EditsPerMinute: editsPerMinute}
}

// Callbacks implements bot.Callbacks; a bot with a long connection has none.
func (b *AIBot) Callbacks() http.Handler {
	if b.calls == nil {
		return http.NotFoundHandler()
	}
	return b.calls
}

// Run implements bot.Platform.
func (b *AIBot) Run(ctx context.Context, handle func(context.Context, bot.Inbound) error) error {
	defer b.http.CloseIdleConnections()
	if b.calls == nil {
		return b.keepConnected(ctx, handle)
	}
	b.gate.open(handle)
	<-ctx.Done()
	b.gate.close()
	return nil
}

// Holds implements bot.Holder: the connection is one process's. A bot that is called
// by HTTP answers from any.
func (b *AIBot) Holds() bool { return b.calls != nil || b.connection() != nil }

func (b *AIBot) connection() *conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.conn
}

func (b *AIBot) setConnection(c *conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conn = c
}

// OpenDM implements bot.DMOpener. WeCom delivers it to people who have spoken to
// the bot before.
func (b *AIBot) OpenDM(_ context.Context, who string) (bot.Address, error) {
	user, ok := userOf(b.cfg.CorpID, who)
	if !ok {
		return bot.Address{}, permanent("nobody of this corporation has the identity that a DM was asked for")
	}
	return bot.Address{Account: b.name, Room: directRoom(user)}, nil
}

// Check implements bot.Checker. It does not subscribe: that would take the
// connection from the process that has it.
func (b *AIBot) Check(ctx context.Context) []bot.Finding {
	args := map[string]any{"account": b.name}
	switch {
	case b.calls != nil:
		return []bot.Finding{calledAt(b.name)}
	case b.connection() != nil:
		return []bot.Finding{{OK: true, Key: "wecom.check.connected", Args: args}}
	}
	c, err := dial(ctx, b.cfg.Gateway, b.cfg.Timeout)
	if err != nil {
		return []bot.Finding{{Key: "wecom.check.gateway", Next: "wecom.check.gateway.next",
			Args: map[string]any{"account": b.name, "cause": cause(err)}}}
	}
	c.close()
	return []bot.Finding{{OK: true, Key: "wecom.check.gateway.ok", Args: args}}
}
