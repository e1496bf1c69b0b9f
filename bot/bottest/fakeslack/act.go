package fakeslack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Said is what a person writes.
type Said struct {
	User, Room, Text, Thread string
	// ID makes it the same message each time that it is said; "" = a new one.
	ID string
	// TS is given by Say.
	TS string
}

// Mention is a text that addresses the app.
func (f *Fake) Mention(text string) string { return "<@" + f.Bot + "> " + text }

// Say makes a person write. The app is told when it is in a DM or mentioned; nil
// means that it has acknowledged that, or that it was not meant.
func (f *Fake) Say(ctx context.Context, said Said) error {
	f.mu.Lock()
	p, r := f.people[said.User], f.rooms[said.Room]
	if p == nil || r == nil {
		f.mu.Unlock()
		return errNobody
	}
	said.TS = f.stamps[said.ID]
	if said.ID == "" || said.TS == "" {
		said.TS = f.ts()
		if said.ID != "" {
			f.stamps[said.ID] = said.TS
		}
		r.messages = append(r.messages, &Message{TS: said.TS, Room: r.id, Thread: said.Thread, User: said.User, Text: said.Text})
		f.tell()
	}
	event := map[string]any{"type": "app_mention", "user": said.User, "text": said.Text, "ts": said.TS, "event_ts": said.TS, "channel": said.Room, "team": f.Team}
	if r.dm != "" {
		event["type"], event["channel_type"] = "message", "im"
	}
	if said.Thread != "" {
		event["thread_ts"] = said.Thread
	}
	if p.Team != f.Team {
		event["user_team"] = p.Team
	}
	meant := r.dm != "" || strings.Contains(said.Text, "<@"+f.Bot+">")
	payload := f.event("Ev"+strings.ReplaceAll(said.TS, ".", ""), event)
	f.mu.Unlock()
	if !meant {
		return nil
	}
	_, err := f.deliver(ctx, delivery{kind: "events_api", payload: payload})
	return err
}

// Event delivers an event of any kind.
func (f *Fake) Event(ctx context.Context, event map[string]any) error {
	f.mu.Lock()
	payload := f.event(f.id("Ev"), event)
	f.mu.Unlock()
	_, err := f.deliver(ctx, delivery{kind: "events_api", payload: payload})
	return err
}

// event wraps an event. The lock is held.
func (f *Fake) event(id string, event map[string]any) map[string]any {
	return map[string]any{"token": "unused", "team_id": f.Team, "api_app_id": "A0COX", "type": "event_callback", "event_id": id, "event_time": time.Now().Unix(),
		"authorizations": []any{map[string]any{"enterprise_id": nil, "team_id": f.Team, "user_id": f.Bot, "is_bot": true}},
		"event":          event}
}

// OpenHome makes a person look at the app's home tab.
func (f *Fake) OpenHome(ctx context.Context, user string) error {
	return f.Event(ctx, map[string]any{"type": "app_home_opened", "user": user, "channel": f.DM(user), "tab": "home", "event_ts": "1"})
}

// Disable removes a person from the workspace and tells the app.
func (f *Fake) Disable(ctx context.Context, user string) error {
	f.mu.Lock()
	p := f.people[user]
	if p == nil {
		f.mu.Unlock()
		return errNobody
	}
	p.Deleted = true
	account := f.account(p)
	f.mu.Unlock()
	return f.Event(ctx, map[string]any{"type": "user_change", "user": account, "event_ts": "1"})
}

