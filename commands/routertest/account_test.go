package routertest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// book is a platform's address book.
type book struct {
	people map[string]bot.Person
	asked  atomic.Int64
	broken bool
}

// Person implements bot.Directory.
func (b *book) Person(ctx context.Context, identity string) (bot.Person, error) {
	b.asked.Add(1)
	if _, bounded := ctx.Deadline(); !bounded {
		return bot.Person{}, errors.New("the address book is asked without a deadline")
	}
	if b.broken {
		return bot.Person{}, errors.New("the platform is away")
	}
	return b.people[identity], nil
}

// directory lets accounts of one platform account be linked by e-mail.
func (w *world) directory(b *book) {
	w.services.Directory = func(account string) bot.Directory {
		if account != slack.Account {
			return nil
		}
		return b
	}
}

// address gives people e-mail addresses.
func (w *world) address(addresses map[string]string) {
	w.t.Helper()
	for who, email := range addresses {
		u, err := w.store.UserByName(context.Background(), who)
		check(w.t, err)
		u.Email = email
		check(w.t, w.store.SaveUser(context.Background(), u))
	}
}

func (w *world) linkedTo(identity string) string {
	w.t.Helper()
	u, err := w.store.UserByIdentity(context.Background(), identity)
	if errors.Is(err, lifecycle.ErrNotFound) {
		return ""
	}
	check(w.t, err)
	return u.Name
}

func TestLinkingByEmail(t *testing.T) {
	w := newTemplate(t).world(t)
	w.address(map[string]string{"viewer": "Viewer@Example.com", "gone": "gone@example.com", "manager": "twice@example.com", "keeper": "twice@example.com"})
	people := map[string]bot.Person{
		"slack:T1/U1": {Email: "viewer@example.com", Active: true},
		"slack:T1/U2": {Email: "viewer@example.com", Active: true}, // a second account of the same person
		"slack:T1/U3": {Email: "", Active: true},                   // not verified
		"slack:T1/U4": {Email: "somebody@example.com", Active: true},
		"slack:T1/U5": {Email: "viewer@example.com"}, // removed on the platform
		"slack:T1/U6": {Email: "gone@example.com", Active: true},
		"slack:T1/U7": {Email: "twice@example.com", Active: true},
	}
	w.directory(&book{people: people})
	for identity, who := range map[string]string{"slack:T1/U1": "viewer", "slack:T1/U2": "viewer", "slack:T1/U3": "", "slack:T1/U4": "",
		"slack:T1/U5": "", "slack:T1/U6": "", "slack:T1/U7": "", "slack:T1/U8": ""} {
		m := w.answer(types(identity, "cluster show qa/demo"))
		if m.Failed == (who != "") || who == "" && m.Text != w.key("denied.unlinked", nil) {
			t.Errorf("%s: %s is answered with %s", identity, people[identity].Email, text(m))
		}
		if got := w.linkedTo(identity); got != who {
			t.Errorf("%s is linked to %q, want %q", identity, got, who)
		}
	}
	lines := w.audit("link")
	if len(lines) != 2 || lines[0].Detail != "link.email" || lines[0].Target != "viewer" || !strings.HasPrefix(lines[0].Cause, "slack:ops/message-") {
		t.Errorf("the audit has %+v", lines)
	}
}

func TestLinkingByEmailWhereItIsNotAllowed(t *testing.T) {
	w := newTemplate(t).world(t)
	w.address(map[string]string{"viewer": "viewer@example.com"})
	b := &book{people: map[string]bot.Person{"slack:T1/U1": {Email: "viewer@example.com", Active: true}}}
	w.directory(b)
	in := types("slack:T1/U1", "whoami")
	in.From = bot.Address{Account: "slack:other", Room: "D1"} // another account, whose config does not allow it
	w.answer(in)
	in.From, in.On = slack, "local" // somebody at the terminal trying another's rights
	w.answer(in)
	if got := w.linkedTo("slack:T1/U1"); got != "" || b.asked.Load() != 0 {
		t.Errorf("linked to %q, the book was asked %d times", got, b.asked.Load())
	}
	w.services.Directory = nil
	in.On = ""
	if m := w.answer(in); m.Failed || w.linkedTo("slack:T1/U1") != "" {
		t.Errorf("without address books: %s", text(m))
	}
}

