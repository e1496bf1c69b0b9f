package dingtalk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"time"
)

// replayWindow is how old or how far ahead a callback's timestamp may be. The
// vendor allows an hour; the signature does not cover the body, so we do not.
const replayWindow = 5 * time.Minute

// maxCallback bounds a callback's body.
const maxCallback = 1 << 20

// Callbacks implements bot.Callbacks: the robot's message address in HTTP mode.
func (d *DingTalk) Callbacks() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(d.callback(w, r))
		// The caller reads the status; a body that it does not get changes nothing.
		_, _ = io.WriteString(w, "{}")
	})
}

// callback works on one request and gives its status. Anything but 2xx lets the
// platform deliver again.
func (d *DingTalk) callback(w http.ResponseWriter, r *http.Request) int {
	switch {
	case d.cfg.Mode != modeHTTP:
		return http.StatusNotFound
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed
	}
	handle, leave, ok := d.enter()
	if !ok {
		return http.StatusServiceUnavailable
	}
	defer leave()
	if !d.signed(r.Header) {
		d.log.Warn("a callback was refused: its sign or timestamp is not right", "from", r.RemoteAddr)
		return http.StatusForbidden
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if err != nil {
		return http.StatusRequestEntityTooLarge
	}
	m, err := parseRobotMessage(body)
	if err != nil {
		d.log.Warn("a callback cannot be read", "error", err)
		return http.StatusBadRequest
	}
	if err := d.accept(r.Context(), handle, m); err != nil {
		d.log.Error("a message was not accepted and will be delivered again", "error", err)
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

// signed checks the headers timestamp and sign.
func (d *DingTalk) signed(h http.Header) bool {
	stamp := h.Get("timestamp")
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return false
	}
	age := d.timing.now().Sub(time.UnixMilli(ms))
	given, err := base64.StdEncoding.DecodeString(h.Get("sign"))
	return err == nil && age <= replayWindow && age >= -replayWindow && hmac.Equal(given, sign(d.cfg.ClientSecret.Reveal(), stamp))
}

// sign is HMAC-SHA256 over timestamp, a new line and the secret itself.
func sign(secret, stamp string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "\n" + secret))
	return mac.Sum(nil)
}
