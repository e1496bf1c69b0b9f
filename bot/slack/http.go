package slack

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxBody bounds what Slack sends: an interaction repeats its whole message.
const maxBody = 2 << 20

// callback answers Slack's calls: events, slash commands and interactivity, all
// at one address. Nothing is looked at before the signature has proven true.
func (s *Slack) callback(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Mode != "http" {
		http.NotFound(w, r)
		return
	}
	_, leave, err := s.intake.enter()
	if err != nil {
		http.Error(w, "not receiving yet", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Slack posts here", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body is too large or broken off", http.StatusRequestEntityTooLarge)
		return
	}
	if err := verify(s.cfg.SigningSecret.Reveal(), r.Header, body, s.now()); err != nil {
		s.log.Warn("a call was refused", "error", err, "remote", r.RemoteAddr)
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	s.deliver(w, r, body)
}

// deliver hands a proven request on and acknowledges it.
func (s *Slack) deliver(w http.ResponseWriter, r *http.Request, body []byte) {
	i, challenge, err := readRequest(r.Header.Get("Content-Type"), body)
	switch {
	case err != nil:
		s.log.Warn("a payload cannot be read", "error", err)
		http.Error(w, "the payload cannot be read", http.StatusBadRequest)
		return
	case challenge != "":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, challenge) // when Slack is gone there is nobody to tell
		return
	}
	reply, err := s.take(r.Context(), i)
	if err != nil {
		code := status(err)
		if errors.Is(err, errClosed) {
			code = http.StatusServiceUnavailable
		}
		http.Error(w, "not accepted, try again", code)
		return
	}
	if reply == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(reply); err != nil {
		s.log.Warn("an answer could not be sent", "error", err)
	}
}

// readRequest tells the three kinds of calls apart by what they carry.
func readRequest(contentType string, body []byte) (i incoming, challenge string, err error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return incoming{}, "", errMalformed
	}
	if kind == "application/json" {
		var hello struct {
			Type      string `json:"type"`
			Challenge string `json:"challenge"`
		}
		if err := json.Unmarshal(body, &hello); err == nil && hello.Type == "url_verification" {
			return incoming{}, hello.Challenge, nil
		}
		i, err = readEvent(body)
		return i, "", err
	}
	form, err := url.ParseQuery(string(body))
	switch {
	case kind != "application/x-www-form-urlencoded" || err != nil:
		return incoming{}, "", errMalformed
	case form.Has("payload"):
		i, err = readInteraction([]byte(form.Get("payload")))
	case form.Has("command"):
		i, err = commandOfForm(form).incoming()
	case form.Get("ssl_check") == "1":
	default:
		err = errMalformed
	}
	return i, "", err
}
