package slack_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/bot/slack"
)

func TestURLVerification(t *testing.T) {
	o := newOffice(t, "http")
	server := httptest.NewServer(o.slack.Callbacks())
	defer server.Close()
	o.started("http")
	must(t, o.fake.VerifyURL(t.Context(), server.URL))
}

// request is a call that may or may not be Slack's.
type request struct {
	name            string
	body            string
	at              time.Duration // from now
	tamper          func(http.Header)
	change          string // of the body, after it was signed
	good, boltAgree bool
}

func requests() []request {
	const body = "command=%2Fcox&text=cluster+list&user_id=U1&channel_id=C0OPS&team_id=T0FAKE&trigger_id=t1"
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	return []request{
		{name: "right", body: body, good: true, boltAgree: true},
		{name: "Chinese", body: "command=/cox&text=集群&user_id=U1&channel_id=C0OPS&team_id=T0FAKE&trigger_id=t2", good: true, boltAgree: true},
		{name: "almost five minutes old", body: body, at: -290 * time.Second, good: true, boltAgree: true},
		{name: "six minutes old", body: body, at: -6 * time.Minute, boltAgree: true},
		{name: "six minutes early", body: body, at: 6 * time.Minute}, // bolt looks at the past only
		{name: "another body", body: body, change: strings.Replace(body, "list", "delete", 1), boltAgree: true},
		{name: "another signature", body: body, tamper: set("X-Slack-Signature", "v0="+strings.Repeat("0", 64)), boltAgree: true},
		{name: "another version", body: body, tamper: func(h http.Header) {
			h.Set("X-Slack-Signature", strings.Replace(h.Get("X-Slack-Signature"), "v0", "v1", 1))
		}, boltAgree: true},
		{name: "empty signature", body: body, tamper: set("X-Slack-Signature", ""), boltAgree: true},
		{name: "another time", body: body, tamper: func(h http.Header) {
			h.Set("X-Slack-Request-Timestamp", strconv.FormatInt(time.Now().Unix()+1, 10))
		}, boltAgree: true},
		{name: "no time", body: body, tamper: set("X-Slack-Request-Timestamp", "now"), boltAgree: true},
	}
}

// signed gives the headers and body of r as they come in.
func (r request) signed(f *fakeslack.Fake) (http.Header, string) {
	h := f.Sign([]byte(r.body), time.Now().Add(r.at))
	if r.tamper != nil {
		r.tamper(h)
	}
	if r.change != "" {
		return h, r.change
	}
	return h, r.body
}

// TestSignaturesOverHTTP: what is not Slack's, or not of now, is refused with 4xx
// and does nothing.
func TestSignaturesOverHTTP(t *testing.T) {
	o := newOffice(t, "http")
	server := httptest.NewServer(o.slack.Callbacks())
	defer server.Close()
	o.started("http")
	for _, r := range requests() {
		before := len(o.inbounds())
		h, body := r.signed(o.fake)
		status := post(t, server.URL, h, body, "application/x-www-form-urlencoded")
		if (status == http.StatusOK) != r.good || (status/100 == 4) == r.good {
			t.Errorf("%s: HTTP %d", r.name, status)
		}
		if (len(o.inbounds()) > before) != r.good {
			t.Errorf("%s: handed over %v", r.name, o.inbounds()[before:])
		}
	}
}

// TestAReplayedRequestHasTheSameID, so that the inbox knows it within the window.
func TestAReplayedRequestHasTheSameID(t *testing.T) {
	o := newOffice(t, "http")
	server := httptest.NewServer(o.slack.Callbacks())
	defer server.Close()
	o.started("http")
	h, body := requests()[0].signed(o.fake)
	for range 2 {
		post(t, server.URL, h, body, "application/x-www-form-urlencoded")
	}
	if got := o.inbounds(); len(got) != 2 || got[0].ID != got[1].ID {
		t.Errorf("%+v", got)
	}
}

