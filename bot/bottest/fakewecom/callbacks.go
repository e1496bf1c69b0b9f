package fakewecom

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ackDeadline is how long the platform waits for the answer to a callback.
const ackDeadline = 5 * time.Second

// Envelope is a callback as it goes over the wire, for tests to tamper with.
type Envelope struct {
	URL       string
	Signature string
	Timestamp string
	Nonce     string
	Body      []byte
	Type      string
}

// Answer is what came back.
type Answer struct {
	Status int
	Body   []byte
	Took   time.Duration
}

// Seal makes the application's callback of a plain XML document.
func (f *Fake) Seal(plain string) Envelope {
	f.mu.Lock()
	defer f.mu.Unlock()
	return seal(f.appURL, f.Token, f.AESKey, f.CorpID, plain, f.clock(), func(encrypted string) []byte {
		return []byte("<xml><ToUserName><![CDATA[" + f.CorpID + "]]></ToUserName><AgentID><![CDATA[" + strconv.FormatInt(f.AgentID, 10) +
			"]]></AgentID><Encrypt><![CDATA[" + encrypted + "]]></Encrypt></xml>")
	})
}

// SealBot makes the bot's callback of a plain JSON document.
func (f *Fake) SealBot(plain string) Envelope {
	f.mu.Lock()
	defer f.mu.Unlock()
	return seal(f.botURL, f.BotToken, f.BotAESKey, "", plain, f.clock(), func(encrypted string) []byte {
		return []byte(`{"encrypt":"` + encrypted + `"}`)
	})
}

// SealAs seals for another receiver.
func (f *Fake) SealAs(receiver, plain string) Envelope {
	own := f.CorpID
	f.mu.Lock()
	f.CorpID = receiver
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.CorpID = own
		f.mu.Unlock()
	}()
	return f.Seal(plain)
}

func seal(address, token, key, receiver, plain string, now time.Time, wrap func(string) []byte) Envelope {
	encrypted, err := Encrypt(key, plain, receiver)
	if err != nil {
		panic(err)
	}
	e := Envelope{URL: address, Timestamp: strconv.FormatInt(now.Unix(), 10), Nonce: random(), Body: wrap(encrypted), Type: "text/xml"}
	e.Signature = Sign(token, e.Timestamp, e.Nonce, encrypted)
	return e
}

// Post delivers an envelope once.
func (f *Fake) Post(ctx context.Context, e Envelope) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, ackDeadline)
	defer cancel()
	q := url.Values{"msg_signature": {e.Signature}, "timestamp": {e.Timestamp}, "nonce": {e.Nonce}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"?"+q.Encode(), bytes.NewReader(e.Body))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", e.Type)
	return f.do(req)
}

func (f *Fake) do(req *http.Request) (Answer, error) {
	began := time.Now()
	res, err := f.client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return Answer{Status: res.StatusCode, Body: body, Took: time.Since(began)}, err
}

// Verify checks the application's URL as the console does when it is saved, and
// gives what was answered.
func (f *Fake) Verify(ctx context.Context, echo string) (Answer, error) {
	f.mu.Lock()
	encrypted, err := Encrypt(f.AESKey, echo, f.CorpID)
	address, token := f.appURL, f.Token
	f.mu.Unlock()
	if err != nil {
		return Answer{}, err
	}
	return f.VerifyWith(ctx, address, token, "1409659589", "263014780", encrypted)
}

// VerifyWith checks a URL with a given echostr.
func (f *Fake) VerifyWith(ctx context.Context, address, token, timestamp, nonce, echostr string) (Answer, error) {
	q := url.Values{"msg_signature": {Sign(token, timestamp, nonce, echostr)}, "timestamp": {timestamp}, "nonce": {nonce}, "echostr": {echostr}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?"+q.Encode(), nil)
	if err != nil {
		return Answer{}, err
	}
	return f.do(req)
}

// deliver posts a message to the application; an error means that the platform
// would deliver it again.
func (f *Fake) deliver(ctx context.Context, plain string) error {
	f.mu.Lock()
	f.delivered = plain
	f.mu.Unlock()
	a, err := f.Post(ctx, f.Seal(plain))
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return fmt.Errorf("fakewecom: the callback was answered with status %d", a.Status)
	}
	return nil
}

// Redeliver posts what the application was sent last once more, as the platform
// does: the same message in a new envelope.
func (f *Fake) Redeliver(ctx context.Context) error {
	f.mu.Lock()
	plain := f.delivered
	f.mu.Unlock()
	return f.deliver(ctx, plain)
}

// TextXML is what the application receives when a user writes text. A redelivery
// has the same id.
func (f *Fake) TextXML(user, id, text string) string {
	return f.xml(user, "text", tag("Content", text)+tag("MsgId", id))
}

