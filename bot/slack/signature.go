package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// replayWindow is how far a request's time may be from ours. Source: Slack's page
// "Verifying requests from Slack".
const replayWindow = 5 * time.Minute

var (
	errOld       = errors.New("slack: the request is older or newer than five minutes; check this machine's clock")
	errSignature = errors.New("slack: the signature is wrong; check signing_secret")
)

// sign is Slack's signature, version v0, of a body at a time in Unix seconds.
func sign(secret string, seconds int64, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + strconv.FormatInt(seconds, 10) + ":"))
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// verify checks that a request is Slack's and of now.
func verify(secret string, h http.Header, body []byte, now time.Time) error {
	stamp := h.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != stamp {
		return errSignature
	}
	if at := time.Unix(seconds, 0); now.Sub(at).Abs() > replayWindow {
		return errOld
	}
	given := strings.TrimSpace(h.Get("X-Slack-Signature"))
	if secret == "" || !hmac.Equal([]byte(given), []byte(sign(secret, seconds, body))) {
		return errSignature
	}
	return nil
}
