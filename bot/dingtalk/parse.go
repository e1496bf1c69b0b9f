package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
)

// frame is what the gateway sends on a Stream connection.
type frame struct {
	Type    string                     `json:"type"` // SYSTEM, EVENT, CALLBACK
	Headers map[string]json.RawMessage `json:"headers"`
	Data    string                     `json:"data"` // JSON in a string
}

func (f *frame) header(name string) string { return word(f.Headers[name]) }

// ack answers a frame.
type ack struct {
	Code    int               `json:"code"`
	Headers map[string]string `json:"headers"`
	Message string            `json:"message"`
	Data    string            `json:"data"`
}

func answerTo(f *frame, code int, message, data string) *ack {
	return &ack{Code: code, Message: message, Data: data,
		Headers: map[string]string{"contentType": "application/json", "messageId": f.header("messageId")}}
}

// robotMessage is what a person wrote to the robot; the same by Stream and HTTP.
type robotMessage struct {
	MsgID             string `json:"msgId"`
	Msgtype           string `json:"msgtype"`
	ConversationID    string `json:"conversationId"`
	ConversationType  string `json:"conversationType"` // "1" a person's own chat, "2" a group
	ChatbotCorpID     string `json:"chatbotCorpId"`
	SenderCorpID      string `json:"senderCorpId"`
	SenderStaffID     string `json:"senderStaffId"` // of members only
	SenderID          string `json:"senderId"`      // encrypted, of everybody
	SenderNick        string `json:"senderNick"`
	IsInAtList        bool   `json:"isInAtList"`
	SessionWebhook    string `json:"sessionWebhook"`
	SessionWebhookEnd millis `json:"sessionWebhookExpiredTime"`
	CreateAt          millis `json:"createAt"`
	Text              struct {
		Content string `json:"content"`
	} `json:"text"`
	Content json.RawMessage `json:"content"` // of the other kinds
}

// millis is a time in unix milliseconds, which the platform writes as a number or
// as a text.
type millis int64

// UnmarshalJSON reads either; what is neither counts as not said.
func (m *millis) UnmarshalJSON(raw []byte) error {
	n, err := strconv.ParseInt(word(raw), 10, 64)
	if err != nil || n < 0 || n > 1<<43 { // beyond the year 2248
		n = 0
	}
	*m = millis(n)
	return nil
}

func (m millis) time() time.Time { return time.UnixMilli(int64(m)) }

var errMalformed = errors.New("dingtalk: malformed message")

func parseFrame(raw []byte) (*frame, error) {
	var f frame
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if f.Type == "" || f.header("messageId") == "" {
		return nil, errMalformed
	}
	return &f, nil
}

func parseRobotMessage(raw []byte) (*robotMessage, error) {
	var m robotMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if !plainID(m.MsgID) || !plainID(m.ConversationID) || m.SenderStaffID == "" && m.SenderID == "" ||
		m.ConversationType != "1" && m.ConversationType != "2" {
		return nil, errMalformed
	}
	return &m, nil
}

// plainID refuses what no id of the platform looks like.
func plainID(s string) bool {
	return s != "" && len(s) <= 200 && utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}) < 0
}

// words gives the text that a message holds. ok is false for kinds that have
// none, such as pictures.
func (m *robotMessage) words() (text string, ok bool) {
	switch m.Msgtype {
	case "text":
		text = m.Text.Content
	case "richText":
		var c struct {
			RichText []struct {
				Text string `json:"text"`
			} `json:"richText"`
		}
		if json.Unmarshal(m.Content, &c) != nil {
			return "", false
		}
		for _, part := range c.RichText {
			text += part.Text
		}
	case "audio":
		var c struct {
			Recognition string `json:"recognition"`
		}
		if json.Unmarshal(m.Content, &c) != nil {
			return "", false
		}
		text = c.Recognition
	default:
		return "", false
	}
	text = mention.ReplaceAllString(strings.TrimSpace(text), "")
	return strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD")), true
}

// mention is a name with @ at the beginning, where a client left it in the text;
// one ends with a space or with U+2005, which clients put behind names.
var mention = regexp.MustCompile(`^(@[^\s\x{2005}:]+[\s\x{2005}]+)+`)

// pressed is the end of the text that a button without a card sends in the
// presser's name: "Label #TOKEN".
var pressed = regexp.MustCompile(`#([A-Za-z0-9_-]{24})$`)

// cardCallback is a press on an interactive card.
type cardCallback struct {
	CorpID     string `json:"corpId"`
	OutTrackID string `json:"outTrackId"`
	SpaceID    string `json:"spaceId"`
	UserID     string `json:"userId"`
	UserIDType int    `json:"userIdType"` // 1 userid, 2 unionId
	Content    string `json:"content"`    // JSON in a string
	data       cardData
}

type cardData struct {
	Private struct {
		ActionIDs []string                   `json:"actionIds"`
		Params    map[string]json.RawMessage `json:"params"`
	} `json:"cardPrivateData"`
}

func parseCardCallback(raw []byte) (*cardCallback, error) {
	var c cardCallback
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	if err := json.Unmarshal([]byte(c.Content), &c.data); err != nil {
		return nil, fmt.Errorf("%w: content: %w", errMalformed, err)
	}
	if c.UserIDType == 2 || !validStaff(c.UserID) || !plainID(c.OutTrackID) {
		return nil, errMalformed
	}
	return &c, nil
}

// action is the id of the button that was pressed.
func (c *cardCallback) action() string {
	if len(c.data.Private.ActionIDs) == 0 {
		return ""
	}
	return c.data.Private.ActionIDs[0]
}

// values gives what a form was filled in with: params.form where the form
// component puts it, or the params themselves.
func (c *cardCallback) values() map[string]string {
	fields := c.data.Private.Params
	if inner := map[string]json.RawMessage{}; json.Unmarshal(fields["form"], &inner) == nil && len(inner) > 0 {
		fields = inner
	}
	out := make(map[string]string, len(fields))
	for name, raw := range fields {
		if v, ok := formValue(raw); ok && len(out) < 100 {
			out[name] = v
		}
	}
	return out
}

// formValue reads one component's value: text, number, switch, or the choice's
// {index, value}, whose value may be a list. A choice of nothing is empty, which
// counts as not given.
func formValue(raw json.RawMessage) (string, bool) {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return "", false
	}
	if choice, ok := v.(map[string]any); ok {
		if v = choice["value"]; v == bot.LeftOut {
			return "", true
		}
	}
	if list, ok := v.([]any); ok {
		parts := make([]string, 0, len(list))
		for _, one := range list {
			if s, ok := scalar(one); ok {
				parts = append(parts, s)
			}
		}
		return strings.Join(parts, ","), len(parts) > 0
	}
	return scalar(v)
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// left is the people that an event of the address book says have gone.
type left struct {
	UserID []string `json:"userId"` // encoding/json also takes the older UserId
}

func parseLeft(raw []byte) (*left, error) {
	var l left
	if err := json.Unmarshal(raw, &l); err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return &l, nil
}
