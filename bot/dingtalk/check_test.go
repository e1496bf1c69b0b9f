package dingtalk

import (
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/config/value"
)

func keys(findings []bot.Finding) string {
	var out []string
	for _, f := range findings {
		sign := "-"
		if f.OK {
			sign = "+"
		}
		what, _ := f.Args["what"].(string)
		out = append(out, sign+strings.TrimPrefix(f.Key, "dingtalk.check.")+":"+what)
	}
	return strings.Join(out, " ")
}

func TestCheck(t *testing.T) {
	all := func(c *Config) { c.LinkByEmail = true }
	for name, c := range map[string]struct {
		change func(*Config)
		spoil  func(*fakedingtalk.Fake)
		want   string
	}{
		"well":         {all, func(*fakedingtalk.Fake) {}, "+ok:token +ok:stream +ok:robot +ok:card +ok:streaming +ok:contact"},
		"http, simple": {func(c *Config) { c.Mode, c.Cards = modeHTTP, cardsNever }, func(*fakedingtalk.Fake) {}, "+ok:token +http: +ok:robot"},
		"wrong secret": {func(c *Config) { c.ClientSecret = value.NewSecret("wrong-secret", "test") }, func(*fakedingtalk.Fake) {}, "-credentials:token"},
		"no robot":     {func(c *Config) { c.RobotCode = "dingnone" }, func(*fakedingtalk.Fake) {}, "+ok:token +ok:stream +ok:robot +ok:card +ok:streaming"},
		"no permission": {all, func(f *fakedingtalk.Fake) {
			f.Forbid("qyapi_robot_sendmsg")
			f.Forbid("qyapi_get_member")
			f.Forbid("Card.Streaming.Write")
		}, "+ok:token +ok:stream -scope:robot +ok:card -scope:streaming -scope:contact"},
		"unreachable": {all, func(f *fakedingtalk.Fake) { f.Close() }, "-network:token"},
		"broken":      {all, func(f *fakedingtalk.Fake) { f.Break() }, "-network:token"},
	} {
		t.Run(name, func(t *testing.T) {
			d, f := account(t, c.change)
			c.spoil(f)
			findings := d.Check(t.Context())
			if got := keys(findings); got != c.want {
				t.Errorf("%s", got)
			}
			for _, found := range findings {
				if found.OK == (found.Next != "") || found.Args["account"] != d.Name() {
					t.Errorf("%+v", found)
				}
			}
			if s := f.Shown(fakedingtalk.Room); len(s) != 0 {
				t.Errorf("it did something: %q", s)
			}
		})
	}
}

func TestPerson(t *testing.T) {
	d, f := account(t, func(c *Config) { c.LinkByEmail = true })
	f.AddPerson(fakedingtalk.Person{StaffID: "s2", Name: "Bo", Email: "bo@x.example", Inactive: true})
	for staff, want := range map[string]bot.Person{
		"staff01": {Name: "Ada", Email: "ada@corp.example", Active: true}, "s2": {Name: "Bo", Email: "bo@x.example"}, "gone": {}} {
		if p, err := d.Person(t.Context(), d.identity(staff)); err != nil || p != want {
			t.Errorf("%s: %+v %v", staff, p, err)
		}
	}
	quiet := start(t, testConfig(f), d.shared, quick())
	if p, err := quiet.Person(t.Context(), d.identity("staff01")); err != nil || p.Email != "" || p.Name != "Ada" {
		t.Errorf("an address that nobody allowed to be used: %+v %v", p, err)
	}
	for _, foreign := range []string{"slack:T1/U1", "dingtalk:other/staff01", "dingtalk:dingcorp0001/", "dingtalk:dingcorp0001/$:x"} {
		if _, err := d.Person(t.Context(), foreign); err == nil {
			t.Errorf("%s", foreign)
		}
	}
}

func TestConfig(t *testing.T) {
	shared, _ := testShared()
	good := Config{Name: "ops", CorpID: "ding1", ClientID: "ding2", ClientSecret: value.NewSecret("secret", "test")}
	if d, err := New(good, shared, nil); err != nil || d.Name() != "dingtalk:ops" || d.cfg.RobotCode != "ding2" || d.cfg.API != "https://api.dingtalk.com" {
		t.Errorf("%v", err)
	}
	for field, bad := range map[string]func(*Config){
		"name":          func(c *Config) { c.Name = "Ops!" },
		"client_secret": func(c *Config) { c.ClientSecret = value.Secret{} },
		"form_template": func(c *Config) { c.Mode, c.FormTemplate = modeHTTP, "x" },
	} {
		c := good
		bad(&c)
		if p := c.Validate(); len(p) != 1 || p[0].Field != field {
			t.Errorf("%s: %+v", field, p)
		}
		if _, err := New(c, shared, nil); err == nil {
			t.Errorf("%s was taken", field)
		}
	}
	if _, err := New(good, bot.Shared{}, nil); err == nil {
		t.Error("made without a vault")
	}
}
