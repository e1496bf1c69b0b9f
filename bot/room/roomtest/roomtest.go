package roomtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// Transcript is a room.Transcript in memory.
type Transcript struct {
	mu      sync.Mutex
	cursor  int64
	entries []*room.Entry
	readers map[chan struct{}]bool
	marks   map[[2]string]int64 // by reader and room
	// Fail, when set, is asked before each call by method name; its error is
	// returned instead of doing the call.
	Fail func(method string) error
}

var _ room.Transcript = (*Transcript)(nil)

func (t *Transcript) enter(ctx context.Context, method string) (func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	if t.Fail != nil {
		if err := t.Fail(method); err != nil {
			t.mu.Unlock()
			return nil, err
		}
	}
	return t.mu.Unlock, nil
}

// Subscribe is a room.Config.Changed.
func (t *Transcript) Subscribe() (<-chan struct{}, func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers == nil {
		t.readers = map[chan struct{}]bool{}
	}
	c := make(chan struct{}, 1)
	t.readers[c] = true
	return c, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.readers, c)
	}
}

func (t *Transcript) tell() {
	for c := range t.readers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// AppendEntry implements room.Transcript.
func (t *Transcript) AppendEntry(ctx context.Context, e *room.Entry) error {
	leave, err := t.enter(ctx, "AppendEntry")
	if err != nil {
		return err
	}
	defer leave()
	if slices.ContainsFunc(t.entries, func(old *room.Entry) bool { return old.ID == e.ID }) {
		return fmt.Errorf("entry %s: is there already", e.ID)
	}
	t.cursor++
	e.Cursor = t.cursor
	if e.ID == "" {
		e.ID = fmt.Sprintf("entry-%d", t.cursor)
	}
	if e.At.IsZero() {
		e.At = time.Now().UTC()
	}
	kept := *e
	t.entries = append(t.entries, &kept)
	t.tell()
	return nil
}

// UpdateEntry implements room.Transcript.
func (t *Transcript) UpdateEntry(ctx context.Context, id string, m bot.Message) error {
	leave, err := t.enter(ctx, "UpdateEntry")
	if err != nil {
		return err
	}
	defer leave()
	for _, e := range t.entries {
		if e.ID == id {
			t.cursor++
			e.Bot, e.Cursor, e.Edited = m, t.cursor, true
			t.tell()
			return nil
		}
	}
	return fmt.Errorf("entry %s: not found", id)
}

// EntriesAfter implements room.Transcript.
func (t *Transcript) EntriesAfter(ctx context.Context, rooms []string, cursor int64, limit int) ([]room.Entry, error) {
	leave, err := t.enter(ctx, "EntriesAfter")
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []room.Entry
	for _, e := range t.entries {
		if slices.Contains(rooms, e.Room) && e.Cursor > cursor {
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, func(a, b room.Entry) int { return cmp.Compare(a.Cursor, b.Cursor) })
	return out[:min(len(out), limit)], nil
}

// LastEntries implements room.Transcript.
func (t *Transcript) LastEntries(ctx context.Context, name string, limit int) ([]room.Entry, error) {
	leave, err := t.enter(ctx, "LastEntries")
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []room.Entry
	for _, e := range t.entries {
		if e.Room == name {
			out = append(out, *e)
		}
	}
	return out[max(0, len(out)-limit):], nil
}

// LastCursor implements room.Transcript.
func (t *Transcript) LastCursor(ctx context.Context) (int64, error) {
	leave, err := t.enter(ctx, "LastCursor")
	if err != nil {
		return 0, err
	}
	defer leave()
	return t.cursor, nil
}

// Rooms implements room.Transcript.
func (t *Transcript) Rooms(ctx context.Context) ([]string, error) {
	leave, err := t.enter(ctx, "Rooms")
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []string
	for _, e := range t.entries {
		out = append(out, e.Room)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// MarkRead implements room.Transcript.
func (t *Transcript) MarkRead(ctx context.Context, reader, name string, cursor int64) error {
	leave, err := t.enter(ctx, "MarkRead")
	if err != nil {
		return err
	}
	defer leave()
	if t.marks == nil {
		t.marks = map[[2]string]int64{}
	}
	key := [2]string{reader, name}
	t.marks[key] = max(t.marks[key], cursor)
	return nil
}

// Unread implements room.Transcript.
func (t *Transcript) Unread(ctx context.Context, reader string, rooms []string) (map[string]int, error) {
	leave, err := t.enter(ctx, "Unread")
	if err != nil {
		return nil, err
	}
	defer leave()
	out := map[string]int{}
	for _, e := range t.entries {
		// an edit moves the cursor on, so that this counts some edits as news; the
		// store does not
		if slices.Contains(rooms, e.Room) && e.Author != reader && e.Cursor > t.marks[[2]string{reader, e.Room}] {
			out[e.Room]++
		}
	}
	return out, nil
}
