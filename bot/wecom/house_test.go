package wecom_test

import (
	"context"
	"errors"
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
type memory struct {
	mu      sync.Mutex
	now     func() time.Time
	kept    map[string]keptValue
	leases  map[string]keptValue
	buttons map[string]bot.Button
	down    bool // the vault fails
}

type keptValue struct {
	value   string
	expires time.Time
}

func newMemory() *memory {
	return &memory{now: time.Now, kept: map[string]keptValue{}, leases: map[string]keptValue{}, buttons: map[string]bot.Button{}}
}

var errDown = errors.New("the database is locked")

func (m *memory) Keep(_ context.Context, key, value string, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return errDown
	}
	m.kept[key] = keptValue{value, expires}
	return nil
}

func (m *memory) Kept(_ context.Context, key string) (string, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return "", time.Time{}, errDown
	}
	v, ok := m.kept[key]
	if !ok || !m.now().Before(v.expires) {
		return "", time.Time{}, bot.ErrNotKept
	}
	return v.value, v.expires, nil
}

func (m *memory) Drop(_ context.Context, key, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept[key].value == value {
		delete(m.kept, key)
	}
	return nil
}

func (m *memory) Hold(_ context.Context, name, owner string, ttl time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.leases[name]
	if l.value != owner && time.Now().Before(l.expires) {
		return false, nil
	}
	m.leases[name] = keptValue{owner, time.Now().Add(ttl)}
	return true, nil
}

func (m *memory) Release(_ context.Context, name, owner string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leases[name].value == owner {
		delete(m.leases, name)
	}
	return nil
}

func (m *memory) SaveButton(_ context.Context, b bot.Button) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.Used = m.buttons[b.ID].Used
	m.buttons[b.ID] = b
	return nil
}

func (m *memory) Button(_ context.Context, id string, _ time.Time) (bot.Button, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.buttons[id]
	if !ok {
		return b, bot.ErrNoButton
	}
	return b, nil
}

func (m *memory) UseButton(_ context.Context, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.buttons[id]
	fresh := !b.Used
	b.Used = true
	m.buttons[id] = b
	return fresh, nil
}

// shared is what an adapter of process owner is given.
func (m *memory) shared(t testing.TB, owner, lang string) bot.Shared {
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
	mem   *memory
	app   *wecom.App
	inbox *inbox
	to    bot.Address
}

func appConfig(f *fakewecom.Fake) wecom.AppConfig {
	return wecom.AppConfig{Name: "ops", CorpID: f.CorpID, AgentID: f.AgentID, Secret: secret(f.Secret), Token: secret(f.Token),
		EncodingAESKey: secret(f.AESKey), API: f.URL, Timeout: 5 * time.Second}
}

func newApp(t testing.TB, f *fakewecom.Fake, mem *memory, lang string) *wecom.App {
	t.Helper()
	a, err := wecom.NewApp(appConfig(f), mem.shared(t, "test", lang), slog.New(slog.DiscardHandler))
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
	h := &appHouse{T: t, fake: fakewecom.New(t), mem: newMemory(), inbox: newInbox(), to: bot.Address{Account: "wecom:ops", Room: "user:alice"}}
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
	mem   *memory
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

func newBot(t testing.TB, cfg wecom.AIBotConfig, mem *memory, owner string) *wecom.AIBot {
	t.Helper()
	b, err := wecom.NewAIBot(cfg, mem.shared(t, owner, "zh"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openBot has a bot that is connected; before bends it before it runs.
func openBot(t *testing.T, before ...func(*wecom.AIBot)) *botHouse {
	t.Helper()
	h := &botHouse{T: t, fake: fakewecom.New(t), mem: newMemory(), inbox: newInbox(), to: bot.Address{Account: "wecom-aibot:ops", Room: "user:alice"}}
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
