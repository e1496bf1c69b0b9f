package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

const day = 24 * time.Hour

// eventIDs are those of the newest events that are left, in order.
func eventIDs(t testing.TB, s *store.Store) []string {
	t.Helper()
	ids := []string{}
	for _, e := range must[[]lifecycle.Event](t)(s.Events(Context(t), commands.EventFilter{Limit: 5000})) {
		ids = append(ids, e.ID)
	}
	return ids
}

// testPurgeEvents keeps what is new, was not routed, is still to be told, or
// belongs to an operation that is not over.
func testPurgeEvents(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	cl := seedClusters(t, s, "a")[0]
	open := seedOp(t, s, cl, lifecycle.OpCreate)
	add := func(id, op string, at time.Time, route bool, d ...notifiers.Delivery) {
		t.Helper()
		ok(t, s.AppendEvents(ctx, lifecycle.Event{ID: id, Name: "n", OperationID: op, Text: lifecycle.T("k"), At: at}))
		if route {
			ok(t, s.Route(ctx, id, d))
		}
	}
	old := noon.Add(-91 * day)
	add("unrouted", "", old, false)
	add("pending", "", old, true, notifiers.Delivery{ID: "d1", Lane: notifiers.LaneNormal, To: ops})
	add("open", open.ID, old, true)
	add("old", "", old, true)
	add("ended", "some-op", old, true)
	add("told", "", old, true, notifiers.Delivery{ID: "d2", Lane: notifiers.LaneNormal, To: ops})
	add("new", "", noon.Add(-89*day), true)
	for _, d := range due(t, s) {
		if d.ID == "d2" {
			d.Status = notifiers.Delivered
			ok(t, finish(s, d))
		}
	}
	for _, none := range []store.Retention{{}, {Audit: day, Transcript: day, Logs: day}} {
		if p := must[store.Purged](t)(s.Purge(ctx, none, noon)); p.Any() {
			t.Fatalf("%+v removed %+v", none, p)
		}
	}
	same(t, "removed", must[store.Purged](t)(s.Purge(ctx, store.Retention{Events: 90 * day}, noon)), store.Purged{Events: 3})
	s = f.Reopen()
	left := map[string]bool{}
	for _, id := range eventIDs(t, s) {
		left[id] = true
	}
	same(t, "left", left, map[string]bool{"unrouted": true, "pending": true, "open": true, "new": true})

	end(t, s, claim(t, s), lifecycle.OpFailed)
	same(t, "once it is over", must[store.Purged](t)(s.Purge(ctx, store.Retention{Events: 90 * day}, noon)), store.Purged{Events: 1})
}

// testPurgeIsInBatches removes more than one transaction may, past rows that stay.
func testPurgeIsInBatches(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	const many = 1300
	ok(t, s.WithTx(ctx, func(ctx context.Context) error {
		for i := range many {
			id := fmt.Sprintf("e%04d", i)
			if err := s.AppendEvents(ctx, lifecycle.Event{ID: id, Name: "n", Text: lifecycle.T("k"), At: noon.Add(-100 * day)}); err != nil {
				return err
			}
			if i%100 == 50 {
				continue // not routed
			}
			if err := s.Route(ctx, id, nil); err != nil {
				return err
			}
		}
		return nil
	}))
	r := store.Retention{Events: 90 * day}
	same(t, "removed", must[store.Purged](t)(s.Purge(ctx, r, noon)), store.Purged{Events: many - 13})
	same(t, "left", len(must[[]lifecycle.Event](t)(s.UnroutedEvents(ctx, 5000))), 13)
	same(t, "again", must[store.Purged](t)(s.Purge(ctx, r, noon)), store.Purged{})
}

