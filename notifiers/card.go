package notifiers

import (
	"context"
	"errors"
	"fmt"

	"github.com/coxswain-ops/coxswain/bot"
)

// firstCard posts the answer that becomes a card. When a later state was faster,
// that one is the card already.
func (s *sender) firstCard(ctx context.Context, a *attempt) error {
	card, err := s.cardOf(ctx, a.Delivery)
	if err != nil {
		return err
	}
	if card.MessageID != "" {
		a.Status, a.Receipt, a.Error = Merged, card.MessageID, "the card is there already"
		return nil
	}
	return s.postCard(ctx, a, card, *a.Message)
}

// showCard shows the card as it stands now, in its place where that is possible.
func (s *sender) showCard(ctx context.Context, a *attempt) error {
	card, err := s.cardOf(ctx, a.Delivery)
	if err != nil {
		return err
	}
	m, err := s.hub.cfg.Render.Card(ctx, a.Card, a.Lang)
	if err != nil {
		return fmt.Errorf("rendering: %w", err)
	}
	m.For = card.For
	u, can := s.platform.(bot.Updater)
	switch {
	case card.MessageID == "":
		return s.postCard(ctx, a, card, m)
	case !can || card.Lost > 1:
		return s.showEnd(ctx, a, card, m)
	}
	at := a.To
	if card.StandsIn != "" {
		at.Room = card.StandsIn
	}
	a.called = true
	if err := u.Update(ctx, bot.MessageRef{Address: at, ID: card.MessageID}, m); err != nil {
		return lostCard(a, card, err)
	}
	a.Receipt = card.MessageID
	if card.Final != m.Final {
		card.Final, a.card = m.Final, &card
	}
	return nil
}

// What becomes of a card that cannot be changed, here and in lostCard: the first
// time that it happens, its message may be gone; the card is posted anew, and goes
// on from there. When that one cannot be changed either, or the platform can
// change nothing at all, a new message for each state would be noise: then only
// the end is posted.
func (s *sender) showEnd(ctx context.Context, a *attempt, card Card, m bot.Message) error {
	if m.Final && !card.Final {
		return s.postCard(ctx, a, card, m)
	}
	a.Status, a.Error = Suppressed, "the card cannot be changed there; its end will be posted"
	if card.Final != m.Final { // it was tried again, and will have another end
		card.Final, a.card = m.Final, &card
	}
	return nil
}

// lostCard takes note of a card that could not be changed.
func lostCard(a *attempt, card Card, err error) error {
	var se *bot.SendError
	if !errors.As(err, &se) || !se.Permanent {
		return err
	}
	card.Lost++
	if card.Lost == 1 {
		card.MessageID, card.StandsIn = "", ""
	}
	a.card, a.again, a.Error = &card, true, err.Error()
	return nil
}

func (s *sender) postCard(ctx context.Context, a *attempt, card Card, m bot.Message) error {
	ref, err := s.post(ctx, a, m)
	if err != nil {
		return err
	}
	card.MessageID, card.Final, card.StandsIn = ref.ID, m.Final, ""
	if ref.Address.Room != "" && ref.Address.Room != a.To.Room {
		card.StandsIn = ref.Address.Room
	}
	a.card = &card
	return nil
}

// cardOf reads the card of a delivery.
func (s *sender) cardOf(ctx context.Context, d Delivery) (Card, error) {
	cards, err := s.store.Cards(ctx, d.Card)
	if err != nil {
		return Card{}, fmt.Errorf("card: %w", err)
	}
	for _, c := range cards {
		if c.To == d.To {
			return c, nil
		}
	}
	return Card{OperationID: d.Card, To: d.To, Lang: d.Lang}, nil
}
