package remote

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// errNotStarted: the connection failed before the command reached the machine,
// so trying again cannot run anything twice.
var errNotStarted = errors.New("command was not started")

// errCut: the connection ended while a command ran.
var errCut = errors.New("connection was cut")

// cancelGrace is how long a cancelled session may take to end in good order
// before it is left to its connection's end.
const cancelGrace = 2 * time.Second

// openPatience is the longest pause between two attempts to open a session.
const openPatience = 3 * time.Second

// killTime is how long the session that ends another one may take.
const killTime = 10 * time.Second

// command is one exec request and its streams.
type command struct {
	request        string
	stdin          io.Reader
	stdout, stderr io.Writer
	// kill gives another request that ends this one, and its input; nil or an
	// empty request where closing the input does.
	kill func() (request, stdin string)
}

type outcome struct {
	code int
	err  error
}

// exec runs cmd as one session and gives its exit code. When ctx ends first the
// session is told to end and, if the peer does not answer, left behind: it is
// still this connection's work, and its writers must bear being written to.
func (c *conn) exec(ctx context.Context, cmd command) (int, error) {
	select {
	case c.slots <- struct{}{}:
	case <-c.dead:
		return 0, errNotStarted
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	ended := make(chan outcome, 1)
	started := c.start(func() {
		code, err := c.session(ctx, cmd)
		<-c.slots
		ended <- outcome{code, err}
	})
	if !started {
		<-c.slots
		return 0, errNotStarted
	}
	select {
	case o := <-ended:
		return o.code, o.err
	case <-ctx.Done():
	}
	grace := time.NewTimer(cancelGrace)
	defer grace.Stop()
	select {
	case o := <-ended:
		return o.code, o.err
	case <-grace.C:
		return 0, ctx.Err()
	}
}

// open makes a session. A server counts one that has ended against its limit for
// a moment longer than we do, and so may refuse a few times.
func (c *conn) open(ctx context.Context) (*ssh.Session, error) {
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		s, err := c.client.NewSession()
		var refused *ssh.OpenChannelError
		switch {
		case err == nil:
			return s, nil
		case !errors.As(err, &refused) || wait > openPatience:
			return nil, errors.Join(errNotStarted, err)
		}
		again := time.NewTimer(wait)
		select {
		case <-again.C:
		case <-c.dead:
		case <-ctx.Done():
			again.Stop()
			return nil, ctx.Err()
		}
		again.Stop()
	}
}

// session opens, runs and closes one session.
func (c *conn) session(ctx context.Context, cmd command) (int, error) {
	s, err := c.open(ctx)
	if err != nil {
		return 0, err
	}
	defer closeAll(s)
	s.Stdout, s.Stderr = cmd.stdout, cmd.stderr
	stdin, err := s.StdinPipe()
	if err != nil {
		return 0, errors.Join(errNotStarted, err)
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err := s.Start(cmd.request); err != nil {
		return 0, errors.Join(errCut, err)
	}
	ended := make(chan struct{})
	var helpers sync.WaitGroup
	helpers.Go(func() {
		// A command that ends without reading everything is judged by its exit code.
		_, _ = io.Copy(stdin, cmd.stdin)
		closeAll(stdin)
	})
	helpers.Go(func() {
		select {
		case <-ctx.Done():
			c.kill(cmd)
			closeAll(s)
		case <-ended:
		}
	})
	err = s.Wait()
	close(ended)
	closeAll(s)
	helpers.Wait()
	code, err := exitCode(ctx, err)
	if err == nil {
		err = c.stillThere(ctx)
	}
	return code, err
}

// stillThere makes sure of a session's end. The exit code may overtake output, and
// when the transport breaks in between, the library gives the code and what has
// come of the output as if that were all. An answer that comes later than the end
// of the session proves that the session was not ended by a broken transport.
func (c *conn) stillThere(ctx context.Context) error {
	if _, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil); err != nil && ctx.Err() == nil {
		return errors.Join(errCut, err)
	}
	return ctx.Err()
}

// kill ends cmd as well as it can; the peer may be gone.
func (c *conn) kill(cmd command) {
	if cmd.kill == nil {
		return
	}
	request, stdin := cmd.kill()
	if request == "" {
		return
	}
	s, err := c.client.NewSession()
	if err != nil {
		return
	}
	late := time.AfterFunc(killTime, func() { closeAll(s) })
	defer late.Stop()
	defer closeAll(s)
	s.Stdin = strings.NewReader(stdin)
	_ = s.Run(request)
}

// exitCode reads what Session.Wait gave.
func exitCode(ctx context.Context, err error) (int, error) {
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return 0, nil
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case errors.As(err, &exit):
		return exit.ExitStatus(), nil
	default:
		return 0, errors.Join(errCut, err)
	}
}
