package remote

import (
	"io"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// conn is one SSH connection with its keepalive. It owns every goroutine that
// works on it.
type conn struct {
	client  *ssh.Client
	hostKey ssh.PublicKey
	bastion io.Closer // nil without one
	opts    Opts
	slots   chan struct{} // sessions at a time
	dead    chan struct{} // closed when the transport has ended
	cleanup sync.Once

	mu     sync.Mutex // orders work.Add before work.Wait
	closed bool
	work   sync.WaitGroup
}

func newConn(client *ssh.Client, key ssh.PublicKey, bastion io.Closer, opts Opts) *conn {
	c := &conn{client: client, hostKey: key, bastion: bastion, opts: opts,
		slots: make(chan struct{}, opts.MaxSessions), dead: make(chan struct{})}
	c.start(func() {
		_ = client.Wait() // the reason shows in the calls that it broke
		close(c.dead)
	})
	c.start(c.keepAlive)
	return c
}

// start runs f as work of this connection, unless that is closed.
func (c *conn) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.work.Go(f)
	return true
}

// close ends the connection and waits for everything that works on it.
func (c *conn) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	closeAll(c.client)
	c.work.Wait()
	c.cleanup.Do(func() { closeAll(c.bastion) })
}

func (c *conn) alive() bool {
	select {
	case <-c.dead:
		return false
	default:
		return true
	}
}

// keepAlive asks the peer for a sign of life and closes the transport when none
// comes, which fails every call that waits on it.
func (c *conn) keepAlive() {
	tick := time.NewTicker(c.opts.KeepAlive)
	defer tick.Stop()
	for {
		select {
		case <-c.dead:
			return
		case <-tick.C:
		}
		late := time.AfterFunc(c.opts.KeepAliveTimeout, func() { closeAll(c.client) })
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		late.Stop()
		if err != nil {
			closeAll(c.client)
			return
		}
	}
}
