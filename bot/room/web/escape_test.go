package web_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/web"
)

// attacks break out of every place that a text may stand in, were it not escaped.
var attacks = []string{
	`"><script>alert(1)</script>`,
	`'><img src=x onerror=alert(1)>`,
	`" onmouseover="alert(1)" x="`,
	`</code></pre><script>alert(1)</script>`,
	`</textarea></select></option><svg onload=alert(1)>`,
	`</title></style></script><script>alert(1)</script>`,
	`javascript:alert(1)`,
	` jAvaScRipt:alert(1)//http://`,
	"java\tscript:alert(1)",
	`data:text/html,<script>alert(1)</script>`,
	`vbscript:x`,
	`<!--`, `]]>`, `&lt;script&gt;`, `{{.}}`, "`${alert(1)}`", "\u2028\u2029<b>", "\x00<script>", `<iframe srcdoc="<script>">`, `<base href=//evil>`, `<form action=//evil>`,
}

// filled sets every text of a value, however deep, so that a field added later is
// tried as well.
func filled(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), s)
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i), s)
		}
	case reflect.Slice:
		switch v.Type() {
		case reflect.TypeFor[json.RawMessage]():
			b, _ := json.Marshal(s)
			v.SetBytes(b)
		case reflect.TypeFor[[]byte]():
			v.SetBytes([]byte(s))
		default:
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			filled(v.Index(0), s)
			filled(v.Index(1), s)
		}
	default:
		panic("a kind of field that is not tried: " + v.Kind().String())
	}
}

// evil are messages with text in every field: with a form and without one, where
// a question's choices are buttons, and a form with a field of each type.
func evil(s string) []bot.Message {
	var m bot.Message
	filled(reflect.ValueOf(&m).Elem(), s)
	asked := m
	asked.Form = nil
	form := bot.Message{Form: &bot.Form{ID: s, Title: s, Command: s, Submit: s}}
	for _, kind := range []string{"text", "number", "choice", "bool", "secret", "file", s} {
		for _, required := range []bool{true, false} {
			form.Form.Fields = append(form.Form.Fields, bot.FormField{Name: s, Label: s, Help: s, Type: kind, Choices: []string{s, s}, Default: s, Required: required})
		}
	}
	return []bot.Message{m, asked, form}
}

// skeleton is what a page consists of, texts and values left out: an attack that
// works adds to it. It also gives the texts and values.
func skeleton(root *html.Node) (bones, flesh []string) {
	for n := range root.Descendants() {
		switch n.Type {
		case html.ElementNode:
			b := n.Data
			for _, a := range n.Attr {
				b += " " + a.Key
				flesh = append(flesh, a.Val)
			}
			bones = append(bones, b)
		case html.TextNode:
			flesh = append(flesh, n.Data)
		case html.CommentNode:
			bones = append(bones, "<!--"+n.Data)
		}
	}
	return bones, flesh
}

// harmless looks for anything in a page that runs, loads or leads where it must not.
func harmless(t *testing.T, what string, root *html.Node) {
	t.Helper()
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "link":
			if src := attr(n, "src") + attr(n, "href"); !strings.HasPrefix(src, "/static/") || n.FirstChild != nil {
				t.Errorf("%s: a %s of %q", what, n.Data, src)
			}
		case "style", "iframe", "object", "embed", "base", "math", "frame", "applet":
			t.Errorf("%s: a %s", what, n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" || a.Key == "formaction" {
				t.Errorf("%s: <%s %s=%q>", what, n.Data, a.Key, a.Val)
			}
			if a.Key != "href" && a.Key != "src" && a.Key != "action" {
				continue
			}
			u, err := url.Parse(a.Val)
			if err != nil {
				t.Errorf("%s: %s=%q: %v", what, a.Key, a.Val, err)
				continue
			}
			if !slices.Contains([]string{"", "http", "https", "mailto"}, strings.ToLower(u.Scheme)) && !(n.Data == "img" && strings.HasPrefix(a.Val, "data:image/png;base64,")) {
				t.Errorf("%s: %s=%q", what, a.Key, a.Val)
			}
		}
	}
}

