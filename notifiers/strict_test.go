package notifiers_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// strict is a platform that measures what it is sent, as real ones do: messages
// and edits by room, edits by message and over the account. Who is too fast is
// refused, and counted.
type strict struct {
	name     string
	limits   bot.Limits
	apart    time.Duration // shortest time between two messages to a room
	inMinute int           // of a room, in any minute
	slow     time.Duration // longest way there, and back
	fail     func(c call) error

	mu      sync.Mutex
	calls   []call
	shown   map[string]bot.Message // by message id
	rooms   map[string][]time.Time
	edited  map[string]time.Time
	edits   []time.Time
	tooFast []string
}

// call is one that the platform has taken.
type call struct {
	to   bot.Address
	id   string // of the message, also of one that was edited
	edit bool
	m    bot.Message
	at   time.Time
}

func newStrict(name string) *strict {
	return &strict{name: name, shown: map[string]bot.Message{}, rooms: map[string][]time.Time{}, edited: map[string]time.Time{}}
}

func (p *strict) Name() string       { return p.name }
func (p *strict) Limits() bot.Limits { return p.limits }
func (p *strict) Run(ctx context.Context, _ func(context.Context, bot.Inbound) error) error {
	<-ctx.Done()
	return nil
}

// Send implements bot.Platform.
func (p *strict) Send(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	id, err := p.take(ctx, call{to: to, m: m})
	return bot.MessageRef{Address: to, ID: id}, err
}

// Update implements bot.Updater.
func (p *strict) Update(ctx context.Context, ref bot.MessageRef, m bot.Message) error {
	_, err := p.take(ctx, call{to: ref.Address, id: ref.ID, edit: true, m: m})
	return err
}

func (p *strict) travel(ctx context.Context) error {
	if p.slow == 0 {
		return nil
	}
	t := time.NewTimer(rand.N(p.slow))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *strict) take(ctx context.Context, c call) (string, error) {
	if err := p.travel(ctx); err != nil {
		return "", err
	}
	id, err := p.arrive(c)
	return id, errors.Join(err, p.travel(ctx))
}

func (p *strict) arrive(c call) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.at = time.Now()
	if p.fail != nil {
		if err := p.fail(c); err != nil {
			return "", err
		}
	}
	if why := p.measure(c); why != "" {
		p.tooFast = append(p.tooFast, fmt.Sprintf("%s in %s at %s: %s", c.id, c.to.Room, c.at.Format("04:05.000"), why))
		return "", &bot.SendError{RetryAfter: 30 * time.Second, Err: errors.New(why)}
	}
	if !c.edit {
		c.id = fmt.Sprintf("%s-%d", c.to.Room, len(p.calls))
	} else if _, there := p.shown[c.id]; !there {
		return "", &bot.SendError{Permanent: true, Err: errors.New("message_not_found")}
	}
	p.shown[c.id] = c.m
	p.calls = append(p.calls, c)
	return c.id, nil
}

func within(times []time.Time, now time.Time, d time.Duration) int {
	i, _ := slices.BinarySearchFunc(times, now.Add(-d), func(t, from time.Time) int {
		if t.After(from) {
			return 1
		}
		return -1
	})
	return len(times) - i
}

func (p *strict) measure(c call) string {
	room := p.rooms[c.to.Room]
	if len(room) > 0 && c.at.Sub(room[len(room)-1]) < p.apart {
		return fmt.Sprintf("%s after the last message", c.at.Sub(room[len(room)-1]))
	}
	if p.inMinute > 0 && within(room, c.at, time.Minute) >= p.inMinute {
		return "too many messages in a minute"
	}
	if c.edit {
		if since := c.at.Sub(p.edited[c.id]); since < p.limits.EditEvery {
			return fmt.Sprintf("%s after the last edit of it", since)
		}
		if n := p.limits.EditsPerMinute; n > 0 && within(p.edits, c.at, time.Minute) >= n {
			return "too many edits in a minute"
		}
		p.edited[c.id], p.edits = c.at, append(p.edits, c.at)
	}
	p.rooms[c.to.Room] = append(room, c.at)
	return ""
}

// taken gives the calls that were taken, and those that were too fast.
func (p *strict) taken() (calls []call, tooFast []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls), slices.Clone(p.tooFast)
}

// of gives what was taken whose title or text begins so.
func (p *strict) of(begin string) (out []call) {
	calls, _ := p.taken()
	for _, c := range calls {
		if strings.HasPrefix(c.m.Title, begin) || strings.HasPrefix(c.m.Text, begin) {
			out = append(out, c)
		}
	}
	return out
}

// cards gives the last message of each card, as it is shown now.
func (p *strict) cards() map[string]bot.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]bot.Message{}
	for _, c := range p.calls {
		if c.m.Operation != "" {
			out[c.m.Operation] = p.shown[c.id]
		}
	}
	return out
}
