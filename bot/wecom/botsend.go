package wecom

import (
	"context"

	"github.com/coxswain-ops/coxswain/bot"
)

// botMarkup is the Markdown of an AI bot's messages.
func botMarkup() markup { return markup{fences: true, tables: true} }

// push is the body of a message that answers nothing.
func push(room, kind string, content any) map[string]any {
	chat, of := room, 2
	if user, dm := person(room); dm {
		chat, of = user, 1
	}
	return map[string]any{"chatid": chat, "chat_type": of, "msgtype": kind, kind: content}
}

// streamBody is the body of a state of a stream.
func streamBody(id, text string, finish bool) map[string]any {
	return map[string]any{"msgtype": "stream", "stream": map[string]any{"id": id, "finish": finish, "content": text}}
}

// streamAndCard is the body of a state of a stream that has a card below it. The
// card itself may be given once, with the first state.
func streamAndCard(id, text string, finish bool, c *card) map[string]any {
	body := streamBody(id, text, finish)
	body["msgtype"] = "stream_with_template_card"
	if c != nil {
		body["template_card"] = c
	}
	return body
}

func newStream() string { return "cox-stream-" + randomID() }

// outgoing is a message as it goes onto the wire.
type outgoing struct {
	to    bot.Address
	m     bot.Message
	text  string // "" when the card holds it all
	files []bot.Attachment
	card  *card
	task  string
}

func (o outgoing) ref() bot.MessageRef {
	ref := bot.MessageRef{Address: o.to, ID: "push:" + randomID()}
	if o.card != nil {
		ref.ID = cardRef(o.task)
	}
	return ref
}

// Send implements bot.Platform. The answer to a message is a stream on it, any
// other a message of its own; what can be pressed is a card.
func (b *AIBot) Send(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	if to.Account != b.name || to.Room == "" {
		return bot.MessageRef{}, permanent("an address of account %q is not for %s", to.Account, b.name)
	}
	if err := ctx.Err(); err != nil {
		return bot.MessageRef{}, &bot.SendError{Err: err}
	}
	if _, dm := person(to.Room); m.Private && !dm {
		return b.aside(ctx, to, m)
	}
	o, err := b.compose(ctx, to, m)
	if err != nil {
		return bot.MessageRef{}, sendError(err)
	}
	if b.calls != nil {
		return b.sendByCallback(ctx, o)
	}
	return b.sendByConnection(ctx, o)
}

// aside sends what is private to the person, and says so in the room.
func (b *AIBot) aside(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	dm, err := b.OpenDM(ctx, m.For)
	if err != nil {
		return bot.MessageRef{}, err
	}
	answered := m.ReplyTo
	m.ReplyTo = "" // the stream on the message would be in the room
	ref, err := b.Send(ctx, dm, m)
	if err != nil {
		return ref, err
	}
	if _, err := b.Send(ctx, to, bot.Message{Text: b.drawer.say("wecom.private"), For: m.For, ReplyTo: answered}); err != nil {
		b.log.Warn("a room was not told that the answer went to the person", "err", err)
	}
	return ref, nil
}

// compose draws the card and fits the text.
func (b *AIBot) compose(ctx context.Context, to bot.Address, m bot.Message) (outgoing, error) {
	m = wordsBeyond(m)
	o := outgoing{to: to, m: m}
	if wantsCard(m) {
		o.task = newTask()
		var err error
		if o.card, err = b.drawer.draw(ctx, to, m, o.task); err != nil {
			return o, err
		}
	}
	if o.card == nil || !holds(m) || m.ReplyTo != "" {
		o.text, o.files = b.fit(to, m)
	}
	return o, nil
}

func (b *AIBot) fit(to bot.Address, m bot.Message) (string, []bot.Attachment) {
	render := func(m bot.Message) string { return mention(b.cfg.CorpID, to, m, botMarkup().text(m)) }
	text, _, files := bot.Fit(m, bot.Limits{Bytes: b.Limits().Bytes}, render, b.calls == nil)
	return text, files
}

