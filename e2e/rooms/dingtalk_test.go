package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// dingtalkVenue is an organization with the robot in a group.
type dingtalkVenue struct {
	*fakedingtalk.Fake
	t    *testing.T
	said atomic.Int64
	last fakedingtalk.Message // of who spoke last; for tests with one speaker
	mu   sync.Mutex
}

const dingtalkBob = "staff02"

func newDingTalk(t *testing.T) *dingtalkVenue {
	t.Helper()
	f := fakedingtalk.New(t)
	f.AddPerson(fakedingtalk.Person{StaffID: dingtalkBob, Name: "Bob"})
	return &dingtalkVenue{Fake: f, t: t}
}

func (v *dingtalkVenue) config() (string, []string) {
	return fmt.Sprintf(`dingtalk:
  - name: ops
    corp_id: %s
    client_id: %s
    client_secret: {env: DINGTALK_SECRET}
    form_template: form.schema
    api: %s
    oapi: %s
`, fakedingtalk.CorpID, fakedingtalk.ClientID, v.URL, v.URL), []string{"DINGTALK_SECRET=" + fakedingtalk.ClientSecret}
}

func (v *dingtalkVenue) meet(t *testing.T, _ *drive.Server) {
	t.Helper()
	v.Connected(1)
}

func (v *dingtalkVenue) user(who string) string {
	return map[string]string{alice: fakedingtalk.Staff, bob: dingtalkBob}[who]
}

func (v *dingtalkVenue) private(who string) string { return fakedingtalk.DM(v.user(who)) }

func (v *dingtalkVenue) common(string) string { return fakedingtalk.Room }

func (v *dingtalkVenue) say(ctx context.Context, who, room, text string) error {
	m := fakedingtalk.Message{ID: fmt.Sprintf("msg-%d", v.said.Add(1)), Room: room, From: v.user(who), Text: text}
	v.mu.Lock()
	v.last = m
	v.mu.Unlock()
	return v.Say(ctx, m)
}

func (v *dingtalkVenue) redelivery() func(context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	said := v.last
	return func(ctx context.Context) error { return v.Say(ctx, said) }
}

func (v *dingtalkVenue) button(_, room, label string) (func(context.Context, string) error, error) {
	for _, m := range slices.Backward(v.Messages(room)) {
		if slices.ContainsFunc(m.Buttons, func(b fakedingtalk.Button) bool { return b.Label == label }) {
			return func(ctx context.Context, by string) error { return v.PressOn(ctx, room, v.user(by), m, label) }, nil
		}
	}
	return nil, fmt.Errorf("there is no button %q", label)
}

func (v *dingtalkVenue) fill(ctx context.Context, who, room, title string, values map[string]string) (string, error) {
	if err := v.Press(ctx, room, v.user(who), title); err != nil {
		return "", err
	}
	var form string
	shown := v.Await(patience, func() bool {
		for _, m := range v.Messages(room) {
			if strings.Contains(m.Text, `"fields"`) {
				form = m.Text
			}
		}
		return form != ""
	})
	if !shown {
		return "", errors.New("no form is shown")
	}
	sent := defaults(form) // a card sends whatever it shows
	for k, text := range values {
		sent[k] = text
	}
	return readForm(v.t, form), v.Submit(ctx, room, v.user(who), sent)
}

// defaults are the values that a form sends when nothing is changed.
func defaults(text string) map[string]any {
	_, raw, _ := strings.Cut(text, "\n")
	var form struct {
		Fields []struct {
			Name    string
			Default any `json:"defaultValue"`
		}
	}
	sent := map[string]any{}
	if json.Unmarshal([]byte(raw), &form) == nil {
		for _, f := range form.Fields {
			sent[f.Name] = f.Default
		}
	}
	return sent
}

// readForm shows a form's card as its template does.
func readForm(t *testing.T, text string) string {
	t.Helper()
	head, raw, _ := strings.Cut(text, "\n")
	var form struct {
		Fields []struct {
			Label, Type, Placeholder string
			Required                 bool
			Default                  any `json:"defaultValue"`
			Options                  []struct{ Text string }
		}
	}
	if err := json.Unmarshal([]byte(raw), &form); err != nil {
		t.Fatalf("the form: %v\n%s", err, text)
	}
	var b strings.Builder
	fmt.Fprintln(&b, head)
	for _, f := range form.Fields {
		value := f.Default
		if choice, ok := value.(map[string]any); ok {
			value = choice["value"]
		}
		if value == nil {
			value = ""
		}
		fmt.Fprintf(&b, "%s [%v]", f.Label, value)
		if len(f.Options) > 0 {
			var all []string
			for _, o := range f.Options {
				all = append(all, o.Text)
			}
			fmt.Fprintf(&b, " of %s", strings.Join(all, " | "))
		}
		if f.Required {
			b.WriteString(" *")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (v *dingtalkVenue) shown(room string) []note {
	var out []note
	for _, m := range v.Messages(room) {
		text := m.Text
		if strings.Contains(text, `"fields"`) {
			text = readForm(v.t, text)
		}
		for _, b := range m.Buttons {
			text += "\n[" + b.Label + "]"
		}
		if len(m.At) > 0 && m.Kind == "card" {
			text = "@" + strings.Join(m.At, " @") + " " + text
		}
		if len(m.Only) > 0 {
			text = "(only " + strings.Join(m.Only, ", ") + " sees it) " + text
		}
		out = append(out, note{m.ID, text})
	}
	return out
}

func (v *dingtalkVenue) until(limit time.Duration, ok func() bool) bool { return v.Await(limit, ok) }

func (v *dingtalkVenue) strange() map[string]string { return map[string]string{} }
