package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
)

// TestNothingIsLostWhileTheGatewayCuts is the bar: connections are cut again and
// again while 500 messages arrive, and one accept in seven fails.
func TestNothingIsLostWhileTheGatewayCuts(t *testing.T) {
	const messages = 500
	f := fakedingtalk.New(t)
	f.RedeliverAfter = 50 * time.Millisecond
	shared, _ := testShared()
	d := start(t, testConfig(f), shared, quick())
	got, tries := map[string]int{}, 0
	all := make(chan struct{})
	turn := make(chan struct{}, 1)
	handle := func(_ context.Context, in bot.Inbound) error {
		turn <- struct{}{}
		defer func() { <-turn }()
		if tries++; tries%7 == 0 {
			return errors.New("the store is busy")
		}
		if got[in.ID]++; len(got) == messages && got[in.ID] == 1 {
			close(all)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, handle) }()
	f.Connected(1)
	f.CutEvery(20 * time.Millisecond)
	var deliveries []*fakedingtalk.Delivery
	for i := range messages {
		deliveries = append(deliveries, f.Push(fakedingtalk.Message{ID: fmt.Sprintf("msg-%03d", i), Text: "help"}))
		if i%50 == 49 { // the cuts are to fall among the messages, not behind them
			opened := f.Opened()
			f.Until("cut and connected again", func() bool { return f.Opened() > opened })
		}
	}
	for _, one := range deliveries {
		<-one.Done
	}
	<-all
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(got) != messages {
		t.Errorf("%d messages of %d", len(got), messages)
	}
	t.Logf("%d connections, %d deliveries of %d messages", f.Opened(), tries, messages)
}

