package bot

import (
	"context"
	"time"
)

// Address is where a message goes. Its text form is stored, never parsed.
type Address struct {
	Account string `json:"account"` // Platform.Name: "room", "slack:ops"
	Room    string `json:"room"`    // the platform's id of the room or DM
	Thread  string `json:"thread,omitempty"`
}

// MessageRef names a message that was sent, so that it can be changed.
type MessageRef struct {
	Address Address `json:"address"`
	ID      string  `json:"id"` // the platform's id
}

// Limits is what a platform takes. Zero means no limit.
type Limits struct {
	Bytes     int           // of one message, as encoded
	Runes     int           // of one message
	Actions   int           // buttons on one message
	PerMinute int           // messages a minute to one room
	EditEvery time.Duration // shortest time between two edits of one message
	// EditsPerMinute bounds the edits in all rooms of the account together.
	EditsPerMinute int
}

// Inbound is something a person did on a platform: typed, pressed, filled in.
type Inbound struct {
	// ID is unique per account and the same for each redelivery.
	ID   string  `json:"id"`
	From Address `json:"from"`
	// Identity is the platform's account id of the sender, "slack:T1/U1",
	// "local:local"; never a display name.
	Identity string `json:"identity"`
	// On is set when Identity acts as somebody else ("local as alice").
	On   string `json:"on,omitempty"`
	Text string `json:"text"`
	// Direct is true in a DM and in a built-in room: a bare command is meant
	// for the bot.
	Direct bool `json:"direct"`
	// Private is true where nobody else reads along.
	Private bool `json:"private"`
	// Interactive is false for one-shot use, where nothing can be asked back.
	Interactive bool `json:"interactive"`
	// Lang is the reader's choice for this message, "" = profile, room, server.
	Lang string `json:"lang,omitempty"`
	// LangForced makes Lang win over the profile: the person asked for it.
	LangForced bool `json:"langForced,omitempty"`
	// Press is the token of the button that was pressed or of the form that was
	// filled in. Text is then empty or the form's command.
	Press string `json:"press,omitempty"`
	// Values are what a form was filled in with, by FormField.Name; Text is the
	// form's command. Empty ones count as not given.
	Values map[string]string `json:"values,omitempty"`
	// Gone says that nobody typed anything: the platform has told that the
	// account Identity was removed or disabled.
	Gone bool `json:"gone,omitempty"`
	// Refs are contents that the text refers to as @:NAME (a file or standard
	// input read by the client, a secret typed without echo).
	Refs map[string]Ref `json:"refs,omitempty"`
	At   time.Time      `json:"at"`
}

// Ref is the content behind a reference in an inbound text.
type Ref struct {
	Inline []byte `json:"inline,omitempty"` // small contents
	Path   string `json:"path,omitempty"`   // an upload kept below the data directory
	Name   string `json:"name,omitempty"`   // the file's own name
}

// Platform is one account on a chat platform.
type Platform interface {
	// Name is the account's name in the config and in addresses.
	Name() string
	Limits() Limits
	// Run receives until ctx ends. handle persists and returns fast; an error
	// from it means "not accepted, deliver again".
	Run(ctx context.Context, handle func(context.Context, Inbound) error) error
	// Send posts m. Its error may be a *SendError.
	Send(ctx context.Context, to Address, m Message) (MessageRef, error)
}

// Updater can change a message that was sent.
type Updater interface {
	Update(ctx context.Context, ref MessageRef, m Message) error
}

// Uploader can send a file.
type Uploader interface {
	Upload(ctx context.Context, to Address, name string, content []byte) (MessageRef, error)
}

// DMOpener can open a direct conversation with a person.
type DMOpener interface {
	OpenDM(ctx context.Context, identity string) (Address, error)
}

// Holder is a Platform of which only the process that has its connection can send;
// the others leave what there is to send to that one.
type Holder interface {
	// Holds reports whether this process can send now.
	Holds() bool
}

// SendError says what may be done about a failed send.
type SendError struct {
	Permanent  bool          // never try again
	RetryAfter time.Duration // not before; 0 = the sender's own backoff
	Account    bool          // RetryAfter holds for the whole account, not only for the room
	Err        error
}

// Error is the log's wording.
func (e *SendError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *SendError) Unwrap() error { return e.Err }

// Assistant serves completion to adapters; commands implements it.
type Assistant interface {
	// Complete gives the words that may stand at the end of in.Text, best first,
	// only such as the sender may use or see.
	Complete(ctx context.Context, in Inbound) ([]Completion, error)
	// Form gives the form for a command, nil when there is none for the sender.
	Form(ctx context.Context, in Inbound) (*Form, error)
	// Home gives the sender's own overview: clusters, what runs, what to do next.
	Home(ctx context.Context, in Inbound) (Message, error)
}

// Completion is one way to go on.
type Completion struct {
	Text string `json:"text"`           // replaces the last word
	Help string `json:"help,omitempty"` // a few words
}

// Transactional marks a Platform whose Send and Update join the transaction in
// ctx and are durable with it, so that they need no outbox between.
type Transactional interface {
	Transactional()
}
