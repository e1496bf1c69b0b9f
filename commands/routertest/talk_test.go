package routertest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
)

// talk is what one person types in one interactive room.
func (w *world) talk(who, text string) bot.Message { return w.sayIn(who, "ops", text, true, nil) }

func TestADestructiveCommandWaitsForTheName(t *testing.T) {
	w := newTemplate(t).world(t)
	m := w.talk("boss", "项目 删除 qa")
	if m.Ask == nil || m.Failed {
		t.Fatalf("no name is asked for: %+v", m)
	}
	if m := w.talk("boss", "other"); !m.Failed || !strings.Contains(m.Text, "“other”与“qa”不一致") && !strings.Contains(m.Text, "is not “qa”") {
		t.Errorf("a wrong name is answered with %q", m.Text)
	}
	if m := w.talk("boss", "qa"); !m.Failed { // the dialogue is over: "qa" is no command
		t.Errorf("after a wrong name the right one still counts: %q", m.Text)
	}
	if m := w.say("boss", "project delete qa", nil); !m.Failed || !strings.Contains(m.Footer, "confirm=qa") {
		t.Errorf("a script without confirm is answered with %q %q", m.Text, m.Footer)
	}
	if m := w.say("boss", "project delete qa confirm=quality", nil); !m.Failed {
		t.Error("a wrong confirm= was taken")
	}
}

func TestAGuidedQuestion(t *testing.T) {
	w := newTemplate(t).world(t)
	m := w.talk("boss", "host add fresh 192.0.2.9")
	if m.Ask == nil || m.Ask.Name != "credential" || len(m.Ask.Choices) != 1 || m.Ask.Choices[0] != "lab" {
		t.Fatalf("the missing credential is not asked for: %+v", m)
	}
	if m := w.talk("boss", "lab"); m.Failed {
		t.Fatalf("the answer was not taken: %s", m.Text)
	}
	if m := w.talk("boss", "host show fresh"); m.Failed {
		t.Errorf("the host was not added: %s", m.Text)
	}
	// a question can be left, and a new command leaves it
	w.talk("boss", "host add another 192.0.2.10")
	if m := w.talk("boss", "取消"); m.Failed {
		t.Errorf("leaving is answered with %q", m.Text)
	}
	w.talk("boss", "host add another 192.0.2.10")
	if m := w.talk("boss", "whoami"); m.Title != "boss" {
		t.Errorf("a new command is answered with %+v", m)
	}
	if m := w.talk("boss", "host show another"); !m.Failed {
		t.Error("a host was half saved")
	}
	// a script is told what is missing
	if m := w.say("boss", "host add fresh2 192.0.2.11", nil); !m.Failed || m.Ask != nil {
		t.Errorf("a script is asked a question: %+v", m)
	}
}

func TestASecretIsAskedForAndKeptSealed(t *testing.T) {
	w := newTemplate(t).world(t)
	if m := w.say("boss", "credential add clear password=hunter2hunter2", nil); !m.Failed || strings.Contains(fmt.Sprintf("%+v", m), "hunter2") {
		t.Errorf("a secret in clear is answered with %+v", m)
	}
	m := w.talk("boss", "credential add asked user=ops")
	if m.Ask == nil || !m.Ask.Secret {
		t.Fatalf("the secret is not asked for: %+v", m)
	}
	m = w.sayIn("boss", "ops", "@:password", true, map[string]bot.Ref{"password": {Inline: []byte("s3cret-value")}})
	if m.Failed {
		t.Fatalf("the secret was not taken: %s", m.Text)
	}
	cred, err := w.store.CredentialByName(context.Background(), "asked")
	check(t, err)
	full, err := w.store.CredentialSecret(context.Background(), cred.ID)
	check(t, err)
	if full.Password != "s3cret-value" || full.User != "ops" {
		t.Errorf("kept %q for %q", full.Password, full.User)
	}
	log, err := w.store.Audit(context.Background(), commands.AuditFilter{Limit: 50})
	check(t, err)
	if text := fmt.Sprintf("%+v", log); strings.Contains(text, "s3cret") || strings.Contains(text, "hunter2") {
		t.Errorf("the audit tells a secret: %s", text)
	}
}

func TestADenialHintsAtNothing(t *testing.T) {
	w := newTemplate(t).world(t)
	there := w.say("manager", "cluster show other/demo", nil)
	absent := w.say("manager", "cluster show other/nothing", nil)
	nowhere := w.say("manager", "cluster show nowhere/demo", nil)
	if there.Text != absent.Text || there.Text != nowhere.Text || string(there.Data) != string(absent.Data) {
		t.Errorf("denials differ: %q %q %q", there.Text, absent.Text, nowhere.Text)
	}
	log, err := w.store.Audit(context.Background(), commands.AuditFilter{Result: "denied", Limit: 10})
	check(t, err)
	if len(log) != 3 || log[0].Actor != "local as manager" {
		t.Errorf("the audit has %+v", log)
	}
}