func (f *Fake) xml(user, kind, rest string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("<xml>%s%s<CreateTime>%d</CreateTime>%s<AgentID>%d</AgentID>%s</xml>",
		tag("ToUserName", f.CorpID), tag("FromUserName", user), f.clock().Unix(), tag("MsgType", kind), f.AgentID, rest)
}

func tag(name, text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		panic(err)
	}
	return "<" + name + ">" + b.String() + "</" + name + ">"
}

// Say lets a user write to the application. Nil means that it was acknowledged.
func (f *Fake) Say(ctx context.Context, user, id, text string) error {
	return f.deliver(ctx, f.TextXML(user, id, text))
}

// SayUntilAcked does as the platform does: it delivers up to four times.
func (f *Fake) SayUntilAcked(ctx context.Context, user, id, text string) (deliveries int, err error) {
	plain := f.TextXML(user, id, text)
	for deliveries = 1; deliveries <= 4; deliveries++ {
		if err = f.deliver(ctx, plain); err == nil {
			return deliveries, nil
		}
	}
	return deliveries - 1, err
}

// Menu lets a user press an entry of the application's menu.
func (f *Fake) Menu(ctx context.Context, user, key string) error {
	return f.deliver(ctx, f.xml(user, "event", tag("Event", "click")+tag("EventKey", key)))
}

// Enter lets a user open the application.
func (f *Fake) Enter(ctx context.Context, user string) error {
	return f.deliver(ctx, f.xml(user, "event", tag("Event", "enter_agent")+tag("EventKey", "")))
}

// Leave takes a user out of the application's range.
func (f *Fake) Leave(ctx context.Context, user string) error {
	return f.deliver(ctx, f.xml(user, "event", tag("Event", "unsubscribe")))
}

// Change tells of a change in the address book: "delete_user", or "update_user"
// with a status.
func (f *Fake) Change(ctx context.Context, change, user string, status int) error {
	rest := tag("Event", "change_contact") + tag("ChangeType", change) + tag("UserID", user)
	if status != 0 {
		rest += tag("Status", strconv.Itoa(status))
	}
	return f.deliver(ctx, f.xml("sys", "event", rest))
}

// PressXML is what the application receives when user presses the newest button
// with label that they see.
func (f *Fake) PressXML(user, label string, chosen map[string]string) (string, error) {
	f.mu.Lock()
	m, key, err := f.button("app", user, label)
	if err != nil {
		f.mu.Unlock()
		return "", err
	}
	rest := f.pressed(m, m.Card, key, chosen)
	f.mu.Unlock()
	return f.xml(user, "event", rest), nil
}

// pressed is the part of a press on a card of m that differs. The lock is held.
func (f *Fake) pressed(m *Message, c *Card, key string, chosen map[string]string) string {
	rest := tag("Event", "template_card_event") + tag("EventKey", key) + tag("TaskId", c.Task) + tag("CardType", c.Type) +
		tag("ResponseCode", m.newCode(f.clock()))
	if c.Submit != nil {
		items := ""
		for question, option := range c.chosen(chosen) {
			items += "<SelectedItem>" + tag("QuestionKey", question) + "<OptionIds>" + tag("OptionId", option) + "</OptionIds></SelectedItem>"
		}
		rest += "<SelectedItems>" + items + "</SelectedItems>"
	}
	return rest
}

// PressOn lets a user press a button of the application's card as it was in m,
// which may have changed since.
func (f *Fake) PressOn(ctx context.Context, user string, m Message, label string) error {
	f.mu.Lock()
	now, key, err := f.asItWas(m, label)
	if err != nil {
		f.mu.Unlock()
		return err
	}
	rest := f.pressed(now, m.Card, key, nil)
	f.mu.Unlock()
	return f.deliver(ctx, f.xml(user, "event", rest))
}

// asItWas gives the message of an earlier look at it, and the key of a button that
// it had. The lock is held.
func (f *Fake) asItWas(m Message, label string) (now *Message, key string, err error) {
	key, ok := m.key(label)
	for _, now = range f.messages {
		if ok && now.ID == m.ID {
			return now, key, nil
		}
	}
	return nil, "", fmt.Errorf("fakewecom: no button %q on %s", label, m.ID)
}

// chosen gives the option of each list by question: what was chosen by the texts
// of list and option, else what the card chooses by itself.
func (c *Card) chosen(byText map[string]string) map[string]string {
	out := map[string]string{}
	for _, l := range c.Lists {
		out[l.Key] = l.Chosen
		for _, o := range l.Options {
			if text, ok := byText[l.Title]; ok && o.Text == text {
				out[l.Key] = o.ID
			}
		}
	}
	return out
}

