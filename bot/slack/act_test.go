package slack_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
)

const alice = "slack:T0FAKE/U1"

func createForm() *bot.Form {
	return &bot.Form{ID: "form:cluster create", Title: "Create a cluster of several nodes", Command: "cluster create", Submit: "Create", Fields: []bot.FormField{
		{Name: "name", Label: "Name", Type: "text", Required: true, Help: "lower case"},
		{Name: "workers", Label: "Workers", Type: "number", Default: "3"},
		{Name: "network", Label: "Network", Type: "choice", Choices: []string{"flannel", "calico"}, Default: "flannel"},
		{Name: "audit-log", Label: "Audit log", Type: "bool", Default: "否"},
		{Name: "password", Label: "Password", Type: "secret"},
		{Name: "kubeconfig", Label: "Kubeconfig", Type: "file"},
	}}
}

func TestAButtonCarriesItsTokenAndNothingElse(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		o.send(bot.Message{Text: "Delete?", For: alice, ReplyTo: "m1", Actions: []bot.Action{{ID: "yes", Label: "Delete", Command: "cluster delete demo confirm=demo", Style: "danger"}}})
		for _, m := range o.fake.Messages(fakeslack.Room) {
			if strings.Contains(strings.Join(o.fake.Shown(fakeslack.Room), ""), "confirm=") || len(m.Blocks) == 0 {
				t.Errorf("the command can be read off the message: %+v", m)
			}
		}
		must(t, o.fake.Press(t.Context(), "U1", fakeslack.Room, "Delete"))
		in := o.last()
		b, err := o.memory.Button(t.Context(), in.Press, in.At)
		if err != nil || b.Command != "cluster delete demo confirm=demo" || b.For != alice {
			t.Errorf("%+v %v", b, err)
		}
		if in.Text != "" || in.Identity != alice || in.From != o.room() || in.Private {
			t.Errorf("%+v", in)
		}
	})
}

func TestAPressInAThreadIsAnsweredThere(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		to := o.room()
		to.Thread = "1700000000.000001"
		_, err := o.slack.Send(t.Context(), to, bot.Message{Text: "x", Actions: []bot.Action{{ID: "a", Label: "Go", Command: "help"}}})
		must(t, err)
		must(t, o.fake.Press(t.Context(), "U1", fakeslack.Room, "Go"))
		if in := o.last(); in.From != to {
			t.Errorf("%+v", in.From)
		}
	})
}

func TestAFormFromItsButtonToItsSubmission(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		o.assistant.form = createForm()
		o.send(bot.Message{Text: "A name is missing.", For: alice, ReplyTo: "m1", Form: createForm()})
		before := len(o.inbounds())
		must(t, o.fake.Press(t.Context(), "U1", fakeslack.Room, "Create a cluster of several nodes"))
		title, inputs, err := o.fake.Form(t.Context(), "U1")
		must(t, err)
		if len(o.inbounds()) != before {
			t.Error("opening a form counts as its use")
		}
		if title != "Create a cluster of…" || len(inputs) != 6 || inputs[0].Optional || inputs[1].Initial != "3" || inputs[2].Initial != "flannel" ||
			!reflect.DeepEqual(inputs[3].Options, []string{"是", "否"}) || inputs[5].Kind != "file_input" {
			t.Errorf("%q %+v", title, inputs)
		}
		var wrong fakeslack.FormErrors
		if err := o.fake.SubmitForm(t.Context(), "U1", nil); !errors.As(err, &wrong) || wrong["name"] == "" {
			t.Errorf("%v", err)
		}
		must(t, o.fake.SubmitForm(t.Context(), "U1", map[string]string{"name": "demo", "network": "calico", "password": "hunter2", "kubeconfig": "apiVersion: v1"}))
		in := o.last()
		want := map[string]string{"name": "demo", "workers": "3", "network": "calico", "audit-log": "否", "password": "@:password", "kubeconfig": "@:kubeconfig"}
		if !reflect.DeepEqual(in.Values, want) || in.Text != "cluster create" || in.Press == "" || in.From != o.room() || in.Identity != alice {
			t.Errorf("%+v", in)
		}
		if string(in.Refs["password"].Inline) != "hunter2" || string(in.Refs["kubeconfig"].Inline) != "apiVersion: v1" || in.Refs["kubeconfig"].Name != "input.txt" {
			t.Errorf("%+v", in.Refs)
		}
		if strings.Contains(o.log.String(), "hunter2") {
			t.Error("a secret is in the log")
		}
	})
}

