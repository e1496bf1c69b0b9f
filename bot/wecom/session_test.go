package wecom_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/bot/wecom"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestConnectionIsMadeAgain(t *testing.T) {
	h := openBot(t)
	for name, cut := range map[string]func(){
		"cut": h.fake.KillConnection,
		"half-open": func() {
			h.fake.HalfOpen(true)
			if !h.fake.Wait(time.Minute, func() bool { return !h.bot.Connected() }) {
				t.Error("a connection without answers was kept")
			}
			h.fake.HalfOpen(false)
		},
		"malformed": func() {
			for _, text := range []string{"", "{", "[]", `{"cmd":1}`, `{"cmd":"aibot_msg_callback"}`, `{"cmd":"x","headers":{"req_id":"y"},"body":"z"}`, "\x00"} {
				if err := h.fake.RawFrame(text); err != nil {
					t.Error(err)
				}
			}
		},
	} {
		cut()
		h.connected()
		if !h.fake.Wait(time.Minute, func() bool {
			_, err := h.fake.BotSay(t.Context(), "alice", "", name, "help")
			return err == nil
		}) {
			t.Errorf("%s: nobody is there", name)
		}
		if !h.fake.Wait(time.Minute, func() bool {
			_, err := h.bot.Send(t.Context(), h.to, bot.Message{Text: name})
			return err == nil
		}) {
			t.Errorf("%s: nothing is sent", name)
		}
	}
}

