package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/web"
)

// parse reads a page as a browser would.
func parse(t *testing.T, text string) *html.Node {
	t.Helper()
	n, err := html.Parse(strings.NewReader(text))
	check(t, err)
	return n
}

// elements gives those that want, in the page's order.
func elements(root *html.Node, want func(*html.Node) bool) []*html.Node {
	var out []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && want(n) {
			out = append(out, n)
		}
	}
	return out
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// link is a room in the list at the side.
type roomLink struct{ name, title, url, unread string }

func linksOf(t *testing.T, page string) []roomLink {
	t.Helper()
	var out []roomLink
	for _, a := range elements(parse(t, page), func(n *html.Node) bool { return n.Data == "a" && has(n, "data-room") }) {
		l := roomLink{name: attr(a, "data-room"), url: attr(a, "href")}
		for _, s := range elements(a, func(n *html.Node) bool { return true }) {
			switch attr(s, "class") {
			case "name":
				l.title = text(s)
			case "unread":
				if !has(s, "hidden") {
					l.unread = strings.Fields(text(s))[0]
				}
			}
		}
		out = append(out, l)
	}
	return out
}

func names(links []roomLink) (out []string) {
	for _, l := range links {
		out = append(out, l.name)
	}
	return out
}

func TestRoomsAreOpenToTheirOwn(t *testing.T) {
	h := newHouse(t, nil).open()
	said := []string{"terminal", "qa", "ops", "secret", "dm:terminal:alice", "dm:terminal:bob", "dm:terminal:boss", "dm:local:local", "dm:slack:T1/U2"}
	for _, name := range said {
		h.bot(name, bot.Message{Text: "said in " + name})
	}
	may := map[string][]string{
		"terminal:alice": {"dm:terminal:alice", "qa"},
		"terminal:bob":   {"dm:terminal:bob", "ops", "qa"},
		"slack:T1/U2":    {"dm:slack:T1/U2"},
		"terminal:boss":  {"dm:terminal:boss", "ops", "qa", "secret"},
		"local:local":    {"terminal", "dm:local:local", "ops", "qa", "secret"},
	}
	for who, rooms := range may {
		on := "local"
		if strings.HasPrefix(who, "slack") || who == "local:local" {
			on = ""
		}
		cookie := h.signIn(who, on)
		home := h.get("/", cookie)
		if to := home.header.Get("Location"); home.status != http.StatusSeeOther || to != "/rooms/"+url.PathEscape(rooms[0]) {
			t.Errorf("%s: home is %q", who, to)
		}
		page := h.get(home.header.Get("Location"), cookie)
		if got := names(linksOf(t, page.body)); !slices.Equal(got, rooms) {
			t.Errorf("%s is shown %v, want %v", who, got, rooms)
		}
		for _, name := range said {
			want := map[string]int{"page": 404, "events": 400, "read": 400, "said": 403, "api": 403, "complete": 403}
			if slices.Contains(rooms, name) {
				want = map[string]int{"page": 200, "events": 200, "read": 200, "said": 202, "api": 200, "complete": 200}
			}
			page := h.get("/rooms/"+url.PathEscape(name), cookie)
			got := map[string]int{"page": page.status,
				"events":   h.glance("/ui/events?after=0&room="+escape(name), cookie),
				"read":     h.post("/ui/read", cookie, map[string]any{"room": name, "cursor": 1}).status,
				"said":     h.post("/v1/messages", cookie, map[string]string{"id": fmt.Sprintf("message-%d", h.cursor()), "room": name, "text": "help"}).status,
				"api":      h.glance("/v1/events?room="+escape(name), cookie),
				"complete": h.post("/v1/complete", cookie, map[string]string{"text": "c", "room": name}).status}
			for what, status := range want {
				if got[what] != status {
					t.Errorf("%s, %s in %s: %d, want %d", who, what, name, got[what], status)
				}
			}
			if strings.Contains(page.body, "said in "+name) != slices.Contains(rooms, name) {
				t.Errorf("%s reads %s", who, name)
			}
		}
	}
}

// TestAClosedRoomDoesNotTellWhetherItExists: the same words for a room that is
// there and for one that is not.
func TestAClosedRoomDoesNotTellWhetherItExists(t *testing.T) {
	h := newHouse(t, nil).open()
	h.bot("secret", bot.Message{Text: "x"})
	cookie := h.signIn("terminal:alice", "local")
	there, absent := h.get("/rooms/secret", cookie), h.get("/rooms/nothing", cookie)
	if there.status != absent.status || there.body != absent.body {
		t.Errorf("%d %d\n%s\n%s", there.status, absent.status, there.body, absent.body)
	}
}

