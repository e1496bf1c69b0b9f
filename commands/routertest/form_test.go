package routertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// asks lets a person begin a command without its values and gives the form that
// is offered, with the token that its sending carries.
func asks(t *testing.T, w *world, identity, command string) (form *bot.Form, token string) {
	t.Helper()
	m := w.answer(types(identity, command))
	if m.Form == nil {
		t.Fatalf("no form: %+v", m)
	}
	return m.Form, w.issued(t, m, bot.Action{ID: "form", Command: m.Form.Command}, time.Now)
}

// fills is the sending of a form.
func fills(identity, token string, form *bot.Form, values map[string]string) bot.Inbound {
	in := presses(identity, token)
	in.Text, in.Values = form.Command, values
	return in
}

func field(t *testing.T, f *bot.Form, name string) bot.FormField {
	t.Helper()
	i := slices.IndexFunc(f.Fields, func(x bot.FormField) bool { return x.Name == name })
	if i < 0 {
		t.Fatalf("the form has no field %s: %+v", name, f.Fields)
	}
	return f.Fields[i]
}

func TestAFormIsCarriedOut(t *testing.T) {
	w := newTemplate(t).world(t)
	boss := w.link("boss")
	form, token := asks(t, w, boss, "host add fresh 192.0.2.9")
	if c := field(t, form, "credential").Choices; len(c) != 1 || c[0] != "lab" {
		t.Errorf("the form offers the credentials %v", c)
	}
	if got := field(t, form, "address").Default; got != "192.0.2.9" {
		t.Errorf("what was typed is not filled in: %q", got)
	}
	in := fills(boss, token, form, map[string]string{"name": "fresh", "address": " 192.0.2.9 ", "credential": "lab", "port": "2222", "bastion": ""})
	if m := w.answer(in); m.Failed {
		t.Fatalf("the form is answered with %s", text(m))
	}
	h, err := w.store.HostByName(context.Background(), "fresh")
	check(t, err)
	if h.Port != 2222 || h.Address != "192.0.2.9" {
		t.Errorf("kept %+v", h)
	}
	if m := w.answer(in); !m.Failed || m.Text != w.key("button.used", nil) {
		t.Errorf("the same form twice is answered with %q", m.Text)
	}
}

// TestAFormWithMistakes tells each field's, keeps what was right and lets the
// person send it again.
func TestAFormWithMistakes(t *testing.T) {
	w := newTemplate(t).world(t)
	boss := w.link("boss")
	form, token := asks(t, w, boss, "host add")
	m := w.answer(fills(boss, token, form, map[string]string{"name": "Fresh One", "address": "192.0.2.9", "credential": "lab", "port": "99999"}))
	if !m.Failed {
		t.Fatalf("mistakes are answered with %+v", m)
	}
	var d struct{ Errors []struct{ Param, Key string } }
	check(t, json.Unmarshal(m.Data, &d))
	got := map[string]string{}
	for _, e := range d.Errors {
		got[e.Param] = e.Key
	}
	if len(d.Errors) != 2 || got["name"] != "lang.name.form" || got["port"] != "lang.int.range" {
		t.Errorf("the fields' errors are %+v", d.Errors)
	}
	if _, err := w.store.HostByName(context.Background(), "fresh-one"); err == nil {
		t.Error("a form with mistakes was half saved")
	}
	if m.Form == nil {
		t.Fatal("the form is not given back")
	}
	if a, c, n := field(t, m.Form, "address").Default, field(t, m.Form, "credential").Default, field(t, m.Form, "name").Default; a != "192.0.2.9" || c != "lab" || n != "" {
		t.Errorf("the form comes back with address %q, credential %q, name %q", a, c, n)
	}
	again := w.issued(t, m, bot.Action{ID: "form", Command: m.Form.Command}, time.Now)
	if again == token {
		t.Fatal("the form that is given back has the token that is used up")
	}
	if m := w.answer(fills(boss, again, m.Form, map[string]string{"name": "fresh-one", "address": "192.0.2.9", "credential": "lab"})); m.Failed {
		t.Errorf("the mended form is answered with %s", text(m))
	}
}

