package wecom

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/coxswain-ops/coxswain/bot"
)

// botBody is what an AI bot receives, over either way. Source: "接收消息",
// "接收事件" of the vendor's documents and the types of its own client; where
// these two differ (the parts of a card event), both are read.
type botBody struct {
	MsgID    string `json:"msgid"`
	AIBotID  string `json:"aibotid"`
	ChatID   string `json:"chatid"`
	ChatType string `json:"chattype"`
	From     struct {
		UserID string `json:"userid"`
		CorpID string `json:"corpid"`
	} `json:"from"`
	CreateTime  int64        `json:"create_time"`
	ResponseURL string       `json:"response_url"`
	MsgType     string       `json:"msgtype"`
	Text        botText      `json:"text"`
	Voice       botText      `json:"voice"`
	Mixed       botMixed     `json:"mixed"`
	Stream      botStreamRef `json:"stream"`
	Event       botEvent     `json:"event"`
}

type botText struct {
	Content string `json:"content"`
}

type botMixed struct {
	Items []struct {
		MsgType string  `json:"msgtype"`
		Text    botText `json:"text"`
	} `json:"msg_item"`
}

type botStreamRef struct {
	ID string `json:"id"`
}

type botEvent struct {
	Type     string    `json:"eventtype"`
	EventKey string    `json:"event_key"`
	TaskID   string    `json:"task_id"`
	Card     cardEvent `json:"template_card_event"`
}

type cardEvent struct {
	EventKey string `json:"event_key"`
	TaskID   string `json:"task_id"`
	Selected struct {
		Items []struct {
			QuestionKey string `json:"question_key"`
			OptionIDs   struct {
				IDs []string `json:"option_id"`
			} `json:"option_ids"`
		} `json:"selected_item"`
	} `json:"selected_items"`
}

// The events that we know.
const (
	eventCard         = "template_card_event"
	eventEnter        = "enter_chat"
	eventDisconnected = "disconnected_event"
)

func parseBotBody(data []byte) (*botBody, error) {
	b := &botBody{}
	if err := json.Unmarshal(printable(data), b); err != nil || b.MsgType == "" {
		return nil, errMalformed
	}
	return b, nil
}

// printable drops control characters, which the platform lets through into its
// JSON although they may not stand there.
func printable(data []byte) []byte {
	out := data[:0:0]
	for _, c := range data {
		if c >= ' ' || c == '\n' || c == '\t' {
			out = append(out, c)
		}
	}
	return out
}

// key and task are those of the button that was pressed.
func (b *botBody) key() string  { return nonempty(b.Event.Card.EventKey, b.Event.EventKey) }
func (b *botBody) task() string { return nonempty(b.Event.Card.TaskID, b.Event.TaskID) }

func (b *botBody) press() bool {
	return b.MsgType == "event" && b.Event.Type == eventCard && b.key() != ""
}

func (b *botBody) selected() []selected {
	var out []selected
	for _, s := range b.Event.Card.Selected.Items {
		out = append(out, selected{QuestionKey: s.QuestionKey, OptionIDs: s.OptionIDs.IDs})
	}
	return out
}

// words is what was written or said; pictures and files have none.
func (b *botBody) words() string {
	switch b.MsgType {
	case "text":
		return b.Text.Content
	case "voice":
		return b.Voice.Content
	case "mixed":
		var parts []string
		for _, item := range b.Mixed.Items {
			if item.MsgType == "text" {
				parts = append(parts, item.Text.Content)
			}
		}
		return strings.Join(parts, "\n")
	}
	return ""
}

// inbound makes b into what the router takes; false for what is not for it. A bot
// is told only of what is said to it.
func (b *botBody) inbound(account, corp, botName string, now time.Time) (bot.Inbound, bool) {
	group := b.ChatType == "group" && b.ChatID != ""
	room := directRoom(b.From.UserID)
	if group {
		room = b.ChatID
	}
	in := bot.Inbound{ID: "msg:" + b.MsgID, From: bot.Address{Account: account, Room: room},
		Identity: identity(nonempty(b.From.CorpID, corp), b.From.UserID), Direct: true, Private: !group, Interactive: true, At: now}
	if b.CreateTime > 0 {
		in.At = time.Unix(b.CreateTime, 0)
	}
	if b.MsgID == "" || b.From.UserID == "" {
		return in, false
	}
	if b.MsgType == "event" {
		in.ID, in.Press = "evt:"+b.MsgID, b.key()
		return in, b.press()
	}
	in.Text = b.words()
	if group {
		in.Text = withoutMention(in.Text, botName)
	}
	in.Text = strings.TrimSpace(in.Text)
	return in, in.Text != ""
}

// withoutMention takes the bot's mention off the beginning of what was said in a
// group.
func withoutMention(text, botName string) string {
	text = strings.TrimSpace(text)
	if botName != "" {
		if rest, ok := strings.CutPrefix(text, "@"+botName); ok {
			return rest
		}
	}
	if !strings.HasPrefix(text, "@") {
		return text
	}
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
		return text[i:]
	}
	return ""
}
