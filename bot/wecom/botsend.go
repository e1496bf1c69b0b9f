package wecom

import (
	"context"
	"strings"

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

// words reports whether its text is a message of its own when it answers nothing.
func (o outgoing) words() bool { return o.text != "" && (o.card == nil || !holds(o.m)) }

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
	if _, err := b.Send(ctx, to, bot.Message{Text: b.drawer.say(m, "wecom.private", nil), For: m.For, ReplyTo: answered}); err != nil {
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

// fit makes m's text, and files of what did not fit. A bot that is called by HTTP
// can send none: it says so, because what was cut is then nowhere.
func (b *AIBot) fit(to bot.Address, m bot.Message) (string, []bot.Attachment) {
	render := func(m bot.Message) string { return mention(b.cfg.CorpID, to, m, botMarkup().text(m)) }
	limits := bot.Limits{Bytes: b.Limits().Bytes}
	text, _, files := bot.Fit(m, limits, render, true)
	if b.calls == nil || len(files) == 0 {
		return text, files
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	m.Footer = joined(m.Footer, b.drawer.say(m, "wecom.nofiles", map[string]any{"files": strings.Join(names, ", ")}))
	text, _, _ = bot.Fit(m, limits, render, false)
	return text, nil
}

// sendByConnection answers by a stream where it can, else with messages of their
// own. What an earlier attempt has sent of these is not sent again.
func (b *AIBot) sendByConnection(ctx context.Context, o outgoing) (bot.MessageRef, error) {
	c := b.connection()
	if c == nil {
		return bot.MessageRef{}, sendError(&apiError{What: cmdSend, Code: codeNoConnection})
	}
	if o.card == nil || !o.words() {
		ref, _, err := b.begin(ctx, c, o)
		return ref, err
	}
	got, err := b.records.arrived(ctx, o.to, o.m)
	if err != nil {
		return bot.MessageRef{}, sendError(err)
	}
	if got == nil {
		ref, before, err := b.begin(ctx, c, o)
		if err != nil || before == nil {
			return ref, err
		}
		got = before
	}
	return b.pushCard(ctx, c, o, got)
}

// begin sends o, with what goes beside it, which is uploaded first. When it gives
// what arrived, the card has yet to follow.
func (b *AIBot) begin(ctx context.Context, c *conn, o outgoing) (bot.MessageRef, *arrived, error) {
	extras, err := b.uploadAll(ctx, c, o.m, o.files)
	if err != nil {
		return bot.MessageRef{}, nil, sendError(err)
	}
	ref, answered, err := b.answer(ctx, c, o)
	if err == nil && !answered {
		err = b.pushFirst(ctx, c, o)
	}
	if err != nil {
		return bot.MessageRef{}, nil, sendError(err)
	}
	lost := b.sendBeside(ctx, c, o.to, extras)
	if !answered && o.card != nil && o.words() {
		return bot.MessageRef{}, &arrived{Lost: lost}, nil
	}
	b.sayLost(ctx, c, o.to, o.m, lost)
	b.keep(ctx, ref, o, "")
	return ref, nil, nil
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
	st := &openStream{id: newStream(), reqID: on, text: o.text, lang: bot.LangOf(o.m, b.shared.Lang), opened: b.now()}
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

// pushFirst sends o as a message of its own: its words, or a card that holds all.
func (b *AIBot) pushFirst(ctx context.Context, c *conn, o outgoing) error {
	if o.words() {
		return c.call(ctx, cmdSend, newReqID(cmdSend), push(o.to.Room, "markdown", map[string]string{"content": o.text}), nil)
	}
	return c.call(ctx, cmdSend, newReqID(cmdSend), push(o.to.Room, "template_card", o.card), nil)
}

// pushCard sends the card of a message whose words have arrived.
func (b *AIBot) pushCard(ctx context.Context, c *conn, o outgoing, got *arrived) (bot.MessageRef, error) {
	if err := b.records.keepArrived(ctx, o.to, o.m, got); err != nil {
		b.log.Warn("if a card is not taken, the words before it will be sent again", "err", err)
	}
	err := sendError(c.call(ctx, cmdSend, newReqID(cmdSend), push(o.to.Room, "template_card", o.card), nil))
	if err == nil || lasting(err) {
		if err := b.records.forgetArrived(ctx, o.to, o.m, got); err != nil {
			b.log.Warn("a message with the same words would go without them for a day", "err", err)
		}
		b.sayLost(ctx, c, o.to, o.m, got.Lost)
	}
	if err != nil {
		return bot.MessageRef{}, err
	}
	ref := o.ref()
	b.keep(ctx, ref, o, "")
	return ref, nil
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
