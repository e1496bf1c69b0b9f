package rooms

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// slackVenue is a workspace with the app in a channel.
type slackVenue struct {
	*fakeslack.Fake
	name, mode string
	said       atomic.Int64
	last       fakeslack.Said // of who spoke last; for tests with one speaker
	mu         sync.Mutex
}

func newSlack(t *testing.T) *slackVenue {
	t.Helper()
	return newSlackIn(t, "ops", "socket")
}

// newSlackIn makes a workspace; mode is socket or http.
func newSlackIn(t *testing.T, name, mode string) *slackVenue {
	t.Helper()
	f := fakeslack.New(t)
	f.AddPerson(fakeslack.Person{ID: "U2", Name: "Bob", Email: "bob@example.com"})
	return &slackVenue{Fake: f, name: name, mode: mode}
}

func (v *slackVenue) config() (string, []string) {
	id := strings.ToUpper(v.name)
	section := fmt.Sprintf(`slack:
  - name: %[1]s
    mode: %[2]s
    api_url: %[3]s
    bot_token: {env: SLACK_BOT_%[4]s}
    app_token: {env: SLACK_APP_%[4]s}
    signing_secret: {env: SLACK_SIGN_%[4]s}
`, v.name, v.mode, v.URL, id)
	return section, []string{"SLACK_BOT_" + id + "=" + v.BotToken, "SLACK_APP_" + id + "=" + v.AppToken, "SLACK_SIGN_" + id + "=" + v.SigningSecret}
}

func (v *slackVenue) meet(t *testing.T, s *drive.Server) {
	t.Helper()
	if v.mode == "http" {
		v.Callback(callbackURL(s, "slack", v.name))
		return
	}
	if !v.until(patience, func() bool { return v.Sockets() > 0 }) {
		t.Fatal("no connection by Socket Mode")
	}
}

func (v *slackVenue) user(who string) string { return map[string]string{alice: "U1", bob: "U2"}[who] }

func (v *slackVenue) private(who string) string { return v.DM(v.user(who)) }

func (v *slackVenue) common(string) string { return fakeslack.Room }

func (v *slackVenue) say(ctx context.Context, who, room, text string) error {
	if room == fakeslack.Room {
		text = v.Mention(text)
	}
	said := fakeslack.Said{User: v.user(who), Room: room, Text: text, ID: strconv.FormatInt(v.said.Add(1), 10)}
	v.mu.Lock()
	v.last = said
	v.mu.Unlock()
	return v.Say(ctx, said)
}

func (v *slackVenue) redelivery() func(context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	said := v.last
	return func(ctx context.Context) error { return v.Say(ctx, said) }
}

func (v *slackVenue) button(_, room, label string) (func(context.Context, string) error, error) {
	messages := v.Messages(room)
	for i := len(messages) - 1; i >= 0; i-- {
		m := messages[i]
		if !strings.Contains(m.Shown(), "["+label+"]") {
			continue
		}
		return func(ctx context.Context, by string) error { return v.PressOn(ctx, v.user(by), m, label) }, nil
	}
	return nil, fmt.Errorf("there is no button %q", label)
}

func (v *slackVenue) fill(ctx context.Context, who, room, title string, values map[string]string) (string, error) {
	press, err := v.button(who, room, title)
	if err == nil {
		err = press(ctx, who)
	}
	if err != nil {
		return "", err
	}
	head, inputs, err := v.Form(ctx, v.user(who))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", head)
	for _, in := range inputs {
		fmt.Fprintf(&b, "%s [%s]", in.Label, in.Initial)
		if len(in.Options) > 0 {
			fmt.Fprintf(&b, " of %s", strings.Join(in.Options, " | "))
		}
		if !in.Optional {
			b.WriteString(" *")
		}
		b.WriteString("\n")
	}
	return b.String(), v.SubmitForm(ctx, v.user(who), values)
}

func (v *slackVenue) shown(room string) []note {
	var out []note
	for _, m := range v.Messages(room) {
		if m.User != "" {
			continue
		}
		text := m.Shown()
		if m.File != "" {
			text = "(a file)"
		}
		if m.Only != "" {
			text = "(only " + m.Only + " sees it) " + text
		}
		if m.Thread != "" {
			text = "(in a thread) " + text
		}
		out = append(out, note{m.TS, text})
	}
	return out
}

func (v *slackVenue) until(limit time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return v.Wait(ctx, ok) == nil
}

func (v *slackVenue) strange() map[string]string { return map[string]string{} }
