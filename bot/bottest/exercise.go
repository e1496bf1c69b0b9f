package bottest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/bot"
)

// Subject is one platform account under test, with the other side of its wire in
// the test's hands.
type Subject struct {
	Platform bot.Platform
	To       bot.Address // a room that takes messages
	// Say makes a person write text with this message id, as the platform would
	// deliver it. Nil means that the platform has had it accepted; an error means
	// that it would deliver it again.
	Say func(ctx context.Context, id, text string) error
	// Shown gives what stands in To, oldest first, as the platform holds it now.
	Shown func() []string
	// Break lets every call to the other side fail, with an answer that repeats
	// the account's secrets.
	Break func()
	// Secrets must never be seen in an error.
	Secrets []string
}

// Exercise proves that what New makes keeps the promises of bot.Platform and of
// the optional interfaces that it implements.
func Exercise(t *testing.T, New func(t *testing.T) Subject) {
	for name, check := range map[string]func(*testing.T, Subject){
		"names itself":                       checkName,
		"sends in order":                     checkOrder,
		"changes in place":                   checkUpdate,
		"fits messages to its limits":        checkLimits,
		"sends every kind of message":        checkKinds,
		"refuses foreign addresses":          checkForeign,
		"gives up when the context ends":     checkContext,
		"leaks no secret in an error":        checkSecrets,
		"receives, and again when refused":   checkReceive,
		"accepts many at the same time":      checkMany,
		"ends with its context, leaking not": checkShutdown,
	} {
		t.Run(name, func(t *testing.T) { check(t, New(t)) })
	}
}

func send(t *testing.T, s Subject, m bot.Message) bot.MessageRef {
	t.Helper()
	ref, err := s.Platform.Send(t.Context(), s.To, m)
	if err != nil {
		t.Fatalf("Send: %v", err)
	}
	if ref.ID == "" || ref.Address.Account != s.Platform.Name() {
		t.Fatalf("Send gave no usable reference: %+v", ref)
	}
	return ref
}

func checkName(t *testing.T, s Subject) {
	name := s.Platform.Name()
	if name == "" || strings.TrimSpace(name) != name || s.To.Account != name {
		t.Errorf("name %q, addresses of account %q", name, s.To.Account)
	}
	l := s.Platform.Limits()
	if l.Bytes < 0 || l.Runes < 0 || l.Actions < 0 || l.PerMinute < 0 || l.EditEvery < 0 {
		t.Errorf("limits %+v", l)
	}
}

func checkOrder(t *testing.T, s Subject) {
	ids := map[string]bool{}
	for i := range 5 {
		ids[send(t, s, bot.Message{Text: fmt.Sprintf("message-%d", i)}).ID] = true
	}
	shown := s.Shown()
	if len(shown) != 5 || len(ids) != 5 {
		t.Fatalf("%d messages with %d ids of 5: %q", len(shown), len(ids), shown)
	}
	for i, text := range shown {
		if !strings.Contains(text, fmt.Sprintf("message-%d", i)) {
			t.Errorf("place %d: %q", i, text)
		}
	}
}

func checkUpdate(t *testing.T, s Subject) {
	u, ok := s.Platform.(bot.Updater)
	if !ok {
		t.Skip("no bot.Updater")
	}
	first := send(t, s, bot.Message{Text: "first-state"})
	send(t, s, bot.Message{Text: "bystander"})
	for _, state := range []string{"second-state", "third-state"} {
		if err := u.Update(t.Context(), first, bot.Message{Text: state}); err != nil {
			t.Fatalf("Update: %v", err)
		}
	}
	shown := s.Shown()
	if len(shown) != 2 || !strings.Contains(shown[0], "third-state") || strings.Contains(shown[0], "first") || !strings.Contains(shown[1], "bystander") {
		t.Errorf("%q", shown)
	}
	gone := bot.MessageRef{Address: s.To, ID: "no-such-message"}
	if err := u.Update(t.Context(), gone, bot.Message{Text: "x"}); err == nil {
		t.Error("changed a message that is not there")
	}
}

// checkLimits sends what is too long in every way.
func checkLimits(t *testing.T, s Subject) {
	m := bot.Message{Title: "too long 太长", Text: strings.Repeat("中文 and English 👩‍🚀. ", 4000),
		Code: &bot.Code{Text: strings.Repeat("a line of a log ```\n", 2000)}, Table: &bot.Table{Columns: []string{"a", "b"}}}
	for i := range 500 {
		m.Table.Rows = append(m.Table.Rows, []string{fmt.Sprint(i), "值"})
	}
	for i := range 60 {
		m.Actions = append(m.Actions, bot.Action{ID: fmt.Sprint("a", i), Label: fmt.Sprint("button ", i), Command: "help"})
	}
	send(t, s, m)
	shown := s.Shown()
	if len(shown) == 0 {
		t.Fatal("nothing was shown")
	}
	for _, text := range shown {
		if !s.Platform.Limits().Fits(text) || !utf8.ValidString(text) {
			t.Errorf("%d bytes, %d runes against %+v", len(text), utf8.RuneCountInString(text), s.Platform.Limits())
		}
	}
}

