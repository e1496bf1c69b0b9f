package notifiers

import (
	"context"
	"fmt"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// routeBatch bounds how many events are read at once.
const routeBatch = 100

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
		h.wakeSenders() // without waiting for the store's signal
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
	case "operation.queued", "operation.started", "operation.stage", "operation.progress", "operation.stopping", "operation.undoing", "operation.blocked":
		return false
	default:
		return true
	}
}
