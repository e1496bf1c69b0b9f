package fakewecom

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Message is one message as its reader sees it now.
type Message struct {
	ID       string
	To       string // user or chat
	By       string // "app" or "bot"
	Kind     string // markdown, template_card, image, file, stream …
	Text     string
	Card     *Card
	Media    *Media
	Recalled bool
	Finished bool // of a stream
	codes    map[string]time.Time
	sent     time.Time
	reqID    string
	cards    int // how many cards a stream was given
}

// Card is a template card as it is drawn.
type Card struct {
	Type   string  `json:"card_type"`
	Main   title   `json:"main_title"`
	Sub    string  `json:"sub_title_text"`
	Rows   []row   `json:"horizontal_content_list"`
	Jumps  []jump  `json:"jump_list"`
	Action *jump   `json:"card_action"`
	Task   string  `json:"task_id"`
	Press  []press `json:"button_list"`
	Lists  []list  `json:"select_list"`
	Submit *press  `json:"submit_button"`
}

type title struct {
	Title string `json:"title"`
	Desc  string `json:"desc"`
}

type row struct {
	Key   string `json:"keyname"`
	Value string `json:"value"`
}

type jump struct {
	Type  int    `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

type press struct {
	Text  string `json:"text"`
	Style int    `json:"style"`
	Key   string `json:"key"`
}

type list struct {
	Key     string `json:"question_key"`
	Title   string `json:"title"`
	Chosen  string `json:"selected_id"`
	Options []struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	} `json:"option_list"`
}

var taskForm = regexp.MustCompile(`^[0-9A-Za-z_@-]{1,128}$`)

// parseCard reads a card and says what the platform would refuse in it.
func parseCard(data json.RawMessage) (*Card, string) {
	c := &Card{}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, "the card is not JSON"
	}
	return c, c.problem()
}

func (c *Card) problem() string {
	switch {
	case c.Main.Title == "" && c.Sub == "":
		return "neither main_title.title nor sub_title_text"
	case len(c.Rows) > 6 || len(c.Jumps) > 3 || len(c.Press) > 6 || len(c.Lists) > 3:
		return "a list is too long"
	}
	keys := map[string]bool{}
	for _, b := range c.Press {
		if b.Text == "" || b.Key == "" || len(b.Key) > 1024 || keys[b.Key] {
			return "a button has no text, or a key that is empty, too long or there twice"
		}
		keys[b.Key] = true
	}
	for _, r := range c.Rows {
		if r.Key == "" {
			return "a row has no keyname"
		}
	}
	switch c.Type {
	case "text_notice":
		if c.Action == nil || c.Action.Type != 1 || c.Action.URL == "" {
			return "text_notice without card_action"
		}
	case "button_interaction":
		if len(c.Press) == 0 || !taskForm.MatchString(c.Task) {
			return "button_interaction without buttons or task_id"
		}
	case "multiple_interaction":
		return c.listProblem()
	default:
		return "unknown card_type " + c.Type
	}
	return ""
}

func (c *Card) listProblem() string {
	if len(c.Lists) == 0 || c.Submit == nil || c.Submit.Key == "" || c.Submit.Text == "" || !taskForm.MatchString(c.Task) {
		return "multiple_interaction without lists, submit_button or task_id"
	}
	for _, l := range c.Lists {
		if l.Key == "" || len(l.Options) < 1 || len(l.Options) > 10 {
			return "a list without key or with too few or many options"
		}
		ids := map[string]bool{}
		for _, o := range l.Options {
			if o.ID == "" || len(o.ID) > 128 || ids[o.ID] || o.Text == "" {
				return "an option without text, or with an id that is empty, too long or there twice"
			}
			ids[o.ID] = true
		}
	}
	return ""
}

// text is what is read on the card.
func (c *Card) text() string {
	lines := []string{c.Main.Title, c.Main.Desc, c.Sub}
	for _, r := range c.Rows {
		lines = append(lines, r.Key+": "+r.Value)
	}
	for _, l := range c.Lists {
		line := l.Title + ":"
		for _, o := range l.Options {
			line += " (" + o.Text + ")"
		}
		lines = append(lines, line)
	}
	for _, j := range c.Jumps {
		lines = append(lines, fmt.Sprintf("%s → %s", j.Title, j.URL))
	}
	for _, b := range c.Press {
		lines = append(lines, "["+b.Text+"]")
	}
	if c.Submit != nil {
		lines = append(lines, "["+c.Submit.Text+"]")
	}
	var out []string
	for _, l := range lines {
		if l != "" {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}

// Shown is all that is read of a message.
func (m *Message) Shown() string {
	parts := []string{}
	if m.Text != "" {
		parts = append(parts, m.Text)
	}
	if m.Card != nil {
		parts = append(parts, m.Card.text())
	}
	if m.Media != nil {
		parts = append(parts, fmt.Sprintf("(%s %s)", m.Kind, m.Media.Name))
	}
	return strings.Join(parts, "\n")
}

// Shown is what a user sees in the application's chat, or anybody in a group
// chat, oldest first. What was taken back is not seen.
func (f *Fake) Shown(to string) []string { return f.texts("app", to) }

// BotShown is what is seen in the bot's chat with a user, or in a group chat.
func (f *Fake) BotShown(to string) []string { return f.texts("bot", to) }

func (f *Fake) texts(by, to string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, m := range f.messages {
		if m.By == by && m.To == to && !m.Recalled {
			out = append(out, m.Shown())
		}
	}
	return out
}

// Messages are all messages, taken back ones too, oldest first.
func (f *Fake) Messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Message, len(f.messages))
	for i, m := range f.messages {
		out[i] = *m
	}
	return out
}

// Button gives the key of the newest button of that label that a reader of to
// sees, with its card.
func (f *Fake) button(by, to, label string) (*Message, string, error) {
	for i := len(f.messages) - 1; i >= 0; i-- {
		m := f.messages[i]
		if m.By != by || m.To != to || m.Recalled || m.Card == nil {
			continue
		}
		if key, ok := m.key(label); ok {
			return m, key, nil
		}
	}
	return nil, "", fmt.Errorf("fakewecom: %s sees no button %q", to, label)
}

// key gives what the button with this label carries.
func (m *Message) key(label string) (key string, ok bool) {
	if m.Card == nil {
		return "", false
	}
	for _, b := range m.Card.Press {
		if b.Text == label {
			return b.Key, true
		}
	}
	if m.Card.Submit != nil && m.Card.Submit.Text == label {
		return m.Card.Submit.Key, true
	}
	return "", false
}

// content takes the text of a message body, or says what is wrong with it.
func content(kind string, body json.RawMessage, most int) (string, string) {
	var c struct {
		Content string `json:"content"`
	}
	if err := json.Unmarshal(body, &c); err != nil || c.Content == "" {
		return "", kind + " without content"
	}
	if len(c.Content) > most || !utf8.ValidString(c.Content) {
		return "", fmt.Sprintf("%s of %d bytes of %d, or no UTF-8", kind, len(c.Content), most)
	}
	return c.Content, ""
}

// tooOften notes a message to to, and reports whether it is beyond the limit of
// 30 a minute or 1,000 an hour.
func (f *Fake) tooOften(to string) bool {
	now := f.clock()
	kept := f.sentAt[to][:0]
	minute := 0
	for _, at := range f.sentAt[to] {
		if now.Sub(at) < time.Hour {
			kept = append(kept, at)
		}
		if now.Sub(at) < time.Minute {
			minute++
		}
	}
	f.sentAt[to] = kept
	if minute >= 30 || len(kept) >= 1000 {
		return true
	}
	f.sentAt[to] = append(f.sentAt[to], now)
	return false
}
