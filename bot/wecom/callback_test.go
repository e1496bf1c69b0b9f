package wecom_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/bot/wecom"
)

// TestVendorsVectorThroughTheCallback is the check that the console does when a
// URL is saved, of the vendor's own example, which is years old.
func TestVendorsVectorThroughTheCallback(t *testing.T) {
	mem := &bottest.Shelf{}
	a, err := wecom.NewApp(wecom.AppConfig{Name: "vector", CorpID: vectorCorp, AgentID: 1, Secret: secret("s"), Token: secret(vectorToken),
		EncodingAESKey: secret(vectorKey), API: "http://127.0.0.1:1", Timeout: time.Second}, shared(t, mem, "x", "en"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	get := func(signature, echo string) *httptest.ResponseRecorder {
		q := url.Values{"msg_signature": {signature}, "timestamp": {"1409659589"}, "nonce": {"263014780"}, "echostr": {echo}}
		w := httptest.NewRecorder()
		a.Callbacks().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?"+q.Encode(), nil))
		return w
	}
	const signature = "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
	if w := get(signature, vectorEcho); w.Code != http.StatusServiceUnavailable {
		t.Errorf("before Run: %d", w.Code)
	}
	running(t, a, newInbox().handle)
	for w := get(signature, vectorEcho); w.Code == http.StatusServiceUnavailable; w = get(signature, vectorEcho) {
	}
	if w := get(signature, vectorEcho); w.Code != http.StatusOK || w.Body.String() != "1616140317555161061" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	if w := get(strings.Replace(signature, "5", "6", 1), vectorEcho); w.Code != http.StatusForbidden {
		t.Errorf("a wrong signature: %d %q", w.Code, w.Body)
	}
	if w := get("", ""); w.Code/100 != 4 {
		t.Errorf("nothing at all: %d %q", w.Code, w.Body)
	}
}

func (h *appHouse) post(e fakewecom.Envelope) fakewecom.Answer {
	h.Helper()
	a, err := h.fake.Post(h.Context(), e)
	if err != nil {
		h.Fatal(err)
	}
	return a
}

func TestForgedAndOldCallbacksAreRefused(t *testing.T) {
	h := openApp(t)
	plain := h.fake.TextXML("alice", "1", "help")
	sealed := func() fakewecom.Envelope { return h.fake.Seal(plain) }
	resign := func(e fakewecom.Envelope, timestamp string) fakewecom.Envelope {
		encrypted := strings.Split(strings.Split(string(e.Body), "<Encrypt><![CDATA[")[1], "]]")[0]
		e.Timestamp, e.Signature = timestamp, fakewecom.Sign(h.fake.Token, timestamp, e.Nonce, encrypted)
		return e
	}
	ago := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(-d).Unix(), 10) }
	for name, tamper := range map[string]func() fakewecom.Envelope{
		"a tampered signature": func() fakewecom.Envelope { e := sealed(); e.Signature = strings.Repeat("0", 40); return e },
		"no signature":         func() fakewecom.Envelope { e := sealed(); e.Signature = ""; return e },
		"another nonce":        func() fakewecom.Envelope { e := sealed(); e.Nonce += "1"; return e },
		"another body": func() fakewecom.Envelope {
			e := sealed()
			e.Body = h.fake.Seal(h.fake.TextXML("alice", "2", "cluster delete prod")).Body
			return e
		},
		"an old timestamp":      func() fakewecom.Envelope { return resign(sealed(), ago(6*time.Minute)) },
		"a timestamp to come":   func() fakewecom.Envelope { return resign(sealed(), ago(-6*time.Minute)) },
		"no timestamp":          func() fakewecom.Envelope { return resign(sealed(), "") },
		"a silly timestamp":     func() fakewecom.Envelope { return resign(sealed(), "9223372036854775807") },
		"a negative timestamp":  func() fakewecom.Envelope { return resign(sealed(), "-1") },
		"another receiver":      func() fakewecom.Envelope { return h.fake.SealAs("ww-other", plain) },
		"no receiver":           func() fakewecom.Envelope { return h.fake.SealAs("", plain) },
		"no XML":                func() fakewecom.Envelope { e := sealed(); e.Body = []byte("{}"); return e },
		"an empty body":         func() fakewecom.Envelope { e := sealed(); e.Body = nil; return e },
		"a true one of nothing": func() fakewecom.Envelope { return h.fake.Seal("hello") },
		"too much":              func() fakewecom.Envelope { e := sealed(); e.Body = make([]byte, 2<<20); return e },
	} {
		a := h.post(tamper())
		if a.Status/100 != 4 {
			t.Errorf("%s: status %d", name, a.Status)
		}
		bottest.AssertNoSecret(t, string(a.Body), h.fake.Token, h.fake.AESKey)
	}
	if got := h.inbox.all(); len(got) != 0 {
		t.Errorf("work was done: %+v", got)
	}
	if a := h.post(resign(sealed(), ago(4*time.Minute))); a.Status != http.StatusOK || string(a.Body) != "success" {
		t.Errorf("within the window: %d %q", a.Status, a.Body)
	}
}

