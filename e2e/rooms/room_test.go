package rooms

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// roomVenue is the built-in room over its socket, for people at terminals whose
// names are no users'.
type roomVenue struct {
	t    *testing.T
	http *http.Client
	said atomic.Int64
	last room.Post // of who spoke last; for tests with one speaker
	mu   sync.Mutex
}

// builtinRoom is one that everybody at this machine may enter.
const builtinRoom = "ops"

func newRoom(t *testing.T) *roomVenue {
	t.Helper()
	return &roomVenue{t: t}
}

func (v *roomVenue) config() (string, []string) { return "", nil }

func (v *roomVenue) meet(t *testing.T, s *drive.Server) {
	t.Helper()
	socket := room.SocketPath(s.Data)
	v.http = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	drive.Eventually(t, patience, "the socket answers", func() bool { // a moment after the pages
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://room/v1/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := v.http.Do(req)
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
	})
}

func (v *roomVenue) user(who string) string { return map[string]string{alice: "ann", bob: "ben"}[who] }

func (v *roomVenue) private(who string) string { return room.Home("terminal:" + v.user(who)) }

func (v *roomVenue) common(string) string { return builtinRoom }

func (v *roomVenue) say(ctx context.Context, who, in, text string) error {
	return v.post(ctx, room.Post{As: v.user(who), Room: in, Text: text})
}

func (v *roomVenue) post(ctx context.Context, p room.Post) error {
	p.ID, p.Interactive = fmt.Sprintf("message-%d", v.said.Add(1)), true
	v.mu.Lock()
	v.last = p
	v.mu.Unlock()
	return v.send(ctx, p)
}

func (v *roomVenue) send(ctx context.Context, p room.Post) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://room/v1/messages", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := v.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusAccepted {
		err = fmt.Errorf("the room answers %d: %s", res.StatusCode, answer)
	}
	return err
}

func (v *roomVenue) redelivery() func(context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	said := v.last
	return func(ctx context.Context) error { return v.send(ctx, said) }
}

// entries are the bot's messages in a room.
func (v *roomVenue) entries(in string) []room.Entry {
	as := "ann"
	if in == v.private(bob) {
		as = "ben"
	}
	q := url.Values{"as": {as}, "room": {in}, "last": {"500"}}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, "http://room/v1/events?"+q.Encode(), nil)
	if err != nil {
		v.t.Fatal(err)
	}
	res, err := v.http.Do(req)
	if err != nil {
		return nil // it is being killed, or started
	}
	defer res.Body.Close()
	return history(res.Body, in)
}

// history reads a stream of events up to where it becomes live.
func history(stream io.Reader, in string) []room.Entry {
	var out []room.Entry
	lines := bufio.NewScanner(stream)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() == "event: live" {
			break
		}
		var e room.Entry
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if ok && json.Unmarshal([]byte(data), &e) == nil && e.Author == "" && e.Room == in {
			out = append(out, e)
		}
	}
	return out
}

func (v *roomVenue) button(_, in, label string) (func(context.Context, string) error, error) {
	for _, e := range slices.Backward(v.entries(in)) {
		for _, a := range e.Bot.Actions {
			if a.Label == label {
				return func(ctx context.Context, by string) error { return v.say(ctx, by, in, a.Command) }, nil
			}
		}
	}
	return nil, fmt.Errorf("there is no button %q", label)
}

func (v *roomVenue) fill(ctx context.Context, who, in, title string, values map[string]string) (string, error) {
	for _, e := range slices.Backward(v.entries(in)) {
		if f := e.Bot.Form; f != nil && f.Title == title {
			sent := map[string]string{}
			for _, field := range f.Fields {
				sent[field.Name] = field.Default // a form sends whatever it shows
			}
			maps.Copy(sent, values)
			return form(f), v.post(ctx, room.Post{As: v.user(who), Room: in, Text: f.Command, Values: sent})
		}
	}
	return "", errors.New("there is no form " + title)
}

func form(f *bot.Form) string {
	var b strings.Builder
	fmt.Fprintln(&b, f.Title)
	for _, field := range f.Fields {
		fmt.Fprintf(&b, "%s [%s]", field.Label, field.Default)
		if len(field.Choices) > 0 {
			fmt.Fprintf(&b, " of %s", strings.Join(field.Choices, " | "))
		}
		if field.Required {
			b.WriteString(" *")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (v *roomVenue) shown(in string) []note {
	var out []note
	for _, e := range v.entries(in) {
		out = append(out, note{e.ID, drawn(e.Bot)})
	}
	return out
}

// drawn is all that is to be read of a message, without any front end's colours.
func drawn(m bot.Message) string {
	var out []string
	add := func(format string, args ...any) {
		if line := strings.TrimSpace(fmt.Sprintf(format, args...)); line != "" {
			out = append(out, line)
		}
	}
	add("%s %s", m.Severity, m.Title)
	add("%s", m.Text)
	for _, f := range m.Fields {
		add("%s%s%s", f.Label, bot.Colon(f.Label), f.Value)
	}
	if m.Table != nil {
		for _, row := range append([][]string{m.Table.Columns}, m.Table.Rows...) {
			add("%s", strings.Join(row, " | "))
		}
	}
	if m.Code != nil {
		out = append(out, m.Code.Text)
	}
	if p := m.Progress; p != nil {
		add("%d/%d", p.Done, p.Total)
		for _, i := range p.Items {
			add("%s %s · %s", i.State, i.Text, i.Note)
		}
	}
	for _, l := range m.Links {
		add("%s → %s", l.Label, l.URL)
	}
	if m.Form != nil {
		add("(form) %s", m.Form.Title)
	}
	for _, a := range m.Actions {
		add("[%s]", a.Label)
	}
	add("%s", m.Footer)
	return strings.Join(out, "\n")
}

func (v *roomVenue) until(limit time.Duration, ok func() bool) bool {
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			return false
		}
		<-tick.C
	}
	return true
}

func (v *roomVenue) strange() map[string]string { return map[string]string{} }
