package slack_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
)

// newSocket is an adapter with short waits, connected twice.
func newSocket(t *testing.T, ping time.Duration) *office {
	t.Helper()
	o := newOffice(t, "socket")
	o.fake.PingEvery(50 * time.Millisecond)
	o.slack.SetTiming(ping, 200*time.Millisecond, 50*time.Millisecond)
	o.started("socket")
	return o
}

// TestNoGapWhileSlackRefreshes: one connection is refreshed after the other while
// messages come in; each is accepted at its first or second delivery, and none
// waits for a connection.
func TestNoGapWhileSlackRefreshes(t *testing.T) {
	o := newSocket(t, 5*time.Second)
	o.fake.AckDeadline = 2 * time.Second
	o.fake.Retries = []time.Duration{0, 0, 0}
	var least atomic.Int32
	least.Store(2)
	var all sync.WaitGroup
	all.Go(func() {
		for i := range 200 {
			if i%20 == 10 {
				o.until(func() bool { return o.fake.Sockets() == 2 })
				o.fake.Refresh()
				least.Store(min(least.Load(), int32(o.fake.Sockets())))
			}
			if err := o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "help"}); err != nil {
				t.Errorf("message %d: %v", i, err)
			}
		}
	})
	all.Wait()
	ids := map[string]bool{}
	for _, in := range o.inbounds() {
		ids[in.ID] = true
	}
	if len(ids) != 200 || least.Load() != 1 {
		t.Errorf("%d messages of 200; at least %d connections", len(ids), least.Load())
	}
}

func TestCutConnectionsComeBack(t *testing.T) {
	o := newSocket(t, 5*time.Second)
	for range 3 {
		o.fake.Cut()
		must(t, o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "help"}))
		o.until(func() bool { return o.fake.Sockets() == 2 })
	}
}

// TestHalfOpenConnectionsAreNoticed by the pings that do not come.
func TestHalfOpenConnectionsAreNoticed(t *testing.T) {
	o := newSocket(t, 500*time.Millisecond)
	o.fake.HalfOpen()
	o.fake.AckDeadline = 10 * time.Second
	must(t, o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "help"}))
	o.until(func() bool { return o.fake.Sockets() == 2 })
}

func TestMalformedFramesDoNotEndTheConnection(t *testing.T) {
	o := newSocket(t, 5*time.Second)
	for _, frame := range []string{"", "{", "[]", "null", `{"type":"events_api"}`, `{"type":"new_kind","envelope_id":"e1","payload":{}}`,
		`{"type":"events_api","envelope_id":"e2","payload":"text"}`, `{"type":"events_api","envelope_id":"e3","payload":{"type":"event_callback","event":7}}`,
		`{"type":"interactive","envelope_id":"e4","payload":{"type":"block_actions","actions":{}}}`, `{"type":"slash_commands","envelope_id":"e5","payload":[]}`} {
		o.fake.Frame(frame)
	}
	must(t, o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "help"}))
	if in := o.last(); in.Text != "help" {
		t.Errorf("%+v", in)
	}
}

// TestLostAcknowledgements are made up for by redeliveries with the same id.
func TestLostAcknowledgements(t *testing.T) {
	o := newSocket(t, 5*time.Second)
	o.fake.AckDeadline = time.Second
	o.fake.Retries = []time.Duration{0, 0}
	o.fake.DropAcks(2)
	must(t, o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "help"}))
	got := o.inbounds()
	if len(got) != 3 || got[0].ID != got[1].ID || got[1].ID != got[2].ID {
		t.Errorf("%+v", got)
	}
}

// TestARefusedTokenIsTriedAgain: an administrator may mend it.
func TestARefusedTokenIsTriedAgain(t *testing.T) {
	o := newOffice(t, "socket")
	o.slack.SetTiming(time.Second, 50*time.Millisecond, 10*time.Millisecond)
	o.fake.Only("apps.connections.open")
	o.fake.Fail(3, "invalid_auth")
	o.run()
	o.until(func() bool { return o.fake.Sockets() == 2 })
	if n := o.fake.Calls("apps.connections.open"); n < 5 {
		t.Errorf("%d calls", n)
	}
	if !strings.Contains(o.log.String(), "invalid_auth") {
		t.Errorf("nothing is logged: %s", o.log)
	}
}

// TestAnUnreachableSlackIsNotWaitedForForLong although slack-go would.
func TestAnUnreachableSlackIsNotWaitedForForLong(t *testing.T) {
	o := newOffice(t, "socket")
	o.slack.SetTiming(time.Second, 150*time.Millisecond, 10*time.Millisecond)
	o.fake.Only("apps.connections.open")
	o.fake.Status(8, 503)
	o.run()
	o.until(func() bool { return o.fake.Sockets() == 2 })
}

// TestConnectionsAreNotRefreshedTogether: the second one is renewed once at half of
// the life that Slack gives it.
func TestConnectionsAreNotRefreshedTogether(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.ConnectionTime(1)
	o.started("socket")
	o.until(func() bool { return o.fake.Calls("apps.connections.open") == 3 && o.fake.Sockets() == 2 })
	must(t, o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "help"}))
}

// TestTwoWorkspaces at once do not hear each other.
func TestTwoWorkspaces(t *testing.T) {
	a, b := newSocket(t, 5*time.Second), newSocket(t, 5*time.Second)
	must(t, a.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "to a"}))
	must(t, b.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "to b"}))
	if len(a.inbounds()) != 1 || len(b.inbounds()) != 1 || a.last().Text != "to a" || b.last().Text != "to b" {
		t.Errorf("%+v %+v", a.inbounds(), b.inbounds())
	}
}

// TestAnOrderlyEndIsNoWarning: whoever looks for trouble in the log finds none of
// our own making, not even when the end comes while a connection is being made.
func TestAnOrderlyEndIsNoWarning(t *testing.T) {
	o := newOffice(t, "socket")
	for n := range 20 {
		stop := o.run()
		o.until(func() bool { return o.fake.Sockets() >= n%3 })
		stop()
		o.until(func() bool { return o.fake.Sockets() == 0 })
	}
	if strings.Contains(o.log.String(), "level=WARN") {
		t.Error(o.log.String())
	}
}
