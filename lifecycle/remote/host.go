package remote

import (
	"context"
	"errors"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// host is a machine whose connection is made again when it has broken.
type host struct {
	dialer *dialer
	life   context.Context // ends with Close
	end    context.CancelFunc
	dial   chan struct{} // held by the one who dials

	mu     sync.Mutex
	access lifecycle.Access // HostKey is filled in at first contact
	cur    *conn
	closed bool
}

var _ Host = (*host)(nil)

func newHost(d *dialer, a lifecycle.Access) *host {
	life, end := context.WithCancel(context.Background())
	return &host{dialer: d, access: a, life: life, end: end, dial: make(chan struct{}, 1)}
}

// conn gives the live connection, or makes one.
func (h *host) conn(ctx context.Context) (*conn, error) {
	select {
	case h.dial <- struct{}{}:
		defer func() { <-h.dial }()
	case <-ctx.Done():
		return nil, gaveUp(ctx, h.about())
	}
	c, a, closed := h.current()
	if closed {
		return nil, problem(a, lifecycle.Permanent, "closed", nil)
	}
	if c != nil && c.alive() {
		return c, nil
	}
	if c != nil {
		c.close()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.life, cancel)()
	c, err := h.dialer.connect(ctx, a)
	if err != nil {
		h.adopt(nil) //nolint:errcheck // nothing is adopted, and err says why
		return nil, err
	}
	return c, h.adopt(c)
}

func (h *host) current() (*conn, lifecycle.Access, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cur, h.access, h.closed
}

func (h *host) about() lifecycle.Access {
	_, a, _ := h.current()
	return a
}

// adopt makes c the current connection, unless the host was closed meanwhile.
func (h *host) adopt(c *conn) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		if c != nil {
			c.close()
		}
		return problem(h.access, lifecycle.Permanent, "closed", nil)
	}
	h.cur = c
	if c != nil {
		h.access.HostKey = authorizedForm(c.hostKey)
	}
	return nil
}

// HostKey is the key that the machine showed when it was first entered.
func (h *host) HostKey() string { return h.about().HostKey }

// Close ends the connection and every call on it.
func (h *host) Close() error {
	h.mu.Lock()
	c := h.cur
	h.cur, h.closed = nil, true
	h.mu.Unlock()
	h.end()
	if c != nil {
		c.close()
	}
	return nil
}

// Dial opens a connection from the machine; what it gives is a net.Conn.
func (h *host) Dial(ctx context.Context, network, address string) (io.ReadWriteCloser, error) {
	c, err := h.conn(ctx)
	if err != nil {
		return nil, err
	}
	nc, err := c.client.DialContext(ctx, network, address)
	if err != nil {
		if ctx.Err() != nil {
			return nil, gaveUp(ctx, h.about())
		}
		return nil, forwardProblem(h.about(), address, err)
	}
	return nc, nil
}

// exec runs a command on the current connection. A connection that turns out to
// be broken before the command was started is made anew, once.
func (h *host) exec(ctx context.Context, label string, cmd func() command) (int, error) {
	for again := true; ; again = false {
		c, err := h.conn(ctx)
		if err != nil {
			return 0, err
		}
		code, err := c.exec(ctx, cmd())
		var open *ssh.OpenChannelError
		switch {
		case err == nil:
			return code, nil
		case ctx.Err() != nil:
			return 0, gaveUp(ctx, h.about())
		case errors.As(err, &open):
			return 0, problem(h.about(), lifecycle.Retryable, "sessions", err, "label", label)
		case errors.Is(err, errNotStarted) && again:
			closeAll(c.client)
			<-c.dead
		default:
			return 0, problem(h.about(), lifecycle.Retryable, "cut", err, "label", label)
		}
	}
}
