package routertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
)

// home is what a person finds on their own page of a platform.
func (w *world) home(identity string) bot.Message {
	w.t.Helper()
	m, err := w.router.Home(context.Background(), bot.Inbound{From: slack, Identity: identity})
	check(w.t, err)
	return m
}

// clustersOn are the clusters that a home shows.
func clustersOn(m bot.Message) (names []string) {
	if m.Table == nil {
		return nil
	}
	for _, row := range m.Table.Rows {
		names = append(names, row[0])
	}
	slices.Sort(names)
	return names
}

func TestHomeShowsWhatIsOnesOwn(t *testing.T) {
	w := newTemplate(t).world(t)
	for who, want := range map[string][]string{"boss": {"other/demo", "qa/demo", "qa/second"}, "manager": {"demo", "second"},
		"viewer": {"demo", "second"}, "keeper": {"demo"}, "linked": nil} {
		m := w.home(w.link(who))
		if got := clustersOn(m); !slices.Equal(got, want) {
			t.Errorf("%s sees %v, want %v", who, got, want)
		}
		creates := slices.ContainsFunc(m.Actions, func(a bot.Action) bool { return a.Command == "cluster create" })
		if creates != (who == "boss" || who == "manager") {
			t.Errorf("%s is offered to create: %v", who, creates)
		}
		if !strings.Contains(m.Text, fmt.Sprintf("%d clusters", len(want))) {
			t.Errorf("%s reads %q", who, m.Text)
		}
	}
}

func TestHomeOfWhoIsNobody(t *testing.T) {
	w := newTemplate(t).world(t)
	for identity, key := range map[string]string{w.link("gone"): "denied", "slack:T1/nobody": "denied.unlinked"} {
		m := w.home(identity)
		if m.Text != w.key(key, nil) || m.Table != nil || len(m.Actions) > 0 || m.Footer != "" {
			t.Errorf("%s finds %+v", identity, m)
		}
	}
}

func TestHomeShowsWhatIsAtWork(t *testing.T) {
	w := newTemplate(t).world(t)
	manager, keeper := w.link("manager"), w.link("keeper")
	started := w.say("manager", "cluster delete qa/second confirm=second", nil)
	if started.Operation == "" {
		t.Fatalf("nothing was started: %s", text(started))
	}
	at := func(m bot.Message, cluster string) string {
		for _, row := range m.Table.Rows {
			if row[0] == cluster {
				return row[3]
			}
		}
		return "not there"
	}
	m := w.home(manager)
	if got := at(m, "second"); got != started.Operation {
		t.Errorf("second is at %q, want %s", got, started.Operation)
	}
	if len(m.Fields) != 1 || m.Fields[0].Label != started.Operation || !strings.Contains(m.Fields[0].Value, "second: ") {
		t.Errorf("the inbox of who started it: %+v", m.Fields)
	}
	if b := w.home(w.link("boss")); len(b.Fields) != 0 || strings.Contains(b.Text, "\n") {
		t.Errorf("the inbox of who did not: %q %+v", b.Text, b.Fields)
	}
	if got := at(m, "demo"); got != "" {
		t.Errorf("demo is at %q", got)
	}
	if k := w.home(keeper); strings.Contains(fmt.Sprintf("%+v", k), started.Operation) {
		t.Errorf("a keeper of another cluster reads of it: %+v", k)
	}
}
