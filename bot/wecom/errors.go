package wecom

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// The platform's codes that we act on. Source: "全局错误码" of the vendor's
// documents, and for the last ones the AI bot's.
const (
	codeBusy           = -1
	codeBadSecret      = 40001
	codeBadCorp        = 40013
	codeBadToken       = 40014
	codeExpiredToken   = 42001
	codeRate           = 45009
	codeTooFast        = 45011
	codeConcurrent     = 45033
	codeNoRight        = 48002
	codeNotAllowed     = 60011
	codeNoSuchUser     = 60111
	codeForeignIP      = 60020
	codeNoAgent        = 40056
	codeWrongAgent     = 301002
	codeBadRequest     = 846605 // a req_id that cannot be answered (any more)
	codeBotRate        = 846607
	codeStreamExpired  = 846608
	codeCardCodeUsed   = 60140 // response_code used up or too old
	codeNoConnection   = -1000 // ours: the AI bot is not connected
	codeAnswerUnusable = -1001 // ours: not JSON
)

// apiError is an answer of the platform that is not success. The platform's own
// words are left out: they may repeat the token that was sent.
type apiError struct {
	What       string // path or command
	Code       int    // errcode, 0 when Status says it
	Status     int    // of HTTP, when it is not 200
	RetryAfter time.Duration
}

// Error is the log's wording.
func (e *apiError) Error() string {
	switch {
	case e.Code == codeNoConnection:
		return fmt.Sprintf("wecom: %s: the AI bot's connection is not up in this process", e.What)
	case e.Code == codeAnswerUnusable:
		return fmt.Sprintf("wecom: %s: the answer is not of the API", e.What)
	case e.Status != 0:
		return fmt.Sprintf("wecom: %s: HTTP status %d", e.What, e.Status)
	}
	return fmt.Sprintf("wecom: %s: errcode %d", e.What, e.Code)
}

// codeOf gives the errcode in err, 0 when there is none.
func codeOf(err error) int {
	var failed *apiError
	if errors.As(err, &failed) {
		return failed.Code
	}
	return 0
}

// sendError says what may be done about err. What the platform does not take is
// not tried again; what it does not take now is.
func sendError(err error) error {
	if err == nil {
		return nil
	}
	var already *bot.SendError
	if errors.As(err, &already) {
		return err
	}
	var failed *apiError
	if !errors.As(err, &failed) { // network, context
		return &bot.SendError{Err: err}
	}
	wait, transient := failed.transient()
	return &bot.SendError{Permanent: !transient, RetryAfter: max(wait, failed.RetryAfter), Account: failed.ofAccount(), Err: err}
}

// ofAccount reports whether every other call would be refused, too: the
// application's share of calls is used up, or what it is known by is no good.
// codeBotRate is about one chat, what is busy may be so for one call, and that this
// process has no connection is none of another's business.
func (e *apiError) ofAccount() bool {
	switch e.Code {
	case codeRate, codeTooFast, codeConcurrent, codeBadToken, codeExpiredToken, codeBadSecret, codeBadCorp, codeForeignIP:
		return true
	}
	return e.Status == http.StatusTooManyRequests
}

func (e *apiError) transient() (wait time.Duration, transient bool) {
	switch e.Code {
	case codeBusy, codeAnswerUnusable:
		return 2 * time.Second, true
	case codeConcurrent:
		return 5 * time.Second, true
	case codeNoConnection:
		return 3 * time.Second, true
	case codeRate, codeTooFast, codeBotRate:
		return time.Minute, true
	case codeBadSecret, codeBadCorp, codeForeignIP: // an administrator can mend it
		return time.Minute, true
	case codeBadToken, codeExpiredToken: // the refreshed one was refused, too
		return 30 * time.Second, true
	case 0:
		return 0, e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError
	}
	return 0, false
}

// lasting reports whether err is one after which nothing is tried again.
func lasting(err error) bool {
	var failed *bot.SendError
	return errors.As(err, &failed) && failed.Permanent
}

func permanent(format string, args ...any) error {
	return &bot.SendError{Permanent: true, Err: fmt.Errorf("wecom: "+format, args...)}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
