package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// InboxOptions tunes an Inbox; zero fields take the defaults named beside them.
type InboxOptions struct {
	Workers  int           // handlers at the same time: 8
	Queue    int           // messages held in memory: 256; more stay in the store
	Attempts int           // runs of a failing handler: 3
	Timeout  time.Duration // of one handling: 2 min
	Lease    time.Duration // how long a held message is ours: 5 min
	Poll     time.Duration // between looks for lapsed leases: 15 s
	Life     time.Duration // after which a process that is silent counts as dead: 15 s
	Grace    time.Duration // for running handlers at shutdown: 5 s
	Keep     time.Duration // how long done messages are remembered: 24 h
	// Backoff is the wait after n failures: n² seconds, at most a minute.
	Backoff func(failures int) time.Duration
	// Alone says that no other process works on this store, so that what an
	// earlier run left unfinished is taken over at once.
	Alone bool
	// GiveUp tells the person that their message could not be worked on. When it
	// fails, the message stays in the store and is taken up again.
	GiveUp func(ctx context.Context, in Inbound, cause error) error
	Log    *slog.Logger
}

func (o InboxOptions) withDefaults() InboxOptions {
	o.Workers = orDefault(o.Workers, 8)
	o.Queue = orDefault(o.Queue, 256)
	o.Attempts = orDefault(o.Attempts, 3)
	o.Timeout = orDefault(o.Timeout, 2*time.Minute)
	o.Lease = orDefault(o.Lease, 5*time.Minute)
	o.Poll = orDefault(o.Poll, 15*time.Second)
	o.Life = orDefault(o.Life, 15*time.Second)
	o.Grace = orDefault(o.Grace, 5*time.Second)
	o.Keep = orDefault(o.Keep, 24*time.Hour)
	if o.Backoff == nil {
		o.Backoff = func(n int) time.Duration { return min(time.Duration(n*n)*time.Second, time.Minute) }
	}
	if o.GiveUp == nil {
		o.GiveUp = func(context.Context, Inbound, error) error { return nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func orDefault[T int | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// Inbox makes work of what people say: Accept stores a message once, Run hands
// each stored one to a handler. Messages of one person in one room are handled
// one after another, in order; other conversations in parallel. A message is
// forgotten only when it is done, so that a killed process takes it up again.
type Inbox struct {
	store InboxStore
	owner string
	opt   InboxOptions
	lanes *lanes
	// spill counts messages that were left to the store because memory was
	// full. While it differs from caught, new ones are left there too: a later
	// message must not overtake an earlier one of its conversation.
	mu            sync.Mutex
	spill, caught int64
	spilling      int // Accepts on their way to the store
	wake          chan struct{}
}

// NewInbox makes an inbox whose leases in the store carry the name owner, which
// is unique per process.
func NewInbox(store InboxStore, owner string, opt InboxOptions) *Inbox {
	opt = opt.withDefaults()
	// It starts one behind: until the first claim has taken what an earlier run
	// left, new messages must not overtake it.
	return &Inbox{store: store, owner: owner, opt: opt, lanes: newLanes(opt.Queue), spill: 1, wake: make(chan struct{}, 1)}
}

// Accept stores in durably and queues it. Nil means that it will be worked on
// exactly once, whatever happens to this process; a message that was accepted
// before is nil too. An error means "not accepted, deliver it again".
func (b *Inbox) Accept(ctx context.Context, in Inbound) error {
	if in.ID == "" || in.From.Account == "" {
		return fmt.Errorf("inbox: message without id or account (account %q)", in.From.Account)
	}
	if in.At.IsZero() {
		in.At = time.Now()
	}
	// The place is taken before the store is asked, so that the claimer knows
	// the message as held from the moment that the row exists.
	if !b.reserve(in) {
		return b.acceptSpilled(ctx, in)
	}
	fresh, err := b.store.Accept(ctx, in, b.owner, b.opt.Lease)
	if err != nil || !fresh {
		b.lanes.abandon(in)
		if err != nil {
			return fmt.Errorf("inbox: accept: %w", err)
		}
		return nil
	}
	b.lanes.fill(in, time.Now().Add(b.opt.Lease))
	return nil
}

// reserve takes a place in memory, or reports that the message must be left to
// the store.
func (b *Inbox) reserve(in Inbound) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spill == b.caught && b.spilling == 0 {
		switch b.lanes.reserve(in) {
		case reserved:
			return true
		case alreadyHeld:
			// A redelivery of what is being worked on; the store will say so.
		case full:
		}
	}
	b.spill++
	b.spilling++
	return false
}

// acceptSpilled stores in with a lease that is over at once: the claimer takes
// it when there is room.
func (b *Inbox) acceptSpilled(ctx context.Context, in Inbound) error {
	_, err := b.store.Accept(ctx, in, b.owner, 0)
	b.mu.Lock()
	b.spilling--
	b.mu.Unlock()
	b.poke()
	if err != nil {
		return fmt.Errorf("inbox: accept: %w", err)
	}
	return nil
}

func (b *Inbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Run works on messages until ctx ends, then lets running handlers finish for
// the grace period. What is left stays in the store for the next run.
func (b *Inbox) Run(ctx context.Context, handle func(context.Context, Inbound) error) error {
	if b.opt.Alone {
		if err := b.store.ReleaseInbound(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("inbox: take over what was left: %w", err)
		}
	}
	work, release := graceful(ctx, b.opt.Grace)
	defer release()
	b.lanes.open()
	var wg sync.WaitGroup
	for range b.opt.Workers {
		wg.Go(func() { b.worker(work, handle) })
	}
	b.tend(ctx)
	b.lanes.close()
	wg.Wait()
	b.farewell(work)
	return nil
}

// graceful gives a context that outlives ctx by grace.
func graceful(ctx context.Context, grace time.Duration) (context.Context, func()) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var mu sync.Mutex
	var timer *time.Timer
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(grace, cancel)
	})
	return work, func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		cancel()
	}
}