func (b *AIBot) sendByConnection(ctx context.Context, o outgoing) (bot.MessageRef, error) {
	c := b.connection()
	if c == nil {
		return bot.MessageRef{}, sendError(&apiError{What: cmdSend, Code: codeNoConnection})
	}
	ref, answered, err := b.answer(ctx, c, o)
	if err == nil && !answered {
		ref, err = b.pushAll(ctx, c, o)
	}
	if err != nil {
		return bot.MessageRef{}, sendError(err)
	}
	b.beside(ctx, c, o)
	b.keep(ctx, ref, o, "")
	return ref, nil
}

// answer puts o on the message that it answers. False when that cannot be done
// (any more): the message was answered, or another process received it.
func (b *AIBot) answer(ctx context.Context, c *conn, o outgoing) (bot.MessageRef, bool, error) {
	ref := o.ref()
	if o.m.ReplyTo == "" {
		return ref, false, nil
	}
	on := b.replies.take(o.m.ReplyTo, b.now())
	if on == "" {
		return ref, false, nil
	}
	if o.card != nil && holds(o.m) && !living(o.m) {
		err := c.call(ctx, cmdRespond, on, map[string]any{"msgtype": "template_card", "template_card": o.card}, nil)
		return ref, err == nil, b.unlessUnanswerable(err, o, on)
	}
	st := &openStream{id: newStream(), reqID: on, text: o.text, opened: b.now()}
	body := streamBody(st.id, o.text, true)
	if o.card != nil {
		if living(o.m) {
			o.card.below()
		}
		body = streamAndCard(st.id, o.text, !living(o.m), o.card)
	}
	err := c.call(ctx, cmdRespond, on, body, nil)
	if err == nil && living(o.m) {
		b.streams.add(ref.ID, st)
	}
	return ref, err == nil, b.unlessUnanswerable(err, o, on)
}

// unlessUnanswerable leaves out an error that says that the message cannot be
// answered; after any other the answer may be tried again.
func (b *AIBot) unlessUnanswerable(err error, o outgoing, on string) error {
	code := codeOf(err)
	if err == nil || code == codeBadRequest || code == codeStreamExpired {
		return nil
	}
	b.replies.add(o.m.ReplyTo, on, b.now())
	return err
}

// pushAll sends o as messages of their own.
func (b *AIBot) pushAll(ctx context.Context, c *conn, o outgoing) (bot.MessageRef, error) {
	if o.text != "" && (o.card == nil || !holds(o.m)) {
		if err := c.call(ctx, cmdSend, newReqID(cmdSend), push(o.to.Room, "markdown", map[string]string{"content": o.text}), nil); err != nil {
			return bot.MessageRef{}, err
		}
	}
	if o.card != nil {
		if err := c.call(ctx, cmdSend, newReqID(cmdSend), push(o.to.Room, "template_card", o.card), nil); err != nil {
			return bot.MessageRef{}, err
		}
	}
	return o.ref(), nil
}

// beside sends the image and the files that belong to o.
func (b *AIBot) beside(ctx context.Context, c *conn, o outgoing) {
	if o.m.Image != nil {
		if err := b.media(ctx, c, o.to, "image", o.m.Image.Name, o.m.Image.PNG); err != nil {
			b.log.Warn("an image was not sent; its words were", "err", err)
		}
	}
	for _, f := range o.files {
		if err := b.media(ctx, c, o.to, "file", f.Name, f.Content); err != nil {
			b.log.Warn("what did not fit was not sent as a file", "file", f.Name, "err", err)
		}
	}
}

// keep remembers a card, so that a press on it can draw it again.
func (b *AIBot) keep(ctx context.Context, ref bot.MessageRef, o outgoing, stream string) {
	if o.card == nil {
		return
	}
	rec := record{Room: o.to.Room, Message: o.m, Sent: b.now(), Stream: stream}
	if err := b.records.save(ctx, ref.ID, rec); err != nil {
		b.log.Error("a card can not be changed later", "err", err) // it was sent: to fail now would send it twice
	}
}
