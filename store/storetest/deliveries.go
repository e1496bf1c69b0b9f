package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

var ops = bot.Address{Account: "slack:ops", Room: "C1"}

func seedEvent(t testing.TB, s *store.Store, id string) lifecycle.Event {
	t.Helper()
	e := lifecycle.Event{ID: id, Name: "n", Severity: lifecycle.Warning, ProjectID: "p", ClusterID: "c", OperationID: "o",
		Subject: "s", Actor: "u", Text: lifecycle.T("k"), Data: []byte(`{"a":1}`), At: stored(noon)}
	ok(t, s.AppendEvents(Context(t), e))
	return e
}

// due claims what is due to ops without a quota, as "w".
func due(t testing.TB, s *store.Store) []notifiers.Delivery {
	t.Helper()
	return must[[]notifiers.Delivery](t)(s.ClaimDeliveries(Context(t), notifiers.Claim{Account: ops.Account, Owner: "w", Lease: time.Minute, Limit: 100}))
}

// finish ends an attempt of "w".
func finish(s *store.Store, d notifiers.Delivery) error {
	return s.FinishDelivery(context.Background(), d, notifiers.Attempt{Owner: "w"})
}

func idsOf(d []notifiers.Delivery) []string {
	out := []string{}
	for _, x := range d {
		out = append(out, x.ID)
	}
	return out
}

func testRouting(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	e1, e2 := seedEvent(t, s, "e1"), seedEvent(t, s, "e2")
	s = f.Reopen()
	same(t, "unrouted", must[[]lifecycle.Event](t)(s.UnroutedEvents(ctx, 9)), []lifecycle.Event{e1, e2})
	same(t, "limit", len(must[[]lifecycle.Event](t)(s.UnroutedEvents(ctx, 1))), 1)
	ok(t, s.Route(ctx, "e1", []notifiers.Delivery{{ID: "d1", Lane: notifiers.LaneNormal, To: ops, Lang: "zh"}, {ID: "d2", Lane: notifiers.LaneCritical, To: ops}}))
	ok(t, s.Route(ctx, "e1", []notifiers.Delivery{{ID: "d3", Lane: notifiers.LaneNormal, To: ops}}))
	ok(t, s.Route(ctx, "e2", nil))
	wantErr(t, s.Route(ctx, "none", nil), lifecycle.ErrNotFound)

	s = f.Crash()
	same(t, "all routed", len(must[[]lifecycle.Event](t)(s.UnroutedEvents(ctx, 9))), 0)
	same(t, "deliveries", due(t, s), []notifiers.Delivery{
		{ID: "d2", EventID: "e1", Lane: notifiers.LaneCritical, To: ops, Event: &e1, Status: notifiers.Pending},
		{ID: "d1", EventID: "e1", Lane: notifiers.LaneNormal, To: ops, Lang: "zh", Event: &e1, Status: notifiers.Pending},
	})
}

func testRoutingRace(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	seedEvent(t, s, "e")
	atOnce(10, func(i int) {
		if err := s.Route(ctx, "e", []notifiers.Delivery{{Lane: notifiers.LaneNormal, To: ops}}); err != nil {
			t.Errorf("route: %v", err)
		}
	})
	same(t, "deliveries", len(due(t, s)), 1)
}

func testDeliveries(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	reply := notifiers.Delivery{ID: "reply", Lane: notifiers.LaneReply, To: bot.Address{Account: ops.Account, Room: "r", Thread: "t"}, Lang: "en",
		Message: &bot.Message{Title: "done 完成", Private: true, Actions: []bot.Action{{ID: "a", Command: "x"}}, Image: &bot.Image{PNG: []byte{1}}},
		Status:  notifiers.Pending, NextAt: stored(noon).AddDate(-40, 0, 0)}
	digest := notifiers.Delivery{ID: "digest", Lane: notifiers.LaneNormal, To: ops, Event: &lifecycle.Event{ID: "made", Name: "digest", At: stored(noon)}, Status: notifiers.Pending}
	later := notifiers.Delivery{ID: "later", Lane: notifiers.LaneCritical, To: ops, NextAt: time.Now().Add(time.Hour)}
	ok(t, s.Enqueue(ctx, digest, later, reply))
	ok(t, s.Enqueue(ctx))
	s = f.Reopen()
	got := due(t, s)
	if len(got) > 0 && got[0].NextAt.After(time.Now()) {
		t.Fatalf("a delivery that was due long ago is due at %s", got[0].NextAt)
	}
	got[0].NextAt = reply.NextAt // kept on the lease clock
	same(t, "due", got, []notifiers.Delivery{reply, digest})
	same(t, "taken", len(due(t, s)), 0)
	s = f.Crash()
	ok(t, s.ReleaseDeliveries(ctx))
	same(t, "released", idsOf(due(t, s)), []string{"reply", "digest"})

	got[0].Attempts, got[0].Error, got[0].NextAt = 1, "429", time.Now().Add(time.Hour)
	soon := got[0]
	soon.NextAt = time.Time{}
	wantErr(t, s.FinishDelivery(ctx, soon, notifiers.Attempt{Owner: "another"}), lifecycle.ErrFenced)
	ok(t, finish(s, got[0]))
	same(t, "backed off", len(due(t, s)), 0)
	wantErr(t, finish(s, soon), lifecycle.ErrFenced) // given back
	ok(t, s.Enqueue(ctx, notifiers.Delivery{ID: "soon", Lane: notifiers.LaneReply, To: ops, Message: reply.Message}))
	soon = due(t, s)[0]
	soon.Attempts, soon.Error, soon.NextAt = 1, "429", time.Time{}
	ok(t, finish(s, soon))
	again := due(t, s)
	same(t, "again", idsOf(again), []string{"soon"})
	if again[0].Attempts != 1 || again[0].Error != "429" || again[0].Message.Title != "done 完成" {
		t.Fatalf("after a failed attempt: %+v", again[0])
	}
	again[0].Status, again[0].Receipt = notifiers.Delivered, "r1"
	ok(t, finish(s, again[0]))
	again[0].Status = notifiers.Pending // somebody who lost its lease
	wantErr(t, finish(s, again[0]), lifecycle.ErrFenced)
	wantErr(t, finish(s, notifiers.Delivery{ID: "none", Status: notifiers.Dead}), lifecycle.ErrNotFound)
	s = f.Reopen()
	ok(t, s.ReleaseDeliveries(ctx))
	same(t, "ended stays ended", idsOf(due(t, s)), []string{"digest"})
}

