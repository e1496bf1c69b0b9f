package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

// hourly is a quota that does not fill up again while a test runs.
func hourly(burst int) *notifiers.Quota {
	return &notifiers.Quota{Room: notifiers.Rate{Every: time.Hour, Burst: burst}}
}

func to(id, inRoom string, lane notifiers.Lane) notifiers.Delivery {
	d := notifiers.Delivery{ID: id, Lane: lane, To: bot.Address{Account: ops.Account, Room: inRoom}}
	if lane == notifiers.LaneCard {
		d.Card = "op of " + id
	}
	return d
}

// next claims by a quota, as owner.
func next(t testing.TB, s *store.Store, owner string, q *notifiers.Quota) []string {
	t.Helper()
	got := must[[]notifiers.Delivery](t)(s.ClaimDeliveries(Context(t), notifiers.Claim{Account: ops.Account, Owner: owner, Lease: time.Minute, Limit: 9, Quota: q}))
	return idsOf(got)
}

func sent(t testing.TB, s *store.Store, id, owner string, q *notifiers.Quota) {
	t.Helper()
	ok(t, s.FinishDelivery(Context(t), notifiers.Delivery{ID: id, Status: notifiers.Delivered}, notifiers.Attempt{Owner: owner, Quota: q, Called: true}))
}

func testPendingAccounts(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	same(t, "none", len(must[[]string](t)(s.PendingAccounts(ctx))), 0)
	for _, account := range []string{"b", "a", "b", "c"} {
		ok(t, s.Enqueue(ctx, notifiers.Delivery{Lane: notifiers.LaneNormal, To: bot.Address{Account: account}}))
	}
	got := must[[]notifiers.Delivery](t)(s.ClaimDeliveries(ctx, notifiers.Claim{Account: "c", Owner: "w", Lease: time.Minute, Limit: 9}))
	same(t, "of one account", len(got), 1)
	got[0].Status = notifiers.Dead
	ok(t, finish(s, got[0]))
	same(t, "pending", must[[]string](t)(s.PendingAccounts(ctx)), []string{"a", "b"})
}

func testRoomQuota(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	q := hourly(2)
	for _, inRoom := range []string{"A", "B"} {
		for n := range 4 {
			ok(t, s.Enqueue(ctx, to(fmt.Sprint(inRoom, n), inRoom, notifiers.LaneNormal)))
		}
	}
	ok(t, s.Enqueue(ctx, to("reply", "B", notifiers.LaneReply), to("critical", "B", notifiers.LaneCritical)))
	same(t, "one for each room, by lane", next(t, s, "1", q), []string{"critical", "A0"})
	same(t, "one at a time", len(next(t, s, "2", q)), 0)
	sent(t, s, "A0", "1", q)
	s = f.Reopen()
	same(t, "the rest of the burst", next(t, s, "3", q), []string{"A1"})
	sent(t, s, "critical", "1", q)
	sent(t, s, "A1", "3", q)
	same(t, "the other room", next(t, s, "4", q), []string{"reply"})
	sent(t, s, "reply", "4", q)
	same(t, "spent", len(next(t, s, "5", q)), 0)
	s = f.Crash()
	same(t, "spent over a crash", len(next(t, s, "6", q)), 0)
	same(t, "an account without limits", len(due(t, s)), 6)
}

func testQuotaGivenBack(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	q := hourly(1)
	ok(t, s.Enqueue(ctx, to("first", "A", notifiers.LaneReply), to("second", "A", notifiers.LaneReply)))
	same(t, "first", next(t, s, "1", q), []string{"first"})
	ok(t, s.FinishDelivery(ctx, notifiers.Delivery{ID: "first", Status: notifiers.Merged}, notifiers.Attempt{Owner: "1", Quota: q}))
	same(t, "nothing was sent", next(t, s, "2", q), []string{"second"})
	sent(t, s, "second", "2", q)
	ok(t, s.Enqueue(ctx, to("third", "A", notifiers.LaneReply)))
	same(t, "spent", len(next(t, s, "3", q)), 0)
}

