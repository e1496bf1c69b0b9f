package fakeslack

import (
	"slices"
	"strings"
	"time"
)

// room is a channel or DM with what stands in it.
type room struct {
	id       string
	member   bool
	dm       string // the person of a DM
	messages []*Message
}

// Message is one message, of a person or of the app.
type Message struct {
	TS, Room, Thread string
	User             string // "" = the app
	Text             string // what notifications show
	Blocks           []map[string]any
	File             string // id of the file that it shares
	Only             string // an ephemeral message: the one who sees it
	Edits            int
}

// Shown is what a reader sees of it.
func (m *Message) Shown() string {
	if len(m.Blocks) == 0 {
		return plainText(m.Text)
	}
	return shownBlocks(m.Blocks)
}

func plainText(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// Messages are copies of all that stands in a room, oldest first.
func (f *Fake) Messages(roomID string) []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Message
	if r := f.rooms[roomID]; r != nil {
		for _, m := range r.messages {
			out = append(out, *m)
		}
	}
	return out
}

// Shown is what the app's messages in a room show now, oldest first; files and
// what only one person sees are not among them.
func (f *Fake) Shown(roomID string) []string {
	var out []string
	for _, m := range f.Messages(roomID) {
		if m.User == "" && m.File == "" && m.Only == "" {
			out = append(out, m.Shown())
		}
	}
	return out
}

// Transcript is what everybody in a room reads, people's words included.
func (f *Fake) Transcript(roomID string) string {
	var b strings.Builder
	for _, m := range f.Messages(roomID) {
		who := "coxswain"
		f.mu.Lock()
		if p := f.people[m.User]; p != nil {
			who = p.Name
		}
		text := ""
		if file := f.files[m.File]; file != nil {
			text = "(file " + file.Name + ")"
		}
		f.mu.Unlock()
		if text == "" {
			text = m.Shown()
		}
		if m.Only != "" {
			who += " (to one person)"
		}
		b.WriteString(who + ": " + strings.ReplaceAll(text, "\n", "\n  ") + "\n")
	}
	return b.String()
}

// find gives the room that the app may post to, or Slack's code.
func (f *Fake) find(id string) (*room, string) {
	if p := f.people[id]; p != nil {
		id = p.DM // a user's id stands for the DM
	}
	r := f.rooms[id]
	switch {
	case r == nil:
		return nil, "channel_not_found"
	case !r.member:
		return nil, "not_in_channel"
	}
	return r, ""
}

// content reads text and blocks and checks their sizes.
func content(a args) (text string, blocks []map[string]any, code string) {
	text = a.str("text")
	if list, ok := a["blocks"].([]any); ok {
		for _, b := range list {
			block, ok := b.(map[string]any)
			if !ok {
				return "", nil, "invalid_blocks"
			}
			blocks = append(blocks, block)
		}
	}
	switch {
	case text == "" && len(blocks) == 0:
		return "", nil, "no_text"
	case len([]rune(text)) > 40_000:
		return "", nil, "msg_too_long"
	}
	return text, blocks, checkBlocks(blocks, 50, false)
}

func (f *Fake) postMessage(c call) (answer, string) {
	r, code := f.find(c.args.str("channel"))
	if code != "" {
		return nil, code
	}
	text, blocks, code := content(c.args)
	if code != "" {
		return nil, code
	}
	m := &Message{TS: f.ts(), Room: r.id, Thread: c.args.str("thread_ts"), Text: text, Blocks: blocks}
	r.messages = append(r.messages, m)
	f.tell()
	return answer{"channel": r.id, "ts": m.TS, "message": map[string]any{"ts": m.TS, "text": text, "user": f.Bot, "bot_id": "B0COX"}}, ""
}

func (f *Fake) postEphemeral(c call) (answer, string) {
	r, code := f.find(c.args.str("channel"))
	if code != "" {
		return nil, code
	}
	user := c.args.str("user")
	if f.people[user] == nil {
		return nil, "user_not_in_channel"
	}
	text, blocks, code := content(c.args)
	if code != "" {
		return nil, code
	}
	m := &Message{TS: f.ts(), Room: r.id, Thread: c.args.str("thread_ts"), Text: text, Blocks: blocks, Only: user}
	r.messages = append(r.messages, m)
	f.tell()
	return answer{"message_ts": m.TS}, ""
}

func (f *Fake) updateMessage(c call) (answer, string) {
	r, code := f.find(c.args.str("channel"))
	if code != "" {
		return nil, code
	}
	i := slices.IndexFunc(r.messages, func(m *Message) bool { return m.TS == c.args.str("ts") })
	if i < 0 {
		return nil, "message_not_found"
	}
	m := r.messages[i]
	if m.User != "" || m.Only != "" {
		return nil, "cant_update_message"
	}
	text, blocks, code := content(c.args)
	if code != "" {
		return nil, code
	}
	m.Text, m.Blocks = text, blocks
	m.Edits++
	f.tell()
	return answer{"channel": r.id, "ts": m.TS, "text": text}, ""
}

// trigger lets the app open one view within three seconds.
type trigger struct {
	user string
	at   time.Time
	used bool
}

// newTrigger is made for everything that a person does. The lock is held.
func (f *Fake) newTrigger(user string) string {
	id := f.id("trigger.")
	f.triggers[id] = trigger{user: user, at: time.Now()}
	return id
}
