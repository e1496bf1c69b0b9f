package bottest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

func checkReceive(t *testing.T, s Subject, d *desk) {
	first := d.hears(t, s, "inbound-1", "help")
	in := d.hears(t, s, "inbound-2", "集群 列表")
	if in.ID == "" || in.ID == first.ID || in.From.Account != s.Platform.Name() || in.At.IsZero() || in.Press != "" || in.Gone {
		t.Errorf("%+v", in)
	}
	if in.From != s.To || in.Identity != s.Person || !in.Direct {
		t.Errorf("said by %s in %+v, comes as %s in %+v, direct: %v", s.Person, s.To, in.Identity, in.From, in.Direct)
	}
}

// errStore is what an inbox says that cannot take a message now.
var errStore = errors.New("the store is locked")

// tooLate is how long a platform may wait for an acknowledgement that it must not
// get: one that is given all the same comes at once.
const tooLate = 300 * time.Millisecond

func checkRefused(t *testing.T, s Subject, d *desk) {
	need(t, s, Acks)
	d.hears(t, s, "inbound-1", "help")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d.to(func(context.Context, bot.Inbound) error {
		time.AfterFunc(tooLate, cancel)
		return errStore
	})
	if err := s.Say(ctx, "inbound-2", "cluster list"); err == nil {
		t.Error("acknowledged what was not accepted")
	}
	d.to(nil)
	in := d.hears(t, s, "inbound-2", "cluster list")
	refused := d.refused()
	if len(refused) == 0 {
		t.Fatal("what was not acknowledged had not been handed over")
	}
	for _, before := range refused {
		if before.ID != in.ID {
			t.Errorf("refused as %s, comes again as %s", before.ID, in.ID)
		}
	}
}

func checkMany(t *testing.T, s Subject, d *desk) {
	d.hears(t, s, "inbound-first", "help")
	const many = 20
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() { say(t, s, fmt.Sprintf("inbound-%02d", i), fmt.Sprint("help ", i)) })
	}
	wg.Wait()
	d.await(t, "all of them", func() bool {
		ids := map[string]bool{}
		for _, in := range d.accepted() {
			ids[in.ID] = true
		}
		return len(ids) == many+1
	})
}

// process is an inbox at work, as behind every platform.
type process struct {
	inbox *bot.Inbox
	done  chan string // texts, as they are worked on
	end   func() error
}

func newProcess(store *Memory, name string) *process {
	p := &process{inbox: bot.NewInbox(store, name, bot.InboxOptions{Alone: true}), done: make(chan string, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- p.inbox.Run(ctx, func(ctx context.Context, in bot.Inbound) error {
			p.done <- in.Text
			return store.DoneInbound(ctx, in.From.Account, in.ID)
		})
	}()
	p.end = func() error { cancel(); return <-ended }
	return p
}

// until gives what was worked on before last, which is the same person's: their
// messages keep their order.
func (p *process) until(t *testing.T, last string) []string {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	var before []string
	for {
		select {
		case text := <-p.done:
			if text == last {
				return before
			}
			before = append(before, text)
		case <-timeout.C:
			t.Fatalf("%s was never worked on, only %q", last, before)
		}
	}
}

// checkRedelivery has a command delivered five times, and once more to a new
// process: with the inbox behind it, it runs once.
func checkRedelivery(t *testing.T, s Subject, d *desk) {
	store := &Memory{}
	var ran []string
	deliver := func(name string, times int) {
		p := newProcess(store, name)
		d.to(p.inbox.Accept)
		for range times {
			d.hears(t, s, "inbound-again", "cluster create demo")
		}
		last := "inbound-last-" + name
		d.hears(t, s, last, last)
		ran = append(ran, p.until(t, last)...)
		if err := p.end(); err != nil {
			t.Errorf("the inbox: %v", err)
		}
	}
	deliver("one", 5)
	ends(t, d)
	d.run(t, s)
	deliver("two", 1)
	if len(ran) != 1 || ran[0] != "cluster create demo" {
		t.Errorf("six deliveries, run: %q", ran)
	}
}
