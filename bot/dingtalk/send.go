package dingtalk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// ours refuses addresses that are not of this account or of no form it has.
func (d *DingTalk) ours(to bot.Address) error {
	staff, dm := strings.CutPrefix(to.Room, dmRoom)
	switch {
	case to.Account != d.Name():
		return permanent(fmt.Errorf("dingtalk: the address is of %s, not of %s", to.Account, d.Name()))
	case dm && !validStaff(staff), !plainID(to.Room):
		return permanent(errors.New("dingtalk: the address names no conversation"))
	}
	return nil
}

// Send implements bot.Platform.
func (d *DingTalk) Send(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	if err := d.ours(to); err != nil {
		return bot.MessageRef{}, err
	}
	if m.Private && !strings.HasPrefix(to.Room, dmRoom) {
		return d.sendPrivately(ctx, to, m)
	}
	ref, err := d.send(ctx, to, m)
	return ref, sendError(err)
}

// sendPrivately sends m to the person whom it answers, and a word about that to
// the room. A message with nobody to go to is kept back: it is not for the room.
func (d *DingTalk) sendPrivately(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	dm, err := d.OpenDM(ctx, m.For)
	if err != nil {
		ref, err := d.send(ctx, to, bot.Message{Text: d.say("dingtalk.private.nobody", nil), For: m.For})
		return ref, sendError(err)
	}
	ref, err := d.send(ctx, dm, m)
	if err != nil {
		return bot.MessageRef{}, sendError(err)
	}
	// The answer is there. Failing for the sake of the hint would send it twice.
	if _, err := d.send(ctx, to, bot.Message{Text: d.say("dingtalk.private.sent", nil), For: m.For}); err != nil {
		d.log.Warn("the hint at a private answer was not sent", "error", err)
	}
	return ref, nil
}

// send sends m and what goes beside it. All media are uploaded first and all
// places in the minute are taken first, so that only the network can still part
// a message from its files.
func (d *DingTalk) send(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	card := d.isCard(m)
	if card && d.cfg.Mode == modeHTTP {
		m = asWords(m)
	}
	fitted, text, files, err := fit(m, d.Limits())
	if err != nil {
		return bot.MessageRef{}, err
	}
	extras, err := d.uploadAll(ctx, m.Image, files)
	if err != nil {
		return bot.MessageRef{}, err
	}
	if wait := d.rate.take(to.Room, 1+len(extras)); wait > 0 {
		return bot.MessageRef{}, &bot.SendError{RetryAfter: wait, Err: errors.New("dingtalk: the robot may send no more to this conversation for now")}
	}
	var ref bot.MessageRef
	if card {
		ref, err = d.sendCard(ctx, to, fitted)
	} else {
		ref, err = d.sendPlain(ctx, to, fitted, text)
	}
	if err != nil {
		d.hushed(to.Room, err)
		return bot.MessageRef{}, err
	}
	d.sendExtras(ctx, to, extras)
	return ref, nil
}

// sendExtras sends what goes beside a message that is there already. An error
// would have the message sent again, so that a failure is said in the room.
func (d *DingTalk) sendExtras(ctx context.Context, to bot.Address, extras []robotMsg) {
	var missing []string
	for _, extra := range extras {
		if _, err := d.robotSend(ctx, to, extra); err != nil {
			d.hushed(to.Room, err)
			d.log.Error("a file was not sent although its message was", "kind", extra.key, "error", err)
			missing = append(missing, firstOf(extra.param["fileName"], extra.key))
		}
	}
	if len(missing) == 0 || d.rate.take(to.Room, 1) > 0 {
		return
	}
	text := d.say("dingtalk.upload.failed", map[string]any{"files": strings.Join(missing, ", ")})
	if _, err := d.sendPlain(ctx, to, bot.Message{Text: text}, text); err != nil {
		d.log.Error("that a file is missing could not be said either", "error", err)
	}
}

// hushed remembers when the platform has silenced the robot.
func (d *DingTalk) hushed(room string, err error) {
	var refused *apiError
	if errors.As(err, &refused) && refused.wait() >= time.Minute {
		d.rate.hush(room, refused.wait())
	}
}