func testClosed(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	q := &notifiers.Quota{}
	for _, inRoom := range []string{"A", "B", "C"} {
		ok(t, s.Enqueue(ctx, to(inRoom+"1", inRoom, notifiers.LaneReply), to(inRoom+"2", inRoom, notifiers.LaneReply)))
	}
	refused := func(id string, account bool) {
		t.Helper()
		ok(t, s.FinishDelivery(ctx, notifiers.Delivery{ID: id, Status: notifiers.Pending, Attempts: 1},
			notifiers.Attempt{Owner: "1", Quota: q, Called: true, Closed: time.Hour, Account: account}))
	}
	same(t, "all rooms", next(t, s, "1", q), []string{"A1", "B1", "C1"})
	refused("A1", false)
	sent(t, s, "B1", "1", q)
	s = f.Reopen()
	same(t, "the room is closed", next(t, s, "2", q), []string{"B2"})
	sent(t, s, "B2", "2", q)
	refused("C1", true)
	ok(t, s.Enqueue(ctx, to("D1", "D", notifiers.LaneCritical)))
	s = f.Crash()
	ok(t, s.ReleaseDeliveries(ctx))
	same(t, "the account is closed", len(next(t, s, "3", q)), 0)
}

func testEditQuota(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	q := &notifiers.Quota{Edits: notifiers.Rate{Every: time.Hour, Burst: 2}, EditEvery: time.Hour}
	again := func(id string) notifiers.Delivery { // of the same card
		d := to(id+"2", "A", notifiers.LaneCard)
		d.Card = "op of " + id
		return d
	}
	ok(t, s.Enqueue(ctx, to("a", "A", notifiers.LaneCard)))
	same(t, "a card", next(t, s, "1", q), []string{"a"})
	sent(t, s, "a", "1", q)
	ok(t, s.Enqueue(ctx, again("a"), to("b", "A", notifiers.LaneCard), to("c", "C", notifiers.LaneCard), to("news", "D", notifiers.LaneNormal)))
	same(t, "not the same card so soon, and no more edits than allowed", next(t, s, "2", q), []string{"b", "news"})
	sent(t, s, "b", "2", q)
	same(t, "no more edits", len(next(t, s, "3", q)), 0)
}

// testQuotaLapsed: who was away for longer than its lease finds neither the
// delivery nor the room its own.
func testQuotaLapsed(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	q := &notifiers.Quota{}
	ok(t, s.Enqueue(ctx, to("first", "A", notifiers.LaneNormal)))
	late := notifiers.Claim{Account: ops.Account, Owner: "late", Lease: -time.Second, Limit: 9, Quota: q}
	same(t, "late", idsOf(must[[]notifiers.Delivery](t)(s.ClaimDeliveries(ctx, late))), []string{"first"})
	ok(t, s.Enqueue(ctx, to("second", "A", notifiers.LaneReply))) // overtakes
	same(t, "in between", next(t, s, "2", q), []string{"second"})
	sent(t, s, "first", "late", q) // nobody has claimed it since
	ok(t, s.Enqueue(ctx, to("third", "A", notifiers.LaneReply)))
	same(t, "the room is still busy", len(next(t, s, "3", q)), 0)

	ok(t, s.Enqueue(ctx, to("fourth", "B", notifiers.LaneNormal)))
	must[[]notifiers.Delivery](t)(s.ClaimDeliveries(ctx, late))
	same(t, "taken over", next(t, s, "4", q), []string{"fourth"})
	err := s.FinishDelivery(ctx, notifiers.Delivery{ID: "fourth", Status: notifiers.Delivered}, notifiers.Attempt{Owner: "late", Quota: q, Called: true})
	wantErr(t, err, lifecycle.ErrFenced)
	sent(t, s, "fourth", "4", q)
}