// TestStrangersAreNotLookedUpAtEveryWord, and a book that is away costs nobody
// their answer.
func TestStrangersAreNotLookedUpAtEveryWord(t *testing.T) {
	w := newTemplate(t).world(t)
	w.address(map[string]string{"viewer": "viewer@example.com"})
	b := &book{people: map[string]bot.Person{}, broken: true}
	w.directory(b)
	now := time.Now()
	w.services.Now = func() time.Time { return now }
	for range 5 {
		if m := w.answer(types("slack:T1/U1", "whoami")); m.Failed {
			t.Errorf("a stranger is answered with %s", text(m))
		}
	}
	if n := b.asked.Load(); n != 1 {
		t.Errorf("the book was asked %d times", n)
	}
	b.broken, b.people["slack:T1/U1"] = false, bot.Person{Email: "viewer@example.com", Active: true}
	now = now.Add(11 * time.Minute)
	if m := w.answer(types("slack:T1/U1", "whoami")); m.Title != "viewer" || b.asked.Load() != 2 {
		t.Errorf("later: %+v, asked %d times", m, b.asked.Load())
	}
}

func TestUnlink(t *testing.T) {
	w := newTemplate(t).world(t)
	viewer, manager, boss := w.link("viewer"), w.link("manager"), w.link("boss")
	u, err := w.store.UserByName(context.Background(), "viewer")
	check(t, err)
	check(t, w.store.LinkIdentity(context.Background(), access.Identity{ID: "wecom:corp/viewer", UserID: u.ID, LinkedAt: time.Now()}))
	session := w.browser("viewer", viewer)

	foreign, absent := w.answer(types(viewer, "unlink account="+manager)), w.answer(types(viewer, "unlink account=slack:T1/nobody"))
	if !foreign.Failed || w.linkedTo(manager) != "manager" || strings.ReplaceAll(foreign.Text, manager, "ID") != strings.ReplaceAll(absent.Text, "slack:T1/nobody", "ID") {
		t.Errorf("another's account: %q, one that is not: %q", foreign.Text, absent.Text)
	}
	if m := w.answer(types(viewer, "unlink")); m.Failed || w.linkedTo(viewer) != "" {
		t.Fatalf("one's own: %s", text(m))
	}
	if got := w.sessions(boss); len(got) != 0 {
		t.Errorf("the browser session %s is still in: %v", session, got)
	}
	if m := w.answer(types(viewer, "cluster list")); !denied(m) {
		t.Errorf("after it: %s", text(m))
	}
	if w.linkedTo("wecom:corp/viewer") != "viewer" {
		t.Error("the other account went as well")
	}
	if m := w.answer(types(boss, "unlink account=wecom:corp/viewer")); m.Failed || w.linkedTo("wecom:corp/viewer") != "" {
		t.Errorf("an administrator: %s", text(m))
	}
	if m := w.answer(types(boss, "unlink account=local:local")); !m.Failed {
		t.Error("the built-in account was unlinked")
	}
	lines := w.audit("unlink")
	if len(lines) != 5 || lines[1].Target != "wecom:corp/viewer" || lines[1].Result != "ok" || lines[0].Result != "failed" {
		t.Errorf("the audit has %+v", lines)
	}
}

func TestAnAccountThatIsGone(t *testing.T) {
	w := newTemplate(t).world(t)
	viewer := w.link("viewer")
	w.browser("viewer", viewer)
	for range 2 { // platforms tell such things twice
		if m, ok := w.send(bot.Inbound{Identity: viewer, Gone: true}); ok {
			t.Errorf("nobody is there to be answered: %+v", m)
		}
	}
	if w.linkedTo(viewer) != "" {
		t.Error("it is still linked")
	}
	if m := w.answer(types(viewer, "cluster list")); !denied(m) {
		t.Errorf("after it: %s", text(m))
	}
	if got := w.sessions(w.link("boss")); len(got) != 0 {
		t.Errorf("its browser is still in: %v", got)
	}
	if lines := w.audit("unlink"); len(lines) != 1 || lines[0].Detail != "account.gone" || lines[0].Identity != viewer || lines[0].Actor != slack.Account {
		t.Errorf("the audit has %+v", lines)
	}
	if m, ok := w.send(bot.Inbound{Identity: "slack:T1/nobody", Gone: true}); ok {
		t.Errorf("a stranger that is gone: %+v", m)
	}
}