// TestBoltAgreesOnSignatures: ours convince bolt, and both refuse the same.
func TestBoltAgreesOnSignatures(t *testing.T) {
	f := fakeslack.New(t)
	v := fakeslack.StartVendor(t, f, "verify")
	for _, r := range requests() {
		if !r.boltAgree {
			continue
		}
		h, body := r.signed(f)
		v.Ask(map[string]string{"name": r.name, "body": body, "signature": h.Get("X-Slack-Signature"), "timestamp": h.Get("X-Slack-Request-Timestamp")})
		verdict := v.Next("verdict")
		ours := slack.Verify(f.SigningSecret, h, []byte(body), time.Now()) == nil
		if verdict["name"] != r.name || verdict["good"] != r.good || ours != r.good {
			t.Errorf("%s: bolt says %v, we say %v, it should be %v", r.name, verdict["good"], ours, r.good)
		}
	}
	const body = "payload=%7B%22type%22%3A%22集群%22%7D"
	now := time.Now().Unix()
	v.Ask(map[string]string{"name": "ours", "body": body, "signature": slack.Sign(f.SigningSecret, now, []byte(body)), "timestamp": strconv.FormatInt(now, 10)})
	if verdict := v.Next("verdict"); verdict["good"] != true {
		t.Error("bolt refuses a signature of ours")
	}
}

func TestVerifyWithoutASecretRefusesAll(t *testing.T) {
	h := http.Header{}
	now := time.Now()
	h.Set("X-Slack-Request-Timestamp", strconv.FormatInt(now.Unix(), 10))
	h.Set("X-Slack-Signature", slack.Sign("", now.Unix(), []byte("x")))
	if slack.Verify("", h, []byte("x"), now) == nil {
		t.Error("an empty secret lets everybody in")
	}
}

func post(t *testing.T, address string, h http.Header, body, kind string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	must(t, err)
	r.Header = h.Clone()
	r.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	must(t, err)
	return resp.StatusCode
}

func TestOddCalls(t *testing.T) {
	o := newOffice(t, "http")
	server := httptest.NewServer(o.slack.Callbacks())
	defer server.Close()
	body := []byte("ssl_check=1")
	if status := post(t, server.URL, o.fake.Sign(body, time.Now()), string(body), "application/x-www-form-urlencoded"); status != http.StatusServiceUnavailable {
		t.Errorf("before Run: HTTP %d", status)
	}
	o.started("http")
	for _, c := range []struct {
		kind, body string
		want       int
	}{
		{"application/x-www-form-urlencoded", "ssl_check=1", 200},
		{"application/x-www-form-urlencoded", "payload=%7B", 400},
		{"application/x-www-form-urlencoded", "hello=1", 400},
		{"application/x-www-form-urlencoded", "command=/cox", 400},
		{"application/json", "{", 400},
		{"application/json", "[]", 400},
		{"text/plain", "x", 400},
		{"", "x", 400},
		{"application/json", `{"type":"event_callback","event":{"type":"message","channel_type":"im"}}`, 400},
		{"application/json", `{"type":"app_rate_limited"}`, 200},
		{"application/json", string(bytes.Repeat([]byte("x"), 3<<20)), 413},
	} {
		if status := post(t, server.URL, o.fake.Sign([]byte(c.body), time.Now()), c.body, c.kind); status != c.want {
			t.Errorf("%s %.40s: HTTP %d, want %d", c.kind, c.body, status, c.want)
		}
	}
	resp, err := http.Get(server.URL)
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: HTTP %d", resp.StatusCode)
	}
	if got := o.inbounds(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestSocketModeTakesNoCalls: there may be no signing secret to prove them with.
func TestSocketModeTakesNoCalls(t *testing.T) {
	o := newOffice(t, "socket")
	server := httptest.NewServer(o.slack.Callbacks())
	defer server.Close()
	o.started("socket")
	o.fake.Callback(server.URL)
	err := o.fake.SlashCommand(t.Context(), "U1", fakeslack.Room, "help")
	if !errors.Is(err, fakeslack.ErrNotAcknowledged) || len(o.inbounds()) != 0 {
		t.Errorf("%v %+v", err, o.inbounds())
	}
}

// TestAFormOverHTTPIsReadWhole keeps what has a meaning in forms and JSON.
func TestAFormOverHTTPIsReadWhole(t *testing.T) {
	form := url.Values{"command": {"/cox"}, "text": {"say a=b&c=%20 +1 \"集群\""}, "user_id": {"U1"}, "channel_id": {"C1"}, "team_id": {"T1"}, "trigger_id": {"t"}}
	in, _, err := slack.ReadRequest("application/x-www-form-urlencoded; charset=utf-8", []byte(form.Encode()))
	if err != nil || in.Text != form.Get("text") {
		t.Errorf("%q %v", in.Text, err)
	}
}
