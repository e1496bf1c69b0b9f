package notifiers

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Bounds of a sender's work.
const (
	// atOnce is how many rooms of one account are called at the same time, so that
	// one call that hangs does not silence the account.
	atOnce = 8
	// storeBatch is how many go to a platform that is part of the store.
	storeBatch    = 50
	deliveryLease = 30 * time.Second
	sendTimeout   = 20 * time.Second // less than the lease: nobody sends without one
	// grace is how long a call that is under way may go on when we are to end.
	grace = 5 * time.Second
	// bookTime is how long the result of a call may take to be written.
	bookTime = 5 * time.Second
)

// sender sends everything that goes to one account. It is the only one in this
// process that calls it.
type sender struct {
	hub      *Hub
	store    Store
	platform bot.Platform
	inStore  bool   // part of the store: no quota, exactly once
	quota    *Quota // nil when inStore
	claims   atomic.Int64
	wake     chan struct{}
	alarm    alarm
	slots    chan struct{} // one for each call that is under way
}

func newSender(h *Hub, p bot.Platform) *sender {
	s := &sender{hub: h, store: h.store, platform: p, wake: make(chan struct{}, 1), slots: make(chan struct{}, atOnce)}
	if _, s.inStore = p.(bot.Transactional); !s.inStore {
		s.quota = quotaOf(p.Limits())
	}
	return s
}

func (s *sender) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// run sends what is due until ctx ends, and then waits for what is under way.
func (s *sender) run(ctx context.Context) {
	var busy sync.WaitGroup
	defer busy.Wait()
	for ctx.Err() == nil {
		s.alarm.quiet()
		if err := s.sendDue(ctx, &busy); err != nil && ctx.Err() == nil {
			s.hub.cfg.Log.Error("sending", "account", s.platform.Name(), "error", err)
		}
		s.wait(ctx)
	}
}

// wait ends when there may be something to do.
func (s *sender) wait(ctx context.Context) {
	t := time.NewTimer(s.alarm.next(s.hub.cfg.Poll))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-t.C:
	}
}

// elsewhere reports whether only another process can send: what it would send must
// not be claimed by this one.
func (s *sender) elsewhere() bool {
	h, ok := s.platform.(bot.Holder)
	return ok && !h.Holds()
}

// sendDue begins to send what may be sent now.
func (s *sender) sendDue(ctx context.Context, busy *sync.WaitGroup) error {
	for !s.elsewhere() {
		free := cap(s.slots) - len(s.slots)
		if free == 0 {
			return nil // who ends wakes us
		}
		claim := s.claim(free)
		due, err := s.store.ClaimDeliveries(ctx, claim)
		for _, d := range due {
			if s.inStore {
				err = s.deliverInStore(ctx, d, claim)
				if err != nil {
					break
				}
				continue
			}
			s.slots <- struct{}{}
			busy.Go(func() {
				defer s.nudge()
				defer func() { <-s.slots }()
				s.deliver(ctx, d, claim)
			})
		}
		if err != nil || len(due) == 0 {
			return err
		}
	}
	return nil
}

// claim is the next claim's, with a name of its own: whoever takes a delivery over
// shuts out those who had it before, in this process too.
func (s *sender) claim(limit int) Claim {
	if s.inStore {
		limit = storeBatch
	}
	return Claim{Account: s.platform.Name(), Owner: fmt.Sprintf("%s/%d", s.hub.cfg.Owner, s.claims.Add(1)),
		Lease: deliveryLease, Limit: limit, Quota: s.quota}
}

// endAll sends everything that is due, one after the other, and returns.
func (s *sender) endAll(ctx context.Context) error {
	for ctx.Err() == nil {
		claim := s.claim(atOnce)
		due, err := s.store.ClaimDeliveries(ctx, claim)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, d := range due {
			s.deliver(ctx, d, claim)
		}
	}
	return ctx.Err()
}
