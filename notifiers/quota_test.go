package notifiers_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/notifiers"
)

// likeSlack takes one message a second in a channel, and fifty edits a minute.
func likeSlack(name string) *strict {
	p := newStrict(name)
	p.limits = bot.Limits{PerMinute: 60, EditEvery: 1500 * time.Millisecond, EditsPerMinute: 50}
	p.apart, p.slow = time.Second, 400*time.Millisecond
	return p
}

// likeDingTalk takes twenty messages in any minute.
func likeDingTalk(name string) *strict {
	p := newStrict(name)
	p.limits = bot.Limits{PerMinute: 20}
	p.inMinute, p.slow = 20, 300*time.Millisecond
	return p
}

func in(p *strict, room string) bot.Address { return bot.Address{Account: p.name, Room: room} }

// TestAHundredLivingCardsInOneChannel: all at once, in a channel that takes one
// message a second. Nothing is refused, every card is posted once and ends in its
// final state, and states in between are left out.
func TestAHundredLivingCardsInOneChannel(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		const cards, states = 100, 12
		p := likeSlack("slack:ops")
		hub := w.start("one", true, p)
		defer hub.stop()
		for n := range cards {
			w.begin(hub.Hub, in(p, "C1"), opName(n))
		}
		for range states {
			for n := range cards {
				if rand.N(3) == 0 {
					w.goOn(opName(n), fmt.Sprint(rand.N(1000)))
				}
			}
			pass(rand.N(20 * time.Second))
		}
		for n := range cards {
			w.goOn(opName(n), "end")
		}
		until(t, "every card shows its end", 5*time.Minute, func() bool { return allEnded(p, cards) })
		nobodyTooFast(t, p)
		calls, _ := p.taken()
		posts := 0
		for _, c := range calls {
			if !c.edit {
				posts++
			}
			if want := "who:" + c.m.Operation; c.m.For != want {
				t.Fatalf("the buttons of %s are %q's", c.m.Operation, c.m.For)
			}
		}
		if posts != cards {
			t.Errorf("%d messages for %d cards", posts, cards)
		}
		before := len(calls)
		pass(time.Minute)
		if calls, _ := p.taken(); len(calls) != before {
			t.Errorf("%d calls after the end", len(calls)-before)
		}
	})
}

// TestACardThatChangesAllTheTimeIsShownAllTheTime: among others, and the others
// too.
func TestACardThatChangesAllTheTimeIsShownAllTheTime(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := likeSlack("slack:ops")
		hub := w.start("one", true, p)
		defer hub.stop()
		for n := range 3 {
			w.begin(hub.Hub, in(p, "C1"), opName(n))
		}
		pass(4 * time.Second)
		for tick := range 150 {
			for n := range 3 {
				w.goOn(opName(n), fmt.Sprint(tick))
			}
			pass(400 * time.Millisecond)
		}
		edits := map[string]int{}
		for _, c := range p.of("card") {
			if c.edit {
				edits[c.m.Operation]++
			}
		}
		for n := range 3 {
			if edits[opName(n)] < 10 {
				t.Errorf("%s was changed %d times in a minute", opName(n), edits[opName(n)])
			}
		}
		nobodyTooFast(t, p)
	})
}

// TestAStormStaysWithinTheMinute: what may overtake does, all arrives in time, and
// the platform never has a reason to block us.
func TestAStormStaysWithinTheMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := likeDingTalk("dingtalk:ops")
		hub := w.start("one", true, p)
		defer hub.stop()
		const storm = 80
		for n := range storm {
			w.enqueue(news(in(p, "R"), fmt.Sprint("news ", n)))
		}
		pass(2 * time.Minute)
		began := time.Now()
		w.enqueue(notifiers.Delivery{Lane: notifiers.LaneCritical, To: in(p, "R"), Message: &bot.Message{Text: "critical"}})
		until(t, "the critical one", time.Minute, func() bool { return len(p.of("critical")) == 1 })
		if late := p.of("critical")[0].at.Sub(began); late > 5*time.Second {
			t.Errorf("the critical one came %s late", late)
		}
		until(t, "all of the storm", 15*time.Minute, func() bool { return len(p.of("news")) == storm })
		nobodyTooFast(t, p)
		for n, c := range p.of("news") {
			if c.m.Text != fmt.Sprint("news ", n) {
				t.Fatalf("place %d has %q", n, c.m.Text)
			}
		}
	})
}

// TestLanes: critical, reply, card, normal, however they came.
func TestLanes(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := likeSlack("slack:ops")
		to := in(p, "C1")
		w.state["op"] = "begin"
		check(t, w.store.SaveCard(t.Context(), notifiers.Card{OperationID: "op", To: to}))
		w.enqueue(news(to, "normal"), notifiers.Delivery{Lane: notifiers.LaneCard, To: to, Card: "op"},
			notifiers.Delivery{Lane: notifiers.LaneReply, To: to, Message: &bot.Message{Text: "reply"}},
			notifiers.Delivery{Lane: notifiers.LaneCritical, To: to, Message: &bot.Message{Text: "critical"}})
		hub := w.start("one", true, p)
		defer hub.stop()
		until(t, "all four", time.Minute, func() bool { c, _ := p.taken(); return len(c) == 4 })
		calls, _ := p.taken()
		for i, want := range []string{"critical", "reply", "begin", "normal"} {
			if calls[i].m.Text != want {
				t.Errorf("%d is %q, want %q", i, calls[i].m.Text, want)
			}
		}
	})
}

