package remote

import (
	"context"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// New makes a Dialer that opens a connection of its own for each Dial.
func New(opts Opts) Dialer { return newDialer(opts) }

// maxJumps bounds a chain of bastions, which may have been made a ring.
const maxJumps = 4

type dialer struct {
	opts Opts
	// via enters a bastion; a Pool puts its own Dial here so that the hosts
	// behind one bastion share its connection.
	via func(context.Context, lifecycle.Access) (Host, error)
}

func newDialer(opts Opts) *dialer {
	d := &dialer{opts: opts.withDefaults()}
	d.via = d.Dial
	return d
}

// Dial connects to a at once, so that what is wrong is known now.
func (d *dialer) Dial(ctx context.Context, a lifecycle.Access) (Host, error) {
	h := newHost(d, a)
	if _, err := h.conn(ctx); err != nil {
		return nil, err
	}
	return h, nil
}

// connect makes one authenticated connection to a.
func (d *dialer) connect(ctx context.Context, a lifecycle.Access) (*conn, error) {
	check, err := newHostKeyCheck(a)
	if err != nil {
		return nil, err
	}
	auth, err := authMethods(a)
	if err != nil {
		return nil, err
	}
	raw, bastion, err := d.reach(ctx, a)
	if err != nil {
		return nil, err
	}
	config := &ssh.ClientConfig{User: a.Credential.User, Auth: auth, ClientVersion: "SSH-2.0-Coxswain",
		HostKeyCallback: check.check, HostKeyAlgorithms: check.algorithms()}
	client, err := d.handshake(ctx, raw, a, config)
	if err != nil {
		closeAll(raw, bastion)
		return nil, err
	}
	return newConn(client, check.seen, bastion, d.opts), nil
}

// reach opens the stream on which SSH is spoken with a: TCP, or a channel of the
// bastion, which must then be closed after the stream.
func (d *dialer) reach(ctx context.Context, a lifecycle.Access) (net.Conn, io.Closer, error) {
	dctx, cancel := context.WithTimeout(ctx, d.opts.DialTimeout)
	defer cancel()
	if a.Bastion == nil {
		raw, err := (&net.Dialer{}).DialContext(dctx, "tcp", hostPort(a))
		switch {
		case err == nil:
			return raw, nil, nil
		case ctx.Err() != nil:
			return nil, nil, gaveUp(ctx, a)
		default:
			return nil, nil, dialProblem(a, err)
		}
	}
	if jumps(a) > maxJumps {
		return nil, nil, problem(a, lifecycle.Blocked, "bastion.ring", nil)
	}
	bastion, err := d.via(ctx, *a.Bastion)
	if err != nil {
		return nil, nil, err
	}
	raw, err := bastion.Dial(dctx, "tcp", hostPort(a))
	if err != nil {
		closeAll(bastion)
		return nil, nil, err
	}
	return raw.(net.Conn), bastion, nil
}

func jumps(a lifecycle.Access) int {
	n := 0
	for b := a.Bastion; b != nil && n <= maxJumps; b = b.Bastion {
		n++
	}
	return n
}

// handshake speaks SSH on raw. A channel of a bastion knows no deadlines, so
// closing it is what ends a handshake that takes too long.
func (d *dialer) handshake(ctx context.Context, raw net.Conn, a lifecycle.Access, config *ssh.ClientConfig) (*ssh.Client, error) {
	hctx, cancel := context.WithTimeout(ctx, d.opts.HandshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(hctx, func() { closeAll(raw) })
	sc, channels, requests, err := ssh.NewClientConn(raw, hostPort(a), config)
	timely := stop()
	switch {
	case err == nil && timely:
		return ssh.NewClient(sc, channels, requests), nil
	case err == nil:
		closeAll(sc)
	}
	switch {
	case ctx.Err() != nil:
		return nil, gaveUp(ctx, a)
	case !timely:
		return nil, problem(a, lifecycle.Retryable, "handshake.timeout", err, "seconds", int(d.opts.HandshakeTimeout/time.Second))
	default:
		return nil, handshakeProblem(a, err)
	}
}

// closeAll closes what was only read from or is broken already: there is nothing
// left that a failing close could lose.
func closeAll(closers ...io.Closer) {
	for _, c := range closers {
		if c != nil {
			_ = c.Close()
		}
	}
}