func checkKinds(t *testing.T, s Subject) {
	for name, m := range map[string]bot.Message{
		"empty":    {},
		"fields":   {Fields: []bot.Field{{Label: "状态", Value: "运行中", Short: true}}},
		"progress": {Title: "op-1", Operation: "op-1", Progress: &bot.Progress{Done: 1, Total: 2, Items: []bot.ProgressItem{{State: "done", Text: "one"}, {State: "running", Text: "two", Note: "h1"}}}},
		"form":     {Form: &bot.Form{Title: "form", Command: "help", Fields: []bot.FormField{{Name: "a", Label: "A", Type: "choice", Choices: []string{"x"}}}}},
		"image":    {Image: &bot.Image{Name: "a.png", Alt: "a picture", PNG: []byte("\x89PNG")}},
		"links":    {Links: []bot.Link{{Label: "page", URL: "https://cox.example/"}}},
		"marks":    {Text: "a*b_c~d`e <f> & @all [g](h) | i", Severity: bot.Critical},
		"private":  {Text: "for you", Private: true},
	} {
		if _, err := s.Platform.Send(t.Context(), s.To, m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func checkForeign(t *testing.T, s Subject) {
	_, err := s.Platform.Send(t.Context(), bot.Address{Account: "elsewhere:x", Room: s.To.Room}, bot.Message{Text: "lost"})
	var failed *bot.SendError
	if !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("want a permanent *bot.SendError, got %v", err)
	}
}

func checkContext(t *testing.T, s Subject) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Platform.Send(ctx, s.To, bot.Message{Text: "late"}); err == nil {
		t.Error("sent though the context had ended")
	}
}

func checkSecrets(t *testing.T, s Subject) {
	ref := send(t, s, bot.Message{Text: "before"})
	s.Break()
	_, err := s.Platform.Send(t.Context(), s.To, bot.Message{Text: "after"})
	if err == nil {
		t.Fatal("sent though the other side fails")
	}
	errs := []error{err}
	if u, ok := s.Platform.(bot.Updater); ok {
		errs = append(errs, u.Update(t.Context(), ref, bot.Message{Text: "after"}))
	}
	if u, ok := s.Platform.(bot.Uploader); ok {
		_, err := u.Upload(t.Context(), s.To, "f.txt", []byte("x"))
		errs = append(errs, err)
	}
	for _, err := range errs {
		AssertNoSecret(t, fmt.Sprintf("%v %+v", err, err), s.Secrets...)
	}
}

// AssertNoSecret fails when text, of an error, log, metric or URL, has one of
// the secrets in it.
func AssertNoSecret(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for i, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("secret %d is in: %s", i, strings.ReplaceAll(text, secret, "⟦secret⟧"))
		}
	}
}

// desk runs a platform and keeps what it hands over.
type desk struct {
	mu     sync.Mutex
	got    []bot.Inbound
	refuse error
	stop   func() error
}

func open(t *testing.T, s Subject) *desk {
	t.Helper()
	d := &desk{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Platform.Run(ctx, d.handle) }()
	d.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(15 * time.Second):
			return errors.New("its Run goes on 15 s after its context ended")
		}
	})
	t.Cleanup(func() { _ = d.stop() }) // checked by those that care
	return d
}

func (d *desk) handle(_ context.Context, in bot.Inbound) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuse != nil {
		return d.refuse
	}
	d.got = append(d.got, in)
	return nil
}

func (d *desk) set(refuse error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = refuse
}

// say delivers until it is accepted or the test's time is over.
func say(t *testing.T, s Subject, id, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		err := s.Say(ctx, id, text)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s was never accepted: %v", id, err)
		}
	}
}

func checkReceive(t *testing.T, s Subject) {
	d := open(t, s)
	say(t, s, "inbound-1", "help")
	d.set(errors.New("the store is locked"))
	if err := s.Say(t.Context(), "inbound-2", "集群 列表"); err == nil {
		t.Error("acknowledged what was not accepted")
	}
	d.set(nil)
	say(t, s, "inbound-2", "集群 列表")
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.got) < 2 {
		t.Fatalf("%+v", d.got)
	}
	in := d.got[len(d.got)-1]
	if in.ID == "" || in.ID == d.got[0].ID || !strings.Contains(in.Text, "集群") || in.From.Account != s.Platform.Name() ||
		in.From.Room == "" || !strings.Contains(in.Identity, ":") || in.At.IsZero() {
		t.Errorf("%+v", in)
	}
}

func checkMany(t *testing.T, s Subject) {
	d := open(t, s)
	say(t, s, "inbound-first", "help")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { say(t, s, fmt.Sprintf("inbound-%02d", i), "help") })
	}
	wg.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := map[string]bool{}
	for _, in := range d.got {
		ids[in.ID] = true
	}
	if len(ids) != 21 {
		t.Errorf("%d messages of 21", len(ids))
	}
}

func checkShutdown(t *testing.T, s Subject) {
	before := goleak.IgnoreCurrent()
	d := open(t, s)
	say(t, s, "inbound-1", "help")
	if err := d.stop(); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	goleak.VerifyNone(t, before)
}