// TestOneAccountDoesNotHoldUpAnother: one storms and hangs, one is refused all the
// time; the third hears what it is told at once.
func TestOneAccountDoesNotHoldUpAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		hangs, refuses, well := newStrict("wecom:ops"), newStrict("dingtalk:ops"), likeSlack("slack:ops")
		hangs.slow = time.Hour
		refuses.fail = func(call) error { return &bot.SendError{RetryAfter: 10 * time.Minute, Err: errors.New("130101")} }
		hub := w.start("one", true, hangs, refuses, well)
		defer hub.stop()
		for n := range 100 {
			w.enqueue(news(in(hangs, fmt.Sprint(n)), "storm"), news(in(refuses, fmt.Sprint(n)), "storm"), news(in(refuses, "same"), "storm"))
		}
		for n := range 20 {
			began := time.Now()
			w.enqueue(news(in(well, "C1"), fmt.Sprint("well ", n)))
			until(t, "it is heard", 2*time.Second, func() bool { return len(well.of("well")) == n+1 })
			if late := well.of("well")[n].at.Sub(began); late > 1500*time.Millisecond {
				t.Errorf("%d was %s late", n, late)
			}
			pass(2 * time.Second)
		}
		nobodyTooFast(t, well)
	})
}

// TestARoomThatHangsLeavesTheOthers: of the same account.
func TestARoomThatHangsLeavesTheOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := newStrict("slack:ops")
		p.fail = func(c call) error {
			if c.to.Room == "bad" {
				return errors.New("no answer")
			}
			return nil
		}
		hub := w.start("one", true, p)
		defer hub.stop()
		for n := range 30 {
			w.enqueue(news(in(p, "bad"), "x"), news(in(p, fmt.Sprint("C", n)), "news"))
		}
		until(t, "the other rooms", 3*time.Second, func() bool { return len(p.of("news")) == 30 })
	})
}

// TestWhatIsClosed: RetryAfter closes the room that was refused, or the account
// when it says so; nothing is called there before, and everything arrives after.
func TestWhatIsClosed(t *testing.T) {
	for _, account := range []bool{false, true} {
		t.Run(fmt.Sprint("account ", account), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				p := newStrict("slack:ops")
				began, refused := time.Now(), 0
				p.fail = func(c call) error {
					if c.to.Room == "C1" && time.Since(began) < 40*time.Second {
						refused++
						return &bot.SendError{RetryAfter: 40 * time.Second, Account: account, Err: errors.New("429")}
					}
					return nil
				}
				hub := w.start("one", true, p)
				defer hub.stop()
				for n := range 10 {
					w.enqueue(news(in(p, "C1"), fmt.Sprint("one ", n)))
				}
				pass(2 * time.Second)
				w.enqueue(news(in(p, "C2"), "two"))
				until(t, "all", 2*time.Minute, func() bool { return len(p.of("one")) == 10 && len(p.of("two")) == 1 })
				if refused != 1 {
					t.Errorf("%d calls into a closed room", refused)
				}
				if waited := p.of("two")[0].at.Sub(began) >= 40*time.Second; waited != account {
					t.Errorf("the other room has waited: %v", waited)
				}
				for n, c := range p.of("one") {
					if c.m.Text != fmt.Sprint("one ", n) {
						t.Errorf("place %d has %q: who was refused lost its turn", n, c.m.Text)
					}
				}
			})
		})
	}
}

// TestWhatIsRefusedForItsOwnSakeHoldsNothingUp: a platform that answers "busy" to
// one message for ever.
func TestWhatIsRefusedForItsOwnSakeHoldsNothingUp(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := newStrict("wecom:ops")
		p.fail = func(c call) error {
			if c.m.Text == "poison" {
				return &bot.SendError{RetryAfter: 2 * time.Second, Err: errors.New("errcode -1")}
			}
			return nil
		}
		hub := w.start("one", true, p)
		defer hub.stop()
		w.enqueue(news(in(p, "R"), "poison"))
		for n := range 50 {
			w.enqueue(news(in(p, "R"), fmt.Sprint("news ", n)))
		}
		until(t, "the others", time.Minute, func() bool { return len(p.of("news")) == 50 })
	})
}

// TestStrays: what waits for an account that is not configured has an end.
func TestStrays(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		gone := bot.Address{Account: "slack:gone", Room: "C1"}
		check(t, w.store.SaveCard(t.Context(), notifiers.Card{OperationID: "op", To: gone}))
		w.enqueue(news(gone, "x"), notifiers.Delivery{Lane: notifiers.LaneCard, Card: "op", To: gone}, news(gone, "y"))
		hub := w.start("one", true)
		defer hub.stop()
		until(t, "an end", 5*time.Minute, func() bool {
			waiting, err := w.store.PendingAccounts(t.Context())
			return err == nil && len(waiting) == 0
		})
	})
}
