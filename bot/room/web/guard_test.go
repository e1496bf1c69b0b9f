package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room/web"
)

func escape(s string) string { return url.QueryEscape(s) }

// posts are all routes that change something, with a body that they would take.
var posts = map[string]string{
	"/enter":       `{"secret":"x"}`,
	"/leave":       ``,
	"/ui/read":     `{"room":"qa","cursor":1}`,
	"/ui/form":     `{"room":"qa","text":"host add"}`,
	"/v1/complete": `{"room":"qa","text":"c"}`,
	"/v1/messages": `{"id":"message-1","room":"qa","text":"cluster delete demo confirm=demo"}`,
	"/v1/uploads":  `content`,
	"/v1/passes":   ``,
	"/op/op-1":     ``,
	"/nowhere":     ``,
}

// mounted is somebody else's page.
func mounted(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }

func TestOtherSitesCannotPost(t *testing.T) {
	h := newHouse(t, nil)
	h.web.Mount("/op/{op}", http.HandlerFunc(mounted))
	h.open()
	cookie := h.signIn("terminal:alice", "local")
	for path, body := range posts {
		for _, from := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null",
			"Origin: " + strings.Replace(h.base, "127.0.0.1", "localhost", 1), "Origin: " + h.base + "1"} {
			for _, kind := range []string{"text/plain", "application/json", "application/x-www-form-urlencoded"} {
				a := h.do("POST", path, cookie, body, from, "Content-Type: "+kind)
				if a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
					t.Errorf("%s, %s: %d", path, from, a.status)
				}
			}
		}
	}
	if !h.in(cookie) || len(h.heard()) != 0 || h.cursor() != 0 {
		t.Error("another site has done something")
	}
	for _, from := range []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "Origin: " + h.base} {
		if a := h.do("POST", "/ui/read", cookie, posts["/ui/read"], from); a.status != http.StatusOK {
			t.Errorf("our own page is refused: %s: %d", from, a.status)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	h := newHouse(t, nil)
	h.web.Mount("/op/{op}", http.HandlerFunc(mounted))
	h.open()
	cookie := h.signIn("terminal:alice", "local")
	seen := map[int]bool{}
	look := func(name string, a answer) {
		t.Helper()
		seen[a.status] = true
		csp := a.header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: no %s", name, part)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") || strings.Contains(csp, "http") {
			t.Errorf("%s: %s", name, csp)
		}
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		if cache := a.header.Get("Cache-Control"); cache != "no-store" && !strings.Contains(name, "?v=") {
			t.Errorf("%s may be kept: %q", name, cache)
		}
		if kind := a.header.Get("Content-Type"); kind == "" && a.body != "" {
			t.Errorf("%s has no type", name)
		}
	}
	for _, path := range []string{"/", "/enter", "/leave", "/rooms/qa", "/rooms/none", "/rooms/", "/ui/events", "/ui/events?room=qa&after=x", "/ui/form?text=x",
		"/ui/read", "/static/app.css", "/static/app.js", "/static/icon.svg", "/static/none", "/static/../web.go", "/static/", "/v1/healthz", "/v1/complete?text=c", "/v1/messages", "/op/op-1", "/%00", "/nowhere", "/a/../b", "//evil.example/x"} {
		for _, c := range []string{cookie, "", "coxswain=forged"} {
			look("GET "+path, h.get(path, c))
		}
	}
	look("POST /ui/form", h.do("POST", "/ui/form", cookie, posts["/ui/form"]))
	for path, body := range posts {
		look("POST "+path, h.do("POST", path, "", body))
		look("POST "+path+" from elsewhere", h.do("POST", path, cookie, body, "Sec-Fetch-Site: cross-site"))
	}
	for _, status := range []int{200, 204, 303, 400, 401, 403, 404, 418} {
		if !seen[status] {
			t.Errorf("no answer had the status %d: this test has missed something", status)
		}
	}
	res, err := h.client.Get(h.base + "/enter")
	check(t, err)
	defer res.Body.Close()
	if res.Header.Get("Server") != "" || res.Header.Get("X-Powered-By") != "" {
		t.Error("the answers tell what serves them")
	}
}

func TestBodiesAreBounded(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	big := strings.Repeat("x", 5000)
	for _, c := range []struct {
		path, body string
		want       int
	}{
		{"/enter", `{"secret":"` + big + `"}`, 400},
		{"/enter", `{"secret":`, 400},
		{"/enter", `[]`, 400},
		{"/ui/read", `{"room":"` + big + `"}`, 400},
		{"/ui/read", `{"room":"qa","cursor":-1}`, 400},
		{"/ui/read", `{"room":"qa","cursor":1e400}`, 400},
		{"/v1/messages", `{"id":"message-1","room":"qa","text":"` + strings.Repeat("x", 20<<10) + `"}`, 413},
		{"/v1/messages", `{"id":"message-1","room":"qa","text":"` + strings.Repeat("x", 3<<20) + `"}`, 413},
		{"/ui/form", `{"text":"` + big + `"}`, 400},
		{"/ui/form", `{"text":`, 400},
		{"/v1/complete", `{"room":"qa","text":"` + strings.Repeat("x", 3<<20) + `"}`, 413},
		{"/v1/complete", `{"room":"qa","text":`, 400},
		{"/v1/uploads", strings.Repeat("x", 2<<20), 413},
	} {
		if a := h.do("POST", c.path, cookie, c.body); a.status != c.want {
			t.Errorf("POST %s of %d bytes: %d, want %d", c.path, len(c.body), a.status, c.want)
		}
	}
	if len(h.heard()) != 0 || h.cursor() != 0 {
		t.Error("too much was taken all the same")
	}
}

