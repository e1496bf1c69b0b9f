package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	slackapi "github.com/slack-go/slack"

	"github.com/coxswain-ops/coxswain/bot"
)

const (
	callTime = 20 * time.Second
	// maxAnswer bounds what is read of an answer of Slack's.
	maxAnswer = 4 << 20
)

// client is slack-go's client with what it lacks: deadlines, bounded answers, no
// redirects that carry tokens elsewhere, errors free of secrets, and a memory of
// Retry-After.
type client struct {
	*slackapi.Client
	transport *http.Transport
	secrets   []string
	gates     gates
	now       func() time.Time
}

func newClient(cfg Config, now func() time.Time) *client {
	c := &client{now: now, transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 15 * time.Second,
		IdleConnTimeout:       60 * time.Second,
		MaxIdleConnsPerHost:   8,
		MaxConnsPerHost:       64,
	}}
	for _, secret := range []string{cfg.BotToken.Reveal(), cfg.AppToken.Reveal(), cfg.SigningSecret.Reveal()} {
		if secret != "" {
			c.secrets = append(c.secrets, secret)
		}
	}
	web := &http.Client{Transport: bounded{c.transport}, Timeout: callTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	c.Client = slackapi.New(cfg.BotToken.Reveal(), slackapi.OptionAPIURL(cfg.APIURL), slackapi.OptionHTTPClient(web),
		slackapi.OptionAppLevelToken(cfg.AppToken.Reveal()))
	return c
}

func (c *client) close() { c.transport.CloseIdleConnections() }

// bounded cuts answers off that are too long to be Slack's.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// do makes one call of method; about tells calls apart that have their own rate
// limit, such as a channel. The error is a *bot.SendError without a secret.
func (c *client) do(ctx context.Context, method, about string, call func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return &bot.SendError{Err: fmt.Errorf("slack %s: %w", method, err)}
	}
	if wait := c.gates.wait(method, about, c.now()); wait > 0 {
		return &bot.SendError{RetryAfter: wait, Err: fmt.Errorf("slack %s: the rate limit is still in force", method)}
	}
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := call(limited)
	if err == nil {
		return nil
	}
	var rate *slackapi.RateLimitedError
	if errors.As(err, &rate) {
		c.gates.shut(method, about, c.now().Add(rate.RetryAfter))
	}
	return c.failure(method, err)
}

// failure is what the rest of the program may know of err.
func (c *client) failure(method string, err error) *bot.SendError {
	out := &bot.SendError{Err: &apiError{method: method, text: c.redact(err.Error())}}
	var rate *slackapi.RateLimitedError
	var code slackapi.SlackErrorResponse
	switch {
	case errors.Is(err, context.Canceled):
		out.Err = fmt.Errorf("slack %s: %w", method, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded):
		out.Err = fmt.Errorf("slack %s: %w", method, context.DeadlineExceeded)
	case errors.As(err, &rate):
		out.RetryAfter = max(rate.RetryAfter, time.Second)
	case errors.As(err, &code):
		out.Err = &apiError{method: method, code: plainCode(code.Err), needed: c.redact(code.Needed)}
		out.Permanent = slices.Contains(permanent(), code.Err)
		if slices.Contains(repairable(), code.Err) {
			out.RetryAfter = time.Minute
			out.Account = code.Err != "missing_scope" && code.Err != "not_allowed_token_type" // these are about one method
		}
	}
	return out
}

// codeWord is what Slack's codes look like.
var codeWord = regexp.MustCompile(`^[a-z]{2,}(_[a-z0-9]{1,20})*`)

// plainCode takes a code without what may follow it: whatever is repeated there is
// not for a log.
func plainCode(code string) string {
	if word := codeWord.FindString(code); word != "" {
		return word
	}
	return "unreadable_code"
}

// permanent are the codes that the same call will meet again, whatever is
// repaired meanwhile.
func permanent() []string {
	return []string{"channel_not_found", "not_in_channel", "is_archived", "msg_too_long", "msg_blocks_too_long", "no_text",
		"invalid_blocks", "invalid_blocks_format", "invalid_arguments", "invalid_arg_name", "too_many_attachments",
		"message_not_found", "cant_update_message", "edit_window_closed", "restricted_action", "restricted_action_read_only_channel",
		"restricted_action_thread_only_channel", "user_not_found", "users_not_found", "user_disabled", "cannot_dm_bot", "user_not_visible",
		"thread_not_found", "cannot_reply_to_message", "unknown_method", "view_too_large", "expired_trigger_id", "exchanged_trigger_id",
		"trigger_expired", "invalid_trigger_id", "file_not_found", "method_not_supported_for_channel_type", "no_permission"}
}

// repairable are the codes that an administrator can do something about: asking
// again every second helps nobody.
func repairable() []string {
	return []string{"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
		"not_allowed_token_type", "org_login_required", "ekm_access_denied", "team_access_not_granted", "accesslimited"}
}

// apiError is a failed call. It holds no secret and no cause that could.
type apiError struct {
	method string
	code   string // Slack's, "" when it gave none
	needed string // the scope that is missing
	text   string
}

func (e *apiError) Error() string {
	switch {
	case e.needed != "":
		return fmt.Sprintf("slack %s: %s: the app needs the scope %s", e.method, e.code, e.needed)
	case e.code != "":
		return fmt.Sprintf("slack %s: %s", e.method, e.code)
	}
	return fmt.Sprintf("slack %s: %s", e.method, e.text)
}

// codeOf gives Slack's code of a failed call, "" when it has none.
func codeOf(err error) string {
	var failed *apiError
	if errors.As(err, &failed) {
		return failed.code
	}
	return ""
}

// addresses finds URLs: a Socket Mode address has a ticket in it, an upload's is
// good for anybody who has it.
var addresses = regexp.MustCompile(`(?i)\b(https?|wss?)://[^\s"'<>]+`)

// redact takes secrets and the inner parts of URLs out of text.
func (c *client) redact(text string) string {
	for _, secret := range c.secrets {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	return addresses.ReplaceAllStringFunc(text, func(u string) string {
		scheme, rest, _ := strings.Cut(u, "://")
		host, _, _ := strings.Cut(rest, "/")
		host, _, _ = strings.Cut(host, "?")
		if _, after, found := strings.Cut(host, "@"); found {
			host = after
		}
		return scheme + "://" + host + "/…"
	})
}

// maxGates bounds what is remembered of limits that have run out.
const maxGates = 4096

// gates remember until when Slack wants to hear nothing more of a kind.
type gates struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (g *gates) wait(method, about string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until[method+" "+about].Sub(now)
}

func (g *gates) shut(method, about string, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.until == nil || len(g.until) >= maxGates {
		g.until = map[string]time.Time{}
	}
	g.until[method+" "+about] = until
}