// TestRoomsWithOddNames lets an administrator enter each by its link.
func TestRoomsWithOddNames(t *testing.T) {
	h := newHouse(t, nil).open()
	odd := []string{"a/b", "a b", "50%", "50%25", "q?x#y", "集群", "<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "it's", "a&amp;b", "a+b", "..a", "...", "%2e%2e",
		"javascript:alert(1)", "//evil.example", "/etc", "a\\b", "${x}", "{{.}}", "👩‍🚀"[:4], strings.Repeat("长", 66)}
	for _, name := range odd {
		h.bot(name, bot.Message{Text: "said in it"})
	}
	cookie := h.signIn("terminal:boss", "local")
	links := linksOf(t, h.get("/rooms/dm:terminal:boss", cookie).body)
	for _, l := range links[1:] {
		if !slices.Contains(odd, l.name) || l.title != l.name || !strings.HasPrefix(l.url, "/rooms/") {
			t.Errorf("%+v", l)
		}
		page := h.get(l.url, cookie)
		if page.status != http.StatusOK || !strings.Contains(page.body, "said in it") {
			t.Errorf("%q: GET %s: %d", l.name, l.url, page.status)
			continue
		}
		here := elements(parse(t, page.body), func(n *html.Node) bool { return attr(n, "id") == "room" })
		if len(here) != 1 || attr(here[0], "data-room") != l.name {
			t.Errorf("%q: the page is of another room", l.name)
		}
		if n := elements(parse(t, page.body), func(n *html.Node) bool { return n.Data == "script" || n.Data == "img" }); len(n) != 1 || !strings.HasPrefix(attr(n[0], "src"), "/static/") {
			t.Errorf("%q: %d scripts or pictures", l.name, len(n))
		}
	}
	if len(links) != len(odd)+1 {
		t.Errorf("%d rooms of %d", len(links)-1, len(odd))
	}
	for _, name := range []string{"", ".", "..", "a\x00b", "a\nb", "\xff\xfe", "a\u202eb", "a\u200bb", strings.Repeat("x", 201)} {
		page, read := h.get("/rooms/"+url.PathEscape(name), cookie), h.post("/ui/read", cookie, map[string]any{"room": name, "cursor": 1})
		if page.status == http.StatusOK || page.status >= 500 || name != "\xff\xfe" && read.status != http.StatusBadRequest {
			t.Errorf("%q: page %d, read %d", name, page.status, read.status)
		}
		if name != "" && name != "\xff\xfe" {
			if a := h.post("/v1/messages", cookie, map[string]string{"id": "message-1", "room": name, "text": "help"}); a.status != http.StatusBadRequest {
				t.Errorf("%q is spoken in: %d", name, a.status)
			}
		}
	}
}

func TestUnreadMarks(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:bob", "local")
	unread := func() map[string]string {
		out := map[string]string{}
		for _, l := range linksOf(t, h.get("/rooms/dm:terminal:bob", cookie).body) {
			out[l.name] = l.unread
		}
		return out
	}
	for range 3 {
		h.bot("qa", bot.Message{Text: "x"})
	}
	for range 120 {
		h.bot("ops", bot.Message{Text: "x"})
	}
	if got := unread(); got["qa"] != "3" || got["ops"] != "99+" || got["dm:terminal:bob"] != "" {
		t.Errorf("%v", got)
	}
	if a := h.post("/ui/read", cookie, map[string]any{"room": "qa", "cursor": 2}); a.status != http.StatusOK {
		t.Errorf("%d", a.status)
	}
	h.get("/rooms/ops", cookie) // to look is to have read
	if got := unread(); got["qa"] != "1" || got["ops"] != "" {
		t.Errorf("%v", got)
	}
	if a := h.post("/ui/read", cookie, map[string]any{"room": "qa", "cursor": 1}); a.status != http.StatusOK || unread()["qa"] != "1" {
		t.Errorf("a lower mark counts: %v", unread())
	}
}

