package wecom

import (
	"context"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// Update implements bot.Updater. A stream can be changed for six minutes; after
// that, and for whatever is not one, the policy of stays holds.
func (b *AIBot) Update(ctx context.Context, ref bot.MessageRef, m bot.Message) error {
	if ref.Address.Account != b.name || !knownRef(ref.ID) {
		return permanent("no message of %s is called %q", b.name, ref.ID)
	}
	id, err := b.records.current(ctx, ref.ID)
	if err != nil {
		return sendError(err)
	}
	rec, err := b.records.load(ctx, id)
	if err != nil {
		return sendError(err)
	}
	if rec != nil {
		m = wordsBeyond(answering(m, rec.Message))
		rec.Message = m
		if err := b.records.save(ctx, id, *rec); err != nil {
			return sendError(err)
		}
	}
	shown, err := b.showInStream(ctx, id, rec, ref.Address, m)
	if err != nil || shown || !stays(m) {
		return sendError(err)
	}
	next, err := b.Send(ctx, ref.Address, m)
	if err != nil {
		return err
	}
	if err := b.records.moved(ctx, ref.ID, next.ID); err != nil {
		b.log.Error("a message was replaced; a later change will replace it again", "err", err)
	}
	return nil
}

// showInStream changes what a stream shows; false when there is none (any more).
func (b *AIBot) showInStream(ctx context.Context, id string, rec *record, to bot.Address, m bot.Message) (bool, error) {
	if b.calls != nil {
		return b.showInPolled(ctx, rec, to, m)
	}
	st, ok := b.streams.get(id, b.now())
	if !ok {
		return false, nil
	}
	c := b.connection()
	if c == nil {
		return false, &apiError{What: cmdRespond, Code: codeNoConnection}
	}
	text, files := b.fit(to, m)
	var extras beside
	if stays(m) {
		var err error
		if extras, err = b.uploadAll(ctx, c, m, files); err != nil {
			return false, err
		}
	}
	err := c.call(ctx, cmdRespond, st.reqID, streamAndCard(st.id, text, stays(m), nil), nil)
	if code := codeOf(err); code == codeBadRequest || code == codeStreamExpired {
		b.streams.drop(id)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	b.streams.shows(id, text)
	if stays(m) {
		b.streams.drop(id)
		b.sayLost(ctx, c, to, m, b.sendBeside(ctx, c, to, extras))
	}
	return true, nil
}

// closeOldStreams finishes the streams that the platform would soon break off,
// with a word on how it goes on.
func (b *AIBot) closeOldStreams(ctx context.Context) {
	c := b.connection()
	if c == nil {
		return
	}
	for _, st := range b.streams.takeOld(b.now()) {
		text := bot.Truncate(st.text, bot.Limits{Bytes: b.Limits().Bytes - 200}) + "\n\n" + quote(b.shared.Say(st.lang, "wecom.goeson", nil))
		if err := c.call(ctx, cmdRespond, st.reqID, streamAndCard(st.id, text, true, nil), nil); err != nil {
			b.log.Warn("a stream was not finished in time", "err", err)
		}
	}
}

// redraw shows a card that was pressed as it stands now: until then its buttons
// are grey. It must be done within five seconds of the press.
func (b *AIBot) redraw(ctx context.Context, c *conn, reqID, task string) {
	body, err := b.redrawn(ctx, task)
	if err != nil || body == nil {
		b.logRedraw(err)
		return
	}
	b.logRedraw(c.call(ctx, cmdUpdate, reqID, body, nil))
}

func (b *AIBot) logRedraw(err error) {
	if err != nil {
		b.log.Warn("a card that was pressed was not drawn again", "err", err)
	}
}

// redrawn is the body that draws a card again; nil when nothing is known of it.
func (b *AIBot) redrawn(ctx context.Context, task string) (any, error) {
	rec, err := b.records.load(ctx, cardRef(task))
	if err != nil || rec == nil {
		return nil, err
	}
	c, err := b.drawer.draw(ctx, bot.Address{Account: b.name, Room: rec.Room}, rec.Message, strings.TrimPrefix(task, "card:"))
	if err != nil {
		return nil, err
	}
	return map[string]any{"response_type": "update_template_card", "template_card": c}, nil
}

// fill makes a filled-in form of a press on a card with lists.
func (b *AIBot) fill(ctx context.Context, body *botBody, in *bot.Inbound) error {
	rec, err := b.records.load(ctx, cardRef(body.task()))
	if err != nil {
		return err
	}
	if rec != nil && rec.Message.Form != nil {
		in.Text, in.Values = rec.Message.Form.Command, filled(rec.Message.Form, body.selected())
	}
	return nil
}

// welcome greets somebody who opens the chat for the first time in a day.
func (b *AIBot) welcome(ctx context.Context, c *conn, reqID string) {
	body := map[string]any{"msgtype": "text", "text": map[string]string{"content": b.shared.Say(b.shared.Lang, "wecom.welcome", nil)}}
	if err := c.call(ctx, cmdWelcome, reqID, body, nil); err != nil {
		b.log.Warn("somebody was not greeted", "err", err)
	}
}
