package gateways

import (
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// TestSeveralAccounts: three workspaces of Slack, two apps of DingTalk and two
// corporations of WeCom in one server, with rooms and people of the same ids. Each
// hears its own people only, who are others than their namesakes, and each answer
// goes back through the account that heard the question.
func TestSeveralAccounts(t *testing.T) {
	t.Parallel()
	a := &accounts{}
	slacks := map[string]*fakeslack.Fake{}
	for _, name := range []string{"one", "two", "three"} {
		f := fakeslack.New(t)
		f.Team = "T0" + strings.ToUpper(name)
		f.AddPerson(fakeslack.Person{ID: "U1", Name: "Alice"})
		slacks[name] = f
		mode := "socket"
		if name == "three" {
			mode = "http"
		}
		a.withSlack(name, mode, f)
	}
	dings := map[string]*fakedingtalk.Fake{"four": fakedingtalk.New(t), "five": fakedingtalk.New(t)}
	corps := map[string]*fakewecom.Fake{"six": fakewecom.New(t), "seven": fakewecom.New(t)}
	a.withDingTalk("four", dings["four"]).withDingTalk("five", dings["five"])
	a.withApp("six", corps["six"]).withApp("seven", corps["seven"])
	s := a.serve(t)
	slacks["three"].Callback(callbackURL(s, "slack", "three"))
	shown := map[string]func() []string{}
	for name, f := range slacks {
		linkSlack(t, s, f, "user-"+name)
		tellSlack(t, f, fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: f.Mention("whoami")})
		shown[name] = func() []string { return f.Shown(fakeslack.Room) }
	}
	for name, f := range dings {
		f.Connected(1)
		staff := "staff-" + name // the fake's organizations are one of two apps
		f.AddPerson(fakedingtalk.Person{StaffID: staff, Name: "Alice"})
		linkDingTalk(t, s, f, staff, "user-"+name)
		if err := f.Say(t.Context(), fakedingtalk.Message{From: staff, Text: "whoami"}); err != nil {
			t.Error(err)
		}
		shown[name] = func() []string { return f.Shown(fakedingtalk.Room) }
	}
	for name, f := range corps {
		f.DeliverTo(callbackURL(s, "wecom", name), "")
		linkWeCom(t, s, f, "user-"+name)
		linked := len(f.Shown("alice"))
		if err := f.Say(t.Context(), "alice", "who", "whoami"); err != nil {
			t.Error(err)
		}
		shown[name] = func() []string { return f.Shown("alice")[linked:] }
	}
	for name, room := range shown {
		drive.Eventually(t, patience, "the answer to "+name, func() bool { return len(room()) > 0 })
	}
	for name, room := range shown {
		got := room()
		if len(got) != 1 || !strings.Contains(got[0], "user-"+name) {
			t.Errorf("%s hears %q", name, got)
		}
	}
}
