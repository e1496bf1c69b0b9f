package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room/web"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/store"
)

// onBoth runs a test with sessions in memory and with the real store.
func onBoth(t *testing.T, test func(t *testing.T, h *house)) {
	t.Run("memory", func(t *testing.T) { test(t, newHouse(t, nil).open()) })
	t.Run("store", func(t *testing.T) {
		st := openStore(t)
		for _, name := range []string{"boss", "alice", "bob", "carol"} {
			check(t, st.SaveUser(t.Context(), &access.User{ID: "u-" + name, Name: name}))
		}
		check(t, st.SaveUser(t.Context(), &access.User{ID: access.LocalUserID, Name: "local", Admin: true}))
		test(t, newHouse(t, func(c *web.Config) { c.Sessions = st }).open())
	})
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	line, err := store.NewKey()
	check(t, err)
	keys, err := store.ParseKeyRing(line)
	check(t, err)
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "coxswain.db"), Keys: keys})
	check(t, err)
	t.Cleanup(func() { check(t, st.Close()) })
	return st
}

func TestALinkLetsInOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		secret := h.pass("terminal:alice", "local")
		first := h.knock(secret)
		if first.status != http.StatusOK || !strings.Contains(first.body, `"next":"/"`) {
			t.Fatalf("%d %s", first.status, first.body)
		}
		if cookie := cookieOf(t, first); !h.in(cookie) || strings.Contains(cookie, secret) {
			t.Errorf("the cookie %s does not open the door, or is the link's secret", cookie)
		}
		late := h.pass("terminal:alice", "local")
		h.clock.pass(10*time.Minute + time.Second)
		for name, secret := range map[string]string{"used": secret, "forged": access.NewSecret(), "expired": late, "none": "", "odd": "\x00'; --", "long": strings.Repeat("x", 3000)} {
			for lang, words := range map[string]string{"en-GB,en": "has been used or has expired", "zh-CN,zh;q=0.9": "链接"} {
				a := h.knock(secret, "Accept-Language: "+lang)
				if a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" || !strings.Contains(a.body, words) {
					t.Errorf("%s: %d %q %q", name, a.status, a.header.Get("Set-Cookie"), a.body)
				}
			}
		}
		if text := h.log.String(); strings.Contains(text, secret) || strings.Contains(text, late) {
			t.Errorf("the log tells a secret: %s", text)
		}
	})
}

func TestALinkThatManyUseAtOnceLetsOneIn(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		secret := h.pass("terminal:alice", "local")
		var in atomic.Int32
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if a := h.knock(secret); a.status == http.StatusOK {
					in.Add(1)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("%d were let in", in.Load())
		}
	})
}

func TestTheCookie(t *testing.T) {
	for _, secure := range []bool{false, true} {
		h := newHouse(t, func(c *web.Config) { c.Secure = secure }).open()
		a := h.knock(h.pass("terminal:alice", "local"), "User-Agent: "+strings.Repeat("agent ", 100)+"\xff")
		c := (&http.Response{Header: a.header}).Cookies()[0]
		want := "coxswain"
		if secure {
			want = "__Host-coxswain"
		}
		if c.Name != want || c.Secure != secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 7*24*3600 {
			t.Errorf("secure %v: %+v", secure, c)
		}
		if h.in("coxswain="+c.Value) == secure || h.in("__Host-coxswain="+c.Value) != secure {
			t.Errorf("secure %v: the cookie of the other name counts, or its own does not", secure)
		}
		kept := h.sessions.(*memory).all()[0]
		if n := len([]rune(kept.Agent)); n != 200 || kept.Remote != "127.0.0.1" || kept.On != "local" || kept.Identity != "terminal:alice" {
			t.Errorf("kept %+v", kept)
		}
		if kept.Hash == c.Value || kept.Hash != access.HashSecret(c.Value) {
			t.Errorf("what is kept opens the door: %q", kept.Hash)
		}
		if bad := h.get("/v1/healthz", want+"=x; "+want+"="); bad.status != http.StatusUnauthorized {
			t.Errorf("a forged cookie: %d", bad.status)
		}
	}
}

