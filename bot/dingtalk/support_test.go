package dingtalk

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/config/value"
)

// vault and buttonStore keep in memory what the store keeps.
type vault struct {
	mu   sync.Mutex
	now  func() time.Time
	kept map[string]webhook
	fail error
}

func (v *vault) Keep(_ context.Context, key, value string, expires time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fail == nil {
		v.kept[key] = webhook{value, expires}
	}
	return v.fail
}

func (v *vault) Kept(_ context.Context, key string) (string, time.Time, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.kept[key]
	if !ok || !v.now().Before(k.expires) {
		return "", time.Time{}, errors.Join(v.fail, bot.ErrNotKept)
	}
	return k.url, k.expires, v.fail
}

func (v *vault) Drop(_ context.Context, key, value string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.kept[key].url == value {
		delete(v.kept, key)
	}
	return v.fail
}

type buttonStore struct {
	mu  sync.Mutex
	all map[string]bot.Button
}

func (s *buttonStore) SaveButton(_ context.Context, b bot.Button) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.Used = s.all[b.ID].Used
	s.all[b.ID] = b
	return nil
}

func (s *buttonStore) Button(_ context.Context, id string, now time.Time) (bot.Button, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.all[id]; ok && now.Before(b.Expires) {
		return b, nil
	}
	return bot.Button{}, bot.ErrNoButton
}

func (s *buttonStore) UseButton(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.all[id]
	fresh := !b.Used
	b.Used = true
	s.all[id] = b
	return fresh, nil
}

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

func testShared() (bot.Shared, *vault) {
	v := &vault{now: time.Now, kept: map[string]webhook{}}
	say := func(_, key string, _ map[string]any) string { return key }
	return bot.Shared{Owner: "test", Vault: v, Lang: "en", Say: say, Assistant: assistant{createForm()},
		Buttons: bot.NewButtons(&buttonStore{all: map[string]bot.Button{}}, []byte(strings.Repeat("k", 32)), time.Now)}, v
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
