package notifiers

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Renderer puts events and cards into words; commands implements it.
type Renderer interface {
	// Card is the operation's living card as it stands now.
	Card(ctx context.Context, operationID, lang string) (bot.Message, error)
	// Event is the message that tells of e.
	Event(ctx context.Context, e lifecycle.Event, lang string) (bot.Message, error)
	// Say is a text of the catalogues, for the few words of the hub's own.
	Say(lang, key string, kv ...any) string
}

// Config sets up a Hub.
type Config struct {
	Owner     string // unique per process
	Alone     bool   // no other process shares the store
	Platforms []bot.Platform
	Render    Renderer
	// Events and Deliveries are signalled when there is something new.
	Events, Deliveries <-chan struct{}
	Poll               time.Duration // how often to look unasked; 1 s when 0
	Observe            Observer      // nil is nobody
	Log                *slog.Logger
	Now                func() time.Time
}

// Observer is told of attempts at deliveries, for measurements. Its methods return
// at once.
type Observer interface {
	// DeliveryAttempted tells how a delivery stands after an attempt.
	DeliveryAttempted(account string, status DeliveryStatus)
	// DeliveryInDoubt tells of an attempt whose end could not be written.
	DeliveryInDoubt(account string)
}

// nobody is the Observer of who wants none.
type nobody struct{}

// DeliveryAttempted implements Observer.
func (nobody) DeliveryAttempted(string, DeliveryStatus) {}

// DeliveryInDoubt implements Observer.
func (nobody) DeliveryInDoubt(string) {}

// strayEvery is how often deliveries are looked for whose account is not
// configured any more.
const strayEvery = time.Minute

// Hub routes events and sends deliveries.
type Hub struct {
	store   Store
	senders map[string]*sender // by account
	cfg     Config
}

// New makes a Hub on store.
func New(store Store, cfg Config) *Hub {
	if cfg.Poll == 0 {
		cfg.Poll = time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Observe == nil {
		cfg.Observe = nobody{}
	}
	h := &Hub{store: store, senders: map[string]*sender{}, cfg: cfg}
	for _, p := range cfg.Platforms {
		h.senders[p.Name()] = newSender(h, p)
	}
	return h
}

// Run routes and sends until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	if h.cfg.Alone {
		if err := h.store.ReleaseDeliveries(ctx); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { h.loop(ctx, "routing events", h.cfg.Poll, h.cfg.Events, h.routeAll) })
	wg.Go(func() { h.loop(ctx, "strays", strayEvery, nil, h.endStrays) })
	wg.Go(func() { h.pump(ctx) })
	for _, s := range h.senders {
		wg.Go(func() { s.run(ctx) })
	}
	wg.Wait()
	return nil
}

// loop does work whenever it is signalled, and now and then unasked.
func (h *Hub) loop(ctx context.Context, what string, every time.Duration, signal <-chan struct{}, work func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			h.cfg.Log.Error(what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-signal:
		case <-tick.C:
		}
	}
}

// pump passes the store's signal on to every sender.
func (h *Hub) pump(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.cfg.Deliveries:
			h.wakeSenders()
		}
	}
}

func (h *Hub) wakeSenders() {
	for _, s := range h.senders {
		s.nudge()
	}
}

// Reply sends the answer to a command. Called in the transaction of the command:
// a platform that is part of the store gets it at once, any other through the
// outbox. With operationID set the message becomes that operation's card there.
func (h *Hub) Reply(ctx context.Context, to bot.Address, m bot.Message, operationID, lang string) error {
	s, ok := h.senders[to.Account]
	if !ok {
		return fmt.Errorf("no platform %q", to.Account)
	}
	card := Card{OperationID: operationID, To: to, Lang: lang, For: m.For}
	if !s.inStore {
		if operationID != "" {
			if err := h.store.SaveCard(ctx, card); err != nil {
				return err
			}
		}
		return h.store.Enqueue(ctx, Delivery{Lane: LaneReply, To: to, Card: operationID, Lang: lang, Message: &m, Status: Pending})
	}
	ref, err := s.platform.Send(ctx, to, m)
	if err != nil || operationID == "" {
		return err
	}
	card.MessageID, card.Final = ref.ID, m.Final
	return h.store.SaveCard(ctx, card)
}

// endStrays ends what waits for accounts that are not configured: it is dead, not
// forgotten.
func (h *Hub) endStrays(ctx context.Context) error {
	accounts, err := h.store.PendingAccounts(ctx)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		if h.senders[account] != nil {
			continue
		}
		if err := newSender(h, missing(account)).endAll(ctx); err != nil {
			return err
		}
	}
	return nil
}

// missing is an account that is not configured.
type missing string

// Name implements bot.Platform.
func (m missing) Name() string { return string(m) }

// Limits implements bot.Platform.
func (m missing) Limits() bot.Limits { return bot.Limits{} }

// Run implements bot.Platform.
func (m missing) Run(context.Context, func(context.Context, bot.Inbound) error) error { return nil }

// Send implements bot.Platform.
func (m missing) Send(context.Context, bot.Address, bot.Message) (bot.MessageRef, error) {
	return bot.MessageRef{}, &bot.SendError{Permanent: true, Err: fmt.Errorf("there is no platform %q in the configuration", string(m))}
}
