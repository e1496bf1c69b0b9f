package notifiers_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

// platform is a chat account that may fail; it keeps what it was sent.
type platform struct {
	mu      sync.Mutex
	sent    []bot.Message
	updates []bot.Message
	fail    func(n int) error // of the nth call, from 1
	calls   int
	changed chan struct{}
}

func newPlatform() *platform { return &platform{changed: make(chan struct{}, 1000)} }

func (p *platform) Name() string       { return "fake" }
func (p *platform) Limits() bot.Limits { return bot.Limits{} }
func (p *platform) Run(ctx context.Context, _ func(context.Context, bot.Inbound) error) error {
	<-ctx.Done()
	return nil
}

func (p *platform) call(m bot.Message, into *[]bot.Message) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	p.changed <- struct{}{}
	if p.fail != nil {
		if err := p.fail(p.calls); err != nil {
			return 0, err
		}
	}
	*into = append(*into, m)
	return len(*into), nil
}

// Send implements bot.Platform.
func (p *platform) Send(_ context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	n, err := p.call(m, &p.sent)
	return bot.MessageRef{Address: to, ID: fmt.Sprint(n)}, err
}

// Update implements bot.Updater.
func (p *platform) Update(_ context.Context, _ bot.MessageRef, m bot.Message) error {
	_, err := p.call(m, &p.updates)
	return err
}

func (p *platform) seen() (sent, updates []bot.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]bot.Message(nil), p.sent...), append([]bot.Message(nil), p.updates...)
}

// renderer counts how far an operation is.
type renderer struct {
	mu    sync.Mutex
	state string
}

func (r *renderer) set(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = s
}

func (r *renderer) Card(context.Context, string, string) (bot.Message, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bot.Message{Title: "card", Text: r.state, Final: r.state == "end"}, nil
}

func (r *renderer) Event(_ context.Context, e lifecycle.Event, _ string) (bot.Message, error) {
	return bot.Message{Title: "event", Text: e.Name}, nil
}

func (r *renderer) Say(lang, key string, _ ...any) string { return lang + " " + key }

type fixture struct {
	t      *testing.T
	store  *store.Store
	render *renderer
	p      *platform
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	key, err := store.NewKey()
	check(t, err)
	ring, err := store.ParseKeyRing(key)
	check(t, err)
	st, err := store.Open(context.Background(), store.Config{Path: filepath.Join(t.TempDir(), "t.db"), Keys: ring})
	check(t, err)
	t.Cleanup(func() { check(t, st.Close()) })
	return &fixture{t: t, store: st, render: &renderer{state: "begin"}, p: newPlatform()}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run lets a hub work until stop.
func (f *fixture) run() (hub *notifiers.Hub, stop func()) {
	f.t.Helper()
	events, cancelEvents := f.store.Subscribe(store.Events)
	deliveries, cancelDeliveries := f.store.Subscribe(store.Deliveries)
	hub = notifiers.New(f.store, notifiers.Config{Owner: "one", Alone: true, Platforms: []bot.Platform{f.p}, Render: f.render,
		Events: events, Deliveries: deliveries, Poll: 5 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- hub.Run(ctx) }()
	return hub, func() {
		cancel()
		check(f.t, <-done)
		cancelEvents()
		cancelDeliveries()
	}
}

func (f *fixture) eventually(what string, ok func() bool) {
	f.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			f.t.Fatalf("never: %s", what)
		}
		<-tick.C
	}
}

var room = bot.Address{Account: "fake", Room: "ops"}

func (f *fixture) event(name string) {
	f.t.Helper()
	check(f.t, f.store.AppendEvents(context.Background(), lifecycle.Event{Name: name, Severity: lifecycle.Info, OperationID: "op", Subject: "operation/op", At: time.Now()}))
}

func (f *fixture) reply(hub *notifiers.Hub) {
	f.t.Helper()
	check(f.t, f.store.WithTx(context.Background(), func(ctx context.Context) error {
		return hub.Reply(ctx, room, bot.Message{Title: "card", Text: "begin"}, "op", "en")
	}))
}

func TestTheCardMovesAndTheEndIsTold(t *testing.T) {
	f := newFixture(t)
	hub, stop := f.run()
	defer stop()
	f.reply(hub)
	f.eventually("the reply is sent", func() bool { s, _ := f.p.seen(); return len(s) == 1 })
	f.render.set("middle")
	f.event("operation.stage")
	f.eventually("the card moves", func() bool { _, u := f.p.seen(); return len(u) > 0 && u[len(u)-1].Text == "middle" })
	f.render.set("end")
	f.event("cluster.create.succeeded")
	f.eventually("the end is shown and told", func() bool {
		s, u := f.p.seen()
		return len(s) == 2 && s[1].Text == "cluster.create.succeeded" && u[len(u)-1].Final
	})
}

func TestManyStagesAreOneUpdateAndTheLastStateWins(t *testing.T) {
	f := newFixture(t)
	hub, stop := f.run()
	f.reply(hub)
	f.eventually("the reply is sent", func() bool { s, _ := f.p.seen(); return len(s) == 1 })
	stop()
	for i := range 50 {
		f.render.set(fmt.Sprint(i))
		f.event("operation.stage")
	}
	f.render.set("last")
	_, stop = f.run()
	defer stop()
	f.eventually("the last state is shown", func() bool { _, u := f.p.seen(); return len(u) > 0 && u[len(u)-1].Text == "last" })
	if _, u := f.p.seen(); len(u) > 5 {
		t.Errorf("%d updates for 50 stages that happened at once", len(u))
	}
}

func TestAFailedSendIsTriedAgain(t *testing.T) {
	f := newFixture(t)
	f.p.fail = func(n int) error {
		if n == 1 {
			return &bot.SendError{RetryAfter: time.Millisecond, Err: errors.New("busy")}
		}
		return nil
	}
	hub, stop := f.run()
	defer stop()
	f.reply(hub)
	f.eventually("it is sent after a failure", func() bool { s, _ := f.p.seen(); return len(s) == 1 })
}

func TestAPermanentFailureIsNotTriedAgain(t *testing.T) {
	f := newFixture(t)
	f.p.fail = func(int) error { return &bot.SendError{Permanent: true, Err: errors.New("no such room")} }
	hub, stop := f.run()
	f.reply(hub)
	<-f.p.changed
	f.eventually("nothing is left to send", func() bool {
		waiting, err := f.store.PendingAccounts(context.Background())
		return err == nil && len(waiting) == 0
	})
	stop()
	if f.p.calls != 1 {
		t.Errorf("%d tries", f.p.calls)
	}
}

func TestARestartSendsWhatWasPending(t *testing.T) {
	f := newFixture(t)
	down := true
	f.p.fail = func(int) error {
		if down {
			return errors.New("unreachable")
		}
		return nil
	}
	hub, stop := f.run()
	f.reply(hub)
	<-f.p.changed
	stop()
	f.p.mu.Lock()
	down = false
	f.p.mu.Unlock()
	_, stop = f.run()
	defer stop()
	f.eventually("it is sent by the next process", func() bool { s, _ := f.p.seen(); return len(s) == 1 })
}
