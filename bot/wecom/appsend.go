package wecom

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"github.com/coxswain-ops/coxswain/bot"
)

// appMarkup is the Markdown of an application's messages.
func appMarkup() markup { return markup{} }

// sent is what the API says of a message that it took.
type sent struct {
	MsgID        string `json:"msgid"`
	ResponseCode string `json:"response_code"`
	InvalidUser  string `json:"invaliduser"`
}

// Send implements bot.Platform. What can be pressed is a card; what does not fit
// on one is a Markdown message before it, and what does not fit there a file.
func (a *App) Send(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	if to.Account != a.name || to.Room == "" {
		return bot.MessageRef{}, permanent("an address of account %q is not for %s", to.Account, a.name)
	}
	_, dm := person(to.Room)
	switch {
	case m.Private && !dm:
		return a.aside(ctx, to, m)
	case dm:
		return a.sendPerson(ctx, to, m)
	}
	return a.sendChat(ctx, to, m)
}

// aside sends what is private to the person, and says so in the room.
func (a *App) aside(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	dm, err := a.OpenDM(ctx, m.For)
	if err != nil {
		return bot.MessageRef{}, err
	}
	ref, err := a.Send(ctx, dm, m)
	if err != nil {
		return ref, err
	}
	if _, err := a.sendChat(ctx, to, bot.Message{Text: a.drawer.say(m, "wecom.private", nil), For: m.For}); err != nil {
		a.log.Warn("a room was not told that the answer went to the person", "err", err)
	}
	return ref, nil
}

func (a *App) sendPerson(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	m = wordsBeyond(m)
	if err := ctx.Err(); err != nil {
		return bot.MessageRef{}, &bot.SendError{Err: err}
	}
	if wantsCard(m) {
		return a.sendCard(ctx, to, m)
	}
	id, lost, err := a.sendText(ctx, to, m, false)
	if err != nil {
		return bot.MessageRef{}, err
	}
	a.sayLost(ctx, to, m, lost)
	return bot.MessageRef{Address: to, ID: "msg:" + id}, nil
}

// sendCard sends m's card, and what it does not hold before it. The card is drawn
// first: an error then must not come when a half has been sent.
func (a *App) sendCard(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	task := newTask()
	c, err := a.drawer.draw(ctx, to, m, task)
	if err != nil {
		return bot.MessageRef{}, sendError(err)
	}
	before, err := a.beforeCard(ctx, to, m)
	if err != nil {
		return bot.MessageRef{}, err
	}
	got, err := a.post(ctx, to, "template_card", c)
	if before != nil && (err == nil || lasting(err)) {
		a.completed(ctx, to, m, before)
	}
	if err != nil {
		return bot.MessageRef{}, err
	}
	ref := bot.MessageRef{Address: to, ID: cardRef(task)}
	rec := record{Room: to.Room, Message: m, Code: got.ResponseCode, MsgID: got.MsgID, Sent: a.now()}
	if err := a.records.save(ctx, ref.ID, rec); err != nil {
		// It was sent: to fail now would send it twice. It can still be pressed.
		a.log.Error("a card can not be changed later", "err", err)
	}
	return ref, nil
}

// completed ends a message of which nothing more will be sent.
func (a *App) completed(ctx context.Context, to bot.Address, m bot.Message, before *arrived) {
	if err := a.records.forgetArrived(ctx, to, m, before); err != nil {
		a.log.Warn("a message with the same words would go without them for a day", "err", err)
	}
	a.sayLost(ctx, to, m, before.Lost)
}

// beforeCard sends what m's card does not hold, unless an earlier attempt has done
// so, and takes the card's place in the minute. It gives nil when the card holds all.
func (a *App) beforeCard(ctx context.Context, to bot.Address, m bot.Message) (*arrived, error) {
	if holds(m) {
		return nil, a.paced(to, 1)
	}
	got, err := a.records.arrived(ctx, to, m)
	if err != nil {
		return nil, sendError(err)
	}
	if got != nil {
		err = a.paced(to, 1+min(1, len(got.Lost)))
	} else {
		got = &arrived{}
		_, got.Lost, err = a.sendText(ctx, to, m, true)
	}
	if err != nil {
		return nil, err
	}
	if err := a.records.keepArrived(ctx, to, m, got); err != nil {
		a.log.Warn("if a card is not taken, the words before it will be sent again", "err", err)
	}
	return got, nil
}