func TestALinkOfSomebodyWhoMayNoLonger(t *testing.T) {
	h := newHouse(t, nil).open()
	secret := h.pass("terminal:alice", "local")
	h.people.set("terminal:alice", web.Person{})
	if a := h.knock(secret); a.status != http.StatusForbidden || a.header.Get("Set-Cookie") != "" {
		t.Errorf("disabled meanwhile: %d %s", a.status, a.body)
	}
	if n := len(h.sessions.(*memory).all()); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestWhoIsDisabledIsOutAtOnce(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie, other := h.signIn("terminal:alice", "local"), h.signIn("terminal:bob", "local")
	was := h.people.all["terminal:alice"]
	for name, now := range map[string]web.Person{"disabled or unlinked": {}, "linked to another user": {UserID: "u-mallory", Name: "mallory", Admin: true}} {
		h.people.set("terminal:alice", now)
		for path, want := range map[string]int{"/": 303, "/rooms/qa": 303, "/ui/events?room=qa&after=0": 401, "/v1/healthz": 401, "/v1/events": 401} {
			if a := h.get(path, cookie); a.status != want {
				t.Errorf("%s: GET %s: %d, want %d", name, path, a.status, want)
			}
		}
		if a := h.post("/v1/messages", cookie, map[string]string{"id": "message-1", "room": "qa", "text": "help"}); a.status != http.StatusUnauthorized {
			t.Errorf("%s: spoke: %d", name, a.status)
		}
		if a := h.post("/ui/read", cookie, map[string]any{"room": "qa", "cursor": 1}); a.status != http.StatusUnauthorized {
			t.Errorf("%s: read: %d", name, a.status)
		}
		for _, path := range []string{"/ui/form", "/v1/complete"} {
			if a := h.post(path, cookie, map[string]string{"room": "qa", "text": "c"}); a.status != http.StatusUnauthorized {
				t.Errorf("%s: %s: %d", name, path, a.status)
			}
		}
		if !h.in(other) {
			t.Errorf("%s: somebody else is out", name)
		}
		h.people.set("terminal:alice", was)
	}
	if !h.in(cookie) {
		t.Error("enabled again, but out")
	}
	if len(h.heard()) != 0 {
		t.Errorf("heard %+v", h.heard())
	}
}

// TestOnTheRouter goes through the router and the store as the program is wired:
// who is disabled, unlinked, deleted or linked to another user is out.
func TestOnTheRouter(t *testing.T) {
	st := openStore(t)
	ctx := t.Context()
	router := commands.NewRouter(&commands.Services{Store: st, Catalogue: catalogue(t), Lang: "en", TimeZone: time.UTC, Now: time.Now},
		&commands.Registry{}, nil, nil, slog.New(slog.DiscardHandler))
	person := func(ctx context.Context, in bot.Inbound) (web.Person, error) {
		v, err := router.Visitor(ctx, in)
		if err != nil || v.Subject.User == nil || v.Subject.User.Disabled {
			return web.Person{}, err
		}
		return web.Person{UserID: v.Subject.User.ID, Name: v.Subject.User.Name, Admin: v.Subject.User.Admin, Lang: v.Lang, Zone: v.Zone, Projects: v.Projects}, nil
	}
	h := newHouse(t, func(c *web.Config) { c.Sessions, c.Person = st, person }).open()
	change := map[string]func(u *access.User, id string) error{
		"disabled": func(u *access.User, _ string) error { u.Disabled = true; return st.SaveUser(ctx, u) },
		"unlinked": func(_ *access.User, id string) error { return st.UnlinkIdentity(ctx, id) },
		"deleted":  func(u *access.User, _ string) error { return st.DeleteUser(ctx, u.ID) },
		"relinked": func(_ *access.User, id string) error {
			return errors.Join(st.UnlinkIdentity(ctx, id), link(st, id, "other"))
		},
		"signedout": func(u *access.User, _ string) error { return endSessions(st, u.ID) },
	}
	check(t, st.SaveUser(ctx, &access.User{ID: "other", Name: "other"}))
	for name, do := range change {
		u, id := &access.User{Name: name}, "slack:T1/"+name
		check(t, st.SaveUser(ctx, u))
		check(t, link(st, id, u.ID))
		cookie, unused := h.signIn(id, ""), h.pass(id, "")
		if !h.in(cookie) {
			t.Fatalf("%s: never in", name)
		}
		check(t, do(u, id))
		if h.in(cookie) {
			t.Errorf("%s, and still in", name)
		}
		if name == "signedout" {
			continue // may come in again
		}
		if a := h.knock(unused); a.status != http.StatusForbidden {
			t.Errorf("%s: an older link still opens: %d", name, a.status)
		}
	}
}

func link(st *store.Store, id, user string) error {
	return st.LinkIdentity(context.Background(), access.Identity{ID: id, UserID: user})
}

func endSessions(st *store.Store, user string) error {
	all, err := st.Sessions(context.Background(), user, time.Now())
	for _, s := range all {
		err = errors.Join(err, st.DeleteSession(context.Background(), s.ID))
	}
	return err
}

func TestASessionSlidesAndEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		idle, busy := h.signIn("terminal:alice", "local"), h.signIn("terminal:bob", "local")
		began := h.clock.Now()
		for h.clock.Now().Sub(began) < 7*24*time.Hour-6*time.Hour {
			h.clock.pass(6 * time.Hour)
			if h.clock.Now().Sub(began) < 7*24*time.Hour && !h.in(busy) {
				t.Fatalf("out after %s though seen every 6 h", h.clock.Now().Sub(began))
			}
			if h.clock.Now().Sub(began) == 12*time.Hour && h.in(idle) {
				t.Error("in after 12 h unseen")
			}
		}
		h.clock.pass(7*24*time.Hour - h.clock.Now().Sub(began) - time.Second)
		if !h.in(busy) {
			t.Error("out a second before 7 days")
		}
		h.clock.pass(time.Second)
		if h.in(busy) {
			t.Error("in after 7 days")
		}
	})
}

