package remote

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote/remotetest"
)

func newTestPool(t *testing.T, opts Opts) *Pool {
	p := NewPool(opts)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// connOf is the connection behind a pooled Host.
func connOf(t *testing.T, h Host) *conn {
	t.Helper()
	c, err := h.(*lease).host.conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPoolSharesAConnection(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	p := newTestPool(t, quick)
	one := enter(t, p, s.Access)
	pinned := s.Access
	pinned.HostKey = one.HostKey()
	two := enter(t, p, pinned)
	if connOf(t, one) != connOf(t, two) {
		t.Error("two connections")
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	if _, err := two.Run(t.Context(), "true", Options{}); err != nil {
		t.Errorf("closing one has closed the other: %v", err)
	}
	_, err := one.Run(t.Context(), "true", Options{})
	wantProblem(t, err, "remote.closed", lifecycle.Permanent)

	_, other := newKeyPEM(t, "")
	pinned.HostKey = authorizedForm(other)
	_, err = p.Dial(t.Context(), pinned)
	wantProblem(t, err, "remote.hostkey.changed", lifecycle.Blocked)

	wrong := s.Access
	wrong.Credential.PrivateKey, _ = newKeyPEM(t, "")
	_, err = p.Dial(t.Context(), wrong)
	wantProblem(t, err, "remote.auth.refused", lifecycle.Blocked)
}

func TestPoolClosesIdleConnections(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	opts := quick
	opts.IdleFor = time.Millisecond
	p := newTestPool(t, opts)
	h := enter(t, p, s.Access)
	c := connOf(t, h)
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-c.dead:
	case <-time.After(10 * time.Second):
		t.Error("an idle connection stays open")
	}
}

func TestPoolIsBounded(t *testing.T) {
	s := remotetest.StartN(t, 3, remotetest.Options{})
	opts := quick
	opts.MaxConns = 2
	p := newTestPool(t, opts)
	one := enter(t, p, s[0].Access)
	enter(t, p, s[1].Access)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Dial(ctx, s[2].Access); !errors.Is(err, context.Canceled) {
		t.Errorf("a third: %v", err)
	}
	waiting := make(chan error, 1)
	go func() {
		h, err := p.Dial(t.Context(), s[2].Access)
		if err == nil {
			err = h.Close()
		}
		waiting <- err
	}()
	c := connOf(t, one)
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; err != nil {
		t.Errorf("the third, when there is room: %v", err)
	}
	<-c.dead
}

func TestPoolTriesAFailedHostAfresh(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	p := newTestPool(t, quick)
	a := s.Access
	_, other := newKeyPEM(t, "")
	a.HostKey = authorizedForm(other)
	_, err := p.Dial(t.Context(), a)
	wantProblem(t, err, "remote.hostkey.changed", lifecycle.Blocked)
	a.HostKey = ""
	enter(t, p, a)
}

func TestPoolRedialsWhatBroke(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	cable := remotetest.Cable(t, s)
	p := newTestPool(t, quick)
	one := enter(t, p, cable.Access)
	cable.Cut()
	cable.Heal()
	if _, err := enter(t, p, cable.Access).Run(t.Context(), "true", Options{}); err != nil {
		t.Error(err)
	}
	if _, err := one.Run(t.Context(), "true", Options{}); err != nil {
		t.Error(err)
	}
}

func TestClosedPool(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	p := newTestPool(t, quick)
	h := enter(t, p, s.Access)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	_, err := h.Run(t.Context(), "true", Options{})
	wantProblem(t, err, "remote.closed", lifecycle.Permanent)
	_, err = p.Dial(t.Context(), s.Access)
	wantProblem(t, err, "remote.closed", lifecycle.Permanent)
}
