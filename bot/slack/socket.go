package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	slackapi "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

const (
	// linkCount is how many connections are kept: Slack refreshes each every few
	// hours, and slack-go closes the old one before it opens the new one.
	linkCount = 2
	// lanes is how many messages of a connection are accepted at the same time;
	// those of one person are accepted in order.
	lanes    = 8
	laneSize = 16
	maxFrame = 4 << 20
)

// timing has the waits that tests shorten.
type timing struct {
	ping    time.Duration // a connection without a ping of Slack's for this long is dead
	backoff time.Duration // longest wait before another attempt
	refused time.Duration // wait when Slack refuses the token
}

func usualTiming() timing {
	return timing{ping: 30 * time.Second, backoff: 30 * time.Second, refused: time.Minute}
}

// connections counts those that are up.
type connections struct {
	up      atomic.Int32
	refused atomic.Pointer[string]
}

// runSocket keeps the connections until ctx ends. The second one starts when the
// first is up, so that Slack does not refresh them at the same moment.
func (s *Slack) runSocket(ctx context.Context) {
	var all sync.WaitGroup
	first := make(chan struct{})
	for n := range linkCount {
		all.Go(func() {
			if n > 0 {
				select {
				case <-first:
				case <-ctx.Done():
					return
				}
			}
			up := sync.OnceFunc(func() {
				if n == 0 {
					close(first)
				}
			})
			s.keepLink(ctx, n, up)
		})
	}
	all.Wait()
}

// keepLink runs one connection after another. slack-go reconnects by itself but
// waits up to five minutes between attempts and gives up on a refused token.
func (s *Slack) keepLink(ctx context.Context, n int, up func()) {
	stagger := n > 0
	for ctx.Err() == nil {
		l := &link{s: s, n: n, up: up, stagger: stagger}
		err := l.run(ctx)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errHalfTime) {
			stagger = false
			continue
		}
		wait := s.timing.backoff
		if err != nil {
			text := s.api.redact(err.Error())
			s.links.refused.Store(&text)
			s.log.Error("Slack refuses the connection", "link", n, "error", text)
			wait = s.timing.refused
		}
		pause(ctx, wait)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// link is one Socket Mode client at work.
type link struct {
	s         *Slack
	n         int
	up        func()
	smc       *socketmode.Client
	connected bool
	lanes     [lanes]chan envelope
	// stagger ends the connection at half its life, once, so that Slack's refreshes
	// of the two fall apart.
	stagger bool
	half    <-chan time.Time
}

// errHalfTime ends a connection that is to be opened anew at once.
var errHalfTime = errors.New("slack: half the connection's life is over")

// envelope is one delivery on its way to the inbox.
type envelope struct {
	id string
	in incoming
}

// run lets slack-go connect and reconnect until ctx ends, the token is refused,
// or the wait for another attempt has become too long.
func (l *link) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.smc = socketmode.New(l.s.api.Client, socketmode.OptionPingInterval(l.s.timing.ping), socketmode.OptionReadLimit(maxFrame),
		socketmode.OptionDialer(&websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: 15 * time.Second, WriteBufferSize: 32 << 10}))
	var all sync.WaitGroup
	for i := range l.lanes {
		l.lanes[i] = make(chan envelope, laneSize)
		all.Go(func() { l.work(ctx, l.lanes[i]) })
	}
	ended := make(chan error, 1)
	all.Go(func() { ended <- l.smc.RunContext(ctx) })
	err := l.follow(ctx, ended)
	cancel()
	all.Wait()
	l.mark(false)
	return err
}

// follow drains slack-go's events; it stops reading from the connection when
// nobody does.
func (l *link) follow(ctx context.Context, ended <-chan error) error {
	for {
		select {
		case e := <-l.smc.Events:
			if tooLong := l.event(ctx, e); tooLong {
				return nil
			}
		case err := <-ended:
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("socket mode: %w", err)
			}
			return nil
		case <-l.half:
			return errHalfTime
		}
	}
}

