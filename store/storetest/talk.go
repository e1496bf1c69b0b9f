package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

func say(t testing.TB, s *store.Store, inRoom, text string) *room.Entry {
	t.Helper()
	e := &room.Entry{Room: inRoom, Author: "local:amy", Text: text, At: stored(noon)}
	ok(t, s.AppendEntry(Context(t), e))
	return e
}

func textsOf(entries []room.Entry) []string {
	out := []string{}
	for _, e := range entries {
		out = append(out, e.Text+e.Bot.Title)
	}
	return out
}

func testTranscript(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	same(t, "empty", must[int64](t)(s.LastCursor(ctx)), int64(0))
	a := say(t, s, "r", "a")
	say(t, s, "other", "x")
	answer := &room.Entry{Room: "r", Bot: bot.Message{Title: "b", Fields: []bot.Field{{Label: "l", Value: "v"}}}}
	ok(t, s.AppendEntry(ctx, answer))
	c := say(t, s, "r", "c")
	if a.ID == "" || answer.At.IsZero() || a.Cursor >= answer.Cursor || answer.Cursor >= c.Cursor {
		t.Fatalf("cursors %d %d %d", a.Cursor, answer.Cursor, c.Cursor)
	}
	after := func(cursor int64, limit int) []room.Entry {
		t.Helper()
		return must[[]room.Entry](t)(s.EntriesAfter(ctx, []string{"r"}, cursor, limit))
	}
	s = f.Reopen()
	same(t, "all", after(0, 9), []room.Entry{*a, *answer, *c})
	same(t, "limit", textsOf(after(0, 2)), []string{"a", "b"})
	same(t, "last", textsOf(must[[]room.Entry](t)(s.LastEntries(ctx, "r", 2))), []string{"b", "c"})
	same(t, "last cursor", must[int64](t)(s.LastCursor(ctx)), c.Cursor)

	ok(t, s.UpdateEntry(ctx, answer.ID, bot.Message{Title: "b2"}))
	wantErr(t, s.UpdateEntry(ctx, "none", bot.Message{}), lifecycle.ErrNotFound)
	s = f.Crash()
	changed := after(c.Cursor, 9)
	if len(changed) != 1 || changed[0].ID != answer.ID || changed[0].Bot.Title != "b2" || !changed[0].Edited {
		t.Fatalf("after the edit: %+v", changed)
	}
	same(t, "cursor", must[int64](t)(s.LastCursor(ctx)), changed[0].Cursor)
	same(t, "an edit keeps its place", textsOf(must[[]room.Entry](t)(s.LastEntries(ctx, "r", 9))), []string{"a", "b2", "c"})
	same(t, "changed ones come last", textsOf(after(0, 9)), []string{"a", "c", "b2"})
}

// testTranscriptOrder: a reader that goes on from the last cursor it saw misses
// nothing, however transactions overlap.
func testTranscriptOrder(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	const writers, each = 8, 15
	written := make(chan struct{})
	go func() {
		defer close(written)
		atOnce(writers, func(i int) {
			for n := range each {
				err := s.WithTx(ctx, func(ctx context.Context) error {
					e := &room.Entry{Room: "r", Text: fmt.Sprintf("%d/%d", i, n)}
					if err := s.AppendEntry(ctx, e); err != nil {
						return err
					}
					_, err := s.LastEntries(ctx, "r", 1+n%3) // takes a while before the commit
					return err
				})
				if err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}()
	seen, cursor, last := map[string]bool{}, int64(0), false
	for !last {
		select {
		case <-written:
			last = true
		default:
		}
		for _, e := range must[[]room.Entry](t)(s.EntriesAfter(ctx, []string{"r"}, cursor, 1000)) {
			if e.Cursor <= cursor || seen[e.Text] {
				t.Fatalf("cursor %d after %d", e.Cursor, cursor)
			}
			cursor, seen[e.Text] = e.Cursor, true
		}
	}
	same(t, "entries seen", len(seen), writers*each)
}

func testDialogues(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	in := bot.Address{Account: "slack:ops", Room: "C1", Thread: "t1"}
	d := commands.Dialogue{UserID: "u", Address: in, Kind: "argument", Command: "credential add c", Param: "password", Expect: "x",
		PlanHash: "h", Refs: map[string]bot.Ref{"password": {Inline: []byte("s3cret")}}, ExpiresAt: stored(noon)}
	ok(t, s.SaveDialogue(ctx, d))
	s = f.Reopen()
	before := noon.Add(-time.Minute)
	same(t, "dialogue", *must[*commands.Dialogue](t)(s.Dialogue(ctx, "u", in, before)), d)
	for _, miss := range []struct {
		user string
		in   bot.Address
		now  time.Time
	}{{"u", in, noon}, {"v", in, before}, {"u", bot.Address{Account: "slack:ops", Room: "C2"}, before}} {
		_, err := s.Dialogue(ctx, miss.user, miss.in, miss.now)
		wantErr(t, err, lifecycle.ErrNotFound)
	}
	d.Kind, d.Refs, d.Address.Thread = "confirm", nil, ""
	ok(t, s.SaveDialogue(ctx, d)) // one per user and room
	same(t, "replaced", *must[*commands.Dialogue](t)(s.Dialogue(ctx, "u", in, before)), d)
	ok(t, s.PurgeExpired(ctx, before))
	must[*commands.Dialogue](t)(s.Dialogue(ctx, "u", in, before))
	ok(t, s.PurgeExpired(ctx, noon))
	_, err := s.Dialogue(ctx, "u", in, before)
	wantErr(t, err, lifecycle.ErrNotFound)
	ok(t, s.SaveDialogue(ctx, d))
	ok(t, s.DeleteDialogue(ctx, "u", in))
	ok(t, s.DeleteDialogue(ctx, "u", in))
	_, err = s.Dialogue(ctx, "u", in, before)
	wantErr(t, err, lifecycle.ErrNotFound)
}
