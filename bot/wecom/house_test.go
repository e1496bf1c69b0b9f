package wecom_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/bot/wecom"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/config/value"
)

// memory is what processes share, in memory.
// shared is what an adapter of process owner is given.
func shared(t testing.TB, m *bottest.Shelf, owner, lang string) bot.Shared {
	catalogue, err := messages.Load()
	if err != nil {
		t.Fatal(err)
	}
	return bot.Shared{Owner: owner, Vault: m, Leases: m, Lang: lang, Say: catalogue.Say,
		Buttons: bot.NewButtons(m, []byte("0123456789abcdef0123456789abcdef"), time.Now)}
}

func secret(s string) value.Secret { return value.NewSecret(s, "test") }

// inbox keeps what an adapter hands over.
type inbox struct {
	mu      sync.Mutex
	got     []bot.Inbound
	refuse  error
	changed bottest.Changes
}

func newInbox() *inbox { return &inbox{} }

func (i *inbox) handle(_ context.Context, in bot.Inbound) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.refuse != nil {
		return i.refuse
	}
	for _, old := range i.got { // as the store does it
		if old.ID == in.ID {
			i.changed.Tell()
			return nil
		}
	}
	i.got = append(i.got, in)
	i.changed.Tell()
	return nil
}

func (i *inbox) set(refuse error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.refuse = refuse
}

func (i *inbox) all() []bot.Inbound {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]bot.Inbound(nil), i.got...)
}

// wait waits for n messages.
func (i *inbox) wait(t testing.TB, n int) []bot.Inbound {
	t.Helper()
	if !i.changed.WaitFor(time.Minute, func() bool { return len(i.all()) >= n }) {
		t.Fatalf("%d messages of %d", len(i.all()), n)
	}
	return i.all()
}

// running runs a platform until the test's end or stop.
func running(t testing.TB, p bot.Platform, handle func(context.Context, bot.Inbound) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx, handle) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// appHouse is an application on a fake.
type appHouse struct {
	*testing.T
	fake  *fakewecom.Fake
	mem   *bottest.Shelf
	app   *wecom.App
	inbox *inbox
	to    bot.Address
}

func appConfig(f *fakewecom.Fake) wecom.AppConfig {
	return wecom.AppConfig{Name: "ops", CorpID: f.CorpID, AgentID: f.AgentID, Secret: secret(f.Secret), Token: secret(f.Token),
		EncodingAESKey: secret(f.AESKey), API: f.URL, Timeout: 5 * time.Second}
}

func newApp(t testing.TB, f *fakewecom.Fake, mem *bottest.Shelf, lang string) *wecom.App {
	t.Helper()
	a, err := wecom.NewApp(appConfig(f), shared(t, mem, "test", lang), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Callbacks())
	t.Cleanup(server.Close)
	f.DeliverTo(server.URL+"/", "")
	return a
}

// openApp has an application that runs.
func openApp(t *testing.T) *appHouse {
	t.Helper()
	h := &appHouse{T: t, fake: fakewecom.New(t), mem: &bottest.Shelf{}, inbox: newInbox(), to: bot.Address{Account: "wecom:ops", Room: "user:alice"}}
	h.app = newApp(t, h.fake, h.mem, "zh")
	running(t, h.app, h.inbox.handle)
	if !h.fake.Wait(time.Minute, func() bool {
		a, err := h.fake.Verify(t.Context(), "ready")
		return err == nil && a.Status == 200
	}) {
		t.Fatal("the callback was never opened")
	}
	return h
}

func (h *appHouse) send(m bot.Message) bot.MessageRef {
	h.Helper()
	ref, err := h.app.Send(h.Context(), h.to, m)
	if err != nil {
		h.Fatal(err)
	}
	return ref
}

// botHouse is an AI bot on a fake.
type botHouse struct {
	*testing.T
	fake  *fakewecom.Fake
	mem   *bottest.Shelf
	bot   *wecom.AIBot
	inbox *inbox
	to    bot.Address
	stop  func()
}

func botConfig(f *fakewecom.Fake) wecom.AIBotConfig {
	return wecom.AIBotConfig{Name: "ops", CorpID: f.CorpID, Mode: wecom.ModeConnection, BotID: f.BotID, Secret: secret(f.BotSecret),
		Token: secret(f.BotToken), EncodingAESKey: secret(f.BotAESKey), BotName: "舵手 Bot", Gateway: f.URL, Ping: 500 * time.Millisecond,
		Lease: time.Second, Timeout: 2 * time.Second}
}

func newBot(t testing.TB, cfg wecom.AIBotConfig, mem *bottest.Shelf, owner string) *wecom.AIBot {
	t.Helper()
	b, err := wecom.NewAIBot(cfg, shared(t, mem, owner, "zh"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openBot has a bot that is connected; before bends it before it runs.
func openBot(t *testing.T, before ...func(*wecom.AIBot)) *botHouse {
	t.Helper()
	h := &botHouse{T: t, fake: fakewecom.New(t), mem: &bottest.Shelf{}, inbox: newInbox(), to: bot.Address{Account: "wecom-aibot:ops", Room: "user:alice"}}
	h.bot = newBot(t, botConfig(h.fake), h.mem, "one")
	for _, bend := range before {
		bend(h.bot)
	}
	h.stop = running(t, h.bot, h.inbox.handle)
	h.connected()
	return h
}

func (h *botHouse) connected() {
	h.Helper()
	if !h.fake.Wait(time.Minute, h.fake.Connected) {
		h.Fatal("the bot never connected")
	}
	for !h.bot.Connected() && h.Context().Err() == nil { // it has yet to read that it is
		runtime.Gosched()
	}
}

func (h *botHouse) say(user, chat, id, text string) {
	h.Helper()
	if _, err := h.fake.BotSay(h.Context(), user, chat, id, text); err != nil {
		h.Fatal(err)
	}
}

func (h *botHouse) send(m bot.Message) bot.MessageRef {
	h.Helper()
	ref, err := h.bot.Send(h.Context(), h.to, m)
	if err != nil {
		h.Fatal(err)
	}
	return ref
}
