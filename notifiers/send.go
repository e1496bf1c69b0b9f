package notifiers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

const (
	// maxAttempts is after how many failures a delivery is dead; with the backoff
	// below that is about half an hour.
	maxAttempts = 12
	// maxRefused is the same for a platform that says when to come again, which is
	// hours to days.
	maxRefused = 500
	// inTurn is how often a delivery that was refused keeps its turn. One that is
	// refused for its own sake must not hold up the room.
	inTurn = 3
)

// attempt is one attempt at a delivery, and what is to be written with its end.
type attempt struct {
	Delivery
	card   *Card      // to be saved
	also   []Delivery // to be sent instead of it
	called bool       // the platform
	again  bool       // put back at once: this was no failure of the delivery
}

// deliver sends one delivery and records how that went.
func (s *sender) deliver(ctx context.Context, d Delivery, claim Claim) {
	a := &attempt{Delivery: d}
	calling, cancel := s.callTime(ctx)
	sendErr := s.try(calling, a)
	cancel()
	booking, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookTime)
	defer cancel()
	err := s.finish(booking, a, s.judge(a, sendErr, claim))
	s.tell(a, err)
	switch {
	case errors.Is(err, lifecycle.ErrFenced):
		s.hub.cfg.Log.Warn("a delivery took longer than its lease; it may be sent twice", "delivery", d.ID, "to", d.To.Account)
	case err != nil:
		s.hub.cfg.Log.Error("the end of a delivery was not written; it will be sent again", "delivery", d.ID, "to", d.To.Account, "error", err)
	}
}

// callTime bounds a call. When ctx ends, a call that is under way gets a moment to
// come to its end: one that is cut off is sent again, and may stand there twice.
func (s *sender) callTime(ctx context.Context) (context.Context, context.CancelFunc) {
	calling, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(grace)
		defer t.Stop()
		select {
		case <-calling.Done():
		case <-t.C:
			cancel()
		}
	})
	return calling, func() { stop(); cancel() }
}

// deliverInStore sends to a platform that is part of the store. Both are one
// transaction: it happens exactly once.
func (s *sender) deliverInStore(ctx context.Context, d Delivery, claim Claim) error {
	var a *attempt
	var sendErr error
	err := s.store.WithTx(ctx, func(ctx context.Context) error {
		a = &attempt{Delivery: d}
		if sendErr = s.try(ctx, a); sendErr != nil {
			return sendErr // nothing of a failed send may stay
		}
		return s.finish(ctx, a, s.judge(a, nil, claim))
	})
	if sendErr != nil && ctx.Err() == nil {
		a = &attempt{Delivery: d}
		err = s.finish(ctx, a, s.judge(a, sendErr, claim))
	}
	s.tell(a, err)
	if err != nil {
		return fmt.Errorf("delivery %s: %w", d.ID, err)
	}
	return nil
}

// tell tells the observer of an attempt, finished with err. What is part of the
// store is never in doubt, nor is a platform that was not called.
func (s *sender) tell(a *attempt, err error) {
	switch account := s.platform.Name(); {
	case err == nil:
		s.hub.cfg.Observe.DeliveryAttempted(account, a.Status)
	case a.called && !s.inStore:
		s.hub.cfg.Observe.DeliveryInDoubt(account)
	}
}

// try makes one attempt. Without an error the delivery has ended, unless it is to
// be made again.
func (s *sender) try(ctx context.Context, a *attempt) error {
	a.Status = Delivered
	switch {
	case a.Lane == LaneCard:
		return s.showCard(ctx, a)
	case a.Card != "":
		return s.firstCard(ctx, a)
	case a.Message != nil:
		return s.say(ctx, a, *a.Message)
	case a.Event == nil:
		return &bot.SendError{Permanent: true, Err: errors.New("there is nothing in it to send")}
	}
	m, err := s.hub.cfg.Render.Event(ctx, *a.Event, a.Lang)
	if err != nil {
		return fmt.Errorf("rendering: %w", err)
	}
	return s.say(ctx, a, m)
}

// say posts what is not a card, in private if it is for one person alone.
func (s *sender) say(ctx context.Context, a *attempt, m bot.Message) error {
	if dms, ok := s.platform.(bot.DMOpener); ok && m.Private {
		return s.sayPrivately(ctx, dms, a, m)
	}
	_, err := s.post(ctx, a, m)
	return err
}

func (s *sender) post(ctx context.Context, a *attempt, m bot.Message) (bot.MessageRef, error) {
	a.called = true
	ref, err := s.platform.Send(ctx, a.To, m)
	a.Receipt = ref.ID
	return ref, err //nolint:wrapcheck // a SendError says itself what it is about
}

// judge decides what becomes of a delivery after an attempt.
func (s *sender) judge(a *attempt, sendErr error, claim Claim) Attempt {
	out := Attempt{Owner: claim.Owner, Quota: claim.Quota, Called: a.called}
	switch {
	case a.again:
		a.Status, a.NextAt = Pending, time.Time{}
		return out
	case sendErr == nil:
		a.Attempts++
		if a.Status == Delivered {
			a.Error = ""
		}
		return out
	}
	a.Attempts++
	a.Status, a.Error = Pending, sendErr.Error()
	var se *bot.SendError
	if !errors.As(sendErr, &se) {
		se = &bot.SendError{}
	}
	most := maxAttempts
	if se.RetryAfter > 0 {
		most = maxRefused
	}
	if se.Permanent || a.Attempts >= most {
		a.Status = Dead
		s.hub.cfg.Log.Error("a message could not be delivered", "delivery", a.ID, "to", a.To.Account, "attempts", a.Attempts, "error", sendErr)
		return out
	}
	wait := backoff(a.Attempts)
	if se.RetryAfter > 0 {
		out.Closed, out.Account = max(se.RetryAfter, time.Second), se.Account
		wait = out.Closed
		if a.Attempts > inTurn {
			wait += backoff(a.Attempts - inTurn)
		}
	}
	a.NextAt = s.hub.cfg.Now().Add(wait)
	s.alarm.in(wait + time.Millisecond)
	return out
}

// finish writes how an attempt ended, all or nothing.
func (s *sender) finish(ctx context.Context, a *attempt, how Attempt) error {
	err := s.store.WithTx(ctx, func(ctx context.Context) error {
		if err := s.store.FinishDelivery(ctx, a.Delivery, how); err != nil {
			return err // first of all: it may be somebody else's by now
		}
		if a.card != nil {
			if err := s.store.SaveCard(ctx, *a.card); err != nil {
				return err
			}
		}
		return s.store.Enqueue(ctx, a.also...)
	})
	if s.quota != nil { // it counts from now
		s.alarm.in(s.quota.Room.Every + time.Millisecond)
		s.alarm.in(s.quota.Edits.Every + time.Millisecond)
		if a.Card != "" {
			s.alarm.in(s.quota.EditEvery + time.Millisecond)
		}
	}
	return err //nolint:wrapcheck // the store says itself what it is about
}

// backoff doubles from one second to five minutes, a fifth of it by chance, so
// that many deliveries do not come back at the same moment.
func backoff(attempts int) time.Duration {
	d := min(time.Second<<min(attempts-1, 10), 5*time.Minute)
	return d*4/5 + rand.N(d/5+1) //nolint:gosec // spreads load, keeps no secret
}
