package bot_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
)

// desk runs an inbox inside a synctest bubble and notes what was handled.
type desk struct {
	t     *testing.T
	store *bottest.Memory
	inbox *bot.Inbox
	mu    sync.Mutex
	log   []string
	stop  func()
}

func message(id, who string) bot.Inbound {
	return bot.Inbound{ID: id, From: bot.Address{Account: "room", Room: "r"}, Identity: who, Text: "text of " + id}
}

// newDesk starts an inbox on store; handle may be nil.
func newDesk(t *testing.T, store *bottest.Memory, opt bot.InboxOptions, handle func(context.Context, bot.Inbound) error) *desk {
	t.Helper()
	d := &desk{t: t, store: store, inbox: bot.NewInbox(store, "me", opt)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- d.inbox.Run(ctx, func(ctx context.Context, in bot.Inbound) error {
			d.note(in.ID)
			if handle == nil {
				return nil
			}
			return handle(ctx, in)
		})
	}()
	d.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(d.stop)
	synctest.Wait()
	return d
}

func (d *desk) note(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, s)
}

func (d *desk) handled() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.log...)
}

func (d *desk) accept(in bot.Inbound) {
	d.t.Helper()
	if err := d.inbox.Accept(d.t.Context(), in); err != nil {
		d.t.Fatalf("Accept %s: %v", in.ID, err)
	}
}

func (d *desk) want(ids ...string) {
	d.t.Helper()
	if got := d.handled(); fmt.Sprint(got) != fmt.Sprint(ids) {
		d.t.Errorf("handled %v, want %v", got, ids)
	}
}

func TestInboxRedeliveredFiveTimesHandledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, &bottest.Memory{}, bot.InboxOptions{}, nil)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { d.accept(message("m1", "alice")) })
		}
		wg.Wait()
		synctest.Wait()
		d.accept(message("m1", "alice"))
		time.Sleep(time.Hour)
		d.want("m1")
		if n := d.store.Open(); n != 0 {
			t.Errorf("%d messages are not done", n)
		}
	})
}

func TestInboxOneConversationInOrderOthersInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		d := newDesk(t, &bottest.Memory{}, bot.InboxOptions{}, func(_ context.Context, in bot.Inbound) error {
			if in.ID == "a1" {
				<-gate
			}
			return nil
		})
		for i := 1; i <= 4; i++ {
			d.accept(message(fmt.Sprintf("a%d", i), "alice"))
		}
		synctest.Wait() // a1 is being handled
		d.accept(message("b1", "bob"))
		synctest.Wait()
		d.want("a1", "b1")
		close(gate)
		synctest.Wait()
		d.want("a1", "b1", "a2", "a3", "a4")
	})
}

func TestInboxTakesOverWhatAKilledRunLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &bottest.Memory{}
		first := bot.NewInbox(store, "first", bot.InboxOptions{})
		for _, id := range []string{"m1", "m2", "m3"} {
			if err := first.Accept(t.Context(), message(id, "alice")); err != nil {
				t.Fatal(err)
			}
		}
		// first is never run: it was killed.
		d := newDesk(t, store, bot.InboxOptions{Alone: true}, nil)
		d.want("m1", "m2", "m3")
	})
}

func TestInboxClaimsLapsedLeasesOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &bottest.Memory{}
		if _, err := store.Accept(t.Context(), message("m1", "alice"), "dead", 5*time.Minute); err != nil {
			t.Fatal(err)
		}
		d := newDesk(t, store, bot.InboxOptions{}, nil)
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		d.want()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		d.want("m1")
	})
}