func cardRef(task string) string { return "card:" + task }

// wordsBeyond makes words of the buttons that a card has no place for.
func wordsBeyond(m bot.Message) bot.Message {
	n := maxButtons
	if living(m) {
		n-- // one shows it as it stands
	}
	_, m, _ = bot.Fit(m, bot.Limits{Actions: n}, func(bot.Message) string { return "" }, false)
	return m
}

// sendChat sends to a group chat that the application made. WeCom takes no cards
// there and tells nothing of what is said there, so buttons become words.
func (a *App) sendChat(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	m = allWords(m)
	id, lost, err := a.sendText(ctx, to, m, false)
	if err != nil {
		return bot.MessageRef{}, err
	}
	a.sayLost(ctx, to, m, lost)
	return bot.MessageRef{Address: to, ID: "chat:" + nonempty(id, randomID())}, nil
}

// allWords says what each button does.
func allWords(m bot.Message) bot.Message {
	for _, action := range m.Actions {
		m.Footer = joined(m.Footer, action.Label+bot.Colon(action.Label)+action.Typed())
	}
	m.Actions = nil
	return m
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}

func randomID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// sendText sends m as Markdown with its image, and with what did not fit as files;
// lost is what of these did not arrive. card says that a card follows. All places
// in the minute are taken and all files uploaded first.
func (a *App) sendText(ctx context.Context, to bot.Address, m bot.Message, card bool) (id string, lost []string, err error) {
	render := func(m bot.Message) string { return mention(a.cfg.CorpID, to, m, appMarkup().text(m)) }
	text, _, files := bot.Fit(m, bot.Limits{Bytes: a.Limits().Bytes}, render, true)
	n := 1 + len(files)
	if m.Image != nil {
		n++
	}
	if card {
		n++
	}
	if err := a.paced(to, n); err != nil {
		return "", nil, err
	}
	extras, err := uploadAll(ctx, m, files, a.upload, a.log)
	if err != nil {
		return "", nil, err
	}
	got, err := a.post(ctx, to, "markdown", map[string]string{"content": text})
	if err != nil {
		return "", nil, err
	}
	return got.MsgID, extras.sendAll(func(u uploaded) error { return a.sendUploaded(ctx, to, u) }, a.log), nil
}

// sayLost tells the person which files did not arrive, in the place that one of
// these had in the minute: what was cut would else be nowhere.
func (a *App) sayLost(ctx context.Context, to bot.Address, m bot.Message, lost []string) {
	sayLost(ctx, lost, a.log, func(ctx context.Context) error {
		note := a.drawer.lost(m, lost)
		text := bot.Truncate(mention(a.cfg.CorpID, to, note, appMarkup().text(note)), bot.Limits{Bytes: a.Limits().Bytes})
		_, err := a.post(ctx, to, "markdown", map[string]string{"content": text})
		return err
	})
}

// post sends one message of one kind to a person or a chat.
func (a *App) post(ctx context.Context, to bot.Address, kind string, content any) (sent, error) {
	var got sent
	if err := ctx.Err(); err != nil {
		return got, &bot.SendError{Err: err}
	}
	user, dm := person(to.Room)
	if !dm {
		err := a.client.call(ctx, "appchat/send", nil, map[string]any{"chatid": to.Room, "msgtype": kind, kind: content}, &got)
		return got, sendError(err)
	}
	body := map[string]any{"touser": user, "msgtype": kind, "agentid": a.cfg.AgentID, kind: content}
	if err := a.client.call(ctx, "message/send", nil, body, &got); err != nil {
		return got, sendError(err)
	}
	if got.InvalidUser != "" {
		return got, permanent("the person is outside the application's visible range")
	}
	return got, nil
}