func testQuotaCrash(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	ok(t, s.Enqueue(ctx, to("a", "A", notifiers.LaneNormal), to("b", "B", notifiers.LaneNormal)))
	free, spent := &notifiers.Quota{}, hourly(1)
	must[[]notifiers.Delivery](t)(s.ClaimDeliveries(ctx, notifiers.Claim{Account: ops.Account, Owner: "1", Lease: time.Hour, Limit: 1, Quota: free}))
	same(t, "b", next(t, s, "2", spent), []string{"b"})
	s = f.Crash()
	same(t, "somebody may be sending", len(next(t, s, "3", free)), 0)
	ok(t, s.ReleaseDeliveries(ctx))
	same(t, "what may have been sent is spent", next(t, s, "4", free), []string{"a"})
	ok(t, s.PurgeExpired(ctx, noon))
	same(t, "still", len(next(t, s, "5", free)), 0)
}

// testQuotaRace: however many claim, here and in another process, there is one
// message on its way into a room, and each is given once.
func testQuotaRace(t *testing.T, f *Fixture) {
	ctx := Context(t)
	const rooms, each = 5, 12
	stores := []*store.Store{f.Store, f.Peer(nil)}
	for n := range rooms * each {
		ok(t, f.Store.Enqueue(ctx, to(fmt.Sprint("d", n), fmt.Sprint("R", n%rooms), notifiers.LaneNormal)))
	}
	var mu sync.Mutex
	busy, given := map[string]string{}, map[string]int{}
	mark := func(got []notifiers.Delivery) {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range got {
			if other := busy[d.To.Room]; other != "" {
				t.Errorf("%s and %s are on their way into %s", other, d.ID, d.To.Room)
			}
			busy[d.To.Room] = d.ID
			given[d.ID]++
		}
	}
	left := func() int {
		mu.Lock()
		defer mu.Unlock()
		return rooms*each - len(given)
	}
	q := &notifiers.Quota{Edits: notifiers.Rate{Every: time.Millisecond, Burst: 9}}
	atOnce(6, func(i int) {
		s := stores[i%2]
		for n := 0; left() > 0 && ctx.Err() == nil; n++ {
			owner := fmt.Sprint(i, "/", n)
			got, err := s.ClaimDeliveries(ctx, notifiers.Claim{Account: ops.Account, Owner: owner, Lease: time.Minute, Limit: 3, Quota: q})
			if err != nil {
				t.Errorf("claim: %v", err)
			}
			mark(got)
			for _, d := range got {
				mu.Lock()
				delete(busy, d.To.Room)
				mu.Unlock()
				d.Status = notifiers.Delivered
				if err := s.FinishDelivery(ctx, d, notifiers.Attempt{Owner: owner, Quota: q, Called: true}); err != nil {
					t.Errorf("finish: %v", err)
				}
			}
		}
	})
	for id, n := range given {
		if n != 1 {
			t.Errorf("%s was given %d times", id, n)
		}
	}
	same(t, "given", len(given), rooms*each)
}

// testCardTurns: a card that changes all the time keeps its turn.
func testCardTurns(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	state := func(op string, n int) notifiers.Delivery {
		d := to(fmt.Sprint(op, n), "A", notifiers.LaneCard)
		d.Card = op
		return d
	}
	ok(t, s.Enqueue(ctx, state("x", 0)))
	waitTick(t, s)
	ok(t, s.Enqueue(ctx, state("y", 0)))
	ok(t, s.Enqueue(ctx, state("x", 1), state("x", 2)))
	var order []string
	for n := range 2 {
		order = slices.Concat(order, next(t, s, fmt.Sprint(n), &notifiers.Quota{}))
		sent(t, s, order[n], fmt.Sprint(n), &notifiers.Quota{})
	}
	same(t, "order", order, []string{"x2", "y0"})
}

// waitTick waits until the clock that leases go by shows another millisecond.
func waitTick(t testing.TB, s *store.Store) {
	t.Helper()
	ctx := Context(t)
	ok(t, s.Enqueue(ctx, notifiers.Delivery{ID: "tick", Lane: notifiers.LaneNormal, To: bot.Address{Account: "tick"}, NextAt: time.Now().Add(2 * time.Millisecond)}))
	for {
		got := must[[]notifiers.Delivery](t)(s.ClaimDeliveries(ctx, notifiers.Claim{Account: "tick", Owner: "w", Lease: time.Minute, Limit: 1}))
		if len(got) > 0 {
			return
		}
	}
}
