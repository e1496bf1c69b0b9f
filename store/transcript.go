package store

import (
	"context"
	"slices"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

const selectEntry = `SELECT id, cursor, room, author, text, message, edited, at FROM entries`

// entryRow is an entry as it is stored.
type entryRow struct {
	room.Entry
	text, message string // sealed
}

func scanEntry(r *entryRow) []any {
	return []any{&r.ID, &r.Cursor, &r.Room, &r.Author, &r.text, &r.message, &r.Edited, at(&r.At)}
}

func entryCell(id, column string) cell { return cell{"entries", id, column} }

// nextCursor takes the transcript's next cursor. The counter's row is held until
// commit, and so cursors become visible in their order: a reader that has seen
// one will never miss a lower one.
func (t *tx) nextCursor(ctx context.Context) (int64, error) {
	var n int64
	err := t.one(ctx, []any{&n}, `UPDATE counters SET value = value + 1 WHERE name = 'transcript' RETURNING value`)
	return n, err
}

// AppendEntry implements room.Transcript.
func (s *Store) AppendEntry(ctx context.Context, e *room.Entry) error {
	if err := s.fillID(&e.ID); err != nil {
		return err
	}
	s.fillTime(&e.At)
	text, err := s.seal(entryCell(e.ID, "text"), e.Text)
	if err != nil {
		return err
	}
	message, err := s.sealJSON(entryCell(e.ID, "message"), e.Bot)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		cursor, err := t.nextCursor(ctx)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO entries (id, cursor, seq, room, author, text, message, edited, at)
			VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8)`, e.ID, cursor, e.Room, e.Author, text, message, e.Edited, e.At)
		if err != nil {
			return about(err, "entry", e.ID)
		}
		e.Cursor = cursor
		t.wake(Entries)
		return nil
	})
}

// UpdateEntry implements room.Transcript; ErrNotFound when there is no such
// entry.
func (s *Store) UpdateEntry(ctx context.Context, id string, m bot.Message) error {
	message, err := s.sealJSON(entryCell(id, "message"), m)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		cursor, err := t.nextCursor(ctx)
		if err != nil {
			return err
		}
		err = t.must(ctx, `UPDATE entries SET message = $2, edited = 1, cursor = $3 WHERE id = $1`, id, message, cursor)
		t.wake(Entries)
		return about(err, "entry", id)
	})
}

// EntriesAfter implements room.Transcript.
func (s *Store) EntriesAfter(ctx context.Context, rooms []string, cursor int64, limit int) ([]room.Entry, error) {
	var q query
	q.conds = append(q.conds, q.among("room", rooms))
	q.where("cursor > %s", cursor)
	rows, err := list(ctx, s.read(ctx), scanEntry, q.sql(selectEntry, "cursor", limit), q.args...)
	if err != nil {
		return nil, err
	}
	return s.openEntries(rows)
}

// LastEntries implements room.Transcript.
func (s *Store) LastEntries(ctx context.Context, inRoom string, limit int) ([]room.Entry, error) {
	rows, err := list(ctx, s.read(ctx), scanEntry,
		selectEntry+` WHERE room = $1 ORDER BY seq DESC LIMIT $2`, inRoom, limit)
	if err != nil {
		return nil, err
	}
	slices.Reverse(rows)
	return s.openEntries(rows)
}

func (s *Store) openEntries(rows []entryRow) ([]room.Entry, error) {
	out := make([]room.Entry, 0, len(rows))
	for _, r := range rows {
		text, err := s.open(entryCell(r.ID, "text"), r.text)
		if err != nil {
			return nil, err
		}
		r.Text = text
		if err := s.openJSON(entryCell(r.ID, "message"), r.message, &r.Bot); err != nil {
			return nil, err
		}
		out = append(out, r.Entry)
	}
	return out, nil
}

// LastCursor implements room.Transcript.
func (s *Store) LastCursor(ctx context.Context) (int64, error) {
	var n int64
	err := s.read(ctx).one(ctx, []any{&n}, `SELECT value FROM counters WHERE name = 'transcript'`)
	return n, err
}

// eachRoom goes from one room to the next by the index; DISTINCT would read every
// entry.
const eachRoom = `WITH RECURSIVE each_room (room) AS (
	SELECT MIN(room) FROM entries
	UNION ALL
	SELECT (SELECT MIN(e.room) FROM entries e WHERE e.room > each_room.room) FROM each_room WHERE each_room.room IS NOT NULL)
	SELECT room FROM each_room WHERE room IS NOT NULL`

// Rooms implements room.Transcript. The order is not left to the database, whose
// locale may have one of its own.
func (s *Store) Rooms(ctx context.Context) ([]string, error) {
	rooms, err := list(ctx, s.read(ctx), func(v *string) []any { return []any{v} }, eachRoom)
	slices.Sort(rooms)
	return rooms, err
}

// MarkRead implements room.Transcript.
func (s *Store) MarkRead(ctx context.Context, reader, inRoom string, cursor int64) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO read_marks (reader, room, seq) VALUES ($1, $2, $3)
			ON CONFLICT (reader, room) DO UPDATE SET seq = excluded.seq WHERE read_marks.seq < excluded.seq`, reader, inRoom, cursor)
		return about(err, "read mark of", reader)
	})
}

// Unread implements room.Transcript. More than 99 are counted as 100.
func (s *Store) Unread(ctx context.Context, reader string, rooms []string) (map[string]int, error) {
	out := map[string]int{}
	for _, name := range rooms {
		var n int
		err := s.read(ctx).one(ctx, []any{&n}, `SELECT COUNT(*) FROM (SELECT 1 FROM entries WHERE room = $1 AND author <> $2
			AND seq > COALESCE((SELECT seq FROM read_marks WHERE reader = $2 AND room = $1), 0) LIMIT 100) AS newer`, name, reader)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out[name] = n
		}
	}
	return out, nil
}
