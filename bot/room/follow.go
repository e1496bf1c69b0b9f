package room

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// batch bounds how many entries are read, and held for one reader, at a time.
const batch = 100

// Follow calls emit with each entry of rooms changed after cursor, in cursor
// order, and goes on as new ones come, until ctx ends or emit fails. idle is
// called, with the cursor reached, each time all there is has been emitted.
func (r *Room) Follow(ctx context.Context, rooms []string, cursor int64, emit func(Entry) error, idle func(int64) error) error {
	changed, end := r.subscribe()
	defer end()
	poll := time.NewTicker(r.cfg.Poll)
	defer poll.Stop()
	for {
		more, next, err := r.emitBatch(ctx, rooms, cursor, emit)
		if err != nil {
			return err
		}
		cursor = next
		if more {
			continue
		}
		if err := idle(cursor); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-poll.C:
		}
	}
}

func (r *Room) subscribe() (<-chan struct{}, func()) {
	if r.cfg.Changed == nil {
		return nil, func() {}
	}
	return r.cfg.Changed()
}

// emitBatch emits one batch and gives the cursor reached.
func (r *Room) emitBatch(ctx context.Context, rooms []string, cursor int64, emit func(Entry) error) (more bool, next int64, err error) {
	ceiling, err := r.cfg.Transcript.LastCursor(ctx)
	if err != nil || ceiling <= cursor {
		return false, cursor, err
	}
	got, err := r.cfg.Transcript.EntriesAfter(ctx, rooms, cursor, batch)
	if err != nil {
		return false, cursor, err
	}
	for _, e := range got {
		if err := emit(e); err != nil {
			return false, cursor, err
		}
		ceiling = max(ceiling, e.Cursor)
	}
	if len(got) == batch {
		return true, got[batch-1].Cursor, nil
	}
	return false, ceiling, nil
}

// History gives the newest entries of rooms, oldest first, and the cursor to
// follow from. An entry that changes meanwhile comes again, newer, by Follow.
func (r *Room) History(ctx context.Context, rooms []string, limit int) ([]Entry, int64, error) {
	cursor, err := r.cfg.Transcript.LastCursor(ctx)
	if err != nil {
		return nil, 0, err
	}
	var all []Entry
	for _, room := range rooms {
		got, err := r.cfg.Transcript.LastEntries(ctx, room, limit)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, slices.DeleteFunc(got, func(e Entry) bool { return e.Cursor > cursor })...)
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Cursor, b.Cursor))
	})
	return all[max(0, len(all)-limit):], cursor, nil
}
