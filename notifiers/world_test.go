package notifiers_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

// world is a store with operations that go on, and hubs that come and go. Its
// clock is that of the bubble that it is made in.
type world struct {
	t     *testing.T
	store *store.Store

	mu    sync.Mutex
	state map[string]string // by operation
}

// inBubble runs a test in a world of its own, on a clock that jumps.
func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, newWorld(t, store.Config{Path: filepath.Join(t.TempDir(), "t.db")}))
	})
}

func newWorld(t *testing.T, c store.Config) *world {
	t.Helper()
	key, err := store.NewKey()
	check(t, err)
	c.Keys, err = store.ParseKeyRing(key)
	check(t, err)
	st, err := store.Open(context.Background(), c)
	check(t, err)
	t.Cleanup(func() { check(t, st.Close()) })
	return &world{t: t, store: st, state: map[string]string{}}
}

// Card implements notifiers.Renderer.
func (w *world) Card(_ context.Context, op, _ string) (bot.Message, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bot.Message{Title: "card", Operation: op, Text: w.state[op], Final: w.state[op] == "end"}, nil
}

// Event implements notifiers.Renderer.
func (w *world) Event(_ context.Context, e lifecycle.Event, _ string) (bot.Message, error) {
	return bot.Message{Title: "event", Text: e.Name}, nil
}

// Say implements notifiers.Renderer.
func (w *world) Say(lang, key string, _ ...any) string { return lang + " " + key }

// begin makes an operation with a card.
func (w *world) begin(h *notifiers.Hub, to bot.Address, op string) {
	w.t.Helper()
	w.mu.Lock()
	w.state[op] = "begin"
	w.mu.Unlock()
	check(w.t, w.store.WithTx(context.Background(), func(ctx context.Context) error {
		return h.Reply(ctx, to, bot.Message{Title: "card", Operation: op, Text: "begin", For: "who:" + op}, op, "en")
	}))
}

// go on: the operation has another state.
func (w *world) goOn(op, state string) {
	w.t.Helper()
	w.mu.Lock()
	w.state[op] = state
	w.mu.Unlock()
	check(w.t, w.store.AppendEvents(context.Background(), lifecycle.Event{Name: "operation.stage", OperationID: op, At: time.Now()}))
}

func (w *world) enqueue(d ...notifiers.Delivery) {
	w.t.Helper()
	check(w.t, w.store.Enqueue(context.Background(), d...))
}

func news(to bot.Address, text string) notifiers.Delivery {
	return notifiers.Delivery{Lane: notifiers.LaneNormal, To: to, Message: &bot.Message{Text: text}}
}

// process is a hub with all that would end with its process.
type process struct {
	*notifiers.Hub
	w      *world
	dead   *atomic.Bool
	cancel context.CancelFunc
	done   chan error
	off    []func()
}

func (w *world) start(owner string, alone bool, platforms ...bot.Platform) *process {
	w.t.Helper()
	events, offEvents := w.store.Subscribe(store.Events)
	deliveries, offDeliveries := w.store.Subscribe(store.Deliveries)
	p := &process{w: w, dead: &atomic.Bool{}, done: make(chan error, 1), off: []func(){offEvents, offDeliveries}}
	p.Hub = notifiers.New(mortal{w.store, p.dead}, notifiers.Config{Owner: owner, Alone: alone, Platforms: platforms, Render: w, Events: events, Deliveries: deliveries})
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() { p.done <- p.Run(ctx) }()
	return p
}

// stop ends the process in good order.
func (p *process) stop() {
	p.w.t.Helper()
	p.cancel()
	check(p.w.t, <-p.done)
	for _, off := range p.off {
		off()
	}
}

// kill ends it as SIGKILL does: nothing that it knows is written any more. What it
// has said to platforms may still arrive.
func (p *process) kill() {
	p.w.t.Helper()
	p.dead.Store(true)
	p.stop()
}

var errKilled = errors.New("this process is dead")

// mortal is a store as a process has it that may be killed.
type mortal struct {
	notifiers.Store
	dead *atomic.Bool
}

func (m mortal) WithTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return m.Store.WithTx(ctx, func(ctx context.Context) error {
		if m.dead.Load() {
			return errKilled
		}
		return fn(ctx)
	})
}

func (m mortal) ClaimDeliveries(ctx context.Context, c notifiers.Claim) ([]notifiers.Delivery, error) {
	if m.dead.Load() {
		return nil, errKilled
	}
	return m.Store.ClaimDeliveries(ctx, c)
}

func (m mortal) Route(ctx context.Context, id string, d []notifiers.Delivery) error {
	if m.dead.Load() {
		return errKilled
	}
	return m.Store.Route(ctx, id, d)
}

// until waits, in the bubble's time, for something to become true.
func until(t *testing.T, what string, longest time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(longest); !ok(); {
		if !time.Now().Before(end) {
			t.Fatalf("not within %s: %s", longest, what)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// pass lets the bubble's time go by.
func pass(d time.Duration) { time.Sleep(d) }

// allEnded reports whether the newest message of each of n cards shows the end.
func allEnded(p *strict, n int) bool {
	cards, ended := p.cards(), 0
	for _, m := range cards {
		if m.Final && m.Text == "end" {
			ended++
		}
	}
	return ended == n
}

func nobodyTooFast(t *testing.T, platforms ...*strict) {
	t.Helper()
	for _, p := range platforms {
		if _, tooFast := p.taken(); len(tooFast) > 0 {
			t.Errorf("%s: %d calls were too fast, the first: %s", p.name, len(tooFast), tooFast[0])
		}
	}
}

func opName(n int) string { return fmt.Sprint("op-", n) }
