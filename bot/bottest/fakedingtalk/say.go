package fakedingtalk

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Message is what a person writes. Empty parts take what the comment says.
type Message struct {
	ID   string // a new one
	Room string // Room; DM(staff) for the person's own chat with the robot
	From string // Staff
	Text string
	// Quiet leaves the mention of the robot out.
	Quiet bool
	// WebhookLife is how long the sessionWebhook lives; 90 minutes.
	WebhookLife time.Duration
	// Change may bend the payload before it goes.
	Change func(map[string]any)
}

// DM is the room of a person's own chat with the robot.
func DM(staff string) string { return "dm:" + staff }

// ErrNotAccepted says that nobody answered in time: the platform would deliver
// again. The fake does not, it is the caller's turn.
var ErrNotAccepted = errors.New("fakedingtalk: not accepted")

// payload is the robot message as it goes over the wire. f.mu is held.
func (f *Fake) payload(m *Message) map[string]any {
	m.ID = or(m.ID, "msg"+rand.Text())
	m.Room, m.From = or(m.Room, Room), or(m.From, Staff)
	if m.WebhookLife == 0 {
		m.WebhookLife = 90 * time.Minute
	}
	kind, conversation := "2", m.Room
	if strings.HasPrefix(m.Room, "dm:") {
		kind, conversation = "1", "cidDM"+strings.TrimPrefix(m.Room, "dm:")
	}
	now := f.now()
	s := f.secret("session")
	f.sessions[s] = &session{room: m.Room, expires: now.Add(m.WebhookLife)}
	p := map[string]any{"conversationId": conversation, "conversationType": kind, "conversationTitle": "ops",
		"atUsers": []any{map[string]string{"dingtalkId": "$:LWCP_v1:$robot"}}, "chatbotCorpId": CorpID, "chatbotUserId": "$:LWCP_v1:$robot",
		"msgId": m.ID, "senderNick": f.people[m.From].Name, "isAdmin": false, "senderStaffId": m.From, "senderCorpId": CorpID,
		"senderId": "$:LWCP_v1:$" + m.From, "sessionWebhook": f.URL + "/robot/sendBySession?session=" + s,
		"sessionWebhookExpiredTime": now.Add(m.WebhookLife).UnixMilli(), "createAt": now.UnixMilli(), "isInAtList": !m.Quiet,
		"robotCode": ClientID, "msgtype": "text", "text": map[string]string{"content": " " + m.Text}}
	if m.Change != nil {
		m.Change(p)
	}
	return p
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// Push delivers m by Stream until somebody answers it, and does not wait.
func (f *Fake) Push(m Message) *Delivery {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.push("CALLBACK", topicRobot, f.payload(&m), nil)
}

// push makes a frame and sends it. f.mu is held.
func (f *Fake) push(kind, topic string, data any, headers map[string]string) *Delivery {
	raw, err := json.Marshal(data)
	if err != nil {
		f.t.Errorf("fakedingtalk: %v", err)
	}
	id := "frame" + rand.Text()
	h := map[string]string{"appId": "fake", "connectionId": "fake", "contentType": "application/json", "messageId": id,
		"time": strconv.FormatInt(f.now().UnixMilli(), 10), "topic": topic}
	for k, v := range headers {
		h[k] = v
	}
	f.pushed++
	d := &Delivery{number: f.pushed, id: id, topic: kind + " " + topic, Done: make(chan struct{}),
		frame: frame{SpecVersion: "1.0", Type: kind, Headers: h, Data: string(raw)}}
	f.frames[id], f.last = d, d
	f.transmit(d)
	return d
}

// await waits for an answer and takes the frame back when there is none.
func (f *Fake) await(ctx context.Context, d *Delivery) error {
	timeout := time.NewTimer(f.AckWait)
	defer timeout.Stop()
	select {
	case <-d.Done:
		return nil
	case <-timeout.C:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.frames, d.id)
	d.stopTimer()
	return ErrNotAccepted
}

// DeliverTo sets the robot's message address, as the console does: what people
// write goes there. Cards go on calling back by Stream.
func (f *Fake) DeliverTo(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.callback = address
}

// Say delivers m by Stream or to the robot's message address. Nil means that it
// was accepted.
func (f *Fake) Say(ctx context.Context, m Message) error {
	f.mu.Lock()
	address := f.callback
	m.ID = or(m.ID, "msg"+rand.Text())
	f.said = m
	f.mu.Unlock()
	if address == "" {
		return f.await(ctx, f.Push(m))
	}
	ctx, cancel := context.WithTimeout(ctx, f.AckWait)
	defer cancel()
	status, err := f.Post(ctx, address, Callback{Message: m})
	if err == nil && status/100 != 2 {
		err = ErrNotAccepted
	}
	return err
}

// Redeliver delivers what was delivered last once more, with the same ids.
func (f *Fake) Redeliver(ctx context.Context) error {
	f.mu.Lock()
	if f.callback != "" {
		m := f.said
		f.mu.Unlock()
		return f.Say(ctx, m)
	}
	if f.last == nil {
		f.mu.Unlock()
		return errors.New("fakedingtalk: nothing was delivered yet")
	}
	f.pushed++
	d := &Delivery{number: f.pushed, id: f.last.id, topic: f.last.topic, frame: f.last.frame, Done: make(chan struct{})}
	f.frames[d.id] = d
	f.transmit(d)
	f.mu.Unlock()
	return f.await(ctx, d)
}

// Leave tells by Stream that a member has left the organization.
func (f *Fake) Leave(ctx context.Context, staff string) error {
	f.mu.Lock()
	delete(f.people, staff)
	d := f.push("EVENT", "*", map[string]any{"timeStamp": f.now().UnixMilli(), "eventId": "leave-" + staff, "userId": []string{staff}},
		map[string]string{"eventType": "user_leave_org", "eventId": "leave-" + staff, "eventCorpId": CorpID, "eventBornTime": "0"})
	f.mu.Unlock()
	return f.await(ctx, d)
}

// Ping sends the gateway's own ping on every connection of now and waits for the
// answers.
func (f *Fake) Ping(ctx context.Context) error {
	f.mu.Lock()
	var all []*Delivery
	for i, c := range f.conns {
		d := &Delivery{id: fmt.Sprintf("ping%d-%d", f.pushed, i), topic: "SYSTEM ping", on: c, Done: make(chan struct{})}
		d.frame = frame{SpecVersion: "1.0", Type: "SYSTEM", Data: `{"opaque":"fake"}`,
			Headers: map[string]string{"topic": "ping", "messageId": d.id, "contentType": "application/json"}}
		f.frames[d.id] = d
		c.write(d.frame)
		all = append(all, d)
	}
	f.pushed++
	f.mu.Unlock()
	var err error
	for _, d := range all {
		err = errors.Join(err, f.await(ctx, d))
		if err == nil && d.Response() != d.frame.Data {
			err = fmt.Errorf("fakedingtalk: a ping was answered with %q", d.Response())
		}
	}
	return err
}

// Press presses the button with this label on the newest message of the room that
// has one, in the name of a member: a card calls back, an ActionCard sends its text.
func (f *Fake) Press(ctx context.Context, room, staff, label string) error {
	for _, s := range slices.Backward(f.Messages(room)) {
		if slices.ContainsFunc(s.Buttons, func(b Button) bool { return b.Label == label }) {
			return f.PressOn(ctx, room, staff, s, label)
		}
	}
	return fmt.Errorf("fakedingtalk: no button %q in %s", label, room)
}

// PressOn is Press of a button of a message as it was, which may have changed since.
func (f *Fake) PressOn(ctx context.Context, room, staff string, s Shown, label string) error {
	i := slices.IndexFunc(s.Buttons, func(b Button) bool { return b.Label == label })
	if i < 0 {
		return fmt.Errorf("fakedingtalk: no button %q on %s", label, s.ID)
	}
	b := s.Buttons[i]
	if s.Kind != "card" {
		text, _ := url.PathUnescape(strings.TrimPrefix(b.URL, "dtmd://dingtalkclient/sendMessage?content="))
		return f.Say(ctx, Message{Room: room, From: staff, Text: text})
	}
	f.mu.Lock()
	d := f.pushCard(room, staff, s.ID, b.ID, map[string]any{})
	f.mu.Unlock()
	return f.await(ctx, d)
}

// Submit fills in the newest form that the room shows and sends it, in the name of
// a member.
func (f *Fake) Submit(ctx context.Context, room, staff string, values map[string]any) error {
	f.mu.Lock()
	id := f.newestForm(room, staff)
	if id == "" {
		f.mu.Unlock()
		return fmt.Errorf("fakedingtalk: no form in %s for %s", room, staff)
	}
	d := f.pushCard(room, staff, id, "submit", map[string]any{"form": values})
	f.mu.Unlock()
	return f.await(ctx, d)
}

// pushCard delivers a card callback. f.mu is held.
func (f *Fake) pushCard(room, staff, card, action string, params map[string]any) *Delivery {
	content, _ := json.Marshal(map[string]any{"cardPrivateData": map[string]any{"actionIds": []string{action}, "params": params}})
	space := "IM_GROUP"
	if strings.HasPrefix(room, "dm:") {
		space, room = "IM_ROBOT", strings.TrimPrefix(room, "dm:")
	}
	return f.push("CALLBACK", topicCard, map[string]any{"type": "actionCallback", "corpId": CorpID, "userId": staff, "userIdType": 1,
		"outTrackId": card, "spaceType": space, "spaceId": "dtv1.card//" + space + "." + room, "extension": "{}", "content": string(content)}, nil)
}

// Callback is a signed HTTP callback.
type Callback struct {
	Message
	// Secret signs it; ClientSecret when empty. Age is how old its timestamp is.
	Secret string
	Age    time.Duration
	// Sign replaces the signature, Body the payload, when not empty.
	Sign, Body string
}

// Post sends a callback to target, as DingTalk does in HTTP mode, and gives the
// status. It does not repeat it.
func (f *Fake) Post(ctx context.Context, target string, c Callback) (status int, err error) {
	f.mu.Lock()
	raw, err := json.Marshal(f.payload(&c.Message))
	stamp := strconv.FormatInt(f.now().Add(-c.Age).UnixMilli(), 10)
	f.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if c.Body != "" {
		raw = []byte(c.Body)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(raw))
	if err != nil {
		return 0, err
	}
	mac := hmac.New(sha256.New, []byte(or(c.Secret, ClientSecret)))
	mac.Write([]byte(stamp + "\n" + or(c.Secret, ClientSecret)))
	req.Header = http.Header{"Timestamp": {stamp}, "Sign": {or(c.Sign, base64.StdEncoding.EncodeToString(mac.Sum(nil)))}, "Content-Type": {"application/json; charset=utf-8"}}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}
