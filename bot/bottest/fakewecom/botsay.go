package fakewecom

import (
	"context"
	"encoding/json"
	"time"
)

// botText is the body of a message. The lock is held.
func (f *Fake) botText(user, chat, id, text string) map[string]any {
	body := map[string]any{"msgid": id, "aibotid": f.BotID, "chattype": "single", "from": map[string]string{"userid": user},
		"create_time": f.clock().Unix(), "msgtype": "text", "text": map[string]string{"content": text}}
	if chat != "" {
		body["chattype"], body["chatid"] = "group", chat
	}
	return body
}

// BotSay lets a user write to the bot over its connection; chat is "" for the
// chat of the two. A redelivery has the same id and another req_id, which is
// given back.
func (f *Fake) BotSay(_ context.Context, user, chat, id, text string) (reqID string, err error) {
	f.mu.Lock()
	reqID = "req-" + random()
	rq := &request{to: user, kind: "message", at: f.clock(), msgid: id}
	if chat != "" {
		rq.to = chat
	}
	f.gateway.requests[reqID] = rq
	body := f.botText(user, chat, id, text)
	f.mu.Unlock()
	return reqID, f.deliverFrame(wireFrame{Cmd: "aibot_msg_callback", Headers: map[string]any{"req_id": reqID}, Body: json.RawMessage(toJSON(body))})
}

func (f *Fake) event(user, chat string, event map[string]any, reqID string) wireFrame {
	body := map[string]any{"msgid": "event-" + random(), "create_time": time.Now().Unix(), "aibotid": f.BotID, "chattype": "single",
		"from": map[string]string{"userid": user}, "msgtype": "event", "event": event}
	if chat != "" {
		body["chattype"], body["chatid"] = "group", chat
	}
	return wireFrame{Cmd: "aibot_event_callback", Headers: map[string]any{"req_id": reqID}, Body: json.RawMessage(toJSON(body))}
}

// BotEnter lets a user open the bot's chat.
func (f *Fake) BotEnter(user string) error {
	f.mu.Lock()
	reqID := "req-" + random()
	f.gateway.requests[reqID] = &request{to: user, kind: "enter", at: f.clock()}
	f.mu.Unlock()
	return f.deliverFrame(f.event(user, "", map[string]any{"eventtype": "enter_chat"}, reqID))
}

// BotPress lets a user press the newest button with label in the bot's chat.
// chosen are the texts of options by the titles of lists.
func (f *Fake) BotPress(user, chat, label string, chosen map[string]string) error {
	fr, err := f.botPress(user, chat, label, chosen)
	if err != nil {
		return err
	}
	return f.deliverFrame(fr)
}

// CallBotPress does so by HTTP.
func (f *Fake) CallBotPress(ctx context.Context, user, chat, label string, chosen map[string]string) error {
	fr, err := f.botPress(user, chat, label, chosen)
	if err != nil {
		return err
	}
	answer, err := f.CallBot(ctx, string(fr.Body))
	if err != nil {
		return err
	}
	to := user
	if chat != "" {
		to = chat
	}
	return f.passive(to, answer)
}

func (f *Fake) botPress(user, chat, label string, chosen map[string]string) (wireFrame, error) {
	f.mu.Lock()
	to := user
	if chat != "" {
		to = chat
	}
	m, key, err := f.button("bot", to, label)
	if err != nil {
		f.mu.Unlock()
		return wireFrame{}, err
	}
	return f.botPressOn(user, chat, m, m.Card, key, chosen), nil
}

// BotPressOn lets a user press a button of the bot's card as it was in m, which may
// have changed since.
func (f *Fake) BotPressOn(user, chat string, m Message, label string) error {
	f.mu.Lock()
	now, key, err := f.asItWas(m, label)
	if err != nil {
		f.mu.Unlock()
		return err
	}
	return f.deliverFrame(f.botPressOn(user, chat, now, m.Card, key, nil))
}

// botPressOn makes the frame of a press, and releases the lock.
func (f *Fake) botPressOn(user, chat string, m *Message, c *Card, key string, chosen map[string]string) wireFrame {
	reqID := "req-" + random()
	f.gateway.requests[reqID] = &request{to: m.To, kind: "card", at: f.clock(), message: m}
	f.mu.Unlock()
	card := map[string]any{"card_type": c.Type, "event_key": key, "task_id": c.Task}
	if c.Submit != nil {
		var items []any
		for question, option := range c.chosen(chosen) {
			items = append(items, map[string]any{"question_key": question, "option_ids": map[string]any{"option_id": []string{option}}})
		}
		card["selected_items"] = map[string]any{"selected_item": items}
	}
	// The documents nest what the vendor's client has flat: both are there.
	event := map[string]any{"eventtype": "template_card_event", "event_key": key, "task_id": c.Task, "template_card_event": card}
	return f.event(user, chat, event, reqID)
}
