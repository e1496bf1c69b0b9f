package web_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/roomtest"
	"github.com/coxswain-ops/coxswain/bot/room/web"
	"github.com/coxswain-ops/coxswain/commands/access"
)

// door is a front end without a listener, with a pass for bob at the door.
func door(f *testing.F) (h http.Handler, sessions *memory) {
	f.Helper()
	sessions = &memory{passes: map[string]access.Pass{}, sessions: map[string]*access.Session{}}
	transcript := &roomtest.Transcript{}
	form := &bot.Form{Title: "t", Command: "host add", Fields: []bot.FormField{{Name: "name", Label: "Name", Type: "text"}}}
	w, err := web.New(web.Config{Room: room.New(room.Config{Transcript: transcript}), Sessions: sessions, Person: newPeople().find, Transcript: transcript,
		Assistant: &assistant{form: form}, Say: catalogue(f).Say, Log: slog.New(slog.DiscardHandler)})
	check(f, err)
	return w.Handler(), sessions
}

const rightSecret = "the-right-secret-of-bob"

func lay(t *testing.T, sessions *memory) {
	t.Helper()
	check(t, sessions.SavePass(t.Context(), access.Pass{Hash: access.HashSecret(rightSecret), Identity: "terminal:bob", On: "local", ExpiresAt: time.Now().Add(time.Minute)}))
}

// FuzzEnter knocks at the door: only who brings the secret gets a cookie, and is
// led nowhere but to us.
func FuzzEnter(f *testing.F) {
	h, sessions := door(f)
	f.Add(`{"secret":"` + rightSecret + `","next":"/rooms/ops"}`)
	f.Add(`{"secret":"` + rightSecret + `","next":"//evil.example"}`)
	f.Add(`{"secret":"` + rightSecret + `","next":"/\\evil.example"}`)
	f.Add(`{"secret":"` + rightSecret + `","next":"https:evil.example"}`)
	f.Add(`{"secret":"guess"}`)
	f.Add(`{"secret":7}`)
	f.Add(`{`)
	f.Fuzz(func(t *testing.T, body string) {
		lay(t, sessions)
		r := httptest.NewRequest(http.MethodPost, "/enter", strings.NewReader(body))
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var got struct{ Next, Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%d %q", w.Code, w.Body)
		}
		if w.Code != http.StatusOK {
			if w.Code/100 != 4 || got.Error == "" || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("refused with %d %q, cookie %q", w.Code, w.Body, w.Header().Get("Set-Cookie"))
			}
			return
		}
		if !strings.Contains(body, rightSecret) && !strings.Contains(body, `\u`) { // which may be written in other ways
			t.Errorf("let in with %q", body)
		}
		base := &url.URL{Scheme: "http", Host: "ours.example"}
		to, err := base.Parse(got.Next)
		if err != nil || to.Host != base.Host || to.Scheme != base.Scheme || strings.ContainsAny(got.Next, "\\\r\n\t") {
			t.Errorf("led to %q", got.Next)
		}
	})
}

// FuzzVisit asks for pages as somebody who is signed in: whatever is asked for is
// answered, or refused in words.
func FuzzVisit(f *testing.F) {
	h, sessions := door(f)
	f.Add("GET", "/rooms/ops", "")
	f.Add("GET", "/rooms/%2e%2e?x=%00", "")
	f.Add("POST", "/ui/form", `{"room":"ops","text":"host add"}`)
	f.Add("POST", "/ui/form", `{"room":"dm:terminal:alice","text":"<script>"}`)
	f.Add("POST", "/ui/read", `{"room":"ops","cursor":-5}`)
	f.Add("POST", "/ui/read", `{"room":"dm:terminal:alice","cursor":9223372036854775807}`)
	f.Add("POST", "/v1/complete", "{\"room\":\"ops\",\"text\":\"\xff\"}")
	key := "a-session-of-bob"
	check(f, sessions.CreateSession(f.Context(), &access.Session{Hash: access.HashSecret(key), UserID: "u-bob", Identity: "terminal:bob", On: "local",
		CreatedAt: time.Now(), SeenAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}))
	f.Fuzz(func(t *testing.T, method, target, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" || !strings.HasPrefix(target, "/") || method != http.MethodGet && method != http.MethodPost ||
			strings.HasPrefix(u.Path, "/ui/events") || strings.HasPrefix(u.Path, "/v1/events") || u.Path == "/leave" || u.Path == "/enter" {
			t.Skip() // no request of a browser, a stream without an end, or the way out
		}
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.URL, r.RequestURI = u, target
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.AddCookie(&http.Cookie{Name: "coxswain", Value: key})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %q %q: %d %s", method, target, body, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("what was asked for stands in the page: %s", w.Body)
		}
	})
}
