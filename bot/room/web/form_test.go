package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/coxswain-ops/coxswain/bot"
)

// fields gives a form's fields by name, and each label's text.
func fields(root *html.Node) (byName map[string]*html.Node, labels map[string]string) {
	byName, labels = map[string]*html.Node{}, map[string]string{}
	for _, n := range elements(root, func(n *html.Node) bool { return has(n, "name") }) {
		byName[attr(n, "name")] = n
	}
	for _, n := range elements(root, func(n *html.Node) bool { return n.Data == "label" }) {
		labels[attr(n, "for")] = text(n)
	}
	return byName, labels
}

// options gives a choice's values, and the one that it begins with.
func options(n *html.Node) (all []string, first string) {
	for i, o := range elements(n, func(n *html.Node) bool { return n.Data == "option" }) {
		value := attr(o, "value")
		if !has(o, "value") {
			value = text(o)
		}
		if i == 0 || has(o, "selected") {
			first = value
		}
		all = append(all, value)
	}
	return all, first
}

func TestEveryKindOfField(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	form := &bot.Form{Title: "Add a host", Command: "host add", Submit: "Add", Fields: []bot.FormField{
		{Name: "name", Label: "Name", Type: "text", Required: true, Default: "h1"},
		{Name: "credential", Label: "Credential", Type: "text", Choices: []string{"lab", "prod"}, Help: "which one"},
		{Name: "port", Label: "Port", Type: "number", Default: "22"},
		{Name: "role", Label: "Role", Type: "choice", Choices: []string{"manager", "viewer"}, Default: "viewer"},
		{Name: "kind", Label: "Kind", Type: "choice", Choices: []string{"a", "b"}, Required: true},
		{Name: "sure", Label: "Sure", Type: "choice", Choices: []string{"a", "b"}, Required: true, Default: "b"},
		{Name: "check", Label: "Check", Type: "bool", Default: "no"},
		{Name: "password", Label: "Password", Type: "secret", Required: true, Default: "hunter2"},
		{Name: "key", Label: "Key", Type: "file", Required: true, Default: "hunter2"},
		{Name: "yes", Label: "Yes", Type: "bool", Default: "是"},
		{Name: "open", Label: "Open", Type: "bool", Required: true},
	}}
	h.assistant.form = form
	h.bot("qa", bot.Message{Form: form})
	a := h.post("/ui/form", cookie, map[string]string{"room": "qa", "text": "host add"})
	var got struct{ HTML, Title string }
	check(t, json.Unmarshal([]byte(a.body), &got))
	if got.Title != "Add a host" {
		t.Errorf("title %q", got.Title)
	}
	page := h.get("/rooms/qa", cookie).body
	for _, text := range []string{page, got.HTML} {
		if strings.Contains(text, "hunter2") {
			t.Error("a secret is filled in")
		}
	}
	for where, root := range map[string]*html.Node{"asked for": parse(t, got.HTML), "said": main(parse(t, page))} {
		byName, labels := fields(root)
		for _, f := range form.Fields {
			n := byName[f.Name]
			if n == nil {
				t.Errorf("%s: no field %s", where, f.Name)
				continue
			}
			if label := labels[attr(n, "id")]; !strings.HasPrefix(label, f.Label) || attr(n, "id") == "" {
				t.Errorf("%s: %s is labelled %q", where, f.Name, label)
			}
			if has(n, "required") != f.Required {
				t.Errorf("%s: %s: required is %v", where, f.Name, has(n, "required"))
			}
		}
		if n := byName["name"]; n.Data != "input" || attr(n, "value") != "h1" {
			t.Errorf("%s: name %+v", where, n.Attr)
		}
		if n := byName["port"]; attr(n, "inputmode") != "numeric" || attr(n, "value") != "22" {
			t.Errorf("%s: port %+v", where, n.Attr)
		}
		if n := byName["password"]; attr(n, "type") != "password" || attr(n, "value") != "" || attr(n, "autocomplete") != "new-password" {
			t.Errorf("%s: password %+v", where, n.Attr)
		}
		if n := byName["key"]; attr(n, "type") != "file" || attr(n, "value") != "" {
			t.Errorf("%s: key %+v", where, n.Attr)
		}
		n := byName["credential"]
		list := elements(root, func(o *html.Node) bool { return o.Data == "datalist" && attr(o, "id") == attr(n, "list") })
		help := elements(root, func(o *html.Node) bool { return attr(o, "id") == attr(n, "aria-describedby") })
		if len(list) != 1 || len(help) != 1 || text(help[0]) != "which one" {
			t.Errorf("%s: credential %+v", where, n.Attr)
		} else if all, _ := options(list[0]); !slices.Equal(all, []string{"lab", "prod"}) {
			t.Errorf("%s: credential offers %v", where, all)
		}
		for name, want := range map[string]struct{ all, first string }{"role": {" manager viewer", "viewer"}, "kind": {" a b", ""}, "sure": {"a b", "b"},
			"check": {" yes no", "no"}, "yes": {" yes no", "yes"}, "open": {" yes no", ""}} {
			if all, first := options(byName[name]); strings.Join(all, " ") != want.all || first != want.first {
				t.Errorf("%s: %s offers %q, beginning with %q", where, name, all, first)
			}
		}
		forms := elements(root, func(n *html.Node) bool { return n.Data == "form" && attr(n, "class") == "fill" })
		if len(forms) != 1 || attr(forms[0], "data-command") != "host add" || has(forms[0], "action") || !strings.Contains(text(forms[0]), "Add") {
			t.Errorf("%s: %d forms", where, len(forms))
		}
	}
}