func TestAButtonShowsAPlanAndDriftAsksAgain(t *testing.T) {
	w := newTemplate(t).world(t)
	m := w.talk("manager", "cluster create fresh project=qa region=sandbox workers=1")
	if len(m.Actions) != 1 || m.Operation != "" {
		t.Fatalf("no button: %+v", m)
	}
	pressed := m.Actions[0].Command
	if again := w.talk("manager", strings.Replace(pressed, "plan=", "plan=0", 1)); again.Operation != "" || len(again.Actions) != 1 {
		t.Errorf("another plan than was shown was carried out: %+v", again)
	}
	if card := w.talk("manager", pressed); card.Operation == "" || card.Failed {
		t.Errorf("the button did nothing: %+v", card)
	}
	if twice := w.talk("manager", pressed); !twice.Failed {
		t.Errorf("the button did it twice: %+v", twice)
	}
}

func TestARedeliveredCommandRunsOnce(t *testing.T) {
	w := newTemplate(t).world(t)
	ctx := context.Background()
	in := bot.Inbound{ID: "again", From: bot.Address{Account: "room", Room: "ops"}, Identity: "terminal:manager", On: "local",
		Text: "cluster create once project=qa region=sandbox", Direct: true, Private: true, At: time.Now()}
	for i := range 5 {
		fresh, err := w.store.Accept(ctx, in, "test", time.Minute)
		check(t, err)
		if fresh != (i == 0) {
			t.Fatalf("delivery %d: fresh is %v", i, fresh)
		}
	}
	check(t, w.router.Handle(ctx, in))
	ops, err := w.store.Operations(ctx, commands.OperationFilter{Limit: 50})
	check(t, err)
	if len(ops) != 4 { // three of the seed
		t.Errorf("%d operations", len(ops))
	}
}

// TestACrowd lets two users in ten rooms type a thousand commands at once.
func TestACrowd(t *testing.T) {
	w := newTemplate(t).world(t)
	var wg sync.WaitGroup
	for room := range 10 {
		for _, who := range []string{"boss", "manager"} {
			wg.Go(func() {
				for i := range 50 {
					text := []string{"cluster list", "cluster show qa/demo", "whoami", "op list", "lang en"}[i%5]
					if m := w.sayIn(who, fmt.Sprintf("room-%d", room), text, true, nil); m.Failed {
						t.Errorf("%s in room %d: %q: %s", who, room, text, m.Text)
					}
				}
			})
		}
	}
	wg.Wait()
	if n := len(w.replies.all); n != 1000 {
		t.Errorf("%d answers to 1000 commands", n)
	}
}

func TestTheSameInBothLanguages(t *testing.T) {
	w := newTemplate(t).world(t)
	read := func(text string) (d struct{ Name, Status string }) {
		t.Helper()
		m := w.say("viewer", text, nil)
		if err := json.Unmarshal(m.Data, &d); err != nil {
			t.Fatalf("%q: %v: %s", text, err, m.Text)
		}
		return d
	}
	if en, zh := read("cluster show qa/demo"), read("查看集群 qa/demo"); en != zh || en.Name != "demo" {
		t.Errorf("en %+v, zh %+v", en, zh)
	}
	if m := w.say("viewer", "集群 查看 qa/demo", nil); m.Fields[0].Label != "状态" {
		t.Errorf("a command in Chinese is answered with %+v", m.Fields[0])
	}
}

// TestAuditIsNarrowed gives a manager the own project, a keeper the own cluster,
// and somebody who is both both.
func TestAuditIsNarrowed(t *testing.T) {
	w := newTemplate(t).world(t)
	for _, cluster := range []string{"qa/demo", "qa/second", "other/demo"} {
		w.say("boss", "cluster kubeconfig "+cluster, nil)
	}
	w.say("boss", "project member other keeper role=manager", nil)
	seen := func(who string) string {
		t.Helper()
		var d struct{ Entries []struct{ Command string } }
		m := w.say(who, "audit list", nil)
		check(t, json.Unmarshal(m.Data, &d))
		var names []string
		for _, e := range d.Entries {
			if strings.HasPrefix(e.Command, "cluster kubeconfig") {
				names = append(names, strings.TrimPrefix(e.Command, "cluster kubeconfig "))
			}
		}
		return strings.Join(names, " ")
	}
	if got := seen("boss"); got != "other/demo qa/second qa/demo" {
		t.Errorf("an admin sees %q", got)
	}
	if got := seen("manager"); got != "qa/second qa/demo" {
		t.Errorf("the manager of qa sees %q", got)
	}
	if got := seen("keeper"); got != "other/demo qa/demo" {
		t.Errorf("who keeps qa/demo and manages other sees %q", got)
	}
}
