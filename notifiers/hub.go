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
	Log                *slog.Logger
	Now                func() time.Time
}

// Bounds of the hub's work.
const (
	routeBatch    = 100
	sendBatch     = 50
	deliveryLease = 30 * time.Second
	sendTimeout   = 20 * time.Second
)

// Hub routes events and sends deliveries.
type Hub struct {
	store     Store
	platforms map[string]bot.Platform
	cfg       Config
	// sent wakes the sender after routing, without waiting for the store's signal.
	sent chan struct{}
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
	h := &Hub{store: store, platforms: map[string]bot.Platform{}, cfg: cfg, sent: make(chan struct{}, 1)}
	for _, p := range cfg.Platforms {
		h.platforms[p.Name()] = p
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
	wg.Go(func() { h.loop(ctx, "routing events", h.cfg.Events, h.routeAll) })
	wg.Go(func() { h.loop(ctx, "sending", h.cfg.Deliveries, h.sendAll) })
	wg.Wait()
	return nil
}

// loop does work whenever it is signalled, and now and then unasked.
func (h *Hub) loop(ctx context.Context, what string, signal <-chan struct{}, work func(context.Context) error) {
	tick := time.NewTicker(h.cfg.Poll)
	defer tick.Stop()
	for {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			h.cfg.Log.Error(what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-signal:
		case <-h.sent:
		case <-tick.C:
		}
	}
}

// routeAll routes every event that is waiting.
func (h *Hub) routeAll(ctx context.Context) error {
	for {
		events, err := h.store.UnroutedEvents(ctx, routeBatch)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			if err := h.route(ctx, e); err != nil {
				return fmt.Errorf("event %s: %w", e.ID, err)
			}
		}
	}
}

// route decides who hears of an event. For now: the rooms in which its operation
// was started see the card move, and are told the end.
func (h *Hub) route(ctx context.Context, e lifecycle.Event) error {
	var out []Delivery
	if e.OperationID != "" {
		cards, err := h.store.Cards(ctx, e.OperationID)
		if err != nil {
			return err
		}
		for _, c := range cards {
			out = append(out, Delivery{EventID: e.ID, Lane: LaneCard, To: c.To, Card: c.OperationID, Lang: c.Lang, Status: Pending})
			if tellsEnd(e) {
				out = append(out, Delivery{EventID: e.ID, Lane: LaneNormal, To: c.To, Lang: c.Lang, Event: &e, Status: Pending})
			}
		}
	}
	return h.store.Route(ctx, e.ID, out)
}

// tellsEnd picks the events that deserve a message of their own beside the card.
func tellsEnd(e lifecycle.Event) bool {
	switch e.Name {
	case "operation.queued", "operation.started", "operation.stage", "operation.blocked":
		return false
	default:
		return true
	}
}

// Reply sends the answer to a command. Called in the transaction of the command:
// a platform that is part of the store gets it at once, any other through the
// outbox. With operationID set the message becomes that operation's card there.
func (h *Hub) Reply(ctx context.Context, to bot.Address, m bot.Message, operationID, lang string) error {
	p, ok := h.platforms[to.Account]
	if !ok {
		return fmt.Errorf("no platform %q", to.Account)
	}
	if _, ok := p.(bot.Transactional); !ok {
		if operationID != "" {
			if err := h.store.SaveCard(ctx, Card{OperationID: operationID, To: to, Lang: lang}); err != nil {
				return err
			}
		}
		return h.store.Enqueue(ctx, Delivery{Lane: LaneReply, To: to, Card: operationID, Lang: lang, Message: &m, Status: Pending})
	}
	ref, err := p.Send(ctx, to, m)
	if err != nil || operationID == "" {
		return err
	}
	return h.store.SaveCard(ctx, Card{OperationID: operationID, To: to, Lang: lang, MessageID: ref.ID, Final: m.Final})
}
