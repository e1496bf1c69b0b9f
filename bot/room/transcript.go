package room

import (
	"context"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Account is the built-in room's platform name in addresses.
const Account = "room"

// Entry is one message of a transcript. Cursor rises with every append and every
// edit over all rooms, so that a reader that knows the last cursor it saw gets
// each later state exactly once.
type Entry struct {
	ID     string      `json:"id"`
	Cursor int64       `json:"cursor"`
	Room   string      `json:"room"`
	Author string      `json:"author"` // identity; "" = the bot
	Text   string      `json:"text,omitempty"`
	Bot    bot.Message `json:"message,omitzero"`
	Edited bool        `json:"edited,omitempty"`
	At     time.Time   `json:"at"`
}

// Transcript is what the room needs of the store. Methods join the transaction
// in ctx, if there is one.
type Transcript interface {
	// AppendEntry sets Cursor, and ID when it is empty; it fails for an ID that
	// is there already.
	AppendEntry(ctx context.Context, e *Entry) error
	UpdateEntry(ctx context.Context, id string, m bot.Message) error
	// EntriesAfter gives the present state of the entries of rooms changed after
	// cursor, in cursor order.
	EntriesAfter(ctx context.Context, rooms []string, cursor int64, limit int) ([]Entry, error)
	// LastEntries gives the newest entries of a room, oldest first.
	LastEntries(ctx context.Context, room string, limit int) ([]Entry, error)
	// LastCursor is the highest cursor given out.
	LastCursor(ctx context.Context) (int64, error)
	// Rooms lists the rooms that have entries, by name.
	Rooms(ctx context.Context) ([]string, error)
	// MarkRead notes that a reader has seen a room up to a cursor; a lower one
	// than before changes nothing.
	MarkRead(ctx context.Context, reader, room string, cursor int64) error
	// Unread counts, for each room that has any, the entries that others have
	// appended after the reader's mark.
	Unread(ctx context.Context, reader string, rooms []string) (map[string]int, error)
}
