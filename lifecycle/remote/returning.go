package remote

import (
	"context"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

const (
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

// returning paces the way back to a host that stopped answering.
type returning struct {
	host  *host
	label string
	since time.Time // of the first failure in a row
	next  time.Duration
}

// reached notes that something came across since the last failure.
func (r *returning) reached() { r.since, r.next = time.Time{}, 0 }

// pause waits before the next try after err. It gives an error when there is to
// be none: err forbids it, ctx has ended, or the host has been gone for too long.
func (r *returning) pause(ctx context.Context, err error) error {
	if ctx.Err() != nil || lifecycle.ClassOf(err) != lifecycle.Retryable || lost(err) {
		return err
	}
	if r.since.IsZero() {
		r.since, r.next = time.Now(), firstPause
	}
	if time.Since(r.since) > r.host.dialer.opts.ReattachFor {
		return unsettled(problem(r.host.about(), lifecycle.Retryable, "detached", err, "label", r.label))
	}
	wait := time.NewTimer(r.next)
	defer wait.Stop()
	r.next = min(2*r.next, maxPause)
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return gaveUp(ctx, r.host.about())
	}
}

// isCut reports whether err is a connection that broke while it was used, as
// against one that did not come about.
func isCut(err error) bool { return lifecycle.AsError(err).Text.Key == "remote.cut" }

// lost reports whether err says that a unit is gone, which no return mends.
func lost(err error) bool { return lifecycle.AsError(err).Text.Key == "remote.unit.lost" }