func (b *Inbox) worker(ctx context.Context, handle func(context.Context, Inbound) error) {
	for {
		l, h := b.lanes.take()
		if l == nil {
			return
		}
		b.lanes.finish(l, b.attempt(ctx, h, handle))
		if b.behind() {
			b.poke()
		}
	}
}

// attempt handles one message and says how its lane goes on.
func (b *Inbox) attempt(ctx context.Context, h held, handle func(context.Context, Inbound) error) verdict {
	in := h.in
	if !b.opt.Alone && time.Until(h.lease) < b.opt.Timeout {
		// Another process may take it over before we would be done: leave it.
		b.noteSpill()
		return verdict{drop: true}
	}
	run, cancel := context.WithTimeout(ctx, b.opt.Timeout)
	err := protect(run, in, handle)
	cancel()
	if errors.Is(err, ErrDone) {
		b.opt.Log.Warn("inbox: another process has done this message", "account", in.From.Account, "inbound", in.ID)
		return verdict{}
	}
	if err == nil {
		b.done(ctx, in)
		return verdict{}
	}
	if ctx.Err() != nil {
		return verdict{drop: true} // shutting down: the next run takes it up
	}
	return b.failed(ctx, in, err)
}

func (b *Inbox) failed(ctx context.Context, in Inbound, cause error) verdict {
	ctx, cancel := context.WithTimeout(ctx, b.opt.Timeout)
	defer cancel()
	log := b.opt.Log.With("account", in.From.Account, "inbound", in.ID)
	n, err := b.store.FailInbound(ctx, in.From.Account, in.ID)
	if err != nil {
		log.Error("inbox: a failed attempt was not counted", "err", err, "cause", cause)
		return verdict{again: true, after: b.opt.Backoff(1)}
	}
	log.Warn("inbox: handling failed", "attempt", n, "err", cause)
	if n < b.opt.Attempts {
		return verdict{again: true, after: b.opt.Backoff(n)}
	}
	if err := b.opt.GiveUp(ctx, in, cause); err != nil {
		log.Error("inbox: could not tell the person", "err", err)
		return verdict{again: true, after: b.opt.Backoff(n)}
	}
	b.done(ctx, in)
	return verdict{}
}

// done marks in done. The handler does so in the transaction of its result; for
// one that has no result to store this is the place.
func (b *Inbox) done(ctx context.Context, in Inbound) {
	if err := b.store.DoneInbound(ctx, in.From.Account, in.ID); err != nil {
		b.opt.Log.Error("inbox: not marked done; it may be handled again",
			"account", in.From.Account, "inbound", in.ID, "err", err)
	}
}

// protect turns a panic of the handler into an error. The stack holds no
// message text.
func protect(ctx context.Context, in Inbound, handle func(context.Context, Inbound) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("handler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return handle(ctx, in)
}
