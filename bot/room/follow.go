package room

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// batch bounds how many entries are read, and held for one reader, at a time.
const batch = 100

// follow calls emit with each entry of rooms changed after cursor, in cursor
// order, and goes on as new ones come, until ctx ends or emit fails. idle is
// called, with the cursor reached, each time all there is has been emitted.
func (r *Room) follow(ctx context.Context, rooms []string, cursor int64, emit func(Entry) error, idle func(int64) error) error {
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

// emitBatch emits one batch and gives the cursor reached. Rooms are read one
// after the other, and others write meanwhile: only what is not newer than the
// highest cursor of before may pass, or a reader that goes on from a later entry
// of one room would miss an earlier one of another.
func (r *Room) emitBatch(ctx context.Context, rooms []string, cursor int64, emit func(Entry) error) (more bool, next int64, err error) {
	ceiling, err := r.cfg.Transcript.LastCursor(ctx)
	if err != nil || ceiling <= cursor {
		return false, cursor, err
	}
	var all []Entry
	for _, room := range rooms {
		got, err := r.cfg.Transcript.EntriesAfter(ctx, room, cursor, batch)
		if err != nil {
			return false, cursor, err
		}
		if len(got) == batch {
			more = true
			ceiling = min(ceiling, got[batch-1].Cursor)
		}
		all = append(all, got...)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.Cursor, b.Cursor) })
	for _, e := range all {
		if e.Cursor > ceiling {
			break
		}
		if err := emit(e); err != nil {
			return false, cursor, err
		}
	}
	return more, ceiling, nil
}

// history gives the newest entries of rooms, oldest first, and the cursor to
// follow from. An entry that changes meanwhile comes again, newer, by follow.
func (r *Room) history(ctx context.Context, rooms []string, limit int) ([]Entry, int64, error) {
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