// TestFiveHundredCommandsRunOnce puts the inbox behind it: every command is
// carried out once, however often the cut connections had it delivered.
func TestFiveHundredCommandsRunOnce(t *testing.T) {
	const messages = 500
	f := fakedingtalk.New(t)
	f.RedeliverAfter = 50 * time.Millisecond
	shared, _ := testShared()
	d := start(t, testConfig(f), shared, quick())
	store := &bottest.Memory{}
	in := bot.NewInbox(store, "test", bot.InboxOptions{Alone: true})
	ran := make(chan string, 2*messages)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() {
		ended <- in.Run(ctx, func(ctx context.Context, m bot.Inbound) error {
			ran <- m.ID
			return store.DoneInbound(ctx, m.From.Account, m.ID)
		})
	}()
	go func() { ended <- d.Run(ctx, in.Accept) }()
	f.Connected(1)
	f.CutEvery(20 * time.Millisecond)
	var deliveries []*fakedingtalk.Delivery
	for i := range messages {
		deliveries = append(deliveries, f.Push(fakedingtalk.Message{ID: fmt.Sprintf("msg-%03d", i), Text: "help"}))
		if i%50 == 49 {
			opened := f.Opened()
			f.Until("cut and connected again", func() bool { return f.Opened() > opened })
		}
	}
	for _, one := range deliveries {
		<-one.Done
	}
	once := map[string]bool{}
	for range messages {
		id := <-ran
		if once[id] {
			t.Errorf("%s ran twice", id)
		}
		once[id] = true
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if len(ran) != 0 || len(once) != messages || store.Open() != 0 {
		t.Errorf("%d ran, %d more, %d open", len(once), len(ran), store.Open())
	}
}

func TestPingIsAnswered(t *testing.T) {
	d, f := account(t)
	run(t, d, f)
	if err := f.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOneCutLeavesNoGap(t *testing.T) {
	d, f := account(t)
	b := run(t, d, f)
	for i := range 5 {
		f.Cut()
		<-f.Push(fakedingtalk.Message{ID: fmt.Sprint("m", i), Text: "help"}).Done
	}
	if n := len(b.all()); n != 5 {
		t.Errorf("%d messages", n)
	}
}

func TestDisconnectFrame(t *testing.T) {
	d, f := account(t, func(c *Config) { c.Connections = 1 })
	b := run(t, d, f)
	f.Disconnect()
	if err := f.Say(t.Context(), fakedingtalk.Message{Text: "help"}); err != nil {
		t.Error(err)
	}
	f.Until("the old connection is gone", func() bool { return f.Connections() == 1 && f.Opened() == 2 })
	if len(b.all()) != 1 {
		t.Error("not handed over")
	}
}

func TestHalfOpenConnection(t *testing.T) {
	f := fakedingtalk.New(t)
	f.RedeliverAfter = 20 * time.Millisecond
	shared, _ := testShared()
	tm := quick()
	tm.ping = 30 * time.Millisecond
	d := start(t, testConfig(f), shared, tm)
	b := run(t, d, f)
	f.HalfOpen()
	<-f.Push(fakedingtalk.Message{ID: "swallowed", Text: "help"}).Done
	if in := b.last(t); in.ID != "swallowed" {
		t.Errorf("%+v", in)
	}
}

func TestMalformedFramesEndNothing(t *testing.T) {
	d, f := account(t, func(c *Config) { c.Connections = 1 })
	b := run(t, d, f)
	f.Malformed()
	if err := f.Say(t.Context(), fakedingtalk.Message{Text: "help"}); err != nil {
		t.Error(err)
	}
	if len(b.all()) != 1 || f.Opened() != 1 {
		t.Errorf("%d messages, %d connections", len(b.all()), f.Opened())
	}
}

func TestGatewayRefusesAtFirst(t *testing.T) {
	f := fakedingtalk.New(t)
	f.StormAt("/v1.0/gateway/connections/open", 6, 500, "ServiceUnavailable", "")
	shared, _ := testShared()
	d := start(t, testConfig(f), shared, quick())
	run(t, d, f)
	if n := f.Calls("/v1.0/gateway/connections/open"); n < 8 {
		t.Errorf("%d calls", n)
	}
}

func TestBackoffGrowsToItsEnd(t *testing.T) {
	d := &DingTalk{timing: realTiming()}
	for failures, most := range map[int]time.Duration{1: 200 * time.Millisecond, 4: 1600 * time.Millisecond, 60: 30 * time.Second} {
		for range 50 {
			if w := d.backoff(failures); w < most/2 || w > most+1 {
				t.Errorf("after %d failures: %v", failures, w)
			}
		}
	}
}

func TestRunLeaksNothing(t *testing.T) {
	f := fakedingtalk.New(t)
	shared, _ := testShared()
	before := goleak.IgnoreCurrent()
	d := start(t, testConfig(f), shared, quick())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, (&inbox{}).handle) }()
	f.Connected(2)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	f.Until("closed", func() bool { return f.Connections() == 0 })
	goleak.VerifyNone(t, before)
}

func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWindow(20, time.Minute, time.Now)
		for range 19 {
			if w.take("a", 1) != 0 {
				t.Fatal("refused too early")
			}
		}
		time.Sleep(10 * time.Second)
		if wait := w.take("a", 2); wait != 50*time.Second {
			t.Errorf("%v", wait)
		}
		if w.take("a", 1) != 0 || w.take("b", 20) != 0 {
			t.Error("refused what there was room for")
		}
		w.hush("b", 10*time.Minute)
		time.Sleep(50 * time.Second)
		if w.take("a", 19) != 0 {
			t.Error("the first minute is over")
		}
		if wait := w.take("b", 1); wait != 10*time.Minute-50*time.Second {
			t.Errorf("%v", wait)
		}
		if w.take("c", 30) != 0 {
			t.Error("more at once than ever fits must go some time")
		}
	})
}

// TestOrder: what one person says in one conversation keeps its order.
func TestOrder(t *testing.T) {
	d, f := account(t, func(c *Config) { c.Connections = 1 })
	b := run(t, d, f)
	var want []string
	var last *fakedingtalk.Delivery
	for i := range 50 {
		want = append(want, fmt.Sprint("m", i))
		last = f.Push(fakedingtalk.Message{ID: want[i], Text: "help"})
	}
	<-last.Done
	var got []string
	for _, in := range b.all() {
		got = append(got, in.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