// TestNothingOfAMessageRuns shows messages with attacks in every field, in the
// page and in the stream, and compares with the same messages of plain words.
func TestNothingOfAMessageRuns(t *testing.T) {
	h := newHouse(t, nil).open()
	page := func(name, s string) (*html.Node, string) {
		cookie := h.signIn("terminal:boss", "local")
		for _, m := range evil(s) {
			h.bot(name, m)
		}
		check(t, h.transcript.AppendEntry(t.Context(), &room.Entry{ID: name + "-" + s, Room: name, Author: "terminal:" + s, Text: s}))
		a := h.get("/rooms/"+url.PathEscape(name), cookie)
		if a.status != 200 {
			t.Fatalf("%q: %d", s, a.status)
		}
		var live strings.Builder
		for _, e := range h.history(name, cookie) {
			live.WriteString(e.HTML)
		}
		return parse(t, a.body), live.String()
	}
	plainPage, plainLive := page("plain-00", "plain")
	want, _ := skeleton(main(plainPage))
	wantLive, _ := skeleton(parse(t, plainLive))
	for i, s := range attacks {
		root, live := page(fmt.Sprintf("plain-%02d", i+1), s)
		harmless(t, s, root)
		harmless(t, s, parse(t, live))
		if got, flesh := skeleton(main(root)); !slices.Equal(got, want) {
			t.Errorf("%q changes the page:\n%s", s, differ(got, want))
		} else if shown := strings.Join(flesh, "\n"); !strings.Contains(shown, strings.ReplaceAll(s, "\x00", "\uFFFD")) {
			t.Errorf("%q is not shown as it is", s)
		}
		if got, _ := skeleton(parse(t, live)); !slices.Equal(got, wantLive) {
			t.Errorf("%q changes the stream's part:\n%s", s, differ(got, wantLive))
		}
	}
}

// main is the part of a page that is not the list of rooms, which grows.
func main(root *html.Node) *html.Node {
	return elements(root, func(n *html.Node) bool { return n.Data == "main" })[0]
}

func differ(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("at %d: %q, want %q", i, got[i], want[i])
		}
	}
	return fmt.Sprintf("%d elements, want %d", len(got), len(want))
}

// TestNothingAboutAPersonRuns: names of people, projects and rooms, and what
// stands in the address.
func TestNothingAboutAPersonRuns(t *testing.T) {
	h := newHouse(t, nil).open()
	for _, s := range attacks {
		h.people.set("terminal:alice", web.Person{UserID: "u-alice", Name: s, Projects: []string{s, "qa"}, Admin: true, Zone: time.UTC})
		cookie := h.signIn("terminal:alice", "local")
		for _, path := range []string{"/rooms/qa", "/rooms/none?x=" + escape(s), "/enter?next=" + escape(s), "/" + url.PathEscape(s), "/rooms/" + url.PathEscape(s)} {
			a := h.get(path, cookie, "User-Agent: "+strings.Map(printable, s), "Accept-Language: "+strings.Map(printable, s))
			if a.body != "" && strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
				harmless(t, path+" "+s, parse(t, a.body))
			}
		}
		h.assistant.form = evil(s)[2].Form
		var got struct{ HTML string }
		check(t, json.Unmarshal([]byte(h.post("/ui/form", cookie, map[string]string{"text": s, "room": "qa"}).body), &got))
		harmless(t, "form "+s, parse(t, got.HTML))
	}
}

func printable(r rune) rune {
	if r < 0x20 || r == 0x7f {
		return -1
	}
	return r
}

// TestLinksLeadWhereTheySay: good addresses stay as they are.
func TestLinksLeadWhereTheySay(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	good := []string{"https://cox.example/op/op-1?a=b&c=d#x", "http://192.0.2.1:8080/", "/op/op-12", "mailto:ops@example.com"}
	var m bot.Message
	for _, u := range append(slices.Clone(good), "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd") {
		m.Links = append(m.Links, bot.Link{Label: u, URL: u})
	}
	h.bot("qa", m)
	h.bot("qa", bot.Message{Operation: "op-7"})
	page := h.get("/rooms/qa", cookie)
	root := parse(t, page.body)
	var got []string
	for _, a := range elements(root, func(n *html.Node) bool { return strings.Contains(attr(n, "rel"), "noopener") }) {
		got = append(got, attr(a, "href"))
	}
	if !slices.Equal(got, append(good, "#ZgotmplZ", "#ZgotmplZ", "#ZgotmplZ")) {
		t.Errorf("%d: %q", page.status, got)
	}
	if n := elements(root, func(n *html.Node) bool { return attr(n, "href") == "/op/op-7" }); len(n) != 1 {
		t.Error("no way to the operation's page")
	}
}
