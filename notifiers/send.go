package notifiers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// maxAttempts is after how many failures a delivery is dead; with the backoff
// below that is about half an hour.
const maxAttempts = 12

// sendAll sends what is due.
func (h *Hub) sendAll(ctx context.Context) error {
	for {
		due, err := h.store.ClaimDeliveries(ctx, h.cfg.Owner, deliveryLease, sendBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, d := range due {
			if err := h.deliver(ctx, d); err != nil {
				return fmt.Errorf("delivery %s: %w", d.ID, err)
			}
		}
	}
}

// deliver sends one delivery and records how that went. To a platform that is
// part of the store both are one transaction: it happens exactly once.
func (h *Hub) deliver(ctx context.Context, d Delivery) error {
	p, ok := h.platforms[d.To.Account]
	if !ok {
		return h.finish(ctx, d, &bot.SendError{Permanent: true, Err: fmt.Errorf("no platform %q", d.To.Account)})
	}
	if _, ok := p.(bot.Transactional); !ok {
		return h.finish(ctx, d, h.send(ctx, p, &d))
	}
	var sendErr error
	err := h.store.WithTx(ctx, func(ctx context.Context) error {
		if sendErr = h.send(ctx, p, &d); sendErr != nil {
			return sendErr // nothing of a failed send may stay
		}
		return h.finish(ctx, d, nil)
	})
	if sendErr != nil {
		return h.finish(ctx, d, sendErr)
	}
	return err
}

func (h *Hub) send(ctx context.Context, p bot.Platform, d *Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	switch {
	case d.Lane == LaneCard:
		return h.sendCard(ctx, p, d)
	case d.Message != nil:
		return h.post(ctx, p, d, *d.Message)
	default:
		m, err := h.cfg.Render.Event(ctx, *d.Event, d.Lang)
		if err != nil {
			return err
		}
		return h.post(ctx, p, d, m)
	}
}

func (h *Hub) post(ctx context.Context, p bot.Platform, d *Delivery, m bot.Message) error {
	ref, err := p.Send(ctx, d.To, m)
	if err != nil {
		return err
	}
	d.Receipt = ref.ID
	if d.Card == "" {
		return nil
	}
	return h.store.SaveCard(ctx, Card{OperationID: d.Card, To: d.To, Lang: d.Lang, MessageID: ref.ID, Final: m.Final})
}

// sendCard shows the card as it stands now, in its place if the platform can
// change messages, else as a new one.
func (h *Hub) sendCard(ctx context.Context, p bot.Platform, d *Delivery) error {
	m, err := h.cfg.Render.Card(ctx, d.Card, d.Lang)
	if err != nil {
		return err
	}
	card, err := h.card(ctx, d)
	if err != nil {
		return err
	}
	u, ok := p.(bot.Updater)
	if !ok || card.MessageID == "" {
		return h.post(ctx, p, d, m)
	}
	if err := u.Update(ctx, bot.MessageRef{Address: d.To, ID: card.MessageID}, m); err != nil {
		return err
	}
	d.Receipt = card.MessageID
	if !m.Final {
		return nil
	}
	card.Final = true
	return h.store.SaveCard(ctx, card)
}

func (h *Hub) card(ctx context.Context, d *Delivery) (Card, error) {
	cards, err := h.store.Cards(ctx, d.Card)
	if err != nil {
		return Card{}, err
	}
	for _, c := range cards {
		if c.To == d.To {
			return c, nil
		}
	}
	return Card{OperationID: d.Card, To: d.To, Lang: d.Lang}, nil
}

// finish records an attempt: delivered, due again, or dead.
func (h *Hub) finish(ctx context.Context, d Delivery, sendErr error) error {
	d.Attempts++
	if sendErr == nil {
		d.Status, d.Error = Delivered, ""
		return h.store.FinishDelivery(ctx, d)
	}
	if ctx.Err() != nil {
		return ctx.Err() // we are being shut down: the lease gives it to the next process
	}
	d.Error = sendErr.Error()
	var se *bot.SendError
	known := errors.As(sendErr, &se)
	if (known && se.Permanent) || d.Attempts >= maxAttempts {
		d.Status = Dead
		h.cfg.Log.Error("a message could not be delivered", "delivery", d.ID, "to", d.To.Account, "attempts", d.Attempts, "error", sendErr)
		return h.store.FinishDelivery(ctx, d)
	}
	wait := backoff(d.Attempts)
	if known && se.RetryAfter > wait {
		wait = se.RetryAfter
	}
	d.NextAt = h.cfg.Now().Add(wait)
	return h.store.FinishDelivery(ctx, d)
}

// backoff doubles from one second to five minutes, a fifth of it by chance, so
// that many deliveries do not come back at the same moment.
func backoff(attempts int) time.Duration {
	d := min(time.Second<<min(attempts-1, 10), 5*time.Minute)
	return d*4/5 + rand.N(d/5+1) //nolint:gosec // spreads load, keeps no secret
}
