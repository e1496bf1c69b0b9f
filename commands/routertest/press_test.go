package routertest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

const createFresh = "cluster create fresh project=qa region=sandbox workers=1"

// shown asks for a command with a plan and issues the button below its preview,
// as the adapter does that shows it.
func shown(t *testing.T, w *world, identity string) (token string) {
	t.Helper()
	m := w.answer(types(identity, createFresh))
	if len(m.Actions) != 1 || m.For != identity {
		t.Fatalf("no button of one's own: %+v", m)
	}
	return w.issued(t, m, m.Actions[0], time.Now)
}

func (w *world) issued(t *testing.T, m bot.Message, a bot.Action, now func() time.Time) string {
	t.Helper()
	token, err := w.buttonsOf(t, now).Issue(context.Background(), slack, m, a)
	check(t, err)
	return token
}

func TestAPressWorksOnce(t *testing.T) {
	w := newTemplate(t).world(t)
	manager := w.link("manager")
	token, before := shown(t, w, manager), w.operations()
	if m := w.answer(presses(manager, token)); m.Operation == "" || m.Failed || m.For != manager {
		t.Fatalf("the press is answered with %+v", m)
	}
	for range 3 {
		if m := w.answer(presses(manager, token)); !m.Failed || m.Text != w.key("button.used", nil) {
			t.Errorf("another press is answered with %q", m.Text)
		}
	}
	if n := w.operations() - before; n != 1 {
		t.Errorf("%d operations were started", n)
	}
	if lines := w.audit("cluster create fresh"); len(lines) != 1 || lines[0].Result != "ok" || lines[0].Identity != manager {
		t.Errorf("the audit has %+v", lines)
	}
}

// meeting is a machine that answers when enough have asked.
type meeting struct{ sync.WaitGroup }

// Check implements commands.HostChecker.
func (m *meeting) Check(context.Context, string) (lifecycle.HostFacts, string, error) {
	m.Done()
	m.Wait()
	return lifecycle.HostFacts{OS: "debian"}, "", nil
}

// TestPressesAtTheSameTime: all of them have found the button unused when the
// first one is done.
func TestPressesAtTheSameTime(t *testing.T) {
	const pressers = 5
	w := newTemplate(t).world(t)
	boss := w.link("boss")
	together := &meeting{}
	together.Add(pressers)
	w.services.Hosts = together
	token := w.issued(t, bot.Message{ReplyTo: "x", For: boss}, bot.Action{ID: "check", Command: "host check h-qa"}, time.Now)
	answers := make(chan bot.Message, pressers)
	var wg sync.WaitGroup
	for range pressers {
		wg.Go(func() { answers <- w.answer(presses(boss, token)) })
	}
	wg.Wait()
	close(answers)
	carried := 0
	for m := range answers {
		if !m.Failed {
			carried++
		} else if m.Text != w.key("button.used", nil) {
			t.Errorf("a press is answered with %s", text(m))
		}
	}
	if lines := w.audit("host check"); carried != 1 || len(lines) != 1 {
		t.Errorf("%d were carried out, the audit has %+v", carried, lines)
	}
}

func TestAPressOfSomebodyElse(t *testing.T) {
	w := newTemplate(t).world(t)
	manager, boss := w.link("manager"), w.link("boss")
	token, before := shown(t, w, manager), w.operations()
	for _, other := range []string{boss, w.link("viewer"), "slack:T1/nobody"} {
		if m := w.answer(presses(other, token)); !m.Failed || m.Operation != "" {
			t.Errorf("%s pressed another's button: %+v", other, m)
		}
	}
	elsewhere := presses(manager, token)
	elsewhere.From = bot.Address{Account: "slack:other", Room: "C1"}
	if m := w.answer(elsewhere); !m.Failed || m.Text != w.key("button.expired", nil) {
		t.Errorf("a press on another account is answered with %q", m.Text)
	}
	if n := w.operations() - before; n != 0 {
		t.Fatalf("%d operations were started", n)
	}
	if m := w.answer(presses(manager, token)); m.Operation == "" { // the others did not use it up
		t.Errorf("its owner is answered with %+v", m)
	}
}