func TestReplayIsRefusedAndRedeliveryIsNot(t *testing.T) {
	h := openApp(t)
	plain := h.fake.TextXML("alice", "1001", "help")
	e := h.fake.Seal(plain)
	if a := h.post(e); a.Status != http.StatusOK {
		t.Fatalf("status %d", a.Status)
	}
	if a := h.post(e); a.Status/100 != 4 {
		t.Errorf("a replay: status %d", a.Status)
	}
	for range 5 { // the platform's own: same message, new nonce
		if a := h.post(h.fake.Seal(plain)); a.Status != http.StatusOK || string(a.Body) != "success" {
			t.Errorf("a redelivery: %d %q", a.Status, a.Body)
		}
	}
	if got := h.inbox.all(); len(got) != 1 || got[0].ID != "msg:1001" {
		t.Errorf("%+v", got)
	}
}

// Twenty copies of one callback at the same time are one.
func TestReplaysAtTheSameTime(t *testing.T) {
	h := openApp(t)
	e := h.fake.Seal(h.fake.TextXML("alice", "1", "help"))
	status := make([]int, 20)
	var wg sync.WaitGroup
	for i := range status {
		wg.Go(func() { status[i] = h.post(e).Status })
	}
	wg.Wait()
	slices.Sort(status)
	if status[0] != http.StatusOK || status[1]/100 != 4 || status[19]/100 != 4 {
		t.Errorf("%v", status)
	}
}

func TestAckOnlyAfterItIsPersisted(t *testing.T) {
	h := openApp(t)
	h.inbox.set(errors.New("database is locked"))
	e := h.fake.Seal(h.fake.TextXML("alice", "1", "help"))
	if a := h.post(e); a.Status != http.StatusInternalServerError || strings.Contains(string(a.Body), "success") {
		t.Errorf("%d %q", a.Status, a.Body)
	}
	h.inbox.set(nil)
	if a := h.post(e); a.Status != http.StatusOK { // nothing came of the first: it is no replay
		t.Errorf("status %d", a.Status)
	}
	h.inbox.set(errors.New("database is locked"))
	if n, err := h.fake.SayUntilAcked(t.Context(), "alice", "2", "x"); err == nil || n != 4 {
		t.Errorf("%d deliveries, %v", n, err)
	}
}

func TestWhatAnApplicationReceives(t *testing.T) {
	h := openApp(t)
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"text":  func() error { return h.fake.Say(ctx, "alice", "7", "  cluster list <a&b>  ") },
		"menu":  func() error { return h.fake.Menu(ctx, "alice", "cluster list") },
		"leave": func() error { return h.fake.Leave(ctx, "bob") },
		"fired": func() error { return h.fake.Change(ctx, "delete_user", "dave", 0) },
		"off":   func() error { return h.fake.Change(ctx, "update_user", "carol", 2) },
		"other": func() error { return h.fake.Change(ctx, "update_user", "erin", 1) },
		"enter": func() error { return h.fake.Enter(ctx, "alice") },
		"blank": func() error { return h.fake.Say(ctx, "alice", "8", "  ") },
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	got := map[string]bot.Inbound{}
	for _, in := range h.inbox.all() {
		key := in.Text
		if in.Gone {
			key = "gone " + in.Identity
		}
		got[key] = in
	}
	who := "wecom:" + h.fake.CorpID + "/"
	if len(got) != 5 || !got["gone "+who+"bob"].Gone || !got["gone "+who+"dave"].Gone || !got["gone "+who+"carol"].Gone {
		t.Fatalf("%+v", got)
	}
	in := got["cluster list <a&b>"]
	if in.ID != "msg:7" || in.From != h.to || in.Identity != who+"alice" || !in.Direct || !in.Private || !in.Interactive || in.At.IsZero() {
		t.Errorf("%+v", in)
	}
	if !strings.HasPrefix(got["cluster list"].ID, "evt:alice/") {
		t.Errorf("%+v", got["cluster list"])
	}
}

func TestAcksAreFast(t *testing.T) {
	h := openApp(t)
	var took []time.Duration
	for i := range 200 {
		a := h.post(h.fake.Seal(h.fake.TextXML("alice", fmt.Sprint(i), "help")))
		took = append(took, a.Took)
	}
	slices.Sort(took)
	if p99 := took[len(took)*99/100]; p99 > time.Second {
		t.Errorf("p99 of an ack is %s even without a store", p99)
	}
}
