package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

// early is how long before its end a token is replaced.
const early = 5 * time.Minute

// client calls the server API. It is our own because silenceper/wechat v2.1.14
// has one HTTP client for all accounts, without a timeout and with a fixed base
// URL; its errors carry the URL and with it the secret; it does not retry on
// 42001, reports errcode 45009 as success in places, and keeps its token where
// other processes cannot see it.
type client struct {
	base    string
	corp    string
	secret  string
	http    *http.Client
	timeout time.Duration
	now     func() time.Time
	vault   bot.Vault
	key     string     // of the token in the vault
	refresh sync.Mutex // one process asks for a token once
	asked   time.Time  // when it last did
}

// newHTTP gives a client that verifies certificates, honours the proxy of the
// environment and follows no redirect, which could carry a token away.
func newHTTP() *http.Client {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16,
		IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Minute}
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// call posts body, or gets when it is nil, and reads the answer into out. A token
// that the platform no longer takes is replaced once.
func (c *client) call(ctx context.Context, path string, query url.Values, body, out any) error {
	if body == nil {
		return c.send(ctx, http.MethodGet, path, query, "", nil, out)
	}
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("wecom: %s: %w", path, err)
	}
	return c.send(ctx, http.MethodPost, path, query, "application/json", data, out)
}

func (c *client) send(ctx context.Context, method, path string, query url.Values, kind string, data []byte, out any) error {
	token, err := c.token(ctx)
	if err != nil {
		return err
	}
	err = c.once(ctx, method, path, withToken(query, token), kind, data, out)
	if code := codeOf(err); code != codeBadToken && code != codeExpiredToken {
		return err
	}
	if err := c.vault.Drop(ctx, c.key, token); err != nil {
		return fmt.Errorf("wecom: forget a token: %w", err)
	}
	if token, err = c.token(ctx); err != nil {
		return err
	}
	return c.once(ctx, method, path, withToken(query, token), kind, data, out)
}

func withToken(query url.Values, token string) url.Values {
	q := url.Values{"access_token": {token}}
	for k, v := range query {
		q[k] = v
	}
	return q
}

// token gives the shared token, a new one when there is none or its end is near.
func (c *client) token(ctx context.Context) (string, error) {
	if token, left, err := c.kept(ctx); err != nil || left > early {
		return token, err
	}
	c.refresh.Lock()
	defer c.refresh.Unlock()
	token, left, err := c.kept(ctx)
	if err != nil || left > early { // another caller was first
		return token, err
	}
	// Until its end the platform gives the same token again, and it counts how
	// often it is asked.
	if left > 0 && c.now().Sub(c.asked) < time.Minute {
		return token, nil
	}
	return c.fetchToken(ctx)
}

func (c *client) fetchToken(ctx context.Context) (string, error) {
	c.asked = c.now()
	var got struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
	}
	q := url.Values{"corpid": {c.corp}, "corpsecret": {c.secret}}
	if err := c.once(ctx, http.MethodGet, "gettoken", q, "", nil, &got); err != nil {
		return "", err
	}
	if got.AccessToken == "" || got.ExpiresIn <= 0 {
		return "", &apiError{What: "gettoken", Code: codeAnswerUnusable}
	}
	lasts := time.Duration(min(got.ExpiresIn, 7200)) * time.Second
	if err := c.vault.Keep(ctx, c.key, got.AccessToken, c.now().Add(lasts)); err != nil {
		return "", fmt.Errorf("wecom: keep a token: %w", err)
	}
	return got.AccessToken, nil
}

// kept gives the shared token and how long it is still good for.
func (c *client) kept(ctx context.Context) (string, time.Duration, error) {
	token, expires, err := c.vault.Kept(ctx, c.key)
	if errors.Is(err, bot.ErrNotKept) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("wecom: read a token: %w", err)
	}
	return token, expires.Sub(c.now()), nil
}

// once does one HTTP request.
func (c *client) once(ctx context.Context, method, path string, query url.Values, kind string, data []byte, out any) error {
	return request(ctx, c.http, c.timeout, method, c.base+"/cgi-bin/"+path+"?"+query.Encode(), path, kind, data, out)
}

// request does one HTTP request and reads the errcode of its answer. what names
// it in errors instead of the address, which has a token in it.
func request(ctx context.Context, hc *http.Client, timeout time.Duration, method, address, what, kind string, data []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("wecom: %s: the address cannot be used", what)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	res, err := hc.Do(req)
	if err != nil {
		return fmt.Errorf("wecom: %s: %w", what, bare(err))
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("wecom: %s: the answer broke off: %w", what, bare(err))
	}
	if res.StatusCode != http.StatusOK {
		return &apiError{What: what, Status: res.StatusCode, RetryAfter: retryAfter(res.Header)}
	}
	return readAnswer(what, answer, out)
}

func readAnswer(what string, answer []byte, out any) error {
	var head struct {
		ErrCode *int `json:"errcode"`
	}
	if err := json.Unmarshal(answer, &head); err != nil {
		return &apiError{What: what, Code: codeAnswerUnusable}
	}
	if head.ErrCode != nil && *head.ErrCode != 0 {
		return &apiError{What: what, Code: *head.ErrCode}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &apiError{What: what, Code: codeAnswerUnusable}
	}
	return nil
}

// bare takes the URL off an error of net/http: it carries the token.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Hour)
}
