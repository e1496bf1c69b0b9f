package storetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

func inbound(id string) bot.Inbound {
	return bot.Inbound{ID: id, From: bot.Address{Account: "slack:ops", Room: "C1", Thread: "t"}, Identity: "slack:T/U", On: "amy",
		Text: "cluster list", Direct: true, Private: true, Interactive: true, Lang: "zh", At: stored(noon),
		Refs: map[string]bot.Ref{"F": {Inline: []byte{0, 1, 0xff}, Name: "f.txt"}, "U": {Path: "uploads/u"}}}
}

func testInbox(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	accept := func(in bot.Inbound, lease time.Duration) bool {
		t.Helper()
		return must[bool](t)(s.Accept(ctx, in, "me", lease))
	}
	same(t, "fresh", accept(inbound("m1"), time.Minute), true)
	same(t, "redelivered", accept(inbound("m1"), time.Minute), false)
	elsewhere := inbound("m1")
	elsewhere.From.Account = "wecom:ops"
	same(t, "another account", accept(elsewhere, -time.Second), true)
	same(t, "third", accept(inbound("m3"), -time.Second), true)

	s = f.Crash()
	claimIn := func(limit int) []bot.Inbound {
		t.Helper()
		return must[[]bot.Inbound](t)(s.ClaimInbound(ctx, "w", time.Minute, limit))
	}
	same(t, "lapsed only, oldest first", claimIn(9), []bot.Inbound{elsewhere, inbound("m3")})
	same(t, "taken", len(claimIn(9)), 0)
	ok(t, s.ReleaseInbound(ctx))
	same(t, "limit", claimIn(1), []bot.Inbound{inbound("m1")})
	same(t, "rest", len(claimIn(9)), 2)

	same(t, "first failure", must[int](t)(s.FailInbound(ctx, "slack:ops", "m1")), 1)
	same(t, "second failure", must[int](t)(s.FailInbound(ctx, "slack:ops", "m1")), 2)
	_, err := s.FailInbound(ctx, "slack:ops", "none")
	wantErr(t, err, lifecycle.ErrNotFound)

	ok(t, s.DoneInbound(ctx, "slack:ops", "m1"))
	ok(t, s.DoneInbound(ctx, "slack:ops", "m1"))
	ok(t, s.DoneInbound(ctx, "slack:ops", "none"))
	ok(t, s.ReleaseInbound(ctx))
	same(t, "open ones", len(claimIn(9)), 2)
	s = f.Reopen()
	same(t, "done is not fresh", accept(inbound("m1"), time.Minute), false)
	ok(t, s.PurgeInbound(ctx, time.Now().Add(-24*time.Hour)))
	same(t, "still known", accept(inbound("m1"), time.Minute), false)
	ok(t, s.PurgeInbound(ctx, time.Now().Add(time.Hour)))
	same(t, "forgotten", accept(inbound("m1"), time.Minute), true)
	same(t, "open ones are kept", accept(inbound("m3"), time.Minute), false)
	inboxOfTheDead(t, f)
	inboxDoneByAnother(t, f)
}

// inboxOfTheDead: what the dead have held can be claimed at once, what the living
// hold and what those hold who never said that they live cannot.
func inboxOfTheDead(t *testing.T, f *Fixture) {
	t.Helper()
	ctx, s := Context(t), f.Store
	claimed := func() (ids []string) {
		for _, in := range must[[]bot.Inbound](t)(s.ClaimInbound(ctx, "heir", time.Minute, 99)) {
			ids = append(ids, in.ID)
		}
		return ids
	}
	ok(t, s.ReleaseInbound(ctx))
	claimed()
	for _, owner := range []string{"living", "dead", "silent"} {
		must[bool](t)(s.Accept(ctx, inbound("of-"+owner), owner, time.Hour))
	}
	ok(t, s.Alive(ctx, "dead", time.Hour))
	ok(t, s.Alive(ctx, "living", time.Hour))
	same(t, "while all live", len(claimed()), 0)
	ok(t, s.Alive(ctx, "dead", -time.Second))
	same(t, "after one has died", claimed(), []string{"of-dead"})
	ok(t, s.Alive(ctx, "living", time.Hour))
	same(t, "once", len(claimed()), 0)
}

// inboxDoneByAnother: of two who do the same message, what the second one has done
// does not stay.
func inboxDoneByAnother(t *testing.T, f *Fixture) {
	t.Helper()
	ctx, s := Context(t), f.Store
	must[bool](t)(s.Accept(ctx, inbound("twice"), "me", time.Hour))
	do := func() error {
		return s.WithTx(ctx, func(ctx context.Context) error { return s.DoneInbound(ctx, "slack:ops", "twice") })
	}
	ok(t, do())
	wantErr(t, do(), bot.ErrDone)
	ok(t, s.WithTx(ctx, func(ctx context.Context) error { return s.DoneInbound(ctx, "slack:ops", "never heard of") }))
}

func testInboxRace(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	const messages, workers = 60, 20
	var mu sync.Mutex
	fresh, claimed := map[string]int{}, map[string]int{}
	atOnce(workers, func(i int) {
		for n := range messages {
			id := fmt.Sprint("m", n)
			isFresh, err := s.Accept(ctx, inbound(id), "me", -time.Second)
			if err != nil {
				t.Errorf("accept: %v", err)
			}
			if isFresh {
				mu.Lock()
				fresh[id]++
				mu.Unlock()
			}
		}
	})
	atOnce(workers, func(i int) {
		got, err := s.ClaimInbound(ctx, fmt.Sprint("w", i), time.Minute, 5)
		for ; err == nil && len(got) > 0; got, err = s.ClaimInbound(ctx, fmt.Sprint("w", i), time.Minute, 5) {
			mu.Lock()
			for _, in := range got {
				claimed[in.ID]++
			}
			mu.Unlock()
		}
		if err != nil {
			t.Errorf("claim: %v", err)
		}
	})
	for n := range messages {
		if id := fmt.Sprint("m", n); fresh[id] != 1 || claimed[id] != 1 {
			t.Errorf("%s was fresh %d times and claimed %d times", id, fresh[id], claimed[id])
		}
	}
}

func testInboxForgets(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	must[bool](t)(s.Accept(ctx, inbound("m1"), "me", time.Minute))
	ok(t, s.DoneInbound(ctx, "slack:ops", "m1"))
	ok(t, s.ReleaseInbound(ctx))
	s = f.Reopen()
	same(t, "claimable", len(must[[]bot.Inbound](t)(s.ClaimInbound(ctx, "w", time.Minute, 9))), 0)
	if bytes.Contains(f.Raw(), []byte("cluster list")) {
		t.Fatal("the text of a done message is on disk in clear")
	}
}
