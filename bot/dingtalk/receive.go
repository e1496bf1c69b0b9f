package dingtalk

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// The topics of Stream mode.
const (
	topicRobot = "/v1.0/im/bot/messages/get"
	topicCard  = "/v1.0/card/instances/callback"
)

// What the data of an acknowledgement says.
const (
	ackCallback = `{"response":{}}`
	ackEvent    = `{"status":"SUCCESS"}`
	ackLater    = `{"status":"LATER","message":"not stored"}`
)

type handler = func(context.Context, bot.Inbound) error

// deliver hands one frame on and gives its acknowledgement. Nil means none: the
// gateway sends a frame again that nobody answered.
func (d *DingTalk) deliver(ctx context.Context, handle handler, f *frame) *ack {
	switch topic := f.header("topic"); {
	case f.Type == "CALLBACK" && topic == topicRobot:
		m, err := parseRobotMessage([]byte(f.Data))
		if err != nil {
			return d.malformed(f, err)
		}
		if err := d.accept(ctx, handle, m); err != nil {
			d.log.Error("a message was not accepted and will be delivered again", "error", err)
			return nil
		}
		return answerTo(f, 200, "OK", ackCallback)
	case f.Type == "CALLBACK" && topic == topicCard:
		return d.deliverCard(ctx, handle, f)
	case f.Type == "EVENT":
		if err := d.acceptEvent(ctx, handle, f); err != nil {
			d.log.Error("an event was not accepted and will be delivered again", "error", err)
			return answerTo(f, 200, "OK", ackLater)
		}
		return answerTo(f, 200, "OK", ackEvent)
	}
	return answerTo(f, 404, "nobody listens to this topic", "")
}

// malformed answers what can never be read, so that it is not sent for ever.
func (d *DingTalk) malformed(f *frame, err error) *ack {
	d.log.Warn("a frame cannot be read", "topic", f.header("topic"), "error", err)
	return answerTo(f, 400, "malformed", "")
}

// accept hands a person's message on.
func (d *DingTalk) accept(ctx context.Context, handle handler, m *robotMessage) error {
	if m.ChatbotCorpID != "" && m.ChatbotCorpID != d.cfg.CorpID {
		d.stranger(m.ChatbotCorpID)
		return nil
	}
	in, mine := d.inbound(ctx, m)
	if !mine {
		return nil
	}
	if err := handle(ctx, in); err != nil {
		return err
	}
	// After the message is safe, and only an aid: without it the send API answers.
	d.hooks.learn(in.From.Room, webhook{url: m.SessionWebhook, expires: m.SessionWebhookEnd.time()})
	return nil
}

// stranger remembers a CorpId that is not ours, for Check to tell.
func (d *DingTalk) stranger(corpID string) {
	d.mu.Lock()
	first := d.foreign != corpID
	d.foreign = corpID
	d.mu.Unlock()
	if first {
		d.log.Error("messages of another organization come in and are ignored; is corp_id right?", "corp", corpID)
	}
}

// inbound makes of m what the inbox takes; mine is false for what a group says
// among itself.
func (d *DingTalk) inbound(ctx context.Context, m *robotMessage) (in bot.Inbound, mine bool) {
	text, _ := m.words()
	in = bot.Inbound{ID: m.MsgID, From: bot.Address{Account: d.Name(), Room: m.ConversationID}, Text: text,
		Identity: d.sender(m), Direct: true, Interactive: true, At: d.when(m.CreateAt)}
	if m.ConversationType == "1" {
		in.Private = true
		if validStaff(m.SenderStaffID) {
			in.From.Room = dmRoom + m.SenderStaffID
		}
	}
	if validStaff(m.SenderStaffID) {
		d.nicks.set(m.SenderStaffID, m.SenderNick)
	}
	if found := pressed.FindStringSubmatch(text); found != nil {
		if b, err := d.shared.Buttons.Look(ctx, found[1]); err == nil && b.Account == d.Name() {
			in.Press, in.Text = found[1], ""
		}
	}
	return in, in.Private || m.IsInAtList || in.Press != ""
}

