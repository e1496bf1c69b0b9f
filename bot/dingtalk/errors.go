package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// apiError is a refusal, in whichever way the two APIs have of refusing: a status
// with a code in words, or status 200 with an errcode in the body.
type apiError struct {
	Op      string // path of the call
	Status  int
	Errcode int    // of the older API
	Sub     string // its sub_code, which says what errcode 88 means
	Code    string // of the OpenAPI
	Message string // redacted
	Scopes  []string
	Wait    time.Duration // Retry-After, 0 = not said
}

// Error says what was refused and how, without the vendor's link lists.
func (e *apiError) Error() string {
	code := e.Code
	if e.Errcode != 0 {
		code = strconv.Itoa(e.Errcode)
		if e.Sub != "" {
			code += "/" + e.Sub
		}
	}
	return fmt.Sprintf("dingtalk %s: status %d, code %s: %s", e.Op, e.Status, code, e.Message)
}

// answer is what either API may say about a failure.
type answer struct {
	Errcode json.RawMessage `json:"errcode"`
	Errmsg  string          `json:"errmsg"`
	SubCode json.RawMessage `json:"sub_code"`
	SubMsg  string          `json:"sub_msg"`
	Code    json.RawMessage `json:"code"`
	Message string          `json:"message"`
	Detail  struct {
		Scopes []string `json:"requiredScopes"`
	} `json:"accessdenieddetail"`
}

// refusal reads an answer; nil when it is a success.
func refusal(op string, res *http.Response, body []byte) *apiError {
	var a answer
	bad := json.Unmarshal(body, &a) // an answer that is no JSON is judged by its status
	e := &apiError{Op: op, Status: res.StatusCode, Sub: word(a.SubCode), Code: word(a.Code), Message: firstOf(a.Message, a.SubMsg, a.Errmsg), Scopes: a.Detail.Scopes}
	errcode := word(a.Errcode)
	e.Errcode, _ = strconv.Atoi(errcode) // not a number: as if there were none, but see below
	ok := res.StatusCode/100 == 2 && bad == nil && (errcode == "" || errcode == "0")
	if ok && e.Code != "" && e.Code != "0" && e.Code != "200" && !strings.EqualFold(e.Code, "success") && e.Message != "" {
		ok = false
	}
	if ok {
		return nil
	}
	if bad != nil && res.StatusCode/100 == 2 {
		e.Message = "the answer is not JSON"
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 && seconds < 86400 {
		e.Wait = time.Duration(seconds) * time.Second
	}
	return e
}

// word gives a JSON scalar as text, "" for anything else.
func word(raw json.RawMessage) string {
	s := strings.Trim(string(raw), `"`)
	if s == "null" || strings.ContainsAny(s, "{}[]") {
		return ""
	}
	return s
}

func firstOf(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// badToken reports whether a fresh token may help: 40014 and 42001 say it
// themselves, 88 says it in its sub_code, the OpenAPI in words.
func (e *apiError) badToken() bool {
	expired := []string{"40001", "40014", "42001"}
	switch {
	case e.Errcode == 88:
		return e.Sub == "" || slices.Contains(expired, e.Sub)
	case e.Errcode != 0:
		return slices.Contains(expired, strconv.Itoa(e.Errcode))
	}
	return strings.EqualFold(e.Code, "InvalidAuthentication") || e.Status == http.StatusUnauthorized
}

// blocked is how long a robot is silenced that sent too fast.
const blocked = 10 * time.Minute

// wait gives how long to keep still, 0 when the refusal is not about speed.
func (e *apiError) wait() time.Duration {
	code := strings.ToLower(e.Code)
	said := func(w time.Duration) time.Duration { return max(w, e.Wait) }
	switch {
	case e.Errcode == 130101:
		return said(blocked)
	case e.Errcode == 88 && strings.HasPrefix(e.Sub, "900"), e.Errcode >= 90002 && e.Errcode <= 90019:
		return said(time.Minute) // the app's or the address's quota of calls
	case e.Status == http.StatusTooManyRequests, strings.Contains(code, "qpslimit"), strings.Contains(code, "throttl"), strings.Contains(code, "flowcontrol"):
		if e.Wait > 0 {
			return e.Wait
		}
		return 2 * time.Second
	case e.badSecret(): // an administrator can mend it
		return time.Minute
	}
	return 0
}

// badSecret reports whether the app itself is refused.
func (e *apiError) badSecret() bool { return e.Op == opToken && e.Status/100 == 4 }

// ofAccount reports whether the refusal is about all calls of the app: its quota
// of calls, that of its address, its secret. errcode 130101 is about one conversation.
func (e *apiError) ofAccount() bool { return e.wait() > 0 && e.Errcode != 130101 }

// lasting reports whether the same call will be refused again for ever. An
// errcode that is not known here is tried again: the hub gives up in time.
func (e *apiError) lasting() bool {
	switch {
	case e.wait() > 0, e.badToken(), e.Status >= 500, e.Status == http.StatusRequestTimeout, e.Errcode == -1:
		return false
	case e.Errcode != 0:
		return slices.Contains([]int{310000, 300001, 300005, 40004, 40035, 400013, 400105, 400106, 430104, 60011, 60121}, e.Errcode)
	}
	return e.Status/100 == 4
}

// noScope reports whether a permission is missing that the console can give.
func (e *apiError) noScope() bool {
	return strings.Contains(e.Code, "AccessTokenPermissionDenied") || e.Errcode == 88 && e.Sub == "60011" || e.Errcode == 60011
}

func permanent(err error) error { return &bot.SendError{Permanent: true, Err: err} }

// sendError makes err what the hub retries by.
func sendError(err error) error {
	var known *bot.SendError
	if err == nil || errors.As(err, &known) {
		return err
	}
	var refused *apiError
	if errors.As(err, &refused) {
		return &bot.SendError{Permanent: refused.lasting(), RetryAfter: refused.wait(), Account: refused.ofAccount(), Err: err}
	}
	return &bot.SendError{Err: err}
}

// unlinked takes the address out of a transport's error: its query may hold a
// token, a ticket or a session.
func unlinked(op string, err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var name *net.DNSError
	if errors.As(err, &name) {
		return fmt.Errorf("dingtalk %s: the name %s cannot be resolved", op, name.Name)
	}
	return fmt.Errorf("dingtalk %s: %w", op, err)
}