func TestADisabledAccount(t *testing.T) {
	w := newTemplate(t).world(t)
	manager, boss := w.link("manager"), w.link("boss")
	w.address(map[string]string{"manager": "manager@example.com"})
	w.directory(&book{people: map[string]bot.Person{"slack:T1/U9": {Email: "manager@example.com", Active: true}}})
	if m := w.answer(types(boss, "user disable manager")); m.Failed {
		t.Fatalf("disable: %s", text(m))
	}
	for _, command := range []string{"whoami", "help", "cluster list", "session open", "unlink", "cluster kubeconfig qa/demo"} {
		if m := w.answer(types(manager, command)); !denied(m) {
			t.Errorf("%s: %s", command, text(m))
		}
	}
	w.answer(types("slack:T1/U9", "whoami"))
	if got := w.linkedTo("slack:T1/U9"); got != "" {
		t.Errorf("a disabled user's address linked a new account to %q", got)
	}
	if m := w.answer(types(boss, "user enable manager")); m.Failed {
		t.Fatalf("enable: %s", text(m))
	}
	if m := w.answer(types(manager, "cluster show qa/demo")); m.Failed {
		t.Errorf("enabled again: %s", text(m))
	}
}

// TestOnePersonOnSeveralPlatforms has the same rights everywhere, and the
// question of one room is not answered in another.
func TestOnePersonOnSeveralPlatforms(t *testing.T) {
	w := newTemplate(t).world(t)
	for i, identity := range []string{"slack:T1/U1", "wecom:corp/zhang", "dingtalk:ding/7"} {
		code := w.say("boss", "user code manager", nil)
		in := types(identity, "link "+codeIn(t, code))
		in.From = bot.Address{Account: []string{"slack:ops", "wecom:hq", "dingtalk:east"}[i], Room: "dm"}
		if m := w.answer(in); m.Failed {
			t.Fatalf("%s: %s", identity, text(m))
		}
		in.Text = "cluster show qa/demo"
		if m := w.answer(in); m.Failed {
			t.Errorf("%s: %s", identity, text(m))
		}
		in.Text = "cluster show other/demo"
		if m := w.answer(in); !denied(m) {
			t.Errorf("%s: another project: %s", identity, text(m))
		}
	}
	ask := types("slack:T1/U1", "cluster delete qa/demo")
	if m := w.answer(ask); m.Ask == nil {
		t.Fatalf("no name is asked for: %+v", m)
	}
	elsewhere := types("wecom:corp/zhang", "demo")
	elsewhere.From = bot.Address{Account: "wecom:hq", Room: "dm"}
	if m := w.answer(elsewhere); m.Operation != "" || !m.Failed {
		t.Errorf("the name typed elsewhere is answered with %+v", m)
	}
}

// codeIn reads the link code of an administrator's answer.
func codeIn(t *testing.T, m bot.Message) string {
	t.Helper()
	var d struct{ Code string }
	check(t, json.Unmarshal(m.Data, &d))
	if d.Code == "" || !m.Private {
		t.Fatalf("no code in %+v", m)
	}
	return d.Code
}

func TestALinkCodeIsGoodOnce(t *testing.T) {
	w := newTemplate(t).world(t)
	code := codeIn(t, w.say("boss", "user code viewer", nil))
	if m := w.answer(types("slack:T1/U1", "link "+strings.ToLower(strings.ReplaceAll(code, "-", "")))); m.Failed {
		t.Errorf("typed without dashes: %s", text(m))
	}
	for identity, want := range map[string]string{"slack:T1/U2": w.key("link.bad", nil), "slack:T1/U1": w.key("link.already", map[string]any{"user": "viewer"})} {
		if m := w.answer(types(identity, "link "+code)); !m.Failed || !strings.Contains(m.Text, want) {
			t.Errorf("%s is answered with %s", identity, text(m))
		}
	}
	code = codeIn(t, w.say("boss", "user code viewer", nil))
	loud := types("slack:T1/U2", "link "+code)
	loud.Private = false
	for _, in := range []bot.Inbound{loud, types("slack:T1/U2", "link "+code)} {
		if m := w.answer(in); !m.Failed {
			t.Errorf("a code that others have read is answered with %s", text(m))
		}
	}
	if got := w.linkedTo("slack:T1/U2"); got != "" {
		t.Errorf("linked to %q", got)
	}
}
