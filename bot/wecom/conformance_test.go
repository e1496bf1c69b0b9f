package wecom_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
)

// WeCom cannot change what it has shown as often as one likes: a card once, a
// stream for six minutes. The suite's check of bot.Updater wants that of any
// message, so Update is left out here and tested by itself.
type appWithoutUpdate struct {
	bot.Platform
	bot.Uploader
	bot.DMOpener
}

func TestAppConformance(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		f, mem := fakewecom.New(t), newMemory()
		a := newApp(t, f, mem, "zh")
		return bottest.Subject{Platform: appWithoutUpdate{a, a, a}, To: bot.Address{Account: "wecom:ops", Room: "user:alice"},
			Say:   func(ctx context.Context, id, text string) error { return f.Say(ctx, "alice", id, text) },
			Shown: func() []string { return f.Shown("alice") }, Break: f.Break,
			Secrets: []string{f.Secret, f.Token, f.AESKey, "access-token-"}}
	})
}

// attached is a bot whose Run goes on behind the suite's: the suite sends without
// running, and this platform can send only while it is connected.
type attached struct {
	bot.Platform
	bot.Uploader
	bot.DMOpener
	mu     sync.Mutex
	handle func(context.Context, bot.Inbound) error
	stop   func()
	done   map[string]chan error
}

func (a *attached) Run(ctx context.Context, handle func(context.Context, bot.Inbound) error) error {
	a.mu.Lock()
	a.handle = handle
	a.mu.Unlock()
	<-ctx.Done()
	a.stop()
	return nil
}

func (a *attached) relay(ctx context.Context, in bot.Inbound) error {
	a.mu.Lock()
	handle, done := a.handle, a.done[in.ID]
	a.mu.Unlock()
	err := errors.New("nobody is there yet")
	if handle != nil {
		err = handle(ctx, in)
	}
	if done != nil {
		select {
		case done <- err:
		default:
		}
	}
	return err
}

// say delivers over the connection and waits for what became of it.
func (a *attached) say(ctx context.Context, f *fakewecom.Fake, id, text string) error {
	done := make(chan error, 1)
	a.mu.Lock()
	a.done["msg:"+id] = done
	a.mu.Unlock()
	if _, err := f.BotSay(ctx, "alice", "", id, text); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(5 * time.Second):
		return fmt.Errorf("%s was not taken up", id)
	}
}

func TestAIBotConformance(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		f, mem := fakewecom.New(t), newMemory()
		b := newBot(t, botConfig(f), mem, "one")
		a := &attached{Platform: b, Uploader: b, DMOpener: b, done: map[string]chan error{}}
		a.stop = running(t, b, a.relay)
		if !f.Wait(10*time.Second, b.Connected) {
			t.Fatal("not connected")
		}
		return bottest.Subject{Platform: a, To: bot.Address{Account: "wecom-aibot:ops", Room: "user:alice"},
			Say:   func(ctx context.Context, id, text string) error { return a.say(ctx, f, id, text) },
			Shown: func() []string { return f.BotShown("alice") }, Break: f.Break,
			Secrets: []string{f.BotSecret}}
	})
}
