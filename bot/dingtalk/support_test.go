package dingtalk

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/config/value"
)

// assistant has one form.
type assistant struct{ form *bot.Form }

func (a assistant) Complete(context.Context, bot.Inbound) ([]bot.Completion, error) { return nil, nil }
func (a assistant) Home(context.Context, bot.Inbound) (bot.Message, error)          { return bot.Message{}, nil }
func (a assistant) Form(context.Context, bot.Inbound) (*bot.Form, error)            { return a.form, nil }

func createForm() *bot.Form {
	return &bot.Form{ID: "create", Title: "Create a cluster", Command: "cluster create", Submit: "Create", Fields: []bot.FormField{
		{Name: "name", Label: "Name", Type: "text", Required: true, Help: "prod-1"},
		{Name: "workers", Label: "Workers", Type: "number", Default: "3"},
		{Name: "plan", Label: "Plan", Type: "choice", Choices: []string{"dev", "ha"}, Default: "ha"},
		{Name: "gpu", Label: "GPU", Type: "bool"}}}
}

func testShared() (bot.Shared, *bottest.Shelf) {
	m := &bottest.Shelf{}
	say := func(_, key string, _ map[string]any) string { return key }
	return bot.Shared{Owner: "test", Vault: m, Lang: "en", Say: say, Assistant: assistant{createForm()},
		Buttons: bot.NewButtons(m, []byte(strings.Repeat("k", 32)), time.Now)}, m
}

func testConfig(f *fakedingtalk.Fake) Config {
	return Config{Name: "ops", CorpID: fakedingtalk.CorpID, ClientID: fakedingtalk.ClientID, ClientSecret: value.NewSecret(fakedingtalk.ClientSecret, "test"),
		API: f.URL, OAPI: f.URL, Cards: cardsLiving, CardStreaming: true}
}

// quick is timing for tests: what is waited for comes soon or never.
func quick() timing {
	tm := realTiming()
	tm.ping, tm.backoff, tm.maxWait, tm.drain = 2*time.Second, 5*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond
	return tm
}

func start(t *testing.T, cfg Config, shared bot.Shared, tm timing) *DingTalk {
	t.Helper()
	d, err := newWith(cfg, shared, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), tm)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// account makes an account on a new fake; change may bend its configuration.
func account(t *testing.T, change ...func(*Config)) (*DingTalk, *fakedingtalk.Fake) {
	t.Helper()
	f := fakedingtalk.New(t)
	cfg := testConfig(f)
	for _, c := range change {
		c(&cfg)
	}
	shared, _ := testShared()
	return start(t, cfg, shared, quick()), f
}

// inbox takes what Run hands over.
type inbox struct {
	mu   sync.Mutex
	got  []bot.Inbound
	fail error
}

func (b *inbox) handle(_ context.Context, in bot.Inbound) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.got = append(b.got, in)
	return nil
}

func (b *inbox) all() []bot.Inbound {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]bot.Inbound(nil), b.got...)
}

func (b *inbox) last(t *testing.T) bot.Inbound {
	t.Helper()
	all := b.all()
	if len(all) == 0 {
		t.Fatal("nothing was handed over")
	}
	return all[len(all)-1]
}

// run runs d until the test ends.
func run(t *testing.T, d *DingTalk, f *fakedingtalk.Fake) *inbox {
	t.Helper()
	b := &inbox{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx, b.handle) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	if d.cfg.Mode == modeStream {
		f.Connected(d.cfg.Connections)
	}
	return b
}

func room(d *DingTalk) bot.Address { return bot.Address{Account: d.Name(), Room: fakedingtalk.Room} }

func send(t *testing.T, d *DingTalk, to bot.Address, m bot.Message) bot.MessageRef {
	t.Helper()
	ref, err := d.Send(t.Context(), to, m)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
