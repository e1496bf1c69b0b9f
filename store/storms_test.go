package store

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

// relay stands between the store and its server and can stop passing bytes on,
// as a paused server or a broken network does.
type relay struct {
	listener net.Listener
	upstream string
	wg       sync.WaitGroup

	mu     sync.Mutex
	frozen chan struct{} // closed when bytes pass
	conns  []net.Conn
}

func newRelay(t *testing.T, upstream string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, upstream: upstream, frozen: make(chan struct{})}
	close(r.frozen)
	r.wg.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *relay) accept() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.upstream)
		if err != nil {
			in.Close() //nolint:errcheck // the test fails by itself
			return
		}
		r.mu.Lock()
		r.conns = append(r.conns, in, out)
		r.mu.Unlock()
		r.wg.Go(func() { r.pass(in, out) })
		r.wg.Go(func() { r.pass(out, in) })
	}
}

func (r *relay) pass(to io.WriteCloser, from io.Reader) {
	defer to.Close() //nolint:errcheck // either side may be closed already
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		<-r.gate()
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (r *relay) gate() chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.frozen
}

func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frozen = make(chan struct{})
}

func (r *relay) thaw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.frozen)
}

func (r *relay) close() {
	r.listener.Close() //nolint:errcheck // nothing is kept in it
	r.mu.Lock()
	for _, c := range r.conns {
		c.Close() //nolint:errcheck // nothing is kept in it
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// TestSilentServer: a server that stops answering costs a bounded wait, and the
// store goes on when it is back.
func TestSilentServer(t *testing.T) {
	u, err := url.Parse(pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	r := newRelay(t, u.Host)
	u.Host = r.listener.Addr().String()
	line, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeyRing(line)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Config{DSN: u.String(), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	r.freeze()
	usual := s.longest
	s.longest = 50 * time.Millisecond
	if err := s.SaveProject(t.Context(), &lifecycle.Project{Name: "p"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
	if _, err := s.Projects(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read: %v", err)
	}
	r.thaw()
	s.longest = usual
	if err := s.SaveProject(t.Context(), &lifecycle.Project{Name: "q"}); err != nil {
		t.Errorf("after it is back: %v", err)
	}
}

// TestSetClock: leases and waits do not follow when somebody sets the clock.
func TestSetClock(t *testing.T) {
	wall := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	steady := wall
	s := openInternal(t, func() time.Time { return wall })
	s.steady = func() time.Time { return steady }
	enqueueDue(t, s, wall.Add(time.Minute))
	wall = wall.Add(10 * time.Hour) // somebody sets the clock
	enqueueDue(t, s, wall.Add(time.Minute))
	if n := countDue(t, s); n != 0 {
		t.Fatalf("%d deliveries are due at once", n)
	}
	wall = wall.Add(-20 * time.Hour)
	steady = steady.Add(2 * time.Minute)
	if n := countDue(t, s); n != 2 {
		t.Fatalf("%d deliveries are due after the wait", n)
	}
}