// SlashCommand makes a person give the slash command with this text.
func (f *Fake) SlashCommand(ctx context.Context, user, roomID, text string) error {
	f.mu.Lock()
	r, p := f.rooms[roomID], f.people[user]
	if r == nil || p == nil {
		f.mu.Unlock()
		return errNobody
	}
	name := "ops"
	if strings.HasPrefix(roomID, "D") {
		name = "directmessage"
	}
	payload := map[string]any{"token": "unused", "team_id": p.Team, "team_domain": "fake", "channel_id": roomID, "channel_name": name, "user_id": user,
		"user_name": strings.ToLower(p.Name), "command": "/cox", "text": escape(text), "api_app_id": "A0COX", "is_enterprise_install": "false",
		"response_url": f.server.URL + "/unused", "trigger_id": f.newTrigger(user)}
	f.mu.Unlock()
	_, err := f.deliver(ctx, delivery{kind: "slash_commands", payload: payload})
	return err
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// Press makes a person press the newest button with this label in a room.
func (f *Fake) Press(ctx context.Context, user, roomID, label string) error {
	messages := f.Messages(roomID)
	for i := len(messages) - 1; i >= 0; i-- {
		if b := button(messages[i].Blocks, label); b != nil {
			return f.PressOn(ctx, user, messages[i], label)
		}
	}
	return fmt.Errorf("fakeslack: no button %q in %s", label, roomID)
}

// PressOn makes a person press a button of a message as it was, which may have
// changed since.
func (f *Fake) PressOn(ctx context.Context, user string, m Message, label string) error {
	b := button(m.Blocks, label)
	if b == nil {
		return fmt.Errorf("fakeslack: no button %q on %s", label, m.TS)
	}
	container := map[string]any{"type": "message", "message_ts": m.TS, "channel_id": m.Room, "is_ephemeral": m.Only != ""}
	message := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "blocks": m.Blocks, "user": f.Bot}
	if m.Thread != "" {
		container["thread_ts"], message["thread_ts"] = m.Thread, m.Thread
	}
	return f.press(ctx, user, b, map[string]any{"container": container, "message": message, "channel": map[string]any{"id": m.Room, "name": "ops"}})
}

// PressHome makes a person press a button of their home tab.
func (f *Fake) PressHome(ctx context.Context, user, label string) error {
	f.mu.Lock()
	v := f.homes[user]
	f.mu.Unlock()
	if v == nil {
		return fmt.Errorf("fakeslack: %s has no home tab yet", user)
	}
	b := button(v.Blocks, label)
	if b == nil {
		return fmt.Errorf("fakeslack: no button %q on the home tab", label)
	}
	return f.press(ctx, user, b, map[string]any{"container": map[string]any{"type": "view", "view_id": v.ID}, "view": v.object("home")})
}

// button finds a button by its label.
func button(blocks []map[string]any, label string) map[string]any {
	for _, b := range blocks {
		for _, e := range list(b["elements"]) {
			if e["type"] == "button" && text(e["text"]) == label {
				out := map[string]any{"block_id": b["block_id"]}
				for k, v := range e {
					out[k] = v
				}
				return out
			}
		}
	}
	return nil
}

func (f *Fake) press(ctx context.Context, user string, b, payload map[string]any) error {
	f.mu.Lock()
	p := f.people[user]
	if p == nil {
		f.mu.Unlock()
		return errNobody
	}
	b["action_ts"] = f.ts()
	payload["actions"] = []any{b}
	f.interaction(payload, "block_actions", p)
	f.mu.Unlock()
	_, err := f.deliver(ctx, delivery{kind: "interactive", payload: payload})
	return err
}

// interaction adds what all interactions have. The lock is held.
func (f *Fake) interaction(payload map[string]any, kind string, p *Person) {
	payload["type"], payload["api_app_id"], payload["token"] = kind, "A0COX", "unused"
	payload["team"] = map[string]any{"id": f.Team, "domain": "fake"}
	payload["user"] = map[string]any{"id": p.ID, "team_id": p.Team, "name": strings.ToLower(p.Name), "username": strings.ToLower(p.Name)}
	payload["trigger_id"] = f.newTrigger(p.ID)
}

// FormErrors is what a form showed instead of closing, by field.
type FormErrors map[string]string

func (e FormErrors) Error() string {
	return fmt.Sprintf("fakeslack: the form says %v", map[string]string(e))
}

// SubmitForm fills the open form of a person in, by field name or label, and
// sends it. What a required field misses, Slack itself says.
func (f *Fake) SubmitForm(ctx context.Context, user string, values map[string]string) error {
	f.mu.Lock()
	v, p := f.views[user], f.people[user]
	if v == nil || p == nil {
		f.mu.Unlock()
		return fmt.Errorf("fakeslack: %s has no form open", user)
	}
	state, wrong := f.state(v, values)
	if len(wrong) > 0 {
		f.mu.Unlock()
		return wrong
	}
	object := v.object("modal")
	object["state"] = map[string]any{"values": state}
	payload := map[string]any{"view": object}
	f.interaction(payload, "view_submission", p)
	f.mu.Unlock()
	ack, err := f.deliver(ctx, delivery{kind: "interactive", payload: payload})
	if err != nil {
		return err
	}
	var reply struct {
		Action string     `json:"response_action"`
		Errors FormErrors `json:"errors"`
	}
	if len(ack) > 0 && json.Unmarshal(ack, &reply) == nil && reply.Action == "errors" {
		return reply.Errors
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.views, user)
	f.tell()
	return nil
}
