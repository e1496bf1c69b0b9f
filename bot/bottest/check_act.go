package bottest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
)

func checkUploads(t *testing.T, s Subject, _ *desk) {
	need(t, s, Uploads)
	content := []byte("apiVersion: v1\nkind: Config\n名称: demo\n")
	ref, err := s.Platform.(bot.Uploader).Upload(t.Context(), s.To, "../kube config 配置.yaml", content)
	if err != nil {
		t.Fatalf("Upload: %v", err)
	}
	files := s.Uploaded()
	if len(files) != 1 || string(files[0].Content) != string(content) || !strings.Contains(files[0].Name, "配置") || strings.Contains(files[0].Name, "/") {
		t.Fatalf("%q", files)
	}
	if ref.ID == "" || ref.Address.Account != s.Platform.Name() {
		t.Errorf("%+v", ref)
	}
	var failed *bot.SendError
	_, err = s.Platform.(bot.Uploader).Upload(t.Context(), bot.Address{Account: "elsewhere:x", Room: s.To.Room}, "f.txt", content)
	if !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("to a foreign address: %v", err)
	}
}

func checkDM(t *testing.T, s Subject, d *desk) {
	need(t, s, DMs)
	d.hears(t, s, "inbound-1", "cluster kubeconfig demo") // some bots may only write to people who know them
	dms := s.Platform.(bot.DMOpener)
	dm, err := dms.OpenDM(t.Context(), s.Person)
	if err != nil {
		t.Fatalf("OpenDM: %v", err)
	}
	send(t, s, dm, bot.Message{Text: "only-for-you"})
	want := []string{"only-for-you"}
	if s.Cannot[Asides] == "" { // else the hub does it
		send(t, s, s.To, bot.Message{Text: "the-kubeconfig", Private: true, For: s.Person})
		want = append(want, "the-kubeconfig")
	}
	alone, room := strings.Join(s.DM(), "\n"), strings.Join(s.Shown(), "\n")
	for _, text := range want {
		if !strings.Contains(alone, text) {
			t.Errorf("the person reads %q", alone)
		}
		if dm.Room != s.To.Room && strings.Contains(room, text) {
			t.Errorf("everybody reads %q", room)
		}
	}
	if s.Cannot[Strangers] != "" {
		return
	}
	var failed *bot.SendError
	if to, err := dms.OpenDM(t.Context(), "elsewhere:x/y"); !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("a DM with a stranger: %+v, %v", to, err)
	}
}

// checkButtons: a press comes as the person's, with the token of the button, which
// stays the same when the message is drawn again.
func checkButtons(t *testing.T, s Subject, d *desk) {
	need(t, s, Presses)
	in := d.hears(t, s, "inbound-1", "cluster delete demo")
	m := bot.Message{Title: "Delete demo?", For: s.Person, ReplyTo: in.ID, Actions: []bot.Action{
		{ID: "no", Label: "Keep it", Command: "help"}, {ID: "yes", Label: "Delete it", Command: "cluster delete demo plan=0123456789ab", Style: "danger"}}}
	send(t, s, in.From, m)
	if s.Cannot[Tokens] == "" && strings.Contains(strings.Join(s.Shown(), "\n"), "0123456789ab") {
		t.Errorf("what a button does can be read: %q", s.Shown())
	}
	first := d.presses(t, s, "Delete it")
	if first.Identity != s.Person || first.From.Room != s.To.Room || first.From.Account != s.Platform.Name() || !first.Interactive {
		t.Errorf("%+v", first)
	}
	if s.Cannot[Tokens] != "" {
		if first.Text != "cluster delete demo plan=0123456789ab" {
			t.Errorf("the press says %q", first.Text)
		}
		return
	}
	b, err := s.Buttons.Look(t.Context(), first.Press)
	if err != nil || b.Command != "cluster delete demo plan=0123456789ab" || b.For != s.Person || first.Text != "" {
		t.Errorf("%q stands for %+v, %v; text %q", first.Press, b, err, first.Text)
	}
	if s.Cannot[Redelivers] == "" {
		n := len(d.accepted())
		again(t, "the redelivery", s.Redeliver)
		if more := d.next(t, n, "the redelivery"); more.ID != first.ID || more.Press != first.Press {
			t.Errorf("pressed as %s, delivered again as %s", first.ID, more.ID)
		}
	}
	if second := d.presses(t, s, "Delete it"); second.Press != first.Press {
		t.Error("a second press has another token: it would work again")
	}
}

// presses presses and waits for what comes of it.
func (d *desk) presses(t *testing.T, s Subject, label string) bot.Inbound {
	t.Helper()
	n := len(d.accepted())
	again(t, "the press", func(ctx context.Context) error { return s.Press(ctx, label) })
	return d.next(t, n, "the press on "+label)
}

func checkForm(t *testing.T, s Subject, d *desk) {
	need(t, s, Forms)
	in := d.hears(t, s, "inbound-1", s.Form.Command)
	send(t, s, in.From, bot.Message{Text: "Something is missing.", For: s.Person, ReplyTo: in.ID, Form: s.Form})
	n := len(d.accepted())
	if err := s.Submit(t.Context(), s.Form, s.Fill); err != nil {
		t.Fatalf("Submit: %v", err)
	}
	got := d.next(t, n, "the form")
	if len(d.accepted()) != n+1 {
		t.Errorf("opening the form was taken for its use: %+v", d.accepted()[n:])
	}
	if got.Text != s.Form.Command || got.Identity != s.Person || got.From.Room != s.To.Room {
		t.Errorf("%+v", got)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Fill)) {
		if value := got.Values[name]; value != s.Fill[name] && string(got.Refs[name].Inline) != s.Fill[name] {
			t.Errorf("%s was filled in with %q and comes as %q", name, s.Fill[name], value)
		}
	}
	if s.Cannot[Tokens] != "" {
		return
	}
	if b, err := s.Buttons.Look(t.Context(), got.Press); err != nil || b.Command != s.Form.Command {
		t.Errorf("the form's button %q: %+v %v", got.Press, b, err)
	}
}
