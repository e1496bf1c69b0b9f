package wecom_test

import (
	"maps"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

// formOf is the form of a command as the registry makes it of what was typed, with
// the names that the person may choose from.
func formOf(t *testing.T, typed, lang string) *bot.Form {
	t.Helper()
	catalogue, err := messages.Load()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := commands.NewRegistry(commands.All(&commands.Services{Catalogue: catalogue}))
	if err != nil {
		t.Fatal(err)
	}
	p := registry.Parse(typed, nil, func(*commands.Spec) bool { return true })
	if p.Spec == nil {
		t.Fatalf("%q is no command", typed)
	}
	form := registry.Form(p.Spec, lang, p.Values)
	for i, field := range form.Fields {
		switch field.Name {
		case "cluster":
			form.Fields[i].Choices = []string{"prod-1", "prod-2"}
		case "project":
			form.Fields[i].Choices = []string{"default", "qa"}
		}
	}
	return form
}

// What was typed stays, what nobody chose is not sent, whatever the language is.
func TestFormSendsWhatWasChosen(t *testing.T) {
	h := openApp(t)
	sent := 0
	for name, c := range map[string]struct {
		typed  string
		chosen map[string]string
		want   map[string]string
	}{
		"typed":               {"op list project=qa", nil, map[string]string{"project": "qa"}},
		"yes stays yes":       {"op list active=yes", nil, map[string]string{"active": "true"}},
		"no stays no":         {"op list active=no", nil, map[string]string{"active": "false"}},
		"in Chinese":          {"操作 列表 进行中=是", nil, map[string]string{"active": "true"}},
		"chosen":              {"op list", map[string]string{"en": "Yes", "zh": "是"}, map[string]string{"active": "true"}},
		"taken out":           {"op list active=yes project=qa", map[string]string{"en": "–", "zh": "–"}, map[string]string{"project": "qa"}},
		"no name but typed":   {"op list project=gone", nil, map[string]string{"project": "gone"}},
		"nothing chosen":      {"op list", nil, map[string]string{"active": "", "cluster": "", "project": ""}},
		"all of it taken out": {"op list active=no", map[string]string{"en": "–", "zh": "–"}, map[string]string{"active": "", "cluster": "", "project": ""}},
	} {
		for _, lang := range []string{"en", "zh"} {
			t.Run(name+"/"+lang, func(t *testing.T) {
				form := formOf(t, c.typed, lang)
				h.send(bot.Message{Form: form, For: "wecom:" + h.fake.CorpID + "/alice"})
				chosen := map[string]string{}
				for _, field := range form.Fields {
					if field.Name == "active" && c.chosen != nil {
						chosen[field.Label] = c.chosen[lang]
					}
				}
				if err := h.fake.Press(t.Context(), "alice", form.Submit, chosen); err != nil {
					t.Fatal(err)
				}
				sent++
				in := h.inbox.wait(t, sent)[sent-1]
				if in.Text != form.Command || !maps.Equal(in.Values, c.want) {
					t.Errorf("%q %v, want %v", in.Text, in.Values, c.want)
				}
			})
		}
	}
}

// A value that the card has no place for is kept if it was typed.
func TestFormKeepsWhatItCannotShow(t *testing.T) {
	h := openApp(t)
	form := formOf(t, "op list cluster=prod-1", "en")
	for i := range form.Fields {
		if form.Fields[i].Name == "cluster" {
			form.Fields[i].Choices = []string{"prod-1", "2", "3", "4", "5", "6", "7", "8", "9", "10"} // with "–" one too many
		}
	}
	form.Fields = append(form.Fields, bot.FormField{Name: "limit", Label: "Limit", Type: "number", Default: "20"}) // a default that nobody typed
	h.send(bot.Message{Form: form})
	if err := h.fake.Press(t.Context(), "alice", form.Submit, nil); err != nil {
		t.Fatal(err)
	}
	if in := h.inbox.wait(t, 1)[0]; !maps.Equal(in.Values, map[string]string{"cluster": "prod-1"}) {
		t.Errorf("%v", in.Values)
	}
}

// The card of a Chinese form is in Chinese although the server speaks English, and
// the other way round.
func TestCardSpeaksItsReadersLanguage(t *testing.T) {
	for lang, other := range map[string]string{"zh": "en", "en": "zh"} {
		f := fakewecom.New(t)
		a := newApp(t, f, &bottest.Shelf{}, other)
		to := bot.Address{Account: "wecom:ops", Room: "user:alice"}
		if _, err := a.Send(t.Context(), to, bot.Message{Form: formOf(t, "op list", lang)}); err != nil {
			t.Fatal(err)
		}
		wantShown(t, f.Shown("alice"), []string{map[string]string{"zh": "(–) (否) (是)", "en": "(–) (No) (Yes)"}[lang]})
	}
}