func TestAFormThatIsNotForThemGoesToTheRouter(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		o.assistant.form = createForm()
		o.fake.AddPerson(fakeslack.Person{ID: "U2", Name: "Bob"})
		o.send(bot.Message{Text: "A name is missing.", For: alice, ReplyTo: "m1", Form: createForm()})
		label := "Create a cluster of several nodes"
		must(t, o.fake.Press(t.Context(), "U2", fakeslack.Room, label))
		in := o.last()
		if in.Press == "" || in.Identity != "slack:T0FAKE/U2" {
			t.Errorf("%+v", in)
		}
		_, err := o.memory.UseButton(t.Context(), in.Press)
		must(t, err)
		must(t, o.fake.Press(t.Context(), "U1", fakeslack.Room, label))
		if again := o.last(); again.Identity != alice || again.Press != in.Press {
			t.Errorf("a used form was opened: %+v", again)
		}
	})
}

func TestAFormThatCannotBeOpenedIsExplained(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		o.send(bot.Message{Text: "A name is missing.", For: alice, ReplyTo: "m1", Form: createForm()})
		press := func() string {
			t.Helper()
			n := len(o.fake.Messages(fakeslack.Room))
			must(t, o.fake.Press(t.Context(), "U1", fakeslack.Room, "Create a cluster of several nodes"))
			o.until(func() bool { return len(o.fake.Messages(fakeslack.Room)) > n })
			m := o.fake.Messages(fakeslack.Room)[n]
			if m.Only != "U1" {
				t.Errorf("everybody sees it: %+v", m)
			}
			return m.Shown()
		}
		if text := press(); !strings.Contains(text, "no form") {
			t.Errorf("%q", text)
		}
		o.assistant.form = createForm()
		o.fake.Only("views.open")
		o.fake.Fail(1, "expired_trigger_id")
		if text := press(); !strings.Contains(text, "Press the button again") {
			t.Errorf("%q", text)
		}
	})
}

func TestAFileThatCannotBeHadIsSaidOnTheForm(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		o.assistant.form = createForm()
		o.send(bot.Message{Text: "x", For: alice, ReplyTo: "m1", Form: createForm()})
		must(t, o.fake.Press(t.Context(), "U1", fakeslack.Room, "Create a cluster of several nodes"))
		_, _, err := o.fake.Form(t.Context(), "U1")
		must(t, err)
		var wrong fakeslack.FormErrors
		big := strings.Repeat("x", 1<<20+1)
		if err := o.fake.SubmitForm(t.Context(), "U1", map[string]string{"name": "a", "kubeconfig": big}); !errors.As(err, &wrong) || !strings.Contains(wrong["kubeconfig"], "1024 KiB") {
			t.Errorf("%v", err)
		}
		o.fake.Only("files.download")
		o.fake.Status(1, 500)
		if err := o.fake.SubmitForm(t.Context(), "U1", map[string]string{"name": "a", "kubeconfig": "x"}); !errors.As(err, &wrong) || wrong["kubeconfig"] == "" {
			t.Errorf("%v", err)
		}
		must(t, o.fake.SubmitForm(t.Context(), "U1", map[string]string{"name": "a", "kubeconfig": "x"}))
	})
}

func TestTheHomeTab(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		o.assistant.form = createForm()
		must(t, o.fake.OpenHome(t.Context(), "U1"))
		o.until(func() bool { return strings.Contains(o.fake.Home("U1"), "for "+alice) })
		must(t, o.fake.PressHome(t.Context(), "U1", "List"))
		in := o.last()
		if in.From.Room != "D1" || !in.Private || in.Press == "" || in.Identity != alice {
			t.Errorf("%+v", in)
		}
		// The button is used up; the tab gets new ones without being opened again.
		_, err := o.memory.UseButton(t.Context(), in.Press)
		must(t, err)
		o.until(func() bool { return o.fake.Calls("views.publish") == 2 })
		must(t, o.fake.PressHome(t.Context(), "U1", "List"))
		if again := o.last(); again.Press == in.Press {
			t.Error("the button that was used is still there")
		}
	})
}

