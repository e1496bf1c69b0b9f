package bottest

import (
	"context"
	"sync"
	"time"
)

// Changes lets tests wait until something has become true. The zero value is ready.
type Changes struct {
	mu   sync.Mutex
	next chan struct{} // closed and made anew at each change
}

// Tell wakes all who wait, to ask again. Their question may need a lock that the
// caller has: nobody is waited for.
func (c *Changes) Tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
	}
	c.next = nil
}

// Wait blocks until ok, which is asked after each change, or ctx ends. It reports
// whether ok was.
func (c *Changes) Wait(ctx context.Context, ok func() bool) bool {
	for {
		changed := c.waiting() // before asking: what changes meanwhile is not missed
		if ok() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ok()
		}
	}
}

// WaitFor is Wait with a limit.
func (c *Changes) WaitFor(limit time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return c.Wait(ctx, ok)
}

func (c *Changes) waiting() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}