func TestASightIsWrittenDownOnceAMinute(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie := h.signIn("terminal:alice", "local")
	for range 10 {
		h.in(cookie)
	}
	if n := h.sessions.(*memory).touches; n != 0 {
		t.Errorf("%d writes within the minute", n)
	}
	h.clock.pass(time.Minute)
	for range 10 {
		h.in(cookie)
	}
	if n := h.sessions.(*memory).touches; n != 1 {
		t.Errorf("%d writes after a minute", n)
	}
}

func TestLeaving(t *testing.T) {
	onBoth(t, func(t *testing.T, h *house) {
		cookie, other := h.signIn("terminal:alice", "local"), h.signIn("terminal:alice", "local")
		for range 2 { // leaving twice is no failure
			a := h.post("/leave", cookie, nil)
			if a.status != http.StatusSeeOther || a.header.Get("Location") != "/enter" {
				t.Errorf("%d to %q", a.status, a.header.Get("Location"))
			}
			if c := (&http.Response{Header: a.header}).Cookies(); len(c) != 1 || c[0].MaxAge >= 0 || c[0].Value != "" || c[0].Path != "/" {
				t.Errorf("the cookie stays: %+v", c)
			}
		}
		if h.in(cookie) || !h.in(other) {
			t.Error("still in, or the other browser is out")
		}
		if a := h.get("/leave", other); a.status != http.StatusNotFound || !h.in(other) {
			t.Errorf("a link signs out: %d", a.status)
		}
	})
}