// sendPlain sends Markdown or an ActionCard: through the session webhook, which
// can mention people, else through the send API, which cannot.
func (d *DingTalk) sendPlain(ctx context.Context, to bot.Address, m bot.Message, text string) (bot.MessageRef, error) {
	buttons, err := d.issue(ctx, to, m)
	if err != nil {
		return bot.MessageRef{}, err
	}
	if text == "" {
		text = "…"
	}
	hook, err := d.hooks.of(ctx, to.Room)
	if err != nil {
		return bot.MessageRef{}, err
	}
	if hook == "" {
		return d.robotSend(ctx, to, robotForm(m, text, buttons))
	}
	at, _ := d.staff(m.For)
	if strings.HasPrefix(to.Room, dmRoom) {
		at = ""
	}
	err = d.webhookSend(ctx, hook, m, text, at, buttons)
	var refused *apiError
	if errors.As(err, &refused) && refused.wait() == 0 && refused.lasting() {
		if err := d.hooks.drop(ctx, to.Room, hook); err != nil {
			return bot.MessageRef{}, err
		}
		return d.robotSend(ctx, to, robotForm(m, text, buttons))
	}
	if err != nil {
		return bot.MessageRef{}, err
	}
	return bot.MessageRef{Address: to, ID: "webhook." + rand.Text()}, nil // the platform names none
}

// webhookSend posts to a session webhook.
func (d *DingTalk) webhookSend(ctx context.Context, hook string, m bot.Message, text, at string, buttons []button) error {
	body := map[string]any{"msgtype": "markdown"}
	if at != "" {
		text = "@" + at + " " + lineEnd + text // without the words there is no mention
		body["at"] = map[string]any{"atUserIds": []string{at}, "isAtAll": false}
	}
	body["markdown"] = map[string]any{"title": title(m), "text": text}
	if len(buttons) > 0 {
		card := map[string]any{"title": title(m), "text": text, "btnOrientation": "0"}
		var btns []map[string]string
		for _, b := range buttons {
			btns = append(btns, map[string]string{"title": b.label, "actionURL": b.link()})
		}
		card["btns"] = btns
		delete(body, "markdown")
		body["msgtype"], body["actionCard"] = "actionCard", card
	}
	raw, err := encode(body)
	if err != nil {
		return err
	}
	return d.client.do(ctx, request{op: "robot/sendBySession", method: http.MethodPost, url: hook, header: jsonHeader(), body: raw}, nil, hookSecrets(hook)...)
}

// hookSecrets is what an error may not repeat of a webhook.
func hookSecrets(hook string) []string {
	_, session, _ := strings.Cut(hook, "session=")
	return []string{hook, session}
}

// robotMsg is a message as the send APIs take it.
type robotMsg struct {
	key   string
	param map[string]string
}

// robotForm chooses the API's template by the number of buttons.
func robotForm(m bot.Message, text string, buttons []button) robotMsg {
	p := map[string]string{"title": title(m), "text": text}
	switch n := min(len(buttons), 5); n {
	case 0:
		return robotMsg{"sampleMarkdown", p}
	case 1:
		p["singleTitle"], p["singleURL"] = buttons[0].label, buttons[0].link()
		return robotMsg{"sampleActionCard", p}
	default:
		for i, b := range buttons[:n] {
			p["actionTitle"+strconv.Itoa(i+1)], p["actionURL"+strconv.Itoa(i+1)] = b.label, b.link()
		}
		return robotMsg{"sampleActionCard" + strconv.Itoa(n), p}
	}
}

// robotSend sends to a group or to a person.
func (d *DingTalk) robotSend(ctx context.Context, to bot.Address, m robotMsg) (bot.MessageRef, error) {
	param, err := encode(m.param)
	if err != nil {
		return bot.MessageRef{}, err
	}
	path := "/v1.0/robot/groupMessages/send"
	body := map[string]any{"robotCode": d.cfg.RobotCode, "msgKey": m.key, "msgParam": string(param), "openConversationId": to.Room}
	if staff, ok := strings.CutPrefix(to.Room, dmRoom); ok {
		path = "/v1.0/robot/oToMessages/batchSend"
		delete(body, "openConversationId")
		body["userIds"] = []string{staff}
	}
	var out struct {
		ProcessQueryKey string   `json:"processQueryKey"`
		Invalid         []string `json:"invalidStaffIdList"`
		Slowed          []string `json:"flowControlledStaffIdList"`
	}
	if err := d.client.api(ctx, http.MethodPost, path, body, &out); err != nil {
		return bot.MessageRef{}, err
	}
	switch {
	case len(out.Invalid) > 0:
		return bot.MessageRef{}, permanent(errors.New("dingtalk " + path + ": this person is not in the organization, or not in the app's range"))
	case len(out.Slowed) > 0:
		return bot.MessageRef{}, &bot.SendError{RetryAfter: time.Minute, Err: errors.New("dingtalk " + path + ": too many messages to this person")}
	case out.ProcessQueryKey == "":
		return bot.MessageRef{}, errors.New("dingtalk " + path + ": the answer names no message")
	}
	return bot.MessageRef{Address: to, ID: out.ProcessQueryKey}, nil
}
