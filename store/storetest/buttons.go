package storetest

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/store"
)

func testButtons(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	b := bot.Button{ID: "t1", Command: "cluster delete prod-1 Tr0ub4dor-and-3", For: "slack:T1/U1", Account: "slack:ops", Room: "C1", Expires: stored(noon)}
	ok(t, s.SaveButton(ctx, b))
	if raw := f.Raw(); bytes.Contains(raw, []byte("Tr0ub4dor-and-3")) || !bytes.Contains(raw, []byte("slack:T1/U1")) {
		t.Fatal("a button's command is on disk in clear, or this test does not see what is stored")
	}
	s = f.Reopen()
	same(t, "button", must[bot.Button](t)(s.Button(ctx, "t1", noon.Add(-time.Minute))), b)
	_, err := s.Button(ctx, "t1", noon)
	wantErr(t, err, bot.ErrNoButton) // expired at its hour
	_, err = s.Button(ctx, "other", noon.Add(-time.Minute))
	wantErr(t, err, bot.ErrNoButton)
	same(t, "fresh", must[bool](t)(s.UseButton(ctx, "t1")), true)
	same(t, "used", must[bool](t)(s.UseButton(ctx, "t1")), false)
	same(t, "unknown", must[bool](t)(s.UseButton(ctx, "other")), false)

	again := b
	again.Expires = stored(noon.Add(bot.ButtonLifetime))
	ok(t, s.SaveButton(ctx, again))
	s = f.Crash()
	again.Used = true
	same(t, "shown again", must[bot.Button](t)(s.Button(ctx, "t1", noon)), again)
	same(t, "stays used", must[bool](t)(s.UseButton(ctx, "t1")), false)
	ok(t, s.SaveButton(ctx, b)) // by a clock that is behind
	same(t, "its end moves on only", must[bot.Button](t)(s.Button(ctx, "t1", noon)), again)

	ok(t, s.PurgeExpired(ctx, noon))
	must[bot.Button](t)(s.Button(ctx, "t1", noon))
	ok(t, s.PurgeExpired(ctx, again.Expires))
	_, err = s.Button(ctx, "t1", noon)
	wantErr(t, err, bot.ErrNoButton)
}

// testButtonShownOften: each showing leaves at least half a life.
func testButtonShownOften(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	for at := noon; at.Before(noon.Add(3 * bot.ButtonLifetime)); at = at.Add(time.Hour) {
		ok(t, s.SaveButton(ctx, bot.Button{ID: "t", Command: "c", Expires: at.Add(bot.ButtonLifetime)}))
		must[bot.Button](t)(s.Button(ctx, "t", at.Add(bot.ButtonLifetime/2-time.Minute)))
	}
}

// testButtonRace: of many presses at once, here and in another process, one counts.
func testButtonRace(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	ok(t, s.SaveButton(ctx, bot.Button{ID: "t", Expires: noon}))
	stores := []*store.Store{s, f.Peer(nil)}
	var fresh atomic.Int32
	atOnce(20, func(i int) {
		own, err := stores[i%2].UseButton(ctx, "t")
		if err != nil {
			t.Errorf("use: %v", err)
		}
		if own {
			fresh.Add(1)
		}
	})
	same(t, "fresh", fresh.Load(), int32(1))
}

func testVault(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	const secret = "xoxb-Tr0ub4dor-and-3"
	expires := stored(time.Now().Add(time.Hour))
	ok(t, s.Keep(ctx, "wecom:ops token", secret, expires))
	ok(t, s.Keep(ctx, "lapsed", "x", time.Now().Add(-time.Minute)))
	if raw := f.Raw(); bytes.Contains(raw, []byte(secret)) || !bytes.Contains(raw, []byte("wecom:ops token")) {
		t.Fatal("a kept value is on disk in clear, or this test does not see what is stored")
	}
	s = f.Reopen()
	keptIs := func(s *store.Store, want string, until time.Time) {
		t.Helper()
		value, end, err := s.Kept(ctx, "wecom:ops token")
		ok(t, err)
		same(t, "value", value, want)
		same(t, "expires", end, until)
	}
	gone := func(s *store.Store, key string) {
		t.Helper()
		_, _, err := s.Kept(ctx, key)
		wantErr(t, err, bot.ErrNotKept)
	}
	keptIs(s, secret, expires)
	gone(s, "other")
	gone(s, "lapsed")
	gone(f.Peer(func() time.Time { return expires }), "wecom:ops token") // ends at its hour

	ok(t, s.Keep(ctx, "wecom:ops token", "newer", expires.Add(time.Hour)))
	ok(t, s.Drop(ctx, "wecom:ops token", secret)) // told late that the old one is no good
	s = f.Crash()
	keptIs(s, "newer", expires.Add(time.Hour))
	ok(t, s.PurgeExpired(ctx, time.Now()))
	keptIs(s, "newer", expires.Add(time.Hour))
	ok(t, s.Drop(ctx, "wecom:ops token", "newer"))
	ok(t, s.Drop(ctx, "wecom:ops token", "newer"))
	gone(s, "wecom:ops token")
}

func testLeases(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	holds := func(owner string, ttl time.Duration) bool {
		t.Helper()
		return must[bool](t)(s.Hold(ctx, "wecom:bot", owner, ttl))
	}
	same(t, "taken", holds("a", time.Minute), true)
	same(t, "renewed", holds("a", time.Minute), true)
	same(t, "another's", holds("b", time.Minute), false)
	ok(t, s.Release(ctx, "wecom:bot", "b")) // not b's to give
	same(t, "still another's", holds("b", time.Minute), false)
	same(t, "another lease", must[bool](t)(s.Hold(ctx, "other", "b", time.Minute)), true)
	ok(t, s.Release(ctx, "wecom:bot", "a"))
	same(t, "given back", holds("b", -time.Second), true)
	s = f.Reopen()
	same(t, "after it lapsed", holds("a", time.Minute), true)
	same(t, "the late one", holds("b", time.Minute), false)
	s = f.Crash()
	same(t, "kept over a crash", holds("b", time.Minute), false)
	ok(t, s.ReleaseLeases(ctx))
	same(t, "all given back", holds("b", time.Minute), true)
}

// testLeasesRace: of many takers, here and in another process, one holds it, both
// when it is free and when it has lapsed.
func testLeasesRace(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	stores := []*store.Store{s, f.Peer(nil)}
	ok(t, s.ReleaseLeases(ctx))
	must[bool](t)(s.Hold(ctx, "lapsed", "dead", -time.Second))
	for _, name := range []string{"free", "lapsed"} {
		var held atomic.Int32
		atOnce(20, func(i int) {
			own, err := stores[i%2].Hold(ctx, name, string(rune('a'+i)), time.Minute)
			if err != nil {
				t.Errorf("hold: %v", err)
			}
			if own {
				held.Add(1)
			}
		})
		same(t, name, held.Load(), int32(1))
	}
}