// TestAFailingStoreKeepsTheDoorShut: nobody gets in, and nobody is told that they
// were signed out or that their link was used.
func TestAFailingStoreKeepsTheDoorShut(t *testing.T) {
	h := newHouse(t, nil).open()
	cookie, secret := h.signIn("terminal:alice", "local"), h.pass("terminal:bob", "local")
	locked := errors.New("the database is locked")
	for name, fail := range map[string]func(error){"sessions": h.sessions.(*memory).failWith, "people": h.people.failWith} {
		fail(locked)
		for path, want := range map[string]int{"/": 503, "/rooms/qa": 503, "/ui/events?room=qa&after=0": 503, "/v1/healthz": 503} {
			a := h.get(path, cookie)
			if a.status != want || strings.Contains(a.body, "locked") {
				t.Errorf("%s: GET %s: %d %s", name, path, a.status, a.body)
			}
		}
		if a := h.post("/leave", cookie, nil); a.status != http.StatusServiceUnavailable {
			t.Errorf("%s: leaving: %d", name, a.status)
		}
		if name == "sessions" {
			if a := h.knock(secret); a.status != http.StatusServiceUnavailable || strings.Contains(a.body, "expired") {
				t.Errorf("the link: %d %s", a.status, a.body)
			}
		}
		fail(nil)
	}
	if !h.in(cookie) || h.knock(secret).status != http.StatusOK {
		t.Error("the failure has signed somebody out or used a link up")
	}
}

func TestTheWayInForWhoIsNot(t *testing.T) {
	h := newHouse(t, nil).open()
	for path, to := range map[string]string{"/": "/enter", "/rooms/qa": "/enter?next=%2Frooms%2Fqa", "/rooms/a%2Fb?earlier=1": "/enter?next=%2Frooms%2Fa%252Fb%3Fearlier%3D1"} {
		if a := h.get(path, ""); a.status != http.StatusSeeOther || a.header.Get("Location") != to {
			t.Errorf("%s leads with %d to %q, want %q", path, a.status, a.header.Get("Location"), to)
		}
	}
	if a := h.get("/rooms/qa", "", "Sec-Fetch-Dest: empty"); a.status != http.StatusUnauthorized {
		t.Errorf("a script is led on: %d", a.status)
	}
	a := h.get("/enter?next=%2Frooms%2Fqa", "")
	if a.status != http.StatusOK || !strings.Contains(a.body, `data-next="/rooms/qa"`) || strings.Contains(a.body, `class="in"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestUnsafeNextLeadsHome: where to go after the way in is one of our pages.
func TestUnsafeNextLeadsHome(t *testing.T) {
	h := newHouse(t, nil).open()
	for _, bad := range []string{"", "//evil.example", "///evil.example", "https://evil.example", "https:evil.example", "http:/evil", `\\evil.example`, `/\evil.example`,
		`/rooms\..\\evil`, "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "evil", "?x", "#x", "/\t/evil.example", "/\n/evil.example", " /rooms", "\x01/rooms", "//evil@host/", "/%zz"} {
		for how, got := range map[string]string{"posted": h.post("/enter", "", map[string]string{"secret": h.pass("terminal:alice", "local"), "next": bad}).body} {
			if !strings.Contains(got, `{"next":"/"}`) {
				t.Errorf("%s %q leads to %s", how, bad, got)
			}
		}
		page := h.get("/enter?next="+escape(bad), "")
		if page.status != http.StatusOK || !strings.Contains(page.body, `data-next="/"`) {
			t.Errorf("%q in the page", bad)
		}
	}
	for _, good := range []string{"/", "/rooms/qa", "/rooms/a%2Fb", "/op/op-12?node=m1#log", "/rooms/dm:slack:T1%2FU2"} {
		a := h.post("/enter", "", map[string]string{"secret": h.pass("terminal:alice", "local"), "next": good})
		if !strings.Contains(a.body, `"next":"`+good+`"`) {
			t.Errorf("%q leads to %s", good, a.body)
		}
	}
}