// sender gives the identity of whoever wrote m. People of other organizations
// have an encrypted id only, which cannot be one of ours: ours hold no $.
func (d *DingTalk) sender(m *robotMessage) string {
	if validStaff(m.SenderStaffID) {
		return d.identity(m.SenderStaffID)
	}
	return Kind + ":" + firstOf(m.SenderCorpID, "unknown") + "/$" + firstOf(m.SenderID, m.SenderStaffID)
}

// when is the platform's time of a message unless it is missing or ahead of ours.
func (d *DingTalk) when(at millis) time.Time {
	now := d.timing.now()
	if t := at.time(); at > 0 && t.Before(now) {
		return t
	}
	return now
}

// acceptEvent hands on that people have left the organization.
func (d *DingTalk) acceptEvent(ctx context.Context, handle handler, f *frame) error {
	if f.header("eventType") != "user_leave_org" {
		return nil
	}
	if corp := f.header("eventCorpId"); corp != "" && corp != d.cfg.CorpID {
		return nil
	}
	l, err := parseLeft([]byte(f.Data))
	if err != nil {
		d.log.Warn("an event cannot be read", "error", err)
		return nil
	}
	id := firstOf(f.header("eventId"), f.header("messageId"))
	for _, staff := range l.UserID {
		if !validStaff(staff) {
			continue
		}
		err = errors.Join(err, handle(ctx, bot.Inbound{ID: "event:" + id + ":" + staff, Identity: d.identity(staff), Gone: true,
			From: bot.Address{Account: d.Name(), Room: dmRoom + staff}, At: d.timing.now()}))
	}
	return err
}

// deliverCard hands a press or a filled-in form on.
func (d *DingTalk) deliverCard(ctx context.Context, handle handler, f *frame) *ack {
	c, err := parseCardCallback([]byte(f.Data))
	if err != nil {
		return d.malformed(f, err)
	}
	if c.CorpID != d.cfg.CorpID {
		d.stranger(c.CorpID)
		return answerTo(f, 200, "OK", ackCallback)
	}
	in := d.press(ctx, c)
	in.ID = "card:" + f.header("messageId")
	token, isForm := strings.CutPrefix(c.action(), formButton)
	switch {
	case strings.HasPrefix(c.OutTrackID, formCard):
		if err := d.submitted(ctx, &in, c); err != nil {
			d.log.Warn("a form cannot be read", "error", err)
		}
	case isForm:
		in.Press = token
		if shown, err := d.showForm(ctx, &in, c); shown {
			return answerTo(f, 200, "OK", ackCallback)
		} else if err != nil {
			d.log.Warn("a form could not be shown; its values are asked for instead", "error", err)
		}
	default:
		in.Press = c.action()
	}
	if in.Press == "" {
		return answerTo(f, 200, "OK", ackCallback) // a template's own button
	}
	if err := handle(ctx, in); err != nil {
		d.log.Error("a press was not accepted and will be delivered again", "error", err)
		return nil
	}
	if strings.HasPrefix(c.OutTrackID, formCard) {
		return answerTo(f, 200, "OK", d.formSent())
	}
	return answerTo(f, 200, "OK", ackCallback)
}

// press is an Inbound of the presser, in the room of the card.
func (d *DingTalk) press(ctx context.Context, c *cardCallback) bot.Inbound {
	in := bot.Inbound{From: bot.Address{Account: d.Name(), Room: dmRoom + c.UserID}, Identity: d.identity(c.UserID),
		Direct: true, Interactive: true, At: d.timing.now()}
	token := strings.TrimPrefix(c.action(), formButton)
	if t, ok := formToken(c.OutTrackID); ok {
		token = t
	}
	if b, err := d.shared.Buttons.Look(ctx, token); err == nil && b.Account == d.Name() {
		in.From.Room = b.Room
	} else if i := strings.Index(c.SpaceID, "cid"); i >= 0 && plainID(c.SpaceID) {
		in.From.Room = c.SpaceID[i:] // "cid…" or "dtv1.card//IM_GROUP.cid…"
	}
	in.Private = strings.HasPrefix(in.From.Room, dmRoom)
	return in
}