func TestAFormOfWhoMayNot(t *testing.T) {
	w := newTemplate(t).world(t)
	boss, viewer := w.link("boss"), w.link("viewer")
	form, token := asks(t, w, boss, "host add")
	in := fills(viewer, "", form, map[string]string{"name": "fresh", "address": "192.0.2.9", "credential": "lab"})
	if m := w.answer(in); !denied(m) || m.Form != nil {
		t.Errorf("a form without a button is answered with %+v", m)
	}
	in.Press = token
	if m := w.answer(in); !m.Failed {
		t.Errorf("another's form is answered with %+v", m)
	}
	in.Press, in.Values["port"] = "", "99999"
	if m := w.answer(in); m.Form != nil || strings.Contains(fmt.Sprintf("%+v", m), `"lab"`) {
		t.Errorf("mistakes show what they may not see: %+v", m)
	}
	if _, err := w.store.HostByName(context.Background(), "fresh"); err == nil {
		t.Error("the host was added")
	}
}

// TestASecretInAForm travels beside the values, as a content that they refer to.
func TestASecretInAForm(t *testing.T) {
	w := newTemplate(t).world(t)
	boss := w.link("boss")
	form, token := asks(t, w, boss, "credential add")
	if f := field(t, form, "password"); f.Type != "secret" || f.Default != "" {
		t.Errorf("the password's field is %+v", f)
	}
	in := fills(boss, token, form, map[string]string{"name": "typed", "user": "ops", "password": "@:password"})
	in.Refs, in.Private = map[string]bot.Ref{"password": {Inline: []byte("s3cret-value")}}, true
	if m := w.answer(in); m.Failed {
		t.Fatalf("the form is answered with %s", text(m))
	}
	cred, err := w.store.CredentialByName(context.Background(), "typed")
	check(t, err)
	full, err := w.store.CredentialSecret(context.Background(), cred.ID)
	check(t, err)
	if full.Password != "s3cret-value" || full.User != "ops" {
		t.Errorf("kept %q for %q", full.Password, full.User)
	}
	if log := fmt.Sprintf("%+v", w.audit("")); strings.Contains(log, "s3cret") {
		t.Errorf("the audit tells the secret: %s", log)
	}
}

func TestASecretInClearInAForm(t *testing.T) {
	w := newTemplate(t).world(t)
	boss := w.link("boss")
	form, token := asks(t, w, boss, "credential add")
	m := w.answer(fills(boss, token, form, map[string]string{"name": "typed", "user": "ops", "password": "hunter2hunter2"}))
	if all := fmt.Sprintf("%+v %s", m, m.Data); !m.Failed || strings.Contains(all, "hunter2") {
		t.Errorf("a secret in clear is answered with %s", all)
	}
	if m.Form == nil || field(t, m.Form, "user").Default != "ops" {
		t.Errorf("the form is not given back: %+v", m.Form)
	}
	if _, err := w.store.CredentialByName(context.Background(), "typed"); err == nil {
		t.Error("it was kept")
	}
}

func TestASecretInAFormOfARoom(t *testing.T) {
	w := newTemplate(t).world(t)
	boss := w.link("boss")
	form, token := asks(t, w, boss, "credential add")
	in := fills(boss, token, form, map[string]string{"name": "typed", "user": "ops", "password": "@:password"})
	in.Refs = map[string]bot.Ref{"password": {Inline: []byte("s3cret-value")}}
	if m := w.answer(in); !m.Failed || strings.Contains(fmt.Sprintf("%+v", m), "s3cret") {
		t.Errorf("where others read along it is answered with %+v", m)
	}
	if _, err := w.store.CredentialByName(context.Background(), "typed"); err == nil {
		t.Error("it was kept")
	}
}

// TestAFormCannotSmuggle: a value is a value, whatever it looks like.
func TestAFormCannotSmuggle(t *testing.T) {
	w := newTemplate(t).world(t)
	boss := w.link("boss")
	for i, evil := range []string{`lab admin=yes`, `x" admin=yes "`, "x\nadmin=yes", `x' admin=yes '`, "“x” 管理员=是", `\" admin=yes`} {
		name := fmt.Sprintf("person-%d", i)
		m := w.answer(bot.Inbound{Identity: boss, Text: "user add", Direct: true, Private: true, Interactive: true,
			Values: map[string]string{"name": name, "fullname": evil}})
		if m.Failed {
			continue
		}
		u, err := w.store.UserByName(context.Background(), name)
		check(t, err)
		if u.Admin {
			t.Errorf("%q made an administrator", evil)
		}
		if got := strings.Join(strings.Fields(u.FullName), " "); got != strings.Join(strings.Fields(evil), " ") {
			t.Errorf("%q was kept as %q", evil, u.FullName)
		}
	}
}
