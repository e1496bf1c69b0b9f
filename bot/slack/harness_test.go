package slack_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/bot/slack"
	"github.com/coxswain-ops/coxswain/config/value"
)

// assistant answers as the router would.
type assistant struct {
	form *bot.Form
	err  error
}

func (a *assistant) Complete(context.Context, bot.Inbound) ([]bot.Completion, error) { return nil, nil }

func (a *assistant) Form(context.Context, bot.Inbound) (*bot.Form, error) { return a.form, a.err }

func (a *assistant) Home(_ context.Context, in bot.Inbound) (bot.Message, error) {
	return bot.Message{Title: "Your clusters", Text: "for " + in.Identity, Actions: []bot.Action{
		{ID: "clusters", Label: "List", Command: "cluster list"}, {ID: "create", Label: "Create", Command: "cluster create"}}}, a.err
}

// office is an adapter at work on the fake.
type office struct {
	t         *testing.T
	fake      *fakeslack.Fake
	slack     *slack.Slack
	memory    *bottest.Shelf
	assistant *assistant
	log       *bottest.Log

	mu     sync.Mutex
	got    []bot.Inbound
	refuse error
	hold   chan struct{}
	came   chan struct{} // closed and replaced at each message
}

func newOffice(t *testing.T, mode string) *office {
	t.Helper()
	o := &office{t: t, fake: fakeslack.New(t), memory: &bottest.Shelf{}, assistant: &assistant{}, log: &bottest.Log{}, came: make(chan struct{})}
	s, err := slack.New(o.config(mode), o.shared("en"), o.log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	o.slack = s
	t.Cleanup(func() { assertClean(t, o) })
	if mode == "http" {
		server := httptest.NewServer(http.StripPrefix("/callback/slack/ops", s.Callbacks()))
		t.Cleanup(server.Close)
		o.fake.Callback(server.URL + "/callback/slack/ops/")
	}
	return o
}

func (o *office) config(mode string) slack.Config {
	return slack.Config{Name: "ops", Mode: mode, APIURL: o.fake.URL, LinkByEmail: true, BotToken: value.NewSecret(o.fake.BotToken, "test"),
		AppToken: value.NewSecret(o.fake.AppToken, "test"), SigningSecret: value.NewSecret(o.fake.SigningSecret, "test")}
}

func (o *office) shared(lang string) bot.Shared {
	return bot.Shared{Owner: "test", Lang: lang, Assistant: o.assistant, Say: say(o.t),
		Buttons: bot.NewButtons(o.memory, []byte("0123456789abcdef0123456789abcdef"), time.Now)}
}

// run lets the adapter receive until the test ends.
func (o *office) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.slack.Run(ctx, o.handle) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			o.t.Errorf("Run: %v", err)
		}
	})
	o.t.Cleanup(stop)
	return stop
}

// started is run, and waits until deliveries are taken.
func (o *office) started(mode string) {
	o.t.Helper()
	o.run()
	if mode != "http" {
		o.until(func() bool { return o.fake.Sockets() == 2 })
		return
	}
	o.accepted(fakeslack.Said{User: "U1", Room: "D1", Text: "warm up"})
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = nil
}

// accepted says something until it is taken.
func (o *office) accepted(said fakeslack.Said) {
	o.t.Helper()
	said.ID = "until-accepted-" + said.Text
	for o.t.Context().Err() == nil {
		if o.fake.Say(o.t.Context(), said) == nil {
			return
		}
	}
}

func (o *office) handle(ctx context.Context, in bot.Inbound) error {
	o.mu.Lock()
	hold, refuse := o.hold, o.refuse
	o.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if refuse != nil {
		return refuse
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, in)
	close(o.came)
	o.came = make(chan struct{})
	return nil
}

func (o *office) inbounds() []bot.Inbound {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]bot.Inbound(nil), o.got...)
}

// last is what was handed over last.
func (o *office) last() bot.Inbound {
	o.t.Helper()
	got := o.inbounds()
	if len(got) == 0 {
		o.t.Fatal("nothing was handed over")
	}
	return got[len(got)-1]
}

// until waits for something at the fake.
func (o *office) until(done func() bool) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	defer cancel()
	if err := o.fake.Wait(ctx, done); err != nil {
		o.t.Fatalf("%v\n%s", err, o.log)
	}
}

// room is the fake's room as an address.
func (o *office) room() bot.Address { return bot.Address{Account: "slack:ops", Room: fakeslack.Room} }

func (o *office) send(m bot.Message) bot.MessageRef {
	o.t.Helper()
	ref, err := o.slack.Send(o.t.Context(), o.room(), m)
	if err != nil {
		o.t.Fatalf("Send: %v", err)
	}
	return ref
}
