package notifiers

import (
	"context"
	"errors"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// toDM ends the id of a delivery that is on its way to a DM already.
const toDM = "-private"

// sayPrivately sends what is for one person alone to their DM. When it was asked
// for in a room, two deliveries take its place, each with the quota of where it
// goes: the answer to the DM, and a word of that to the room.
func (s *sender) sayPrivately(ctx context.Context, dms bot.DMOpener, a *attempt, m bot.Message) error {
	if strings.HasSuffix(a.ID, toDM) {
		_, err := s.post(ctx, a, m)
		return err
	}
	if m.For == "" {
		return &bot.SendError{Permanent: true, Err: errors.New("a private message for nobody: it may not be shown in a room")}
	}
	dm, err := dms.OpenDM(ctx, m.For)
	if err != nil {
		return s.noDM(a, m, err)
	}
	if dm.Account == a.To.Account && dm.Room == a.To.Room {
		_, err := s.post(ctx, a, m)
		return err
	}
	there := Delivery{ID: a.ID + toDM, Lane: a.Lane, To: dm, Lang: a.Lang, Message: &m, Status: Pending}
	a.also = []Delivery{there, s.pointer(a, m, "notify.private.sent")}
	a.Status, a.Receipt, a.Error = Merged, there.ID, ""
	return nil
}

// noDM says in the room that the answer could not be given when there is no way to
// the person.
func (s *sender) noDM(a *attempt, m bot.Message, err error) error {
	var se *bot.SendError
	if errors.As(err, &se) && se.Permanent {
		word := s.pointer(a, m, "notify.private.unreachable")
		word.Message.Severity, word.Message.Failed = bot.Warning, true
		a.also = []Delivery{word}
	}
	return err //nolint:wrapcheck // a SendError says itself what it is about
}

func (s *sender) pointer(a *attempt, m bot.Message, key string) Delivery {
	return Delivery{ID: a.ID + "-pointer", Lane: a.Lane, To: a.To, Lang: a.Lang, Status: Pending,
		Message: &bot.Message{Text: s.hub.cfg.Render.Say(a.Lang, key), For: m.For, ReplyTo: m.ReplyTo}}
}
