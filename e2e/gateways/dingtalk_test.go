package gateways

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// TestCutConnections: the gateway breaks every connection off every two seconds
// while 500 messages arrive. Each is carried out once, and answered in its room.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	const messages, apart = 500, 25 * time.Millisecond
	f := fakedingtalk.New(t)
	f.AckWait, f.RedeliverAfter = patience, 5*time.Second
	s := (&accounts{}).withDingTalk("ops", f).serve(t)
	f.Connected(1)
	linkDingTalk(t, s, f, fakedingtalk.Staff, "alice")
	opened := f.Opened()
	f.CutEvery(2 * time.Second)
	pace := time.NewTicker(apart)
	defer pace.Stop()
	var commands []string
	var waiting sync.WaitGroup
	for n := range messages {
		<-pace.C
		commands = append(commands, fmt.Sprintf("project create p%03d", n))
		m := fakedingtalk.Message{ID: fmt.Sprintf("m%03d", n), Room: group(n), Text: commands[n]}
		waiting.Go(func() {
			untilTaken(t, m.Text, func(ctx context.Context) error { return f.Say(ctx, m) })
		})
	}
	waiting.Wait()
	cuts := f.Opened() - opened
	eachOnce(t, s, "project create", commands)
	drive.Eventually(t, patience, "every room has its answer", func() bool { return answered(f, messages) == messages })
	for n := range messages {
		if shown := f.Shown(group(n)); len(shown) != 1 {
			t.Errorf("%d answers to %q: %q", len(shown), commands[n], shown)
		}
	}
	if cuts < 4 {
		t.Errorf("only %d connections were opened anew: the cuts proved nothing", cuts)
	}
	if f.Blocked() {
		t.Error("the robot was blocked for its rate")
	}
	t.Logf("%d messages while %d connections were opened anew", messages, cuts)
}

// group is one of many groups: an answer to each is within the rate of its room.
func group(n int) string { return fmt.Sprintf("cidGroup%04d==", n) }

func answered(f *fakedingtalk.Fake, groups int) int {
	n := 0
	for g := range groups {
		n += min(1, len(f.Shown(group(g))))
	}
	return n
}