func TestPrivateAnswersGoToTheDM(t *testing.T) {
	o := newOffice(t, "socket")
	ref := o.send(bot.Message{Text: "the kubeconfig", Private: true, For: alice})
	if ref.Address.Room != "D1" {
		t.Errorf("%+v", ref)
	}
	if room := o.fake.Shown(fakeslack.Room); len(room) != 1 || strings.Contains(room[0], "kubeconfig") || !strings.Contains(room[0], "<@U1>") {
		t.Errorf("the room reads %q", room)
	}
	if dm := o.fake.Shown("D1"); len(dm) != 1 || !strings.Contains(dm[0], "the kubeconfig") {
		t.Errorf("the DM reads %q", dm)
	}
	o.send(bot.Message{Text: "the kubeconfig", Private: true})
	if strings.Contains(strings.Join(o.fake.Shown(fakeslack.Room), ""), "kubeconfig") {
		t.Error("shown in a room for want of a person")
	}
	if err := o.slack.Update(t.Context(), bot.MessageRef{Address: o.room(), ID: "1.1"}, bot.Message{Text: "s", Private: true}); err == nil {
		t.Error("a private message took the place of one in a room")
	}
}

func TestAnswersToRoomsThatWeAreNotIn(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.AddRoom("C9", false)
	for _, room := range []string{"C9", "D9OTHERS"} { // a channel, and a DM between others that we cannot even see
		ref, err := o.slack.Send(t.Context(), bot.Address{Account: "slack:ops", Room: room}, bot.Message{Text: "answer", For: alice})
		if err != nil || ref.Address.Room != "D1" {
			t.Errorf("%s: %+v %v", room, ref, err)
		}
	}
	var failed *bot.SendError
	_, err := o.slack.Send(t.Context(), bot.Address{Account: "slack:ops", Room: "C9"}, bot.Message{Text: "news"})
	if !errors.As(err, &failed) || !failed.Permanent {
		t.Errorf("%v", err)
	}
}

func TestPerson(t *testing.T) {
	o := newOffice(t, "socket")
	o.fake.AddPerson(fakeslack.Person{ID: "U2", Name: "Bob", Email: "bob@example.com", Unconfirmed: true, Locale: "zh-CN"})
	o.fake.AddPerson(fakeslack.Person{ID: "U3", Name: "Eve", Email: "alice@example.com", Team: "T9", Deleted: true})
	for id, want := range map[string]bot.Person{
		alice:             {Name: "Alice", Email: "alice@example.com", Active: true},
		"slack:T0FAKE/U2": {Name: "Bob", Lang: "zh", Active: true},
		"slack:T9/U3":     {Name: "Eve"},
	} {
		if got, err := o.slack.Person(t.Context(), id); err != nil || got != want {
			t.Errorf("%s: %+v %v", id, got, err)
		}
	}
	if _, err := o.slack.Person(t.Context(), "dingtalk:1/2"); err == nil {
		t.Error("looked up somebody else's account")
	}
	if _, err := o.slack.Person(t.Context(), "slack:T0FAKE/U404"); err == nil {
		t.Error("found nobody")
	}
}

func TestCheck(t *testing.T) {
	o := newOffice(t, "socket")
	for _, f := range o.slack.Check(t.Context()) {
		if !f.OK {
			t.Errorf("%+v", f)
		}
	}
	o.fake.Revoke("files:write")
	if found := o.slack.Check(t.Context()); len(found) != 3 || found[1].OK || found[1].Args["scopes"] != "files:write" || found[1].Next == "" {
		t.Errorf("%+v", found)
	}
	o.fake.Fail(2, "invalid_auth")
	for _, f := range o.slack.Check(t.Context()) {
		if f.OK || f.Next == "slack.check.reach.next" {
			t.Errorf("%+v", f)
		}
	}
	o.fake.Status(2, 502)
	for _, f := range o.slack.Check(t.Context()) {
		if f.OK || f.Next != "slack.check.reach.next" {
			t.Errorf("%+v", f)
		}
		for _, text := range []string{say(t)("en", f.Key, f.Args), say(t)("zh", f.Next, f.Args)} {
			if strings.Contains(text, "<no value>") || !strings.Contains(text, " ") {
				t.Errorf("%q", text)
			}
		}
	}
}