func testDeliveriesRace(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	const deliveries, workers = 200, 10
	for i := range deliveries {
		ok(t, s.Enqueue(ctx, notifiers.Delivery{ID: fmt.Sprint("d", i), Lane: notifiers.LaneNormal, To: ops}))
	}
	var mu sync.Mutex
	claimed := map[string]int{}
	atOnce(workers, func(i int) {
		for {
			got, err := s.ClaimDeliveries(ctx, notifiers.Claim{Account: ops.Account, Owner: fmt.Sprint("w", i), Lease: time.Minute, Limit: 7})
			if err != nil {
				t.Errorf("claim: %v", err)
			}
			if len(got) == 0 {
				return
			}
			for _, d := range got {
				mu.Lock()
				claimed[d.ID]++
				mu.Unlock()
				d.Status = notifiers.Delivered
				if err := s.FinishDelivery(ctx, d, notifiers.Attempt{Owner: fmt.Sprint("w", i)}); err != nil {
					t.Errorf("finish: %v", err)
				}
			}
		}
	})
	same(t, "claimed", len(claimed), deliveries)
	for id, n := range claimed {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
}

func card(id string) notifiers.Delivery {
	return notifiers.Delivery{ID: id, Lane: notifiers.LaneCard, Card: "op", To: ops}
}

func testCardDeliveries(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	wait := card("first")
	wait.NextAt = time.Now().Add(time.Hour) // the platform asked for it
	elsewhere := card("elsewhere")
	elsewhere.To.Room = "C2"
	another := card("another card")
	another.Card = "op2"
	ok(t, s.Enqueue(ctx, wait, elsewhere, another))
	seedEvent(t, s, "e1")
	ok(t, s.Route(ctx, "e1", []notifiers.Delivery{card("second")}))
	s = f.Reopen()
	same(t, "the wait passes on", idsOf(due(t, s)), []string{"elsewhere", "another card"})
	wantErr(t, finish(s, notifiers.Delivery{ID: "first", Status: notifiers.Delivered}), lifecycle.ErrFenced) // merged already
	now, newer := card("third"), card("fourth")
	now.Card, newer.Card = "op3", "op3"
	ok(t, s.Enqueue(ctx, now, newer))
	same(t, "only the newest", idsOf(due(t, s)), []string{"fourth"})
}

func testCardOnItsWay(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	ok(t, s.Enqueue(ctx, card("old")))
	old := due(t, s)[0]
	ok(t, s.Enqueue(ctx, card("mid")))
	ok(t, s.Enqueue(ctx, card("new")))
	same(t, "one at a time", len(due(t, s)), 0)
	old.Status = notifiers.Delivered
	ok(t, finish(s, old))
	got := due(t, s)
	same(t, "then the newest", idsOf(got), []string{"new"})

	// It fails, and a newer state is waiting: no need to try it again.
	ok(t, s.Enqueue(ctx, card("newer")))
	got[0].Status = notifiers.Pending
	ok(t, finish(s, got[0]))
	same(t, "the newer", idsOf(due(t, s)), []string{"newer"})

	// Its sender dies, and the state after it is sent: the older one is done with.
	ok(t, s.Enqueue(ctx, card("newest")))
	s = f.Crash()
	ok(t, s.ReleaseDeliveries(ctx))
	got = due(t, s)
	same(t, "the newest", idsOf(got), []string{"newest"})
	got[0].Status = notifiers.Delivered
	ok(t, finish(s, got[0]))
	ok(t, s.ReleaseDeliveries(ctx))
	same(t, "nothing left", len(due(t, s)), 0)
}

func testCards(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := notifiers.Card{OperationID: "op", To: ops, Lang: "zh"}
	there := notifiers.Card{OperationID: "op", To: bot.Address{Account: "slack:ops", Room: "C1", Thread: "t"}, Lang: "en", For: "slack:T1/U1", MessageID: "2", StandsIn: "D1", Final: true, Lost: 2}
	ok(t, s.SaveCard(ctx, c))
	ok(t, s.SaveCard(ctx, there))
	c.MessageID, c.Final, c.For, c.StandsIn, c.Lost = "1", true, "slack:T1/U2", "D2", 1
	ok(t, s.SaveCard(ctx, c))
	s = f.Reopen()
	same(t, "cards", must[[]notifiers.Card](t)(s.Cards(ctx, "op")), []notifiers.Card{c, there})
	same(t, "none", len(must[[]notifiers.Card](t)(s.Cards(ctx, "other"))), 0)
}