// TestInboxTakesOverFromTheDead: a process that has lived and is silent leaves its
// messages within half a minute; one that ends in good order at once.
func TestInboxTakesOverFromTheDead(t *testing.T) {
	for _, how := range []struct {
		name string
		last time.Duration // what its last sign of life promised
		wait time.Duration
	}{{"killed", 15 * time.Second, 36 * time.Second}, {"ended", 0, 16 * time.Second}} {
		t.Run(how.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &bottest.Memory{}
				if _, err := store.Accept(t.Context(), message("m1", "alice"), "dead", 5*time.Minute); err != nil {
					t.Fatal(err)
				}
				if err := store.Alive(t.Context(), "dead", how.last); err != nil {
					t.Fatal(err)
				}
				d := newDesk(t, store, bot.InboxOptions{}, nil)
				if how.last > 0 {
					d.want()
				}
				time.Sleep(how.wait)
				synctest.Wait()
				d.want("m1")
			})
		})
	}
}

// TestInboxLeavesTheLivingAlone: of two processes that live, each does its own.
func TestInboxLeavesTheLivingAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &bottest.Memory{}
		gate := make(chan struct{})
		busy := newDesk(t, store, bot.InboxOptions{}, func(context.Context, bot.Inbound) error { <-gate; return nil })
		busy.accept(message("m1", "alice"))
		other := &desk{t: t, store: store, inbox: bot.NewInbox(store, "other", bot.InboxOptions{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- other.inbox.Run(ctx, func(_ context.Context, in bot.Inbound) error { other.note(in.ID); return nil })
		}()
		time.Sleep(100 * time.Second)
		synctest.Wait()
		close(gate)
		synctest.Wait()
		busy.want("m1")
		other.want()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestInboxMessageThatAnotherHasDone is neither a failure nor tried again.
func TestInboxMessageThatAnotherHasDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gaveUp := false
		d := newDesk(t, &bottest.Memory{}, bot.InboxOptions{GiveUp: func(context.Context, bot.Inbound, error) error { gaveUp = true; return nil }},
			func(context.Context, bot.Inbound) error { return fmt.Errorf("commit: %w", bot.ErrDone) })
		d.accept(message("m1", "alice"))
		time.Sleep(time.Minute)
		synctest.Wait()
		d.want("m1")
		if gaveUp {
			t.Error("the person was told that it failed")
		}
	})
}

func TestInboxFullQueueLosesNothingAndKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		d := newDesk(t, &bottest.Memory{}, bot.InboxOptions{Queue: 2, Workers: 1, Alone: true},
			func(context.Context, bot.Inbound) error { <-gate; return nil })
		var want []string
		for i := range 20 {
			id := fmt.Sprintf("m%02d", i)
			want = append(want, id)
			d.accept(message(id, "alice"))
		}
		close(gate)
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		d.want(want...)
	})
}

func TestInboxFailingHandlerThreeTimesThenApology(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("no") },
		"panic": func() error { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sorry []string
				opt := bot.InboxOptions{GiveUp: func(_ context.Context, in bot.Inbound, cause error) error {
					sorry = append(sorry, in.ID)
					if cause == nil {
						t.Error("no cause")
					}
					return nil
				}}
				d := newDesk(t, &bottest.Memory{}, opt, func(_ context.Context, in bot.Inbound) error {
					if in.ID == "bad" {
						return fail()
					}
					return nil
				})
				d.accept(message("bad", "alice"))
				d.accept(message("next", "alice"))
				time.Sleep(time.Minute)
				synctest.Wait()
				d.want("bad", "bad", "bad", "next")
				if fmt.Sprint(sorry) != "[bad]" {
					t.Errorf("apologies %v", sorry)
				}
			})
		})
	}
}

func TestInboxApologyThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		opt := bot.InboxOptions{Attempts: 1, GiveUp: func(context.Context, bot.Inbound, error) error {
			if tries++; tries < 3 {
				return errors.New("store is down")
			}
			return nil
		}}
		d := newDesk(t, &bottest.Memory{}, opt, func(context.Context, bot.Inbound) error { return errors.New("no") })
		d.accept(message("m1", "alice"))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if tries != 3 || d.store.Open() != 0 {
			t.Errorf("%d apologies, %d open", tries, d.store.Open())
		}
	})
}

func TestInboxHandlerHasADeadlineAndRestIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, &bottest.Memory{}, bot.InboxOptions{Attempts: 1}, func(ctx context.Context, in bot.Inbound) error {
			if in.ID == "slow" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		d.accept(message("slow", "alice"))
		d.accept(message("next", "alice"))
		time.Sleep(2*time.Minute - time.Second)
		synctest.Wait()
		d.want("slow")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		d.want("slow", "next")
	})
}

func TestInboxShutdownGivesGraceAndKeepsTheUnfinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &bottest.Memory{}
		d := newDesk(t, store, bot.InboxOptions{Alone: true}, func(ctx context.Context, in bot.Inbound) error {
			wait := time.Second
			if in.Identity == "stuck" {
				wait = time.Hour
			}
			select {
			case <-time.After(wait):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		d.accept(message("short", "alice"))
		d.accept(message("long", "stuck"))
		synctest.Wait()
		start := time.Now()
		d.stop()
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("shutdown took %v, want the grace of 5s", took)
		}
		if n := store.Open(); n != 1 {
			t.Fatalf("%d open, want only the long one", n)
		}
		d2 := newDesk(t, store, bot.InboxOptions{Alone: true}, nil)
		d2.want("long")
	})
}

func TestInboxStoreThatFailsIsSaidAndRecovered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		store := &bottest.Memory{Fail: func(m string) error {
			if down.Load() && m != "ReleaseInbound" && m != "PurgeInbound" {
				return errors.New("database is locked")
			}
			return nil
		}}
		d := newDesk(t, store, bot.InboxOptions{Alone: true}, nil)
		if err := d.inbox.Accept(t.Context(), message("m1", "alice")); err == nil {
			t.Error("accepted though the store failed")
		}
		down.Store(false)
		d.accept(message("m1", "alice"))
		synctest.Wait()
		d.want("m1")
	})
}

func TestInboxForgetsDoneMessagesAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, &bottest.Memory{}, bot.InboxOptions{}, nil)
		d.accept(message("m1", "alice"))
		time.Sleep(23 * time.Hour)
		synctest.Wait()
		if d.store.Rows() != 1 {
			t.Error("forgotten before a day was over")
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if d.store.Rows() != 0 {
			t.Error("not forgotten after a day")
		}
	})
}

// TestInboxStorm has many people at once, a small memory, redeliveries and a
// store that sometimes fails; each message is handled once and in order.
func TestInboxStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		calls := 0
		store := &bottest.Memory{Fail: func(m string) error {
			mu.Lock()
			defer mu.Unlock()
			if calls++; m == "Accept" && calls%7 == 0 {
				return errors.New("busy")
			}
			return nil
		}}
		last := map[string]int{}
		d := newDesk(t, store, bot.InboxOptions{Queue: 5, Workers: 3, Alone: true}, func(_ context.Context, in bot.Inbound) error {
			time.Sleep(time.Millisecond)
			var n int
			if _, err := fmt.Sscanf(in.ID, in.Identity+"-%d", &n); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if n != last[in.Identity]+1 {
				t.Errorf("%s came after %d", in.ID, last[in.Identity])
			}
			last[in.Identity] = n
			return nil
		})
		var wg sync.WaitGroup
		for p := range 10 {
			who := fmt.Sprintf("p%d", p)
			wg.Go(func() {
				for n := 1; n <= 40; n++ {
					in := message(fmt.Sprintf("%s-%d", who, n), who)
					for d.inbox.Accept(t.Context(), in) != nil {
						time.Sleep(time.Millisecond)
					}
					if n%5 == 0 {
						_ = d.inbox.Accept(t.Context(), in) // a redelivery; its failure is nothing
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(d.handled()); n != 400 {
			t.Errorf("%d handlings of 400 messages", n)
		}
	})
}