// Many cuts while messages arrive: those that were delivered are accepted once.
func TestNothingIsLostWhenConnectionsAreCut(t *testing.T) {
	h := openBot(t)
	want := map[string]bool{}
	for round := range 6 {
		h.connected()
		for i := range 20 {
			id := fmt.Sprintf("r%d-m%d", round, i)
			if _, err := h.fake.BotSay(t.Context(), fmt.Sprint("p", i%3), "", id, "help"); err == nil {
				want["msg:"+id] = true
			}
		}
		if round < 5 {
			h.inbox.wait(t, len(want)) // what the kernel still held would be lost with the socket
			h.fake.KillConnection()
			h.fake.Wait(5*time.Second, func() bool { return !h.bot.Connected() })
		}
	}
	got := h.inbox.wait(t, len(want))
	last := map[string]int{}
	for _, in := range got {
		var round, n int
		if _, err := fmt.Sscanf(in.ID, "msg:r%d-m%d", &round, &n); err != nil {
			t.Fatal(err)
		}
		if at := round*20 + n + 1; at <= last[in.Identity] {
			t.Errorf("%s came after %d", in.ID, last[in.Identity])
		} else {
			last[in.Identity] = at
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d of %d", len(got), len(want))
	}
}

func TestOneReplicaHoldsTheConnection(t *testing.T) {
	h := openBot(t)
	two := newBot(t, botConfig(h.fake), h.mem, "two")
	running(t, two, h.inbox.handle)
	three := newBot(t, botConfig(h.fake), h.mem, "three")
	running(t, three, h.inbox.handle)
	if !h.fake.Wait(time.Minute, func() bool { return h.fake.Calls("ping") > 4 }) { // longer than two leases
		t.Fatal("no pings")
	}
	if n := h.fake.Connections(); n != 1 || two.Holds() || three.Holds() || !h.bot.Holds() {
		t.Fatalf("%d connections", n)
	}
	h.stop()
	if !h.fake.Wait(time.Minute, func() bool { return h.fake.Connected() && (two.Holds() || three.Holds()) }) {
		t.Fatal("nobody took the connection over")
	}
	if two.Holds() == three.Holds() || h.fake.Connections() != 2 {
		t.Errorf("%d connections", h.fake.Connections())
	}
	h.say("alice", "", "after", "help")
	h.inbox.wait(t, 1)
}

// A holder that dies gives nothing back: its lease runs out.
func TestHolderThatDies(t *testing.T) {
	f, mem := fakewecom.New(t), &bottest.Shelf{}
	b := newBot(t, botConfig(f), mem, "two")
	began := time.Now()
	if ok, err := mem.Hold(t.Context(), "wecom-aibot:ops/connection", "dead", time.Second); !ok || err != nil {
		t.Fatal(ok, err)
	}
	running(t, b, newInbox().handle)
	if !f.Wait(time.Minute, b.Connected) {
		t.Fatal("the lease of the dead was never taken over")
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("taken over after %s, before the lease had run out", took)
	}
}

// A holder that loses its lease without noticing ends its connection.
func TestLeaseThatIsLost(t *testing.T) {
	h := openBot(t)
	h.mem.Seize("wecom-aibot:ops/connection", "other", time.Hour)
	if !h.fake.Wait(time.Minute, func() bool { return !h.fake.Connected() && !h.bot.Connected() }) {
		t.Error("it kept the connection")
	}
	if n := h.fake.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// Two installations with one bot would take the connection from each other for
// ever. Ours stands back.
func TestTakeoverFromOutside(t *testing.T) {
	f, mem := fakewecom.New(t), &bottest.Shelf{}
	var log bytes.Buffer
	b, err := wecom.NewAIBot(botConfig(f), shared(t, mem, "one", "zh"), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	b.Yield(700 * time.Millisecond)
	stop := running(t, b, newInbox().handle)
	f.Wait(time.Minute, b.Connected)
	f.Takeover()
	began := time.Now()
	if !f.Wait(time.Minute, func() bool { return !b.Connected() }) {
		t.Fatal("it stayed")
	}
	if !f.Wait(time.Minute, b.Connected) {
		t.Fatal("it never came back")
	}
	if took := time.Since(began); took < 600*time.Millisecond {
		t.Errorf("it took the connection back after %s", took)
	}
	stop()
	if !strings.Contains(log.String(), "outside this installation") {
		t.Error("nobody was told")
	}
	bottest.AssertNoSecret(t, log.String(), f.BotSecret)
}

func TestWrongSecretIsTriedSlowly(t *testing.T) {
	f, mem := fakewecom.New(t), &bottest.Shelf{}
	cfg := botConfig(f)
	cfg.Secret = secret("wrong-secret")
	var log bytes.Buffer
	b, err := wecom.NewAIBot(cfg, shared(t, mem, "one", "zh"), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	before := goleak.IgnoreCurrent()
	stop := running(t, b, newInbox().handle)
	f.Wait(time.Minute, func() bool { return f.Calls("aibot_subscribe") >= 2 })
	stop()
	if n := f.Calls("aibot_subscribe"); n < 2 || n > 4 {
		t.Errorf("%d attempts", n)
	}
	if !strings.Contains(log.String(), "846602") {
		t.Errorf("%s", log.String())
	}
	bottest.AssertNoSecret(t, log.String(), "wrong-secret")
	goleak.VerifyNone(t, before)
}

// Messages that were read are accepted although the program is being stopped.
func TestShutdownLosesNothing(t *testing.T) {
	h := openBot(t)
	var sent int
	for i := range 100 {
		if _, err := h.fake.BotSay(t.Context(), fmt.Sprint("p", i%5), "", fmt.Sprint("m", i), "help"); err == nil {
			sent++
		}
	}
	h.inbox.wait(t, 1)
	h.stop()
	got := len(h.inbox.all())
	// What had not been read by then is delivered to the one that comes next.
	next := newBot(t, botConfig(h.fake), h.mem, "two")
	running(t, next, h.inbox.handle)
	h.fake.Wait(time.Minute, next.Connected)
	for i := range 100 {
		h.say(fmt.Sprint("p", i%5), "", fmt.Sprint("m", i), "help")
	}
	if all := h.inbox.wait(t, sent); len(all) != 100 || got < 1 {
		t.Errorf("%d, then %d", got, len(all))
	}
}