// TestALongFormIsFolded: the required fields are seen at once, the rest behind
// "more options", and no two fields share an id.
func TestALongFormIsFolded(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	form := &bot.Form{Command: "cluster create"}
	for i := range 20 {
		form.Fields = append(form.Fields, bot.FormField{Name: fmt.Sprintf("f%d", i), Label: "L", Type: "text", Required: i >= 18})
	}
	h.bot("qa", bot.Message{Form: form})
	h.bot("qa", bot.Message{Form: form})
	root := main(parse(t, h.get("/rooms/qa", cookie).body))
	ids := map[string]bool{}
	for _, n := range elements(root, func(n *html.Node) bool { return has(n, "id") }) {
		if ids[attr(n, "id")] {
			t.Errorf("the id %s twice", attr(n, "id"))
		}
		ids[attr(n, "id")] = true
	}
	for _, d := range elements(root, func(n *html.Node) bool { return n.Data == "details" }) {
		byName, _ := fields(d)
		if len(byName) != 12 || byName["f5"] != nil || byName["f18"] != nil || byName["f6"] == nil || !strings.Contains(text(d), "12") {
			t.Errorf("%d fields are folded", len(byName))
		}
	}
}

// TestAFormIsMadeForItsAsker: as the person, in the room that they are in; a room
// that is not theirs does not count.
func TestAFormIsMadeForItsAsker(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	if a := h.post("/ui/form", cookie, map[string]string{"text": "help"}); a.status != http.StatusNoContent || a.body != "" {
		t.Errorf("no form: %d %q", a.status, a.body)
	}
	h.assistant.form = &bot.Form{}
	for asked, want := range map[string]string{"qa": "qa", "ops": "dm:terminal:alice", "dm:terminal:bob": "dm:terminal:alice", "": "dm:terminal:alice"} {
		h.assistant.asked = nil
		h.post("/ui/form", cookie, map[string]string{"text": "cluster create", "room": asked})
		in := h.assistant.asked[0]
		if in.From.Room != want || in.Identity != "terminal:alice" || in.On != "local" || in.Text != "cluster create" || in.From.Account != "room" {
			t.Errorf("in %q: %+v", asked, in)
		}
	}
}

// TestAQuestionIsNotAskedTwice: a form says what its question says; what is wrong
// with a form that was filled in is said beside it.
func TestAQuestionIsNotAskedTwice(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	form := &bot.Form{Command: "cluster create", Fields: []bot.FormField{
		{Name: "name", Label: "name", Type: "text", Help: "the name it gets"}, {Name: "region", Label: "region", Type: "text", Help: "the region"}}}
	h.bot("qa", bot.Message{Text: "Which name?", Ask: &bot.Ask{Name: "name"}, Form: form})
	h.bot("qa", bot.Message{Text: "Bigger than it may be.", Form: form})
	h.bot("qa", bot.Message{Text: "Which one?", Ask: &bot.Ask{Name: "name"}})
	h.bot("qa", bot.Message{Table: &bot.Table{Columns: []string{"node", "step"}, Rows: [][]string{{"prod-1-w1", "make the machine"}}}})
	root := main(parse(t, h.get("/rooms/qa", cookie).body))
	shown := text(root)
	for said, times := range map[string]int{"Which name?": 0, "Bigger than it may be.": 1, "Which one?": 1, "the name it gets": 2, "the region": 0} {
		if got := strings.Count(shown, said); got != times {
			t.Errorf("%q is said %d times, want %d", said, got, times)
		}
	}
	cells := elements(root, func(n *html.Node) bool { return n.Data == "td" })
	if len(cells) != 2 || attr(cells[0], "class") != "short" || attr(cells[1], "class") != "long" {
		t.Errorf("only a name stays on one line: %d cells", len(cells))
	}
}
