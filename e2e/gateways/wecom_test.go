package gateways

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// The vendor's own example of its page on encryption and decryption (加解密方案).
const (
	vectorToken     = "QDG6eK"
	vectorKey       = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	vectorCorp      = "wx5823bf96d3bd56c7"
	vectorEcho      = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
	vectorSignature = "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"
	vectorAnswer    = "1616140317555161061"
)

// TestVendorsVector is the check of the URL that the console makes when it is
// saved, of the vendor's example.
func TestVendorsVector(t *testing.T) {
	t.Parallel()
	a := &accounts{}
	a.apps = entry("name: vector", "corp_id: "+vectorCorp, "agent_id: 1", "secret: "+a.secret("s3cr3t"), "token: "+a.secret(vectorToken),
		"encoding_aes_key: "+a.secret(vectorKey), "api: http://127.0.0.1:1")
	s := a.serve(t)
	ask := func(signature, echo string) (int, string) {
		q := url.Values{"msg_signature": {signature}, "timestamp": {"1409659589"}, "nonce": {"263014780"}, "echostr": {echo}}
		res, err := http.Get(callbackURL(s, "wecom", "vector") + "?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	drive.Eventually(t, patience, "the account runs", func() bool {
		status, _ := ask(vectorSignature, vectorEcho)
		return status != http.StatusServiceUnavailable
	})
	if status, body := ask(vectorSignature, vectorEcho); status != http.StatusOK || body != vectorAnswer {
		t.Errorf("status %d: %q", status, body)
	}
	for what, wrong := range map[string][2]string{
		"a tampered signature": {"6" + vectorSignature[1:], vectorEcho},
		"another echostr":      {vectorSignature, "A" + vectorEcho[1:]},
		"nothing at all":       {"", ""},
	} {
		if status, body := ask(wrong[0], wrong[1]); status/100 != 4 || strings.Contains(body, vectorAnswer) {
			t.Errorf("%s: status %d, %q", what, status, body)
		}
	}
}

// sealer makes callbacks of one way into the program.
type sealer struct {
	name  string
	token string
	seal  func(text string) fakewecom.Envelope // of a message with that text, with a new id
	as    func(receiver, text string) fakewecom.Envelope
}

func sealers(f *fakewecom.Fake) []sealer {
	n := 0
	id := func() string { n++; return "m" + strconv.Itoa(n) }
	bot := func(text string) string {
		return `{"msgid":"` + id() + `","aibotid":"` + f.BotID + `","chattype":"single","from":{"userid":"alice"},"msgtype":"text","text":{"content":"` + text + `"}}`
	}
	return []sealer{
		{name: "app", token: f.Token,
			seal: func(text string) fakewecom.Envelope { return f.Seal(f.TextXML("alice", id(), text)) },
			as: func(receiver, text string) fakewecom.Envelope {
				return f.SealAs(receiver, f.TextXML("alice", id(), text))
			}},
		{name: "bot", token: f.BotToken,
			seal: func(text string) fakewecom.Envelope { return f.SealBot(bot(text)) },
			as: func(receiver, text string) fakewecom.Envelope {
				e := f.SealBot(bot(text))
				encrypted, err := fakewecom.Encrypt(f.BotAESKey, bot(text), receiver)
				if err != nil {
					panic(err)
				}
				e.Body = []byte(`{"encrypt":"` + encrypted + `"}`)
				e.Signature = fakewecom.Sign(f.BotToken, e.Timestamp, e.Nonce, encrypted)
				return e
			}},
	}
}

// aged gives e as if it had been sent so long ago, signed as it should be.
func (s sealer) aged(e fakewecom.Envelope, age time.Duration) fakewecom.Envelope {
	encrypted := string(e.Body)
	for _, cut := range [][2]string{{"<Encrypt><![CDATA[", "]]></Encrypt>"}, {`{"encrypt":"`, `"}`}} {
		if _, rest, ok := strings.Cut(encrypted, cut[0]); ok {
			encrypted, _, _ = strings.Cut(rest, cut[1])
		}
	}
	e.Timestamp = strconv.FormatInt(time.Now().Add(-age).Unix(), 10)
	e.Signature = fakewecom.Sign(s.token, e.Timestamp, e.Nonce, encrypted)
	return e
}