// TestLargeFilesAreForAdministrators, and others are told so in their language.
func TestLargeFilesAreForAdministrators(t *testing.T) {
	h := newHouse(t, nil).open()
	large := strings.Repeat("x", 3<<19)
	cookie := h.signIn("terminal:alice", "local")
	for lang, words := range map[string]string{"en": "for administrators", "zh": "由管理员上传"} {
		a := h.do("POST", "/v1/uploads", cookie+"; coxswain_lang="+lang, large)
		if a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, words) || !strings.Contains(a.body, "1 MiB") {
			t.Errorf("%s: %d %s", lang, a.status, a.body)
		}
	}
	if a := h.do("POST", "/v1/uploads", h.signIn("terminal:boss", "local"), large); a.status != http.StatusCreated {
		t.Errorf("an administrator: %d %s", a.status, a.body)
	}
}

// TestABrowserSpeaksAsItself: what it says about who it is does not count.
func TestABrowserSpeaksAsItself(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	for _, body := range []string{`{"id":"message-1","as":"boss","text":"help"}`, `{"id":"message-1","identity":"local:local","text":"help"}`,
		`{"id":"message-1","on":"","text":"help"}`, `{"id":"message-1","room":"dm:terminal:boss","text":"help"}`, `{"id":"message-1","room":"terminal","text":"help"}`,
		`{"id":"message-1","press":"x","text":"help"}`, `{"id":"message-1","gone":true,"text":"help"}`} {
		if a := h.do("POST", "/v1/messages", cookie, body); a.status/100 != 4 {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	for _, path := range []string{"/v1/events?as=boss", "/v1/events?room=dm:terminal:bob"} {
		if a := h.get(path, cookie); a.status != http.StatusForbidden {
			t.Errorf("GET %s: %d", path, a.status)
		}
	}
	if a := h.post("/v1/complete", cookie, map[string]string{"as": "boss", "text": "c"}); a.status != http.StatusForbidden {
		t.Errorf("completed as another: %d", a.status)
	}
	for _, who := range []string{cookie, h.signIn("local:local", ""), h.signIn("terminal:boss", "local")} {
		if a := h.do("POST", "/v1/passes", who, ""); a.status != http.StatusForbidden {
			t.Errorf("a browser makes a link: %d %s", a.status, a.body)
		}
		if a := h.do("POST", "/v1/passes?as=bob", who, ""); a.status != http.StatusForbidden {
			t.Errorf("a browser makes a link for another: %d %s", a.status, a.body)
		}
	}
	if len(h.heard()) != 0 {
		t.Fatalf("heard %+v", h.heard())
	}
	if a := h.do("POST", "/v1/messages", cookie, `{"id":"message-1","text":"help"}`); a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}
	in := h.heard()[0]
	if in.Identity != "terminal:alice" || in.On != "local" || in.From.Room != "dm:terminal:alice" || !in.Private || !in.Direct {
		t.Errorf("%+v", in)
	}
	if a := h.do("POST", "/v1/messages", cookie, `{"id":"message-2","room":"qa","text":"help"}`); a.status != http.StatusAccepted || h.heard()[1].Private {
		t.Errorf("in a room that others read: %d %+v", a.status, h.heard()[1])
	}
}

// TestWhatIsTypedStaysOutOfAddresses: proxies write those down, and what is typed
// may be a secret.
func TestWhatIsTypedStaysOutOfAddresses(t *testing.T) {
	h := newHouse(t, nil).open()
	h.assistant.form = &bot.Form{Title: "host add", Command: "host add"}
	cookie := h.signIn("terminal:alice", "local")
	for _, path := range []string{"/v1/complete?room=qa&text=hunter2", "/ui/form?room=qa&text=hunter2"} {
		if a := h.get(path, cookie); a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed || strings.Contains(a.body, "hunter2") {
			t.Errorf("GET %s: %d %s", path, a.status, a.body)
		}
	}
	if a := h.post("/v1/complete", cookie, map[string]string{"room": "qa", "text": "c"}); a.status != http.StatusOK || !strings.Contains(a.body, "cluster") {
		t.Errorf("completed with %d %s", a.status, a.body)
	}
	if a := h.post("/ui/form", cookie, map[string]string{"room": "qa", "text": "host add"}); a.status != http.StatusOK || !strings.Contains(a.body, "host add") {
		t.Errorf("a form: %d %s", a.status, a.body)
	}
}

// TestAQuestionForASecretIsMarked for the one who is asked, so that the page hides
// what they type next.
func TestAQuestionForASecretIsMarked(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	ask := func(secret bool, who string) *html.Node {
		id := h.bot("qa", bot.Message{Text: "x?", Ask: &bot.Ask{Name: "x", Secret: secret}, For: who})
		return elements(parse(t, h.get("/rooms/qa", cookie).body), func(n *html.Node) bool { return attr(n, "data-id") == id })[0]
	}
	for _, c := range []struct {
		secret bool
		who    string
		marked bool
	}{{true, "terminal:alice", true}, {true, "", true}, {true, "terminal:bob", false}, {false, "terminal:alice", false}} {
		if n := ask(c.secret, c.who); has(n, "data-secret") != c.marked {
			t.Errorf("%+v: marked %v", c, !c.marked)
		}
	}
}

// TestACookieOfAnotherSchemeDoesNotCount guards TLS installations against what a
// neighbour without TLS may have set.
func TestACookieOfAnotherSchemeDoesNotCount(t *testing.T) {
	h := newHouse(t, func(c *web.Config) { c.Secure = true }).open()
	cookie := h.signIn("terminal:alice", "local")
	if !h.in(cookie) || !h.in("coxswain=forged; "+cookie) {
		t.Error("another cookie is in the way")
	}
}
