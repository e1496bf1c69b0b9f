package web_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptrace"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// said finds keys of the catalogues: in templates as .T "key", in code as the
// string alone.
var (
	saidInTemplates = regexp.MustCompile(`\.T "([^"]+)"`)
	saidInCode      = regexp.MustCompile(`"(web\.[a-z.]+[a-z])"`)
	madeInTemplates = regexp.MustCompile(`\.T \(print "([^"]+)"`)
)

func TestEveryWordIsInBothLanguages(t *testing.T) {
	c := catalogue(t)
	known := map[string]map[string]bool{}
	for _, lang := range []string{"en", "zh"} {
		known[lang] = map[string]bool{}
		for _, key := range c.Keys(lang) {
			known[lang][key] = true
		}
	}
	want := map[string]string{} // key → where
	root := os.DirFS(".")
	check(t, fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(root, path)
		for _, m := range saidInTemplates.FindAllSubmatch(text, -1) {
			want[string(m[1])] = path
		}
		if strings.HasSuffix(path, ".go") {
			for _, m := range saidInCode.FindAllSubmatch(text, -1) {
				want[string(m[1])] = path
			}
		}
		for _, m := range madeInTemplates.FindAllSubmatch(text, -1) {
			if string(m[1]) != "web.state." {
				t.Errorf("%s makes keys that begin with %q: say here what may follow", path, m[1])
			}
		}
		return err
	}))
	for _, key := range []string{"web.missing", "web.noroom", "web.unavailable"} { // pages that say what is wrong
		want[key+".title"] = "enter.go"
	}
	for _, state := range []lifecycle.StepStatus{lifecycle.StepPending, lifecycle.StepRunning, lifecycle.StepDone, lifecycle.StepSatisfied, lifecycle.StepFailed, lifecycle.StepUndoing, lifecycle.StepUndone} {
		want["web.state."+string(state)] = "entry.html"
	}
	if len(want) < 60 {
		t.Errorf("only %d keys were found: this test has missed something", len(want))
	}
	for key, where := range want {
		for lang := range known {
			if !known[lang][key] {
				t.Errorf("%s says %q, which is not in %s", where, key, lang)
			}
		}
	}
}

// TestNoPageLacksAWord renders everything in both languages.
func TestNoPageLacksAWord(t *testing.T) {
	h := newHouse(t, nil).open()
	h.people.set("terminal:alice", h.people.all["terminal:boss"])
	cookie := h.signIn("terminal:alice", "local")
	m := evil("plain")[1]
	for i, state := range []string{"pending", "running", "done", "satisfied", "failed", "undoing", "undone"} {
		m.Progress.Items = append(m.Progress.Items[:i], bot.ProgressItem{State: state, Text: "x"})
	}
	m.Final, m.Operation = false, "op-1"
	h.bot("qa", m)
	h.bot("qa", bot.Message{Form: &bot.Form{Fields: make([]bot.FormField, 10)}})
	for _, lang := range []string{"en", "zh"} {
		for _, path := range []string{"/enter", "/rooms/qa", "/rooms/empty", "/rooms/dm:terminal:bob", "/nowhere"} {
			a := h.get(path, cookie+"; coxswain_lang="+lang)
			if strings.Contains(a.body, "⟦") || strings.Contains(a.body, "<no value>") || !strings.Contains(a.body, "</html>") {
				t.Errorf("%s in %s: %d\n%s", path, lang, a.status, a.body)
			}
		}
	}
}

// TestAssetsAreKept: for good under the address that names their content, not at
// all under another.
func TestAssetsAreKept(t *testing.T) {
	h := newHouse(t, nil).open()
	page := parse(t, h.get("/enter", "").body)
	found := 0
	for _, n := range elements(page, func(n *html.Node) bool { return strings.HasPrefix(attr(n, "href")+attr(n, "src"), "/static/") }) {
		found++
		path := attr(n, "href") + attr(n, "src")
		a := h.get(path, "")
		tag := a.header.Get("ETag")
		if a.status != http.StatusOK || tag == "" || len(a.body) == 0 || a.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d, ETag %q, %q", path, a.status, tag, a.header.Get("Cache-Control"))
		}
		if again := h.get(path, "", "If-None-Match: "+tag); again.status != http.StatusNotModified || again.body != "" || again.header.Get("ETag") != tag {
			t.Errorf("%s again: %d", path, again.status)
		}
		if old := h.get(path, "", `If-None-Match: "old"`); old.status != http.StatusOK {
			t.Errorf("%s with an old tag: %d", path, old.status)
		}
		plain, _, _ := strings.Cut(path, "?")
		for _, other := range []string{plain, plain + "?v=000000000000"} {
			if a := h.get(other, ""); a.status != http.StatusOK || strings.Contains(a.header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s: %d, %q", other, a.status, a.header.Get("Cache-Control"))
			}
		}
		kind := map[string]string{".css": "text/css", "s.js": "text/javascript", "p.js": "text/javascript", ".svg": "image/svg+xml"}[plain[len(plain)-4:]]
		if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, kind) || kind == "" {
			t.Errorf("%s is %q", path, got)
		}
	}
	if found != 3 {
		t.Errorf("%d assets", found)
	}
	for _, path := range []string{"/static/app.js", "/static/app.css"} {
		for _, outside := range []string{"http://", "https://", "url(//", "@import", "eval(", "new Function"} {
			if text := strings.ReplaceAll(h.get(path, "").body, "http://www.w3.org/2000/svg", ""); strings.Contains(text, outside) {
				t.Errorf("%s has %s", path, outside)
			}
		}
	}
}

// bestOf measures how long something takes at its best: the machine may have other
// things to do.
func bestOf(n int, do func()) time.Duration {
	best := time.Hour
	for range n {
		began := time.Now()
		do()
		best = min(best, time.Since(began))
	}
	return best
}

// TestAPageIsQuick: the first byte of an ordinary page, and the whole of one with
// 500 entries with all that entries can have.
func TestAPageIsQuick(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	m := evil("some words of an answer that a person reads")[1]
	for i := range 500 {
		if i%3 == 0 {
			h.bot("qa", m)
		} else {
			h.bot("qa", bot.Message{Text: fmt.Sprint("answer ", i), Fields: []bot.Field{{Label: "status", Value: "running"}}, Footer: "Next: cluster list"})
		}
	}
	whole := bestOf(5, func() {
		if a := h.get("/rooms/qa?earlier=1", cookie); a.status != http.StatusOK || strings.Count(a.body, "<article") != 500 {
			t.Fatalf("%d, %d entries", a.status, strings.Count(a.body, "<article"))
		}
	})
	var first time.Duration
	bestOf(5, func() {
		req, err := http.NewRequest("GET", h.base+"/rooms/qa", nil)
		check(t, err)
		req.Header.Set("Cookie", cookie)
		var asked time.Time
		trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { asked = time.Now() },
			GotFirstResponseByte: func() {
				if d := time.Since(asked); first == 0 || d < first {
					first = d
				}
			}}
		res, err := h.client.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
		check(t, err)
		check(t, res.Body.Close())
	})
	t.Logf("500 entries: %s; first byte of a page with 60: %s", whole, first)
	if whole > slower*100*time.Millisecond {
		t.Errorf("a page of 500 entries takes %s", whole)
	}
	if first > slower*50*time.Millisecond {
		t.Errorf("the first byte takes %s", first)
	}
}
