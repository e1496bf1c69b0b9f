package fakeslack_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
)

// patience is for machines with much else to do: how fast Slack's own clients are
// is not the question here.
const patience = 30 * time.Second

// TestSocketModeClient has @slack/socket-mode connect, receive, acknowledge, get a
// redelivery, live through a refresh and a cut.
func TestSocketModeClient(t *testing.T) {
	f := fakeslack.New(t)
	f.PingEvery(500 * time.Millisecond)
	f.AckDeadline = patience
	f.Retries = []time.Duration{0}
	v := fakeslack.StartVendor(t, f, "socket")
	v.Next("connected")
	mention := func(text string) {
		t.Helper()
		if err := f.Say(t.Context(), fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: f.Mention(text)}); err != nil {
			t.Fatal(err)
		}
	}
	mention("first")
	if e := v.Next("event"); !strings.Contains(e["text"].(string), "first") || e["retry"] != 0.0 {
		t.Errorf("%v", e)
	}
	f.AckDeadline = 2 * time.Second
	mention("wait for the second delivery")
	f.AckDeadline = patience
	ignored, again := v.Next("ignored"), v.Next("event")
	if ignored["id"] != again["id"] || again["retry"] != 1.0 {
		t.Errorf("the redelivery is another event: %v, %v", ignored, again)
	}
	if err := f.SlashCommand(t.Context(), "U1", fakeslack.Room, "cluster list <x>"); err != nil {
		t.Fatal(err)
	}
	if e := v.Next("command"); e["text"] != "cluster list &lt;x&gt;" {
		t.Errorf("%v", e)
	}
	f.Refresh()
	v.Next("connected")
	mention("after the refresh")
	v.Next("event")
	f.Cut()
	v.Next("connected")
	mention("after the cut")
	v.Next("event")
}

// TestBolt has a whole @slack/bolt app answer, edit, upload, open forms and draw
// its home tab.
func TestBolt(t *testing.T) {
	f := fakeslack.New(t)
	f.AckDeadline = patience
	v := fakeslack.StartVendor(t, f, "bolt")
	v.Next("connected")
	f.Only("chat.postMessage")
	f.Storm(1, time.Second) // the client honours Retry-After
	must(t, f.Say(t.Context(), fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: f.Mention("hi")}))
	v.Next("answered")
	if shown := f.Shown(fakeslack.Room); len(shown) != 1 || shown[0] != "done\n[Open]" {
		t.Errorf("%q", shown)
	}
	if files := f.Files(fakeslack.Room); len(files) != 1 || string(files[0].Content) != "line one" || files[0].Name != "log.txt" {
		t.Errorf("%+v", files)
	}
	if n := f.Calls("chat.postMessage"); n != 3 {
		t.Errorf("%d calls of chat.postMessage: the one refused, the one taken, the one with a section that is too long", n)
	}
	must(t, f.Press(t.Context(), "U1", fakeslack.Room, "Open"))
	title, inputs, err := f.Form(t.Context(), "U1")
	if err != nil || title != "Form" || len(inputs) != 1 || inputs[0].Label != "Name" {
		t.Errorf("%q %+v %v", title, inputs, err)
	}
	var wrong fakeslack.FormErrors
	if err := f.SubmitForm(t.Context(), "U1", map[string]string{"name": "bad"}); !errors.As(err, &wrong) || wrong["name"] != "not that" {
		t.Errorf("%v", err)
	}
	v.Next("form")
	must(t, f.SubmitForm(t.Context(), "U1", map[string]string{"Name": "good"}))
	if e := v.Next("form"); e["name"] != "good" || e["user"] != "U1" {
		t.Errorf("%v", e)
	}
	must(t, f.SlashCommand(t.Context(), "U1", fakeslack.Room, "help"))
	v.Next("command")
	must(t, f.OpenHome(t.Context(), "U1"))
	must(t, f.Wait(t.Context(), func() bool { return f.Home("U1") == "At home" }))
	must(t, f.Disable(t.Context(), "U1"))
	if e := v.Next("user"); e["id"] != "U1" || e["deleted"] != true {
		t.Errorf("%v", e)
	}
}

// TestHTTPReceiver has bolt's receiver check the fake's signatures.
func TestHTTPReceiver(t *testing.T) {
	f := fakeslack.New(t)
	f.AckDeadline = patience
	v := fakeslack.StartVendor(t, f, "receiver")
	url := v.Next("listening")["url"].(string)
	f.Callback(url)
	must(t, f.VerifyURL(t.Context(), url))
	must(t, f.SlashCommand(t.Context(), "U1", fakeslack.Room, "集群 列表"))
	if e := v.Next("command"); e["text"] != "集群 列表" {
		t.Errorf("%v", e)
	}
	must(t, f.Say(t.Context(), fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: f.Mention("hello & co")}))
	v.Next("event")
	must(t, f.PressOn(t.Context(), "U1", fakeslack.Message{TS: "1.1", Room: fakeslack.Room, Blocks: []map[string]any{{"type": "actions",
		"elements": []any{map[string]any{"type": "button", "action_id": "open", "value": "v", "text": map[string]any{"type": "plain_text", "text": "Open"}}}}}}, "Open"))
	v.Next("action")
	f.Skew(-6 * time.Minute)
	if err := f.SlashCommand(t.Context(), "U1", fakeslack.Room, "late"); !errors.Is(err, fakeslack.ErrNotAcknowledged) {
		t.Errorf("bolt took a request that is six minutes old: %v", err)
	}
	f.Skew(0)
	f.SigningSecret = "another"
	if err := f.SlashCommand(t.Context(), "U1", fakeslack.Room, "forged"); !errors.Is(err, fakeslack.ErrNotAcknowledged) {
		t.Errorf("bolt took a forged request: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
