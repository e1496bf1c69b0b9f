package slack

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Tests reach in here for what the seam does not show.

// Sign is the signature of a body.
func Sign(secret string, seconds int64, body []byte) string { return sign(secret, seconds, body) }

// Verify checks a request's signature.
func Verify(secret string, h http.Header, body []byte, now time.Time) error {
	return verify(secret, h, body, now)
}

// Read reads a payload as it comes.
func Read(kind string, raw []byte) (bot.Inbound, error) {
	i, err := read(kind, raw)
	return i.in, err
}

// ReadRequest reads an HTTP call.
func ReadRequest(contentType string, body []byte) (in bot.Inbound, challenge string, err error) {
	i, challenge, err := readRequest(contentType, body)
	return i.in, challenge, err
}

// Plain undoes Slack's markup.
func Plain(text, self string) string { return plain(text, self) }

// Draw gives a message's blocks as JSON.
func Draw(m bot.Message) ([]byte, error) {
	m = withFormButton(m)
	tokens := make([]string, len(m.Actions))
	for i, a := range m.Actions {
		tokens[i] = "token-of-" + a.ID
	}
	return json.MarshalIndent(map[string]any{"text": notice(m), "blocks": draw(m, tokens)}, "", "  ")
}

// Modal gives a form as JSON.
func (s *Slack) Modal(f bot.Form) ([]byte, error) {
	v, err := s.modal(f, metadata{Token: "token", Command: f.Command, Room: "C0OPS"})
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(v, "", "  ")
}

// SetTiming shortens the waits of Socket Mode.
func (s *Slack) SetTiming(ping, backoff, refused time.Duration) {
	s.timing = timing{ping: ping, backoff: backoff, refused: refused}
}

// SetNow sets the clock, before Run.
func (s *Slack) SetNow(now func() time.Time) { s.now = now }

// Up is how many connections are up.
func (s *Slack) Up() int { return int(s.links.up.Load()) }
