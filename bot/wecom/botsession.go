package wecom

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Bounds of a session.
const (
	lanes     = 4 // people's messages are accepted side by side, each one's in order
	laneDepth = 64
	tendEvery = 5 * time.Second
)

// errSuperseded says that somebody else has connected as this bot.
var errSuperseded = errors.New("wecom: another connection of this bot was made")

// errLease says that another process holds the lease now.
var errLease = errors.New("wecom: another process holds the bot's connection")

func (b *AIBot) lease() string { return b.name + "/connection" }

// keepConnected holds the lease and the connection, whenever nobody else does.
func (b *AIBot) keepConnected(ctx context.Context, handle accept) error {
	defer b.release(ctx)
	failures, takeovers := 0, 0
	for ctx.Err() == nil {
		if !b.hold(ctx) {
			pause(ctx, b.cfg.Lease/3)
			continue
		}
		began := b.now()
		up, err := b.session(ctx, handle)
		if up {
			failures = 0
		}
		if b.now().Sub(began) > b.cfg.Lease {
			takeovers = 0
		}
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errLease):
			b.log.Info("another process has the bot's connection now")
		case errors.Is(err, errSuperseded):
			takeovers++
			b.standBack(ctx, takeovers)
		default:
			failures++
			wait := reconnectAfter(failures)
			b.log.Warn("the bot's connection is down", "err", err, "again", wait)
			b.release(ctx) // perhaps another process has a better network
			pause(ctx, wait)
		}
	}
	return nil
}

// standBack waits after another connection took ours. If it is a replica's, it
// holds the lease. If not, somebody runs the bot a second time: to take the
// connection back would only make them take it again.
func (b *AIBot) standBack(ctx context.Context, times int) {
	if !b.hold(ctx) {
		return
	}
	wait := b.yield << min(times-1, 4)
	b.log.Error("the bot was connected from outside this installation; one of the two must be switched off", "again", wait)
	until := b.now().Add(wait)
	for ctx.Err() == nil && b.now().Before(until) && b.hold(ctx) {
		pause(ctx, min(b.cfg.Lease/3, until.Sub(b.now())))
	}
}

func (b *AIBot) hold(ctx context.Context) bool {
	ok, err := b.shared.Leases.Hold(ctx, b.lease(), b.shared.Owner, b.cfg.Lease)
	if err != nil && ctx.Err() == nil {
		b.log.Error("the lease of the bot's connection cannot be asked for", "err", err)
	}
	return err == nil && ok
}

// release gives the lease back, also when ctx has ended.
func (b *AIBot) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := b.shared.Leases.Release(ctx, b.lease(), b.shared.Owner); err != nil {
		b.log.Warn("the lease of the bot's connection was not given back", "err", err)
	}
}

// reconnectAfter doubles from half a second to half a minute, a part of it by
// chance.
func reconnectAfter(failures int) time.Duration {
	d := min(500*time.Millisecond<<min(failures-1, 10), 30*time.Second)
	return d/2 + rand.N(d/2+1) //nolint:gosec // spreads load, keeps no secret
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(max(d, time.Millisecond))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// session is one connection, from subscribing to its end. It says whether the
// platform had accepted it, and why it ended.
func (b *AIBot) session(parent context.Context, handle accept) (up bool, err error) {
	c, err := dial(parent, b.cfg.Gateway, b.cfg.Timeout)
	if err != nil {
		return false, err
	}
	defer c.close()
	ctx, end := context.WithCancelCause(parent)
	defer end(nil)
	s := &session{bot: b, conn: c, handle: handle, end: end, chores: make(chan func(context.Context), 256)}
	// What was read is accepted although the session ends: the platform will not
	// send it again.
	grace, expire := context.WithCancel(context.WithoutCancel(parent))
	defer expire()
	var wg sync.WaitGroup
	for i := range s.lanes {
		s.lanes[i] = make(chan *frame, laneDepth)
		wg.Go(func() { s.work(grace, s.lanes[i]) })
	}
	wg.Go(func() { end(s.read()) })
	wg.Go(func() { s.subscribe(ctx) })
	wg.Go(func() { s.doChores(ctx) })
	<-ctx.Done()
	b.setConnection(nil)
	c.close()
	defer time.AfterFunc(ackWithin, expire).Stop()
	wg.Wait()
	b.setConnection(nil)            // subscribe may have been at it just then
	return s.up, context.Cause(ctx) // all that wrote to s has ended
}

type session struct {
	bot    *AIBot
	conn   *conn
	handle accept
	end    context.CancelCauseFunc
	lanes  [lanes]chan *frame
	chores chan func(context.Context)
	up     bool // written by subscribe
}

// subscribe proves who we are and then keeps the connection and the lease alive.
func (s *session) subscribe(ctx context.Context) {
	b := s.bot
	body := map[string]string{"bot_id": b.cfg.BotID, "secret": b.cfg.Secret.Reveal()}
	if err := s.conn.call(ctx, cmdSubscribe, newReqID(cmdSubscribe), body, nil); err != nil {
		s.end(err)
		return
	}
	b.log.Info("the bot is connected")
	s.up = true
	b.setConnection(s.conn)
	ping, renew, tend := time.NewTicker(b.cfg.Ping), time.NewTicker(b.cfg.Lease/3), time.NewTicker(min(tendEvery, b.cfg.Ping))
	defer ping.Stop()
	defer renew.Stop()
	defer tend.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			// Its answer is a sign of life like any other frame; read has the deadline.
			if err := s.conn.fire(cmdPing, newReqID(cmdPing), nil); err != nil {
				s.end(err)
			}
		case <-renew.C:
			if !b.hold(ctx) {
				s.end(errLease)
			}
		case <-tend.C:
			s.chore(b.closeOldStreams)
		}
	}
}

