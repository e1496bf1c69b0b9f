package room_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/roomtest"
)

// FuzzPost posts what is said. Whoever posts it, what is accepted can be worked on,
// is in a room that is open to them, and stands in the transcript once, however
// often it comes; what is not is refused with words for it and leaves nothing.
func FuzzPost(f *testing.F) {
	for _, body := range []string{
		`{"id":"message-1","text":"help"}`,
		`{"id":"message-1","room":"ops","text":"集群 列表","interactive":true,"lang":"zh","langForced":true}`,
		`{"id":"message-1","as":"alice","text":"whoami"}`,
		`{"id":"message-1","room":"dm:terminal:bob","text":"x"}`,
		`{"id":"message-1","text":"credential add","values":{"name":"lab","password":"@:password"},"refs":{"password":{"inline":"aHVudGVyMg==","name":"p.txt"}}}`,
		`{"id":"message-1","text":"x","refs":{"key":{"upload":"../../etc/passwd"}}}`,
		`{"id":"message-1","text":"x"}{"id":"message-2","text":"y"}`,
		`{"id":"message-1","text":"x","unknown":1}`,
		`{"id":"","text":" "}`, `[]`, `null`, `{`,
	} {
		f.Add(body, true)
		f.Add(body, false)
	}
	f.Fuzz(func(t *testing.T, body string, local bool) {
		data, transcript := t.TempDir(), &roomtest.Transcript{}
		r := room.New(room.Config{Transcript: transcript, Data: data})
		var got []bot.Inbound
		who := room.LocalCaller
		if !local {
			who = func(*http.Request) (room.Caller, error) {
				return room.Caller{Identity: "terminal:alice", Enter: func(name string) bool { return name == "ops" }}, nil
			}
		}
		h := r.API(func(_ context.Context, in bot.Inbound) error { got = append(got, in); return nil }, who).Handler()
		first := postRaw(h, body)
		again := postRaw(h, body)
		if first.Code != again.Code {
			t.Errorf("first %d, then %d", first.Code, again.Code)
		}
		if !json.Valid(first.Body.Bytes()) {
			t.Errorf("answered %q", first.Body)
		}
		if first.Code != http.StatusAccepted {
			wantRefused(t, first, got, transcript)
			return
		}
		wantAccepted(t, got, transcript, filepath.Join(data, "uploads"), local)
	})
}

func postRaw(h http.Handler, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/messages", strings.NewReader(body)))
	return w
}

func wantRefused(t *testing.T, w *httptest.ResponseRecorder, got []bot.Inbound, transcript *roomtest.Transcript) {
	t.Helper()
	if w.Code/100 != 4 || !strings.Contains(w.Body.String(), `"key":"room.error.`) {
		t.Errorf("refused with %d %s", w.Code, w.Body)
	}
	if len(got) != 0 || transcriptSize(t, transcript) != 0 {
		t.Errorf("refused, and worked on: %+v", got)
	}
}

func transcriptSize(t *testing.T, transcript *roomtest.Transcript) int {
	t.Helper()
	rooms, err := transcript.Rooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range rooms {
		entries, err := transcript.LastEntries(t.Context(), name, 10)
		if err != nil {
			t.Fatal(err)
		}
		n += len(entries)
	}
	return n
}

func wantAccepted(t *testing.T, got []bot.Inbound, transcript *roomtest.Transcript, uploads string, local bool) {
	t.Helper()
	if len(got) != 2 || got[0].ID != got[1].ID || transcriptSize(t, transcript) != 1 {
		t.Fatalf("posted twice: %d entries, %+v", transcriptSize(t, transcript), got)
	}
	in := got[0]
	if in.ID == "" || strings.TrimSpace(in.Text) == "" || !utf8.ValidString(in.Text) || in.From.Account != room.Account || !room.ValidName(in.From.Room) {
		t.Errorf("%+v", in)
	}
	if !local && (in.Identity != "terminal:alice" || in.From.Room != "ops" && in.From.Room != "dm:terminal:alice") {
		t.Errorf("alice speaks as %s in %s", in.Identity, in.From.Room)
	}
	if in.Press != "" || in.Gone {
		t.Errorf("only a platform may say this: %+v", in)
	}
	for name, ref := range in.Refs {
		if ref.Path != "" && filepath.Dir(ref.Path) != uploads {
			t.Errorf("%s leads to %s", name, ref.Path)
		}
	}
}