// testPurgeDeliveries goes by when they ended, which the store's clock tells.
func testPurgeDeliveries(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	cl := seedClusters(t, s, "a")[0]
	open := seedOp(t, s, cl, lifecycle.OpCreate)
	ok(t, s.Enqueue(ctx, notifiers.Delivery{ID: "pending", Lane: notifiers.LaneReply, To: ops, Message: &bot.Message{}},
		notifiers.Delivery{ID: "ended", Lane: notifiers.LaneReply, To: ops, Message: &bot.Message{}},
		notifiers.Delivery{ID: "dead", Lane: notifiers.LaneReply, To: ops, Message: &bot.Message{}},
		notifiers.Delivery{ID: "card", Lane: notifiers.LaneCard, Card: open.ID, To: ops}))
	for _, d := range due(t, s) {
		d.Status = map[string]notifiers.DeliveryStatus{"pending": notifiers.Pending, "dead": notifiers.Dead}[d.ID]
		if d.Status == "" {
			d.Status = notifiers.Delivered
		}
		ok(t, finish(s, d))
	}
	r := store.Retention{Deliveries: 90 * day}
	same(t, "too early", must[store.Purged](t)(s.Purge(ctx, r, time.Now().Add(89*day))), store.Purged{})
	same(t, "removed", must[store.Purged](t)(s.Purge(ctx, r, time.Now().Add(91*day))), store.Purged{Deliveries: 2})
	same(t, "what is to be sent", idsOf(due(t, f.Reopen())), []string{"pending"})
}

func testPurgeLogs(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	cls := seedClusters(t, s, "a", "b")
	lines := func(n int) (out []lifecycle.LogLine) {
		for i := range n {
			out = append(out, lifecycle.LogLine{Line: fmt.Sprint(i), At: noon})
		}
		return out
	}
	done, open := seedOp(t, s, cls[0], lifecycle.OpCreate), seedOp(t, s, cls[1], lifecycle.OpCreate)
	size := func(id string) [2]int {
		t.Helper()
		n, last, err := s.LogSize(ctx, id, commands.LogFilter{})
		ok(t, err)
		return [2]int{n, int(last)}
	}
	first, second := claim(t, s), claim(t, s)
	ok(t, s.AppendLog(ctx, fenceOf(first), lines(1201)))
	ok(t, s.AppendLog(ctx, fenceOf(second), lines(3)))
	end(t, s, first, lifecycle.OpFailed) // at noon
	r := store.Retention{Logs: 180 * day}
	same(t, "too early", must[store.Purged](t)(s.Purge(ctx, r, noon.Add(179*day))), store.Purged{})
	same(t, "removed", must[store.Purged](t)(s.Purge(ctx, r, noon.Add(181*day))), store.Purged{LogLines: 1201})
	same(t, "size of what is gone", size(done.ID), [2]int{0, 1201})
	same(t, "of what is at work", size(open.ID), [2]int{3, 3})
	same(t, "lines", len(must[[]lifecycle.LogLine](t)(s.Log(ctx, done.ID, commands.LogFilter{}))), 0)
	must[*lifecycle.Operation](t)(s.Operation(ctx, done.ID)) // what it was is kept

	ok(t, s.RetryOperation(ctx, done.ID, "", ""))
	again := claim(t, s)
	ok(t, s.AppendLog(ctx, fenceOf(again), lines(2)))
	same(t, "tried again", size(done.ID), [2]int{2, 1203})
	same(t, "tried again, not over", must[store.Purged](t)(s.Purge(ctx, r, noon.Add(400*day))), store.Purged{})
}

func testPurgeAudit(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	for i := range 4 {
		ok(t, s.AppendAudit(ctx, access.AuditEntry{At: noon.Add(time.Duration(-i) * 365 * day), Command: fmt.Sprint(i), Result: "ok"}))
	}
	same(t, "removed", must[store.Purged](t)(s.Purge(ctx, store.Retention{Audit: 2 * 365 * day}, noon.Add(time.Minute))), store.Purged{Audit: 2})
	left := must[[]access.AuditEntry](t)(f.Reopen().Audit(ctx, commands.AuditFilter{Limit: 9}))
	if len(left) != 2 || left[1].Command != "0" || left[0].Command != "1" {
		t.Fatalf("left is %+v", left)
	}
}

