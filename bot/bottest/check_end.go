package bottest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/bot"
)

// checkSecrets lets everything fail, with answers that say too much and without
// any, and looks at all that is said about it.
func checkSecrets(t *testing.T, s Subject, d *desk) {
	need(t, s, Fails)
	in := d.hears(t, s, "inbound-1", "help")
	ref := send(t, s, in.From, bot.Message{Text: "before", ReplyTo: in.ID, For: in.Identity})
	for _, harm := range []func(){s.Break, s.Unplug} {
		harm()
		if _, err := s.Platform.Send(t.Context(), s.To, bot.Message{Text: "after"}); err == nil {
			t.Error("sent though the other side fails")
		}
		for _, what := range complaints(t.Context(), s, ref) {
			AssertNoSecret(t, fmt.Sprintf("%v %+v", what, what), s.Secrets()...)
		}
	}
}

// complaints is what is said of everything that fails.
func complaints(ctx context.Context, s Subject, ref bot.MessageRef) []any {
	_, err := s.Platform.Send(ctx, s.To, bot.Message{Text: "after"})
	said := []any{err}
	if u, ok := s.Platform.(bot.Updater); ok {
		said = append(said, u.Update(ctx, ref, bot.Message{Text: "after"}), u.Update(ctx, ref, card(3)))
	}
	if u, ok := s.Platform.(bot.Uploader); ok {
		_, err := u.Upload(ctx, s.To, "f.txt", []byte("some content"))
		said = append(said, err)
	}
	if dms, ok := s.Platform.(bot.DMOpener); ok {
		dm, err := dms.OpenDM(ctx, s.Person)
		_, failed := s.Platform.Send(ctx, dm, bot.Message{Text: "after"})
		said = append(said, err, failed)
	}
	if dir, ok := s.Platform.(bot.Directory); ok {
		_, err := dir.Person(ctx, s.Person)
		said = append(said, err)
	}
	if c, ok := s.Platform.(bot.Checker); ok {
		for _, f := range c.Check(ctx) {
			said = append(said, f)
		}
	}
	return said
}

// checkShutdown ends Run while people speak and a message is being accepted:
// whatever was acknowledged has been accepted.
func checkShutdown(t *testing.T, s Subject, d *desk) {
	d.hears(t, s, "inbound-first", "help")
	inside, gate := make(chan struct{}, 1), make(chan struct{})
	d.to(func(context.Context, bot.Inbound) error { // as slow as a store that is busy
		select {
		case inside <- struct{}{}:
		default:
		}
		<-gate
		return nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := &crowd{acked: map[string]bool{}}
	for n := range 8 {
		c.wg.Go(func() { c.speak(ctx, s, n) })
	}
	select {
	case <-inside:
	case <-ctx.Done():
		t.Fatal("nothing arrives")
	}
	ended := make(chan error, 1)
	go func() { ended <- d.stop() }()
	early := time.NewTimer(200 * time.Millisecond) // for who does not wait
	defer early.Stop()
	var err error
	select {
	case err = <-ended:
		t.Error("Run returned while a message was being accepted")
		close(gate)
	case <-early.C:
		close(gate)
		err = <-ended
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	d.set(errors.New("handed over after Run had returned"))
	cancel() // what was not acknowledged by now will not be
	c.wg.Wait()
	if late := d.refused(); len(late) > 0 {
		t.Errorf("%d messages were handed over after Run had returned", len(late))
	}
	if reason := s.Cannot[Acks]; reason != "" {
		t.Skipf("it ended in order; whether anything was lost, nobody is told: %s", reason)
	}
	for _, in := range d.accepted() {
		delete(c.acked, in.Text)
	}
	for text := range c.acked {
		t.Errorf("acknowledged and lost: %q", text)
	}
}

// crowd is people who speak until nobody listens any more.
type crowd struct {
	wg    sync.WaitGroup
	mu    sync.Mutex
	acked map[string]bool
}

func (c *crowd) speak(ctx context.Context, s Subject, who int) {
	for n := range 1000 {
		text := fmt.Sprintf("word %d of %d", n, who)
		if s.Say(ctx, fmt.Sprintf("inbound-%d-%d", who, n), text) != nil || s.Cannot[Acks] != "" && n == 3 {
			return
		}
		c.mu.Lock()
		c.acked[text] = true
		c.mu.Unlock()
	}
}

// checkLeaks does a bit of everything, ends, and leaves no goroutine.
func checkLeaks(t *testing.T, s Subject, d *desk) {
	ends(t, d)
	before := goleak.IgnoreCurrent()
	d.run(t, s)
	in := d.hears(t, s, "inbound-1", "help")
	ref := send(t, s, in.From, bot.Message{Text: "answer", ReplyTo: in.ID, For: in.Identity, Actions: []bot.Action{{ID: "a", Label: "Go on", Command: "help"}}})
	if s.Cannot[Presses] == "" {
		d.presses(t, s, "Go on")
	}
	if u, ok := s.Platform.(bot.Updater); ok {
		if err := u.Update(t.Context(), ref, bot.Message{Text: "another answer"}); err != nil {
			t.Errorf("Update: %v", err)
		}
	}
	if u, ok := s.Platform.(bot.Uploader); ok && s.Cannot[Uploads] == "" {
		if _, err := u.Upload(t.Context(), s.To, "f.txt", []byte("some content")); err != nil {
			t.Errorf("Upload: %v", err)
		}
	}
	ends(t, d)
	goleak.VerifyNone(t, before)
}

// ends ends Run, which must come to its end without an error of its own.
func ends(t *testing.T, d *desk) {
	t.Helper()
	if err := d.stop(); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}
