package bottest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// patience is how long what must happen may take. The machine may be busy.
const patience = 60 * time.Second

type handler = func(context.Context, bot.Inbound) error

// desk runs a platform and keeps what it hands over.
type desk struct {
	mu      sync.Mutex
	got     []bot.Inbound // accepted
	turned  []bot.Inbound // refused
	refuse  error
	handle  handler // nil = keep
	changed Changes // each Inbound
	stop    func() error
}

// open runs s until the test ends, and waits until it can receive.
func open(t *testing.T, s Subject) *desk {
	t.Helper()
	d := &desk{}
	d.run(t, s)
	return d
}

func (d *desk) run(t *testing.T, s Subject) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Platform.Run(ctx, d.take) }()
	stop := sync.OnceValue(func() error {
		cancel()
		timeout := time.NewTimer(patience)
		defer timeout.Stop()
		select {
		case err := <-ended:
			return err
		case <-timeout.C:
			return errors.New("its Run goes on a minute after its context ended")
		}
	})
	d.stop = stop
	t.Cleanup(func() { _ = stop() }) // checked by those that care
	if s.Ready == nil {
		return
	}
	ready, cancelReady := context.WithTimeout(ctx, patience)
	defer cancelReady()
	if err := s.Ready(ready); err != nil {
		t.Fatalf("never ready: %v", err)
	}
}

func (d *desk) take(ctx context.Context, in bot.Inbound) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.tell()
	if d.refuse != nil {
		d.turned = append(d.turned, in)
		return d.refuse
	}
	if d.handle != nil {
		handle := d.handle
		d.mu.Unlock()
		err := handle(ctx, in)
		d.mu.Lock()
		if err != nil {
			d.turned = append(d.turned, in)
			return err
		}
	}
	d.got = append(d.got, in)
	return nil
}

// tell wakes await. The lock is held.
func (d *desk) tell() {
	d.changed.Tell()
}

// set makes it refuse everything, or take it again with nil.
func (d *desk) set(refuse error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = refuse
}

// to leaves what comes to handle.
func (d *desk) to(handle handler) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handle = handle
}

func (d *desk) accepted() []bot.Inbound {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]bot.Inbound(nil), d.got...)
}

func (d *desk) refused() []bot.Inbound {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]bot.Inbound(nil), d.turned...)
}

// await waits until ok, which is asked after each Inbound.
func (d *desk) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if !d.changed.WaitFor(patience, ok) {
		t.Fatalf("waited in vain: %s; accepted so far: %+v", what, d.accepted())
	}
}

// hears says text, until it is accepted, and gives what became of it.
func (d *desk) hears(t *testing.T, s Subject, id, text string) bot.Inbound {
	t.Helper()
	before := len(d.accepted())
	say(t, s, id, text)
	var in bot.Inbound
	d.await(t, id+" arrives", func() bool {
		for _, got := range d.accepted()[before:] {
			if got.Text == text {
				in = got
				return true
			}
		}
		return false
	})
	return in
}

// next waits for the first Inbound after the n first.
func (d *desk) next(t *testing.T, n int, what string) bot.Inbound {
	t.Helper()
	d.await(t, what, func() bool { return len(d.accepted()) > n })
	return d.accepted()[n]
}

// say delivers until it is accepted or patience is over.
func say(t *testing.T, s Subject, id, text string) {
	t.Helper()
	again(t, id, func(ctx context.Context) error { return s.Say(ctx, id, text) })
}

// again tries until what is done by the other side is accepted.
func again(t *testing.T, what string, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		err := do(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Errorf("%s was never accepted: %v", what, err)
			return
		}
	}
}