func (l *link) event(ctx context.Context, e socketmode.Event) (tooLong bool) {
	switch e.Type {
	case socketmode.EventTypeHello:
		l.mark(true)
		l.up()
		l.plan(e.Request)
	case socketmode.EventTypeConnecting:
		l.mark(false)
	case socketmode.EventTypeConnectionError:
		return l.failed(ctx, e)
	case socketmode.EventTypeEventsAPI, socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive:
		if e.Request != nil {
			l.request(ctx, *e.Request)
		}
	case socketmode.EventTypeErrorBadMessage:
		// What the library cannot parse, such as an event that is new to it.
		if bad, ok := e.Data.(*socketmode.ErrorBadMessage); ok {
			l.unknown(ctx, bad.Message)
		}
	}
	return false
}

// plan sets when the connection is ended early; Slack tells how long it would live.
func (l *link) plan(hello *socketmode.Request) {
	if !l.stagger || hello == nil || hello.DebugInfo.ApproximateConnectionTime <= 0 {
		return
	}
	l.stagger = false
	l.half = time.After(time.Duration(hello.DebugInfo.ApproximateConnectionTime) * time.Second / 2)
}

func (l *link) failed(ctx context.Context, e socketmode.Event) (tooLong bool) {
	failed, ok := e.Data.(*slackapi.ConnectionErrorEvent)
	if !ok || ctx.Err() != nil { // we hang up ourselves: nothing has failed
		return false
	}
	text := l.s.api.redact(failed.Error())
	l.s.links.refused.Store(&text)
	l.s.log.Warn("no connection to Slack", "link", l.n, "error", text)
	return failed.Backoff > l.s.timing.backoff
}

// mark counts the connection in or out.
func (l *link) mark(connected bool) {
	if connected == l.connected {
		return
	}
	l.connected = connected
	if connected {
		l.s.links.up.Add(1)
		l.s.links.refused.Store(nil)
		l.s.log.Info("connected to Slack", "link", l.n)
		return
	}
	l.s.links.up.Add(-1)
}

func (l *link) unknown(ctx context.Context, raw json.RawMessage) {
	var r socketmode.Request
	if err := json.Unmarshal(raw, &r); err != nil {
		l.s.log.Warn("a frame cannot be read", "link", l.n, "bytes", len(raw))
		return
	}
	l.request(ctx, r)
}

// request hands a delivery to its person's lane. A full lane stops the reading:
// Slack then uses the other connection, or delivers again.
func (l *link) request(ctx context.Context, r socketmode.Request) {
	if r.EnvelopeID == "" {
		return
	}
	i, err := read(r.Type, r.Payload)
	if err != nil {
		l.s.log.Warn("a payload cannot be read", "kind", r.Type, "error", err)
	}
	select {
	case l.lanes[laneOf(i.user)] <- envelope{r.EnvelopeID, i}:
	case <-ctx.Done():
	}
}

func laneOf(user string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(user)) // a hash takes everything
	return int(h.Sum32() % lanes)
}

// work accepts and acknowledges what comes into a lane. What was begun is
// finished when ctx ends; what waits is not acknowledged and will come again.
func (l *link) work(ctx context.Context, lane <-chan envelope) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-lane:
			l.acknowledge(ctx, e)
		}
	}
}

func (l *link) acknowledge(ctx context.Context, e envelope) {
	reply, err := l.s.take(context.WithoutCancel(ctx), e.in)
	if err != nil {
		return
	}
	// Lost with its connection, an acknowledgement is made up for by the
	// redelivery, which the inbox knows.
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	if err := l.smc.AckCtx(ctx, e.id, reply); err != nil && ctx.Err() == nil {
		l.s.log.Warn("an acknowledgement could not be sent", "error", l.s.api.redact(err.Error()))
	}
}