// Press lets a user press the newest button with label that they see. chosen are
// the texts of options by the titles of lists.
func (f *Fake) Press(ctx context.Context, user, label string, chosen map[string]string) error {
	plain, err := f.PressXML(user, label, chosen)
	if err != nil {
		return err
	}
	return f.deliver(ctx, plain)
}

// CallBot delivers a JSON document to the bot's callback and shows what is
// answered, as the platform does. It gives the decrypted answer, "" for an empty
// one.
func (f *Fake) CallBot(ctx context.Context, plain string) (string, error) {
	f.mu.Lock()
	f.gateway.called = plain
	f.mu.Unlock()
	a, err := f.Post(ctx, f.SealBot(plain))
	if err != nil {
		return "", err
	}
	if a.Status != http.StatusOK {
		return "", fmt.Errorf("fakewecom: the bot's callback was answered with status %d", a.Status)
	}
	if len(a.Body) == 0 {
		return "", nil
	}
	var outer struct {
		Encrypt, MsgSignature, Nonce string
		Timestamp                    json.Number
	}
	if err := json.Unmarshal(a.Body, &outer); err != nil {
		return "", fmt.Errorf("fakewecom: the passive answer: %w", err)
	}
	if Sign(f.BotToken, outer.Timestamp.String(), outer.Nonce, outer.Encrypt) != outer.MsgSignature {
		return "", errors.New("fakewecom: the passive answer is signed wrongly")
	}
	message, receiver, err := Decrypt(f.BotAESKey, outer.Encrypt)
	if err != nil || receiver != "" {
		return "", fmt.Errorf("fakewecom: the passive answer for %q: %w", receiver, err)
	}
	return message, nil
}

// RecallBot delivers to the bot's callback what was delivered there last once more.
func (f *Fake) RecallBot(ctx context.Context) error {
	f.mu.Lock()
	plain := f.gateway.called
	f.mu.Unlock()
	_, err := f.CallBot(ctx, plain) // what is shown of the first answer stays
	return err
}

// CallBotSay lets a user write to the bot that is called by HTTP; chat is "" for
// the chat of the two. Streams are shown, and asked for by Poll.
func (f *Fake) CallBotSay(ctx context.Context, user, chat, id, text string) error {
	f.mu.Lock()
	to := user
	if chat != "" {
		to = chat
	}
	code := random()
	f.gateway.urls = append(f.gateway.urls, &responseURL{code: code, to: to, until: f.clock().Add(time.Hour)})
	body := f.botText(user, chat, id, text)
	body["response_url"] = f.URL + "/cgi-bin/aibot/response?response_code=" + code
	f.mu.Unlock()
	answer, err := f.CallBot(ctx, toJSON(body))
	if err != nil {
		return err
	}
	return f.passive(to, answer)
}

// Poll asks once for every stream that is not finished, and reports how many
// still are not.
func (f *Fake) Poll(ctx context.Context) (open int, err error) {
	f.mu.Lock()
	ids := map[string]string{}
	for id, m := range f.gateway.streams {
		if !m.Finished && m.reqID == "" {
			ids[id] = m.To
		}
	}
	f.mu.Unlock()
	for id, to := range ids {
		body := map[string]any{"msgid": random(), "aibotid": f.BotID, "chattype": "single", "from": map[string]string{"userid": to},
			"msgtype": "stream", "stream": map[string]string{"id": id}}
		answer, err := f.CallBot(ctx, toJSON(body))
		if err != nil {
			return len(ids), err
		}
		if err := f.passive(to, answer); err != nil {
			return len(ids), err
		}
	}
	for id := range ids {
		f.mu.Lock()
		if !f.gateway.streams[id].Finished {
			open++
		}
		f.mu.Unlock()
	}
	return open, nil
}

// passive shows a passive answer.
func (f *Fake) passive(to, answer string) error {
	if answer == "" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.tell()
	if code, words := f.show(to, "", []byte(answer)); code != 0 {
		return fmt.Errorf("fakewecom: a passive answer: %s", words)
	}
	return nil
}

// responseURL is where a message can be answered once.
type responseURL struct {
	code, to string
	until    time.Time
	used     bool
}

func (f *Fake) responseURL(w http.ResponseWriter, r *http.Request, body []byte) {
	for _, u := range f.gateway.urls {
		if u.code != r.URL.Query().Get("response_code") {
			continue
		}
		if u.used || f.clock().After(u.until) {
			break
		}
		o, ok := parseOutgoing(body)
		if !ok || o.MsgType != "markdown" && o.MsgType != "template_card" {
			fail(w, 40008, "invalid message type")
			return
		}
		m, code, words := f.message("bot", u.to, o, botBytes)
		if code == 0 {
			u.used = true
			f.messages = append(f.messages, m)
		}
		fail(w, code, words)
		return
	}
	fail(w, 860001, "response_url is used or expired")
}

func toJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}
