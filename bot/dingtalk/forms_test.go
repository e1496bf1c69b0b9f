package dingtalk

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

// formOf is the form of a command as the registry makes it of what was typed, with
// the projects that the person may choose from.
func formOf(t *testing.T, typed, lang string) *bot.Form {
	t.Helper()
	registry, err := commands.NewRegistry(commands.All(&commands.Services{Catalogue: catalogue(t)}))
	if err != nil {
		t.Fatal(err)
	}
	p := registry.Parse(typed, nil, func(*commands.Spec) bool { return true })
	if p.Spec == nil {
		t.Fatalf("%q is no command", typed)
	}
	form := registry.Form(p.Spec, lang, p.Values)
	for i := range form.Fields {
		if form.Fields[i].Name == "project" {
			form.Fields[i].Choices = []string{"default", "qa"}
		}
	}
	return form
}

func catalogue(t *testing.T) *messages.Catalogue {
	t.Helper()
	c, err := messages.Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A form begins with what was typed, and where nothing was with nothing.
func TestFormBeginsWithWhatWasTyped(t *testing.T) {
	d, _ := account(t)
	d.shared.Say = catalogue(t).Say
	for typed, want := range map[string]map[string]any{
		"op list":                       {"active": nil, "project": nil},
		"op list active=yes":            {"active": "true", "project": nil},
		"操作 列表 进行中=否":                   {"active": "false", "project": nil},
		"op list active=on project=qa":  {"active": "true", "project": "qa"},
		"op list project=gone active=n": {"active": "false", "project": "gone"},
	} {
		for lang, yes := range map[string]string{"en": "Yes", "zh": "是"} {
			got := map[string]any{}
			for _, in := range d.components(formOf(t, typed, lang)) {
				if in.Name != "active" && in.Name != "project" {
					continue
				}
				if got[in.Name] = nil; in.Default != nil {
					begins := in.Default.(map[string]any)
					got[in.Name] = in.Options[begins["index"].(int)].Value
				}
				if in.Type != "SELECT" || in.Options[0] != (formOption{Value: "–", Text: "–"}) {
					t.Errorf("%s in %s: %+v", typed, lang, in)
				}
				if in.Name == "active" && in.Options[1].Text != yes {
					t.Errorf("%s in %s says %q", typed, lang, in.Options[1].Text)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s in %s begins with %v, want %v", typed, lang, got, want)
			}
		}
	}
}

// What nobody chose is sent as nothing.
func TestFormSendsWhatWasChosen(t *testing.T) {
	c := &cardCallback{}
	params := `{"form":{"active":{"index":0,"value":"–"},"project":{"index":2,"value":"qa"},"cluster":null,"limit":20}}`
	if err := json.Unmarshal([]byte(params), &c.data.Private.Params); err != nil {
		t.Fatal(err)
	}
	if got := c.values(); !maps.Equal(got, map[string]string{"active": "", "project": "qa", "limit": "20"}) {
		t.Errorf("%v", got)
	}
}
