package commands

import (
	"slices"
	"strings"
	"testing"
)

func shipNames(t ParamType, _ string) []string {
	switch t {
	case TypeCluster:
		return []string{"pinta", "nina"}
	case TypeHost:
		return []string{"h1", "h2", "k3"}
	case TypeProject:
		return []string{"qa"}
	}
	return nil
}

func TestComplete(t *testing.T) {
	r := shipRegistry(t)
	for _, tc := range []struct {
		text, lang string
		want       []string
	}{
		{"", "en", []string{"help", "ship", "crew"}},
		{"", "zh", []string{"帮助", "船", "船员"}},
		{"s", "zh", []string{"ship", "show", "sink"}},
		{"sh", "en", []string{"ship", "show"}},
		{"船", "en", []string{"船", "船员"}},
		{"船添", "en", []string{"船添加"}},
		{"添加", "en", []string{"添加", "添加船"}},
		{"ship ", "zh", []string{"add", "show", "list", "sink"}},
		{"ship s", "en", []string{"show", "sink"}},
		{"船 ", "en", []string{"添加", "查看", "列表", "击沉"}},
		{"add ", "en", []string{"ship"}},
		{"list ", "en", []string{"ship", "crew"}},
		{"ship show ", "en", []string{"pinta", "nina"}},
		{"查看船 p", "en", []string{"pinta"}},
		{"ship add pinta p", "en", []string{"paint=", "ports=", "password=", "project="}},
		{"ship add pinta --ma", "en", []string{"--masts="}},
		{"ship add pinta masts=2 ma", "en", nil},
		{"船 添加 pinta 桅", "en", []string{"桅杆="}},
		{"ship add pinta paint=", "en", []string{"paint=red", "paint=blue"}},
		{"ship add pinta paint=n", "en", []string{"paint=navy"}},
		{"ship add pinta --paint b", "en", []string{"blue"}},
		{"船 添加 pinta 颜色=", "en", []string{"颜色=红", "颜色=蓝"}},
		{"船 添加 pinta 武装=", "en", []string{"武装=是", "武装=否"}},
		{"ship add pinta masts=h1,h", "en", []string{"masts=h1,h1", "masts=h1,h2"}},
		{"ship add pinta project=", "en", []string{"project=qa"}},
		{"ship sink pinta conf", "en", nil},
		{`ship add pinta note="a`, "en", nil},
		{"nothing known ", "en", nil},
	} {
		var got []string
		for _, c := range r.Complete(tc.text, tc.lang, nil, shipNames) {
			got = append(got, c.Text)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q: got %q, want %q", tc.text, got, tc.want)
		}
	}
}

// TestCompleteOnlyWhatIsAllowed: completion must not tell what exists beyond
// a person's rights.
func TestCompleteOnlyWhatIsAllowed(t *testing.T) {
	r := shipRegistry(t)
	reader := func(s *Spec) bool { return s.Kind == Read }
	for _, text := range []string{"", "s", "ship ", "ship s", "击", "船", "船击", "ship sink ", "ship sink pinta ", "add "} {
		for _, c := range r.Complete(text, "en", reader, shipNames) {
			if strings.Contains(c.Text+c.Help, "sink") || strings.Contains(c.Text, "add") || strings.Contains(c.Text+c.Help, "击沉") || c.Text == "force=" || (text == "ship sink " && c.Text == "pinta") {
				t.Errorf("%q: offers %+v", text, c)
			}
		}
	}
}

// TestCompletionsAreRead: what is offered for a head can be typed.
func TestCompletionsAreRead(t *testing.T) {
	r := shipRegistry(t)
	for _, lang := range []string{"en", "zh"} {
		for _, noun := range r.Complete("", lang, nil, nil) {
			for _, verb := range r.Complete(noun.Text+" ", lang, nil, nil) {
				text := noun.Text + " " + verb.Text
				if p := r.Parse(text, nil, nil); p.Spec == nil {
					t.Errorf("%q is offered and not read: %s", text, errorsOf(p))
				}
			}
		}
	}
}

func TestForm(t *testing.T) {
	r := shipRegistry(t)
	p := r.Parse("ship add pinta paint=blue password=@:pw armed=no", someRefs, nil)
	f := r.Form(p.Spec, "zh", p.Values)
	if f == nil || f.Command != "ship add ship=pinta paint=blue armed=no" || f.Title != "船 添加" || f.Submit != "继续" {
		t.Fatalf("%+v", f)
	}
	got := map[string]string{}
	for _, field := range f.Fields {
		got[field.Name] = strings.Join([]string{field.Label, field.Type, field.Default, strings.Join(field.Choices, "/")}, " ")
		if field.Required != (field.Name == "ship") {
			t.Errorf("%s: required %v", field.Name, field.Required)
		}
	}
	for name, want := range map[string]string{"ship": "船名 text pinta ", "paint": "颜色 choice 蓝 红/蓝", "armed": "武装 bool 否 ", "password": "密码 secret  ",
		"chart": "海图 file  ", "guns": "炮 number  ", "masts": "桅杆 text 1 "} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
	if _, there := got["confirm"]; there {
		t.Error("confirm is offered")
	}
	if f := r.Form(r.Spec("ship list"), "en", nil); f != nil {
		t.Errorf("a form without fields: %+v", f)
	}
}
