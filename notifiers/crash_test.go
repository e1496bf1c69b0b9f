package notifiers_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

// TestKilledAgainAndAgain: a process is killed in the middle of sending, many
// times. The next one sends what is left, no faster than is allowed, and what may
// stand there twice is at most what was on its way.
func TestKilledAgainAndAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		const cards, kills = 15, 12
		p := likeSlack("slack:ops")
		hub := w.start("first", true, p)
		for n := range cards {
			w.begin(hub.Hub, in(p, "C1"), opName(n))
		}
		for n := range kills {
			pass(rand.N(4 * time.Second))
			hub.kill()
			w.goOn(opName(n), "end")
			hub = w.start(fmt.Sprint("next ", n), true, p)
		}
		defer hub.stop()
		for n := range cards {
			w.goOn(opName(n), "end")
		}
		until(t, "every card shows its end", 5*time.Minute, func() bool { return allEnded(p, cards) })
		nobodyTooFast(t, p)
		posts := 0
		for _, c := range p.of("card") {
			if !c.edit {
				posts++
			}
		}
		if posts > cards+kills {
			t.Errorf("%d messages for %d cards after %d kills", posts, cards, kills)
		}
	})
}

// TestStoppedInGoodOrder: what is on its way when we are told to end arrives, and
// is not sent again.
func TestStoppedInGoodOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := newStrict("slack:ops")
		p.slow = 2 * time.Second
		for n := range 40 {
			w.enqueue(news(in(p, fmt.Sprint(n%4)), fmt.Sprint("news ", n)))
		}
		for n := range 10 {
			hub := w.start(fmt.Sprint(n), true, p)
			pass(rand.N(3 * time.Second))
			hub.stop()
		}
		hub := w.start("last", true, p)
		defer hub.stop()
		until(t, "all", 5*time.Minute, func() bool { return len(p.of("news")) >= 40 })
		pass(time.Minute)
		if n := len(p.of("news")); n != 40 {
			t.Errorf("%d messages", n)
		}
	})
}

// TestTwoHubsShareTheQuota: two at work on one store, one of which dies. Together
// they are no faster than one, and what the dead one had is sent by the other.
func TestTwoHubsShareTheQuota(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		const cards = 30
		slack, ding := likeSlack("slack:ops"), likeDingTalk("dingtalk:ops")
		one, two := w.start("one", false, slack, ding), w.start("two", false, slack, ding)
		defer two.stop()
		for n := range cards {
			w.begin(one.Hub, in(slack, "C1"), opName(n))
			w.enqueue(news(in(ding, "R"), fmt.Sprint("news ", n)))
		}
		pass(10 * time.Second)
		one.kill()
		for n := range cards {
			w.goOn(opName(n), "end")
		}
		until(t, "every card shows its end", 5*time.Minute, func() bool { return allEnded(slack, cards) })
		until(t, "all the news", 5*time.Minute, func() bool { return len(ding.of("news")) >= cards })
		nobodyTooFast(t, slack, ding)
		if n := len(ding.of("news")); n > cards+1 {
			t.Errorf("%d messages, %d were to be sent", n, cards)
		}
	})
}

// TestTwoHubsOnPostgreSQL: the same by the database's clock, in real time.
func TestTwoHubsOnPostgreSQL(t *testing.T) {
	const cards, rooms = 12, 3
	w := newWorld(t, store.Config{DSN: pgtest.New(t)})
	p := newStrict("slack:ops")
	p.limits = bot.Limits{PerMinute: 2000, EditsPerMinute: 6000} // one in 30 ms
	p.apart, p.slow = 30*time.Millisecond, 5*time.Millisecond
	one, two := w.start("one", false, p), w.start("two", false, p)
	for n := range cards {
		w.begin([]*process{one, two}[n%2].Hub, in(p, fmt.Sprint("C", n%rooms)), opName(n))
		w.goOn(opName(n), "middle")
	}
	for n := range cards {
		w.goOn(opName(n), "end")
	}
	f := &fixture{t: t}
	f.eventually("every card shows its end", func() bool { return allEnded(p, cards) })
	one.stop()
	two.stop()
	nobodyTooFast(t, p)
	posts := 0
	for _, c := range p.of("card") {
		if !c.edit {
			posts++
		}
	}
	if posts != cards {
		t.Errorf("%d messages for %d cards", posts, cards)
	}
}

// TestWhoIsLateWritesNothing: the answer comes after the lease has lapsed, while
// another is sending the delivery.
func TestWhoIsLateWritesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		p := newStrict("slack:ops")
		w.enqueue(news(in(p, "C1"), "news"))
		late, err := w.store.ClaimDeliveries(ctx, notifiers.Claim{Account: p.name, Owner: "late", Lease: time.Minute, Limit: 1, Quota: &notifiers.Quota{}})
		check(t, err)
		p.fail = func(call) error {
			late[0].Status = notifiers.Dead
			err := w.store.FinishDelivery(ctx, late[0], notifiers.Attempt{Owner: "late", Called: true})
			if !errors.Is(err, lifecycle.ErrFenced) {
				t.Errorf("who was late could write: %v", err)
			}
			return nil
		}
		pass(2 * time.Minute)
		hub := w.start("one", false, p)
		defer hub.stop()
		until(t, "it is sent", 3*time.Second, func() bool { return len(p.of("news")) == 1 })
		pass(time.Minute)
		if n := len(p.of("news")); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
}

// holder is a platform of which one process has the connection.
type holder struct {
	*strict
	has *atomic.Bool
}

func (h holder) Holds() bool { return h.has.Load() }

// TestWhoHasTheConnectionSends: the other process leaves deliveries alone, in which
// they neither fail nor wait, and takes them over with the connection.
func TestWhoHasTheConnectionSends(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		one, two := newStrict("wecom-aibot:ops"), newStrict("wecom-aibot:ops")
		two.fail = func(call) error {
			return &bot.SendError{RetryAfter: 3 * time.Second, Err: errors.New("no connection here")}
		}
		first, second := holder{one, &atomic.Bool{}}, holder{two, &atomic.Bool{}}
		first.has.Store(true)
		hubs := []*process{w.start("one", false, first), w.start("two", false, second)}
		for n := range 20 {
			began := time.Now()
			w.enqueue(news(in(one, "R"), fmt.Sprint("news ", n)))
			until(t, "it is heard", 5*time.Second, func() bool { return len(one.of("news")) == n+1 })
			if late := time.Since(began); late > 1500*time.Millisecond {
				t.Errorf("%d was %s late", n, late)
			}
		}
		hubs[0].kill()
		w.enqueue(news(in(one, "R"), "after"))
		two.fail = nil
		pass(10 * time.Second)
		if n := len(two.of("after")); n != 0 {
			t.Errorf("sent %d times by who has no connection", n)
		}
		second.has.Store(true)
		until(t, "it is sent by the other", 5*time.Second, func() bool { return len(two.of("after")) == 1 })
		hubs[1].stop()
	})
}
