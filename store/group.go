package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Bounds of a shared transaction: nobody's commit waits for more than these.
const (
	groupMost = 64
	groupTime = 20 * time.Millisecond // after which nobody new is let in
)

// errShared: a transaction was taken back because another writer in it left it in
// a state that cannot be trusted.
var errShared = errors.New("store: a shared transaction was taken back because of another writer in it")

// txFunc is what a writer does in its transaction.
type txFunc func(ctx context.Context, t *tx) error

// group lets writers that wait for SQLite's one connection at the same time share
// a transaction, and so its fsync, which is most of what a small commit costs. Each
// runs in its own goroutine when its turn comes, all or nothing between savepoints,
// and hears of success only after the commit. A writer that comes alone waits for
// nobody.
type group struct {
	mu      sync.Mutex
	waiting []chan *shared // turns, in order of coming
	led     bool
}

// shared is one transaction of a group. The turn goes from the leader to a writer
// and back; only who has it touches tx and broken.
type shared struct {
	tx     *tx
	broken bool
	back   chan struct{}
	done   chan struct{} // closed when err is final
	err    error
}

// enlist queues a writer, unless it is to lead: then it gets no turn.
func (g *group) enlist() chan *shared {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.led {
		g.led = true
		return nil
	}
	turn := make(chan *shared, 1)
	g.waiting = append(g.waiting, turn)
	return turn
}

// withdraw takes a writer out of the queue; false when its turn has come.
func (g *group) withdraw(turn chan *shared) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, turn)
	if i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return i >= 0
}

// next gives the turn in x to who has waited longest; false when nobody waits.
func (g *group) next(x *shared) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.give(x)
}

func (g *group) give(x *shared) bool {
	if len(g.waiting) == 0 {
		return false
	}
	g.waiting[0] <- x
	g.waiting = slices.Delete(g.waiting, 0, 1)
	return true
}

// resign makes who has waited longest the leader.
func (g *group) resign() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.led = g.give(nil)
}

// share runs fn in a transaction with whoever else waits to write.
func (s *Store) share(ctx context.Context, fn txFunc) error {
	turn := s.group.enlist()
	if turn == nil {
		return s.lead(ctx, fn)
	}
	x, err := s.await(ctx, turn)
	switch {
	case err != nil:
		return err
	case x == nil:
		return s.lead(ctx, fn)
	}
	if err := x.join(ctx, fn); err != nil {
		return err
	}
	<-x.done
	return x.err
}

// await waits for a turn, not for ever.
func (s *Store) await(ctx context.Context, turn chan *shared) (*shared, error) {
	late := time.NewTimer(s.patient)
	defer late.Stop()
	var err error
	select {
	case x := <-turn:
		return x, nil
	case <-late.C:
		err = s.noConnection(context.DeadlineExceeded)
	case <-ctx.Done():
		err = fmt.Errorf("store: no connection to write on: %w", ctx.Err())
	}
	if s.group.withdraw(turn) {
		return nil, err
	}
	return <-turn, nil
}

// lead runs fn in a new transaction, then lets the others in, and commits. When fn
// itself fails nobody was let in.
func (s *Store) lead(ctx context.Context, fn txFunc) error {
	x := &shared{back: make(chan struct{}), done: make(chan struct{}), err: errShared}
	defer s.group.resign()
	defer close(x.done) // also when something panics
	err := s.runTx(ctx, func(ctx context.Context, t *tx) error {
		if err := fn(ctx, t); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		x.tx = t
		return s.letIn(x)
	})
	x.err = err
	if err == nil {
		s.writes.learn(ctx)
	}
	return err
}

// letIn gives a turn to each who waits.
func (s *Store) letIn(x *shared) error {
	began := time.Now()
	for n := 1; n < groupMost && time.Since(began) < groupTime && s.group.next(x); n++ {
		<-x.back
		if x.broken {
			return errShared
		}
	}
	return nil
}

// join runs fn as a part of x that can be taken back alone. Where that is not
// possible, all of x is.
func (x *shared) join(ctx context.Context, fn txFunc) error {
	whole := false
	defer func() { // also when fn panics
		x.broken = !whole
		x.back <- struct{}{}
	}()
	ctx, cancel := context.WithTimeout(ctx, x.tx.store.longest)
	defer cancel()
	if err := ctx.Err(); err != nil {
		whole = true
		return err
	}
	x.tx.now = time.Time{}
	err := x.tx.nested(context.WithValue(ctx, txKey{}, x.tx), func(ctx context.Context, t *tx) error {
		return errors.Join(fn(ctx, t), ctx.Err())
	})
	var torn savepointError
	whole = !errors.As(err, &torn)
	return err
}
