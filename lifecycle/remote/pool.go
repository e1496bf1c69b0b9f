package remote

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Pool is a Dialer that keeps one connection per machine and credential for all
// who enter it, until it has been idle for Opts.IdleFor. Closing a Host that it
// gave only says that this user is done.
type Pool struct {
	dialer *dialer

	mu      sync.Mutex
	entries map[string]*entry
	freed   chan struct{} // closed and renewed when an entry falls idle or goes
	closed  bool
	ending  sync.WaitGroup // closings under way
}

var _ Dialer = (*Pool)(nil)

// entry is one machine's connection. Its users and idle timer are the Pool's, under
// its lock.
type entry struct {
	host  *host
	users int
	idle  *time.Timer // runs while there are no users
}

// NewPool makes an empty Pool.
func NewPool(opts Opts) *Pool {
	p := &Pool{dialer: newDialer(opts), entries: map[string]*entry{}, freed: make(chan struct{})}
	p.dialer.via = func(ctx context.Context, a lifecycle.Access) (Host, error) {
		return p.enter(ctx, a, false)
	}
	return p
}

// Dial gives the machine's Host, connecting if nobody has.
func (p *Pool) Dial(ctx context.Context, a lifecycle.Access) (Host, error) {
	return p.enter(ctx, a, true)
}

// enter does not bound bastions: hosts that hold all the places would wait for
// the bastion, which waits for a place.
func (p *Pool) enter(ctx context.Context, a lifecycle.Access, bounded bool) (Host, error) {
	key := poolKey(a)
	e, err := p.join(ctx, key, a, bounded)
	if err != nil {
		return nil, err
	}
	if _, err := e.host.conn(ctx); err != nil {
		p.leave(key, e, true)
		return nil, err
	}
	if err := samePin(a, e.host); err != nil {
		p.leave(key, e, false)
		return nil, err
	}
	return &lease{host: e.host, done: func() { p.leave(key, e, false) }}, nil
}

// samePin refuses a connection that was made before a was pinned to another key.
func samePin(a lifecycle.Access, h *host) error {
	check, err := newHostKeyCheck(a)
	if err != nil {
		return err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(h.HostKey()))
	if err != nil {
		return problem(a, lifecycle.Blocked, "hostkey.invalid", err)
	}
	return check.check("", nil, key)
}

// poolKey is one value per machine, user and secret, without holding the secret.
// The host key is not part of it: at first contact it is not known yet.
func poolKey(a lifecycle.Access) string {
	sum := sha256.New()
	for at := &a; at != nil; at = at.Bastion {
		c := at.Credential
		fmt.Fprintf(sum, "%q %q %q %q %q %q\n", at.Name, hostPort(*at), c.User, c.Password, c.PrivateKey, c.Passphrase)
	}
	return string(sum.Sum(nil))
}

// join makes the caller a user of key's entry, making room for a new one first.
func (p *Pool) join(ctx context.Context, key string, a lifecycle.Access, bounded bool) (*entry, error) {
	for {
		e, wait, err := p.tryJoin(key, a, bounded)
		if e != nil || err != nil {
			return e, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, gaveUp(ctx, a)
		}
	}
}

func (p *Pool) tryJoin(key string, a lifecycle.Access, bounded bool) (*entry, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, problem(a, lifecycle.Permanent, "closed", nil)
	}
	e := p.entries[key]
	if e == nil {
		if bounded && len(p.entries) >= p.dialer.opts.MaxConns && !p.evict() {
			return nil, p.freed, nil
		}
		e = &entry{host: newHost(p.dialer, a)}
		p.entries[key] = e
	}
	e.users++
	if e.idle != nil {
		e.idle.Stop()
		e.idle = nil
	}
	return e, nil, nil
}

// evict gives up an idle entry, if there is one.
func (p *Pool) evict() bool {
	for key, e := range p.entries {
		if e.users == 0 {
			p.drop(key, e)
			return true
		}
	}
	return false
}

// leave ends one use of e. A failed entry nobody else uses goes at once, so that
// the next Dial starts afresh (with a newly pinned key, say).
func (p *Pool) leave(key string, e *entry, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.users--
	if e.users > 0 || p.entries[key] != e {
		return
	}
	if failed {
		p.drop(key, e)
	} else {
		e.idle = time.AfterFunc(p.dialer.opts.IdleFor, func() { p.expire(key, e) })
	}
	close(p.freed)
	p.freed = make(chan struct{})
}

func (p *Pool) expire(key string, e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.users == 0 && p.entries[key] == e {
		p.drop(key, e)
	}
}

// drop closes e in the background, since that waits for its goroutines and, with
// a bastion, comes back to this Pool.
func (p *Pool) drop(key string, e *entry) {
	delete(p.entries, key)
	if e.idle != nil {
		e.idle.Stop()
	}
	p.ending.Go(func() { closeAll(e.host) })
}

// Close closes every connection and waits until all are gone.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	for key, e := range p.entries {
		p.drop(key, e)
	}
	p.mu.Unlock()
	p.ending.Wait()
	return nil
}
