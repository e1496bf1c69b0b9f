package dingtalk

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
)

// TestSideBySide: on one connection nobody waits for the message of somebody else
// that is slow to be kept, and one person's messages are kept in their order.
func TestSideBySide(t *testing.T) {
	const people, each = 30, 3
	d, f := account(t, func(c *Config) { c.Connections = 1 })
	var mu sync.Mutex
	said := map[string][]string{}
	another := make(chan struct{})
	once := sync.OnceFunc(func() { close(another) })
	handle := func(ctx context.Context, in bot.Inbound) error {
		if in.Identity == d.identity("slow") {
			select {
			case <-another:
			case <-ctx.Done():
				return ctx.Err()
			}
		} else {
			once()
		}
		mu.Lock()
		defer mu.Unlock()
		said[in.Identity] = append(said[in.Identity], in.Text)
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, handle) }()
	f.Connected(1)
	var all []*fakedingtalk.Delivery
	var want []string
	for i := range each {
		want = append(want, fmt.Sprint("word", i))
		for person := range people {
			who := fmt.Sprint("staff", person)
			if person == 0 {
				who = "slow"
			}
			all = append(all, f.Push(fakedingtalk.Message{Room: fakedingtalk.DM(who), From: who, Text: want[i]}))
		}
	}
	f.Until("all are acknowledged", func() bool {
		return !slices.ContainsFunc(all, func(m *fakedingtalk.Delivery) bool {
			select {
			case <-m.Done:
				return false
			default:
				return true
			}
		})
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(said) != people {
		t.Errorf("%d people were heard", len(said))
	}
	for who, words := range said {
		if !slices.Equal(words, want) {
			t.Errorf("%s is heard as %q", who, words)
		}
	}
}