// testPurgeTranscript keeps the card of an operation that is not over, and the
// cursors that readers go on from.
func testPurgeTranscript(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	cls := seedClusters(t, s, "a", "b")
	open, over := seedOp(t, s, cls[0], lifecycle.OpCreate), seedOp(t, s, cls[1], lifecycle.OpCreate)
	entry := func(text string, at time.Time) *room.Entry {
		t.Helper()
		e := &room.Entry{Room: "r", Author: "local:amy", Text: text, At: at}
		ok(t, s.AppendEntry(ctx, e))
		return e
	}
	old := noon.Add(-181 * day)
	entry("old", old)
	card, ended := entry("card", old), entry("ended", old)
	entry("edited", old)
	fresh := entry("new", noon)
	in := bot.Address{Account: "room", Room: "r"}
	ok(t, s.SaveCard(ctx, notifiers.Card{OperationID: open.ID, To: in, MessageID: card.ID}))
	ok(t, s.SaveCard(ctx, notifiers.Card{OperationID: over.ID, To: in, MessageID: ended.ID, Final: true}))
	first := claim(t, s)
	second := claim(t, s)
	for _, op := range []*lifecycle.Operation{first, second} {
		if op.ID == over.ID {
			end(t, s, op, lifecycle.OpFailed)
		}
	}
	r := store.Retention{Transcript: 180 * day}
	same(t, "removed", must[store.Purged](t)(s.Purge(ctx, r, noon)), store.Purged{Entries: 3})
	s = f.Reopen()
	same(t, "left", textsOf(must[[]room.Entry](t)(s.LastEntries(ctx, "r", 9))), []string{"card", "new"})
	same(t, "the card that is shown", len(must[[]notifiers.Card](t)(s.Cards(ctx, open.ID))), 1)
	same(t, "the card that is gone", len(must[[]notifiers.Card](t)(s.Cards(ctx, over.ID))), 0)
	same(t, "last cursor", must[int64](t)(s.LastCursor(ctx)), fresh.Cursor)
	if next := entry("next", noon); next.Cursor <= fresh.Cursor {
		t.Fatalf("cursor %d after %d", next.Cursor, fresh.Cursor)
	}
}

// testPurgeInbox forgets more messages and buttons than one transaction may.
func testPurgeInbox(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	const many = 1201
	ok(t, s.WithTx(ctx, func(ctx context.Context) error {
		for i := range many {
			id := fmt.Sprint(i)
			if _, err := s.Accept(ctx, bot.Inbound{ID: id, From: ops, At: noon}, "w", time.Minute); err != nil {
				return err
			}
			if i%600 != 0 { // three are not worked on to their end
				if err := s.DoneInbound(ctx, ops.Account, id); err != nil {
					return err
				}
			}
			if err := s.SaveButton(ctx, bot.Button{ID: id, Account: ops.Account, Expires: noon.Add(time.Duration(i%600) * time.Second)}); err != nil {
				return err
			}
		}
		return nil
	}))
	ok(t, s.PurgeInbound(ctx, time.Now().Add(time.Hour)))
	same(t, "messages that are left", must[store.Waiting](t)(s.Waiting(ctx)).Inbound.Count, 3)
	for i := range many {
		fresh := must[bool](t)(s.Accept(ctx, bot.Inbound{ID: fmt.Sprint(i), From: ops, At: noon}, "w", time.Minute))
		if fresh != (i%600 != 0) {
			t.Fatalf("message %d: fresh is %v", i, fresh)
		}
	}
	ok(t, s.PurgeExpired(ctx, noon.Add(598*time.Second)))
	for i := range many {
		if _, err := s.Button(ctx, fmt.Sprint(i), noon.Add(-time.Hour)); (err == nil) != (i%600 == 599) {
			t.Fatalf("button %d: %v", i, err)
		}
	}
}