func newReqID(cmd string) string { return cmd + "_" + randomID() }

// read hands every frame to its lane until the connection ends. A lane that is
// full holds the reading up, and with it the platform.
func (s *session) read() error {
	defer func() {
		for _, lane := range s.lanes {
			close(lane)
		}
	}()
	silence := 3 * s.bot.cfg.Ping // two signs of life were not answered
	for {
		f, err := s.conn.read(silence, func() { s.bot.log.Warn("a frame of the connection cannot be read") })
		if err != nil {
			return err
		}
		body, err := parseBotBody(f.Body)
		if err != nil {
			s.bot.log.Warn("a message of the connection cannot be read", "cmd", f.Cmd)
			continue
		}
		if body.Event.Type == eventDisconnected {
			return errSuperseded
		}
		s.lanes[lane(body.From.UserID)] <- f
	}
}

// lane keeps one person's messages in order.
func lane(user string) int {
	sum := 0
	for _, c := range []byte(user) {
		sum = (sum*31 + int(c)) % lanes
	}
	return sum
}

// work accepts messages until the lane is closed and empty.
func (s *session) work(ctx context.Context, lane <-chan *frame) {
	for f := range lane {
		body, err := parseBotBody(f.Body)
		if err != nil {
			continue
		}
		s.accept(ctx, f.Headers.ReqID, body)
	}
}

func (s *session) accept(ctx context.Context, reqID string, body *botBody) {
	b := s.bot
	if body.MsgType == "event" && body.Event.Type == eventEnter {
		s.chore(func(ctx context.Context) { b.welcome(ctx, s.conn, reqID) })
		return
	}
	if body.press() && body.key() == refreshKey {
		s.chore(func(ctx context.Context) { b.redraw(ctx, s.conn, reqID, body.task()) })
		return
	}
	in, ok := body.inbound(b.name, b.cfg.CorpID, b.cfg.BotName, b.now())
	if !ok {
		return
	}
	if in.Press == "" {
		b.replies.add(in.ID, reqID, b.now())
	}
	if err := s.persist(ctx, body, in); err != nil {
		b.log.Error("a message was not accepted", "inbound", in.ID, "err", err)
		s.sorry(reqID, in)
		return
	}
	if in.Press != "" {
		s.chore(func(ctx context.Context) { b.redraw(ctx, s.conn, reqID, body.task()) })
	}
}

// persist hands a message over, three times if need be.
func (s *session) persist(ctx context.Context, body *botBody, in bot.Inbound) error {
	work, cancel := context.WithTimeout(ctx, ackWithin)
	defer cancel()
	if in.Press != "" && len(body.selected()) > 0 {
		if err := s.bot.fill(work, body, &in); err != nil {
			return err
		}
	}
	var err error
	for _, wait := range []time.Duration{0, 100 * time.Millisecond, 400 * time.Millisecond} {
		if wait > 0 {
			pause(work, wait)
		}
		if err = s.handle(work, in); err == nil {
			return nil
		}
	}
	return err
}

// sorry tells the person that they must say it again: on this connection the
// platform takes no other word for it.
func (s *session) sorry(reqID string, in bot.Inbound) {
	b := s.bot
	words := b.shared.Say(b.shared.Lang, "wecom.refused", nil)
	var err error
	if in.Press != "" {
		err = s.conn.fire(cmdSend, newReqID(cmdSend), push(in.From.Room, "markdown", map[string]string{"content": words}))
	} else {
		b.replies.take(in.ID, b.now())
		err = s.conn.fire(cmdRespond, reqID, streamBody(newStream(), words, true))
	}
	if err != nil {
		b.log.Warn("a person was not told that their message was not accepted", "err", err)
	}
}

// chore leaves work that waits for answers to doChores; with too much of it, it
// is left out: none of it is the answer to a command.
func (s *session) chore(do func(context.Context)) {
	select {
	case s.chores <- do:
	default:
		s.bot.log.Warn("too much to do beside messages; a card or a greeting is left out")
	}
}

func (s *session) doChores(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case do := <-s.chores:
			do(ctx)
		}
	}
}