// TestAPageWithoutScriptsShowsTheHistory: everything is in the HTML.
func TestAPageWithoutScriptsShowsTheHistory(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	empty := h.get("/rooms/qa", cookie).body
	if !strings.Contains(empty, `id="welcome"`) || !strings.Contains(empty, "region=sandbox") {
		t.Error("an empty room says nothing")
	}
	var want []string
	for i := range 70 {
		id := fmt.Sprintf("message-%02d", i)
		if i%2 == 0 {
			h.post("/v1/messages", cookie, map[string]string{"id": id, "room": "qa", "text": "said " + id})
		} else {
			h.bot("qa", bot.Message{Text: "said " + id})
		}
		want = append(want, "said "+id)
	}
	shown := func(path string) (out []string, page *html.Node) {
		page = parse(t, h.get(path, cookie).body)
		for _, n := range elements(page, func(n *html.Node) bool { return attr(n, "class") == "said" || attr(n, "class") == "text" }) {
			out = append(out, text(n))
		}
		return out, page
	}
	got, page := shown("/rooms/qa")
	if !slices.Equal(got, want[10:]) {
		t.Errorf("shown %v", got)
	}
	if attr(elements(page, func(n *html.Node) bool { return attr(n, "id") == "room" })[0], "data-cursor") != "70" {
		t.Error("the page does not know where to go on")
	}
	earlier := elements(page, func(n *html.Node) bool { return strings.HasSuffix(attr(n, "href"), "?earlier=1") })
	if len(earlier) != 1 {
		t.Fatal("no way to earlier messages")
	}
	if got, _ = shown(attr(earlier[0], "href")); !slices.Equal(got, want) {
		t.Errorf("earlier: %d of %d", len(got), len(want))
	}
	if n := elements(page, func(n *html.Node) bool {
		return n.Data == "form" && attr(n, "action") == "/leave" && attr(n, "method") == "post"
	}); len(n) != 1 {
		t.Error("without scripts there is no way out")
	}
}

// TestTheReadersLanguageAndZone: the switch wins over the browser, the profile's
// zone is that of the clock.
func TestTheReadersLanguageAndZone(t *testing.T) {
	h := newHouse(t, nil).open()
	zone, err := time.LoadLocation("Asia/Shanghai")
	check(t, err)
	h.people.set("terminal:alice", web.Person{UserID: "u-alice", Name: "alice", Projects: []string{"qa"}, Zone: zone})
	cookie := h.signIn("terminal:alice", "local")
	at := time.Date(2024, 5, 1, 23, 30, 0, 0, time.UTC)
	check(t, h.transcript.AppendEntry(t.Context(), &room.Entry{Room: "qa", Bot: bot.Message{Text: "x"}, At: at}))
	for _, c := range []struct{ cookie, accept, want string }{
		{cookie, "", "en"}, {cookie, "zh-TW,en;q=0.5", "zh-CN"}, {cookie, "fr, en", "en"}, {cookie + "; coxswain_lang=zh", "en", "zh-CN"},
		{cookie + "; coxswain_lang=en", "zh", "en"}, {cookie + `; coxswain_lang="><script>`, "zh", "zh-CN"},
	} {
		page := h.get("/rooms/qa", c.cookie, "Accept-Language: "+c.accept)
		root := elements(parse(t, page.body), func(n *html.Node) bool { return n.Data == "html" })[0]
		if got := attr(root, "lang"); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		if !strings.Contains(page.body, "2024-05-02 07:30") || !strings.Contains(page.body, `datetime="2024-05-01T23:30:00Z"`) {
			t.Error("the clock is not the reader's")
		}
		if strings.Contains(page.body, "⟦") {
			t.Errorf("%+v: words are missing", c)
		}
	}
	for theme, want := range map[string]string{"dark": "dark", "light": "light", "x": "auto", `"onload=`: "auto"} {
		root := elements(parse(t, h.get("/rooms/qa", cookie+"; coxswain_theme="+theme).body), func(n *html.Node) bool { return n.Data == "html" })[0]
		if got := attr(root, "data-theme"); got != want {
			t.Errorf("theme %s: %s", theme, got)
		}
	}
}

// TestAPressIsShownWithoutItsPlan: the hash of a plan says nothing to people, in
// either language; it stays in what was said.
func TestAPressIsShownWithoutItsPlan(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	for i, said := range []string{"cluster create a confirm=a plan=0123456789ab", "集群 创建 a 确认=a 计划=0123456789ab", "note plan=b"} {
		h.post("/v1/messages", cookie, map[string]string{"id": fmt.Sprintf("message-%02d", i), "room": "qa", "text": said})
	}
	var got []string
	for _, n := range elements(parse(t, h.get("/rooms/qa", cookie).body), func(n *html.Node) bool { return attr(n, "class") == "said" }) {
		got = append(got, text(n))
	}
	if want := []string{"cluster create a confirm=a", "集群 创建 a 确认=a", "note plan=b"}; !slices.Equal(got, want) {
		t.Errorf("shown %q, want %q", got, want)
	}
}
