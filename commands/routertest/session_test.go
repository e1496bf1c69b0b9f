package routertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
)

// browser lets an account in by a browser, as the front end does.
func (w *world) browser(who, identity string) (id string) {
	w.t.Helper()
	u, err := w.store.UserByName(context.Background(), who)
	check(w.t, err)
	s := access.Session{Hash: access.HashSecret(access.NewSecret()), UserID: u.ID, Identity: identity, Agent: "Firefox of " + who, Remote: "192.0.2.50",
		SeenAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
	check(w.t, w.store.CreateSession(context.Background(), &s))
	return s.ID
}

// sessions are the ids that a person is shown.
func (w *world) sessions(identity string) (ids []string) {
	w.t.Helper()
	var d struct{ Sessions []struct{ Session string } }
	check(w.t, json.Unmarshal(w.answer(types(identity, "session list")).Data, &d))
	for _, s := range d.Sessions {
		ids = append(ids, s.Session)
	}
	slices.Sort(ids)
	return ids
}

func TestALinkIntoTheBrowser(t *testing.T) {
	w := newTemplate(t).world(t)
	viewer := w.link("viewer")
	if m := w.answer(types(viewer, "session open")); !m.Failed || !strings.Contains(m.Text, w.key("session.noweb", nil)) {
		t.Errorf("without pages it is answered with %s", text(m))
	}
	w.services.URL = func() string { return "https://cox.example" }
	m := w.answer(types(viewer, "session open"))
	if m.Failed || !m.Private || len(m.Links) != 1 {
		t.Fatalf("the link is answered with %+v", m)
	}
	address, secret, ok := strings.Cut(m.Links[0].URL, "#")
	if !ok || address != "https://cox.example/enter" {
		t.Errorf("the link is %q: its secret must stand in the fragment", m.Links[0].URL)
	}
	p, err := w.store.TakePass(context.Background(), access.HashSecret(secret), time.Now())
	check(t, err)
	if left := time.Until(p.ExpiresAt); p.Identity != viewer || left > commands.PassLifetime || left < commands.PassLifetime-time.Minute {
		t.Errorf("the pass is for %s, for %s", p.Identity, left)
	}
	if _, err := w.store.TakePass(context.Background(), access.HashSecret(secret), time.Now()); !errors.Is(err, access.ErrNoSession) {
		t.Errorf("the second use: %v", err)
	}
	if log := fmt.Sprintf("%+v", w.audit("session open")); strings.Contains(log, secret) || !strings.Contains(log, viewer) {
		t.Errorf("the audit has %s", log)
	}
}

func TestALinkIntoTheBrowserIsForOneAlone(t *testing.T) {
	w := newTemplate(t).world(t)
	w.services.URL = func() string { return "https://cox.example" }
	room := types(w.link("viewer"), "session open")
	room.Private = false
	if m := w.answer(room); !m.Failed || len(m.Links) > 0 {
		t.Errorf("in a room it is answered with %+v", m)
	}
	if m := w.answer(types("slack:T1/nobody", "session open")); !denied(m) || len(m.Links) > 0 {
		t.Errorf("an unlinked account is answered with %+v", m)
	}
}

func TestSessionsOfOneselfAndOfOthers(t *testing.T) {
	w := newTemplate(t).world(t)
	viewer, manager, boss := w.link("viewer"), w.link("manager"), w.link("boss")
	mine, phone, theirs := w.browser("viewer", viewer), w.browser("viewer", viewer), w.browser("manager", manager)

	own := []string{mine, phone}
	slices.Sort(own)
	if got := w.sessions(viewer); !slices.Equal(got, own) {
		t.Errorf("a viewer sees %v, has %v", got, own)
	}
	if got := w.sessions(manager); !slices.Equal(got, []string{theirs}) {
		t.Errorf("a manager sees %v", got)
	}
	if got := w.sessions(boss); len(got) != 3 {
		t.Errorf("an administrator sees %v", got)
	}

	foreign := w.answer(types(viewer, "session revoke "+theirs))
	absent := w.answer(types(viewer, "session revoke 01JD0000000000000000000000"))
	if !foreign.Failed || strings.ReplaceAll(foreign.Text, theirs, "ID") != strings.ReplaceAll(absent.Text, "01JD0000000000000000000000", "ID") {
		t.Errorf("another's session hints at its being: %q, %q", foreign.Text, absent.Text)
	}
	if m := w.answer(types(viewer, "session revoke "+mine)); m.Failed {
		t.Errorf("one's own: %s", text(m))
	}
	if m := w.answer(types(boss, "session revoke "+theirs)); m.Failed {
		t.Errorf("an administrator: %s", text(m))
	}
	if got := w.sessions(boss); !slices.Equal(got, []string{phone}) {
		t.Errorf("left are %v", got)
	}
	if lines := w.audit("session revoke"); len(lines) != 4 || lines[0].Target != theirs || lines[3].Result != "failed" {
		t.Errorf("the audit has %+v", lines)
	}
}

// TestAPageForAVisitor: what may be read in chat may be read on a page, nothing
// else, and nothing is changed by reading.
func TestAPageForAVisitor(t *testing.T) {
	w := newTemplate(t).world(t)
	ctx := context.Background()
	as := func(who string) bot.Inbound { return bot.Inbound{From: slack, Identity: "slack:T1/" + who} }
	for _, who := range []string{"boss", "manager", "viewer", "keeper", "linked", "gone"} {
		w.link(who)
	}
	for _, c := range []struct {
		who, command string
		ok           bool
	}{
		{"boss", "cluster show other/demo", true}, {"boss", "cluster show other/nothing", false},
		{"manager", "cluster show qa/demo", true}, {"manager", "cluster show other/demo", false},
		{"viewer", "op show op-1", true}, {"viewer", "op show op-3", false}, {"viewer", "settings show", false},
		{"keeper", "cluster show qa/demo", true}, {"keeper", "cluster show qa/second", false},
		{"linked", "cluster list", false}, {"gone", "cluster show qa/demo", false}, {"nobody", "cluster show qa/demo", false},
		{"manager", "cluster show", false}, {"manager", "cluster shw qa/demo", false},
	} {
		if m, err := w.router.Reply(ctx, as(c.who), c.command); (err == nil) != c.ok || err != nil && !errors.Is(err, commands.ErrDenied) || m.Failed {
			t.Errorf("%s: %s: %v %s", c.who, c.command, err, text(m))
		}
	}
	if _, err := w.router.Look(ctx, as("boss"), "cluster delete qa/demo confirm=demo"); err == nil {
		t.Error("a page may change something")
	}
}

func TestAVisitor(t *testing.T) {
	w := newTemplate(t).world(t)
	for who, projects := range map[string][]string{"boss": {"default", "other", "qa"}, "viewer": {"qa"}, "keeper": {"qa"}, "linked": nil, "gone": nil} {
		v, err := w.router.Visitor(context.Background(), bot.Inbound{From: slack, Identity: w.link(who)})
		check(t, err)
		slices.Sort(v.Projects)
		if v.Subject.User == nil || v.Subject.User.Name != who || !slices.Equal(v.Projects, projects) {
			t.Errorf("%s is %+v with %v", who, v.Subject.User, v.Projects)
		}
	}
	v, err := w.router.Visitor(context.Background(), bot.Inbound{From: slack, Identity: "slack:T1/nobody"})
	if err != nil || v.Subject.User != nil || len(v.Projects) > 0 {
		t.Errorf("somebody unlinked is %+v, %v", v, err)
	}
}