func TestAPressOfAButtonForAll(t *testing.T) {
	w := newTemplate(t).world(t)
	viewer, boss := w.link("viewer"), w.link("boss")
	token := w.issued(t, bot.Message{Operation: "op-1"}, bot.Action{ID: "retry", Command: "op retry op-1"}, time.Now)
	if m := w.answer(presses(viewer, token)); !denied(m) {
		t.Errorf("a viewer's press is answered with %+v", m)
	}
	if lines := w.audit("op retry"); len(lines) != 1 || lines[0].Result != "denied" {
		t.Errorf("the audit has %+v", lines)
	}
	if m := w.answer(presses(boss, token)); m.Failed && m.Text != w.key("button.used", nil) {
		t.Errorf("an admin's press is answered with %+v", m)
	}
}

func TestAPressThatComesTooLate(t *testing.T) {
	w := newTemplate(t).world(t)
	manager := w.link("manager")
	m := w.answer(types(manager, createFresh))
	before := w.operations()
	late := func() time.Time { return time.Now().Add(-bot.ButtonLifetime - time.Minute) }
	for _, token := range []string{w.issued(t, m, m.Actions[0], late), "made-up"} {
		if m := w.answer(presses(manager, token)); !m.Failed || m.Text != w.key("button.expired", nil) {
			t.Errorf("%s is answered with %+v", token, m)
		}
	}
	// shown again, it lives on
	if m := w.answer(presses(manager, w.issued(t, m, m.Actions[0], time.Now))); m.Operation == "" {
		t.Errorf("shown again it is answered with %+v", m)
	}
	if n := w.operations() - before; n != 1 {
		t.Errorf("%d operations were started", n)
	}
}

func TestAPressOfWhoLostTheRight(t *testing.T) {
	for name, take := range map[string]string{"disabled": "user disable manager", "no member any more": "project member qa manager role=manager remove=yes"} {
		t.Run(name, func(t *testing.T) {
			w := newTemplate(t).world(t)
			manager := w.link("manager")
			token, before := shown(t, w, manager), w.operations()
			if m := w.say("boss", take, nil); m.Failed {
				t.Fatalf("%s: %s", take, m.Text)
			}
			if m := w.answer(presses(manager, token)); !denied(m) && !unseen(m) {
				t.Errorf("the press is answered with %+v", m)
			}
			if n := w.operations() - before; n != 0 {
				t.Errorf("%d operations were started", n)
			}
		})
	}
}

// TestAPressSaysNoMoreThanItsButton: what an adapter adds to a press may only
// fill in the command that the button was made for.
func TestAPressSaysNoMoreThanItsButton(t *testing.T) {
	w := newTemplate(t).world(t)
	boss := w.link("boss")
	m := w.answer(types(boss, "host add fresh 192.0.2.9"))
	token := w.issued(t, m, bot.Action{ID: "form", Command: "host add"}, time.Now)
	in := presses(boss, token)
	in.Text = "project delete qa confirm=qa"
	if m := w.answer(in); !m.Failed || m.Text != w.key("button.expired", nil) {
		t.Errorf("another command than the button's is answered with %+v", m)
	}
	if _, err := w.store.ProjectByName(context.Background(), "qa"); err != nil {
		t.Errorf("the project: %v", err)
	}
}

// TestAPressEndsADialogue: a question that waits must not swallow the command of
// a button as its answer.
func TestAPressEndsADialogue(t *testing.T) {
	w := newTemplate(t).world(t)
	manager := w.link("manager")
	token := shown(t, w, manager)
	if m := w.answer(types(manager, "cluster delete qa/demo")); m.Ask == nil {
		t.Fatalf("no name is asked for: %+v", m)
	}
	if m := w.answer(presses(manager, token)); m.Operation == "" || m.Failed {
		t.Fatalf("the press is answered with %+v", m)
	}
	if m := w.answer(types(manager, "demo")); !m.Failed {
		t.Errorf("the question still waits: %+v", m)
	}
	clusters, err := w.store.Clusters(context.Background())
	check(t, err)
	if !slices.ContainsFunc(clusters, func(c lifecycle.Cluster) bool { return c.Name == "fresh" }) {
		t.Error("the cluster was not created")
	}
}
