package wecom

import (
	"context"
	"sync"

	"github.com/coxswain-ops/coxswain/bot"
)

// accept hands a message over to the inbox.
type accept func(context.Context, bot.Inbound) error

// gate lets callbacks through while Run runs, and lets Run wait for those that
// are inside.
type gate struct {
	mu     sync.Mutex
	handle accept
	inside sync.WaitGroup
}

func (g *gate) open(handle accept) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handle = handle
}

// close lets nobody in any more and waits for the last one.
func (g *gate) close() {
	g.mu.Lock()
	g.handle = nil
	g.mu.Unlock()
	g.inside.Wait()
}

// enter gives the handle; false when nobody is let in. leave must be called.
func (g *gate) enter() (handle accept, leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.handle == nil {
		return nil, nil, false
	}
	g.inside.Add(1)
	return g.handle, g.inside.Done, true
}