// forged are callbacks that are not to be let in, each of a command that an
// administrator may give.
func (s sealer) forged() map[string]fakewecom.Envelope {
	tampered := s.seal("project create tampered")
	tampered.Signature = strings.Repeat("0", 40)
	swapped := s.seal("project create swapped-a")
	swapped.Body = s.seal("project create swapped-b").Body
	return map[string]fakewecom.Envelope{
		"a tampered signature":  tampered,
		"another one's body":    swapped,
		"an old timestamp":      s.aged(s.seal("project create old"), 6*time.Minute),
		"a timestamp to come":   s.aged(s.seal("project create early"), -6*time.Minute),
		"another receiveid":     s.as("ww0000000000000000", "project create stray"),
		"another, longer one":   s.as("wx5823bf96d3bd56c7wx5823bf96d3bd56c7", "project create stray-2"),
		"a body that is no one": {URL: tampered.URL, Signature: tampered.Signature, Timestamp: tampered.Timestamp, Nonce: tampered.Nonce, Body: []byte("<xml>"), Type: "text/xml"},
	}
}

// TestForgedCallbacks: what is not from WeCom, not of now or not for us is refused
// with a 4xx, and nothing comes of it.
func TestForgedCallbacks(t *testing.T) {
	t.Parallel()
	f := fakewecom.New(t)
	s := (&accounts{}).withApp("ops", f).withBot("helper", "callback", f).serve(t)
	f.DeliverTo(callbackURL(s, "wecom", "ops"), callbackURL(s, "wecom-aibot", "helper"))
	linkWeCom(t, s, f, "alice")
	before, shown := len(audit(s)), len(f.Shown("alice"))
	post := func(e fakewecom.Envelope) int {
		a, err := f.Post(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		return a.Status
	}
	var wanted []string
	for _, way := range sealers(f) {
		for what, e := range way.forged() {
			if status := post(e); status/100 != 4 {
				t.Errorf("%s, %s: status %d", way.name, what, status)
			}
		}
		good := way.seal("project create good-" + way.name)
		if status := post(good); status != http.StatusOK {
			t.Errorf("%s: a true one was refused with %d", way.name, status)
		}
		for range 3 {
			if status := post(good); status/100 != 4 {
				t.Errorf("%s, a replay: status %d", way.name, status)
			}
		}
		// Who writes is answered in order: once this is carried out, nothing that came
		// before is still to be.
		if status := post(way.seal("project create last-" + way.name)); status != http.StatusOK {
			t.Errorf("%s: status %d", way.name, status)
		}
		wanted = append(wanted, "project create good-"+way.name, "project create last-"+way.name)
	}
	eachOnce(t, s, "project create", wanted)
	if n := len(audit(s)) - before; n != len(wanted) {
		t.Errorf("%d new lines in the audit for %d commands", n, len(wanted))
	}
	drive.Eventually(t, patience, "both of the application's answers", func() bool { return len(f.Shown("alice")) >= shown+2 })
	if n := len(f.Shown("alice")) - shown; n != 2 {
		t.Errorf("%d answers to 2 commands: %q", n, f.Shown("alice"))
	}
	replayedAfterRestart(t, s, f, post)
}

// replayedAfterRestart: the memory of what was let in ends with the process, that
// of what was carried out does not.
func replayedAfterRestart(t *testing.T, s *drive.Server, f *fakewecom.Fake, post func(fakewecom.Envelope) int) {
	t.Helper()
	before := f.Seal(f.TextXML("alice", "before", "project create before"))
	if status := post(before); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	eachOnce(t, s, "project create before", []string{"project create before"})
	s.Kill()
	s.Start()
	drive.Eventually(t, patience, "the account runs again", func() bool { return post(before) != http.StatusServiceUnavailable })
	if status := post(f.Seal(f.TextXML("alice", "after", "project create after"))); status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	eachOnce(t, s, "project create after", []string{"project create after"})
	eachOnce(t, s, "project create before", []string{"project create before"})
}
