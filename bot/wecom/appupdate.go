package wecom

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// recallable is how long a message can be taken back.
const recallable = 24 * time.Hour

// stays reports whether m is a state that will not change again by itself. It is
// the one policy for messages that cannot be edited at will: a state that will
// change is kept and not sent (a button of the card shows it); one that stays is
// shown in its place if that can be done, else as a new message.
func stays(m bot.Message) bool { return m.Final || m.Operation == "" }

// Update implements bot.Updater. An application can change a card once, and once
// more for each press on it: that once is kept for the state that stays.
func (a *App) Update(ctx context.Context, ref bot.MessageRef, m bot.Message) error {
	if ref.Address.Account != a.name || !knownRef(ref.ID) {
		return permanent("no message of %s is called %q", a.name, ref.ID)
	}
	id, err := a.records.current(ctx, ref.ID)
	if err != nil {
		return sendError(err)
	}
	rec, err := a.records.load(ctx, id)
	if err != nil {
		return sendError(err)
	}
	if rec == nil {
		if !stays(m) {
			return nil
		}
		return a.replace(ctx, ref, id, m, nil)
	}
	m = wordsBeyond(answering(m, rec.Message))
	if !stays(m) {
		rec.Message = m
		return sendError(a.records.save(ctx, id, *rec))
	}
	if rec.Code == "" || !holds(m) {
		return a.replace(ctx, ref, id, m, rec)
	}
	code := rec.Code
	rec.Message, rec.Code = m, ""
	err = a.redrawCard(ctx, id, rec, code)
	if codeOf(err) == codeCardCodeUsed {
		return a.replace(ctx, ref, id, m, rec)
	}
	if err != nil {
		return sendError(err)
	}
	return sendError(a.records.save(ctx, id, *rec))
}

// answering keeps whom and what a message answers: its buttons are known by it.
func answering(m, before bot.Message) bot.Message {
	m.For, m.ReplyTo = nonempty(m.For, before.For), nonempty(m.ReplyTo, before.ReplyTo)
	return m
}

func knownRef(id string) bool {
	kind, _, ok := strings.Cut(id, ":")
	switch kind {
	case "card", "msg", "chat", "stream", "push":
		return ok
	}
	return false
}

// replace sends m as a new message in place of one that cannot be changed, and
// takes that one back.
func (a *App) replace(ctx context.Context, ref bot.MessageRef, old string, m bot.Message, rec *record) error {
	next, err := a.Send(ctx, ref.Address, m)
	if err != nil {
		return err
	}
	if err := a.records.moved(ctx, ref.ID, next.ID); err != nil {
		a.log.Error("a message was replaced; a later change will replace it again", "err", err)
	}
	msg, isMessage := strings.CutPrefix(old, "msg:")
	if rec != nil && a.now().Sub(rec.Sent) < recallable {
		msg, isMessage = rec.MsgID, rec.MsgID != ""
	}
	if !isMessage || msg == "" {
		return nil
	}
	if err := a.client.call(ctx, "message/recall", nil, map[string]string{"msgid": msg}, nil); err != nil {
		a.log.Info("a replaced message stays in the room", "err", err)
	}
	return nil
}

// redrawCard shows rec's message in the place of its card, for the one use of code.
func (a *App) redrawCard(ctx context.Context, id string, rec *record, code string) error {
	user, ok := person(rec.Room)
	if !ok {
		return errors.New("wecom: a card in a room that has none")
	}
	c, err := a.drawer.draw(ctx, bot.Address{Account: a.name, Room: rec.Room}, rec.Message, strings.TrimPrefix(id, "card:"))
	if err != nil {
		return err
	}
	body := map[string]any{"userids": []string{user}, "agentid": a.cfg.AgentID, "response_code": code, "template_card": c}
	return a.client.call(ctx, "message/update_template_card", nil, body, nil)
}

// redraw is a card that was pressed: until it is drawn again its buttons are grey.
type redraw struct{ task, code string }

// redraw leaves the drawing to Run: the press must be acknowledged first. With too
// many at once a card stays as it is until the next change.
func (a *App) redraw(m *appMessage) {
	if m.TaskID == "" || m.ResponseCode == "" {
		return
	}
	select {
	case a.redraws <- redraw{task: m.TaskID, code: m.ResponseCode}:
	default:
		a.log.Warn("too many cards were pressed at once; one stays as it was")
	}
}

func (a *App) redrawing(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-a.redraws:
			if err := a.drawPressed(ctx, r); err != nil && ctx.Err() == nil {
				a.log.Warn("a card that was pressed was not drawn again", "err", err)
			}
		}
	}
}

func (a *App) drawPressed(ctx context.Context, r redraw) error {
	rec, err := a.records.load(ctx, cardRef(r.task))
	if err != nil || rec == nil {
		return err
	}
	return a.redrawCard(ctx, cardRef(r.task), rec, r.code)
}
