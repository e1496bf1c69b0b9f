package wecom

import (
	"errors"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// What one person gets from one application. Beyond it WeCom drops messages without
// a word, and says that it has sent them. Source: "发送应用消息" of the vendor's
// documents.
const (
	mostInMinute = 30
	mostInHour   = 1000
)

// pace counts the messages to each person. The hub's bucket is the rule; this is
// the wall behind it, because one message of ours may be several of theirs, with
// its card, picture and files, and what is dropped is dropped unseen. It is per
// process: several that send by turns share the hub's bucket.
type pace struct {
	now  func() time.Time
	mu   sync.Mutex
	sent map[string][]time.Time // of the last hour, oldest first
}

// take counts n messages to user in, and gives 0, or how long to wait for that.
func (p *pace) take(user string, n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.sent == nil {
		p.sent = map[string][]time.Time{}
	}
	p.forget(now)
	times := p.sent[user]
	for len(times) > 0 && now.Sub(times[0]) >= time.Hour {
		times = times[1:]
	}
	wait := max(within(times, n, mostInMinute, time.Minute, now), within(times, n, mostInHour, time.Hour, now))
	if wait > 0 {
		p.sent[user] = times
		return wait
	}
	for range n {
		times = append(times, now)
	}
	p.sent[user] = times
	return 0
}

// within is how long it takes until n more messages are no more than most in span.
func within(times []time.Time, n, most int, span time.Duration, now time.Time) time.Duration {
	over := len(times) + min(n, most) - most
	if over <= 0 {
		return 0
	}
	return max(0, span-now.Sub(times[over-1]))
}

// maxPeople bounds whom the counts are kept of.
const maxPeople = 10_000

// forget drops those who got nothing for an hour, when there are many.
func (p *pace) forget(now time.Time) {
	if len(p.sent) < maxPeople {
		return
	}
	for user, times := range p.sent {
		if len(times) == 0 || now.Sub(times[len(times)-1]) >= time.Hour {
			delete(p.sent, user)
		}
	}
}

// paced reserves the places of n messages to a person before the first of them is
// sent: a half that was sent would be sent again with the whole.
func (a *App) paced(to bot.Address, n int) error {
	user, dm := person(to.Room)
	if !dm {
		return nil // group chats have a limit of their own, 200 a minute for each member
	}
	if wait := a.pace.take(user, n); wait > 0 {
		return &bot.SendError{RetryAfter: wait, Err: errors.New("wecom: this person gets no more messages for now; WeCom would drop them")}
	}
	return nil
}
