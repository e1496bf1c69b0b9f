package bot

import "encoding/json"

// Severity colours a message and orders its urgency.
type Severity string

// The severities, mildest first.
const (
	Info     Severity = "info"
	Success  Severity = "success"
	Warning  Severity = "warning"
	Error    Severity = "error"
	Critical Severity = "critical"
)

// Sign is shown before what a message is called, where colours are not to be had;
// it is in no language. "" for what needs none.
func (s Severity) Sign() string {
	switch s {
	case Success:
		return "✅"
	case Warning:
		return "⚠️"
	case Error:
		return "❌"
	case Critical:
		return "🚨"
	case Info:
	}
	return ""
}

// Message is one semantic message, already in the reader's language. Each
// adapter renders it for its platform and fits it to the platform's limits.
// Empty parts are left out.
type Message struct {
	Severity Severity  `json:"severity,omitempty"`
	Title    string    `json:"title,omitempty"`
	Text     string    `json:"text,omitempty"` // plain text; lines are kept
	Fields   []Field   `json:"fields,omitempty"`
	Table    *Table    `json:"table,omitempty"`
	Code     *Code     `json:"code,omitempty"`
	Progress *Progress `json:"progress,omitempty"`
	Actions  []Action  `json:"actions,omitempty"`
	Form     *Form     `json:"form,omitempty"`
	Image    *Image    `json:"image,omitempty"`
	Links    []Link    `json:"links,omitempty"`
	Footer   string    `json:"footer,omitempty"` // the next sensible command
	// Data is the same answer free of language, printed by --json. Field names
	// are stable.
	Data json.RawMessage `json:"data,omitempty"`
	// Operation names the operation that this message started or shows
	// ("op-12"); Final is true on a card that will not change again, and
	// Succeeded tells how it ended.
	Operation string `json:"operation,omitempty"`
	Final     bool   `json:"final,omitempty"`
	Succeeded bool   `json:"succeeded,omitempty"`
	// Failed is true when the message is the answer to a command that was not
	// carried out; a one-shot client exits with a non-zero status on it.
	Failed bool `json:"failed,omitempty"`
	// Ask is set when the bot waits for an answer to this message.
	Ask *Ask `json:"ask,omitempty"`
	// ReplyTo is the id of the inbound message that this answers, "" for news.
	ReplyTo string `json:"replyTo,omitempty"`
	// For is the identity of the person whom this answers, "" for news. In a room
	// they are mentioned, and the buttons are theirs.
	For string `json:"for,omitempty"`
	// Private messages go to the person alone and are kept out of rooms.
	Private bool `json:"private,omitempty"`
}

// Field is a labelled value.
type Field struct {
	Label string `json:"label"`
	Value string `json:"value"`
	Short bool   `json:"short,omitempty"` // may share its line with the next
}

// Table is rows under a header; adapters without tables make it code or an attachment.
type Table struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
}

// Code is a block shown as it is.
type Code struct {
	Language string `json:"language,omitempty"`
	Text     string `json:"text"`
	Filename string `json:"filename,omitempty"` // when sent as an attachment
}

// Progress is the heart of a living card.
type Progress struct {
	Done    int            `json:"done"`
	Total   int            `json:"total"`
	Elapsed int64          `json:"elapsedMs"`
	Items   []ProgressItem `json:"items,omitempty"`
}

// ProgressItem is one stage of a card.
type ProgressItem struct {
	State string `json:"state"` // pending, running, done, satisfied, failed, undone
	Text  string `json:"text"`
	Note  string `json:"note,omitempty"` // nodes at work, counts, time
}

// Action is a button. Command is what pressing it does, as if the presser had
// typed it; they need the right for it.
type Action struct {
	ID      string `json:"id"`
	Label   string `json:"label"`
	Command string `json:"command"`
	// Words is Command as the message's reader would type it, "" = Command.
	Words string `json:"words,omitempty"`
	Style string `json:"style,omitempty"` // "primary", "danger"
}

// Typed is the command for a person's eyes and keyboard.
func (a Action) Typed() string {
	if a.Words != "" {
		return a.Words
	}
	return a.Command
}

// Form asks for several values at once and sends Command with them.
type Form struct {
	ID      string      `json:"id"`
	Title   string      `json:"title"`
	Command string      `json:"command"`
	Fields  []FormField `json:"fields"`
	Submit  string      `json:"submit"`
}

// FormField is one value of a form.
type FormField struct {
	Name     string   `json:"name"` // canonical option or argument name
	Label    string   `json:"label"`
	Help     string   `json:"help,omitempty"`
	Type     string   `json:"type"` // text, number, choice, bool, secret, file
	Choices  []string `json:"choices,omitempty"`
	Default  string   `json:"default,omitempty"`
	Required bool     `json:"required,omitempty"`
}

// Ask says what kind of answer the bot waits for.
type Ask struct {
	Name    string   `json:"name"` // what is asked for
	Secret  bool     `json:"secret,omitempty"`
	Choices []string `json:"choices,omitempty"`
}

// Image is a picture with words for those who cannot see it.
type Image struct {
	Name string `json:"name"`
	Alt  string `json:"alt"`
	PNG  []byte `json:"png"`
}

// Link leads out of the room.
type Link struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}
