package dingtalk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 20

// client calls the OpenAPI and the older API: with a deadline, the errcode inside
// status 200 taken seriously, the token renewed once, and nothing secret in errors.
type client struct {
	cfg     Config
	http    *http.Client
	tokens  *tokens
	timeout time.Duration
}

func newClient(cfg Config, vault bot.Vault, h *http.Client, tm timing) *client {
	h.CheckRedirect = func(*http.Request, []*http.Request) error {
		return errors.New("the answer leads elsewhere, and a secret is not carried there")
	}
	c := &client{cfg: cfg, http: h, timeout: tm.request}
	c.tokens = newTokens(vault, Kind+"/"+cfg.ClientID+"/token", tm.now, c.fetchToken)
	return c
}

// request is one call.
type request struct {
	op     string // what errors call it: the path without query
	method string
	url    string // whole, as it is called
	header http.Header
	body   []byte
}

// do makes one call and reads its answer into out, which may be nil.
func (c *client) do(ctx context.Context, r request, out any, secrets ...string) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, bytes.NewReader(r.body))
	if err != nil {
		return fmt.Errorf("dingtalk %s: the address of the call is not valid", r.op)
	}
	if r.header != nil {
		req.Header = r.header
	}
	req.Header.Set("Accept", "application/json") // else some calls answer in XML
	res, err := c.http.Do(req)
	if err != nil {
		return unlinked(r.op, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return unlinked(r.op, err)
	}
	if refused := refusal(r.op, res, body); refused != nil {
		c.redact(refused, secrets)
		return refused
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("dingtalk %s: the answer is not what the documents say: %w", r.op, err)
	}
	return nil
}

// opaque is what tokens, tickets and sessions look like, and with a digit in it
// hardly any word does.
var opaque = regexp.MustCompile(`[A-Za-z0-9+/=_-]{20,}`)

// redact takes out what must not be seen: the vendor's errors may repeat what
// they were given.
func (c *client) redact(e *apiError, secrets []string) {
	hide := func(text *string) {
		for _, secret := range append(secrets, c.cfg.ClientSecret.Reveal()) {
			if len(secret) > 3 {
				*text = strings.ReplaceAll(*text, secret, "[redacted]")
				*text = strings.ReplaceAll(*text, url.QueryEscape(secret), "[redacted]")
			}
		}
	}
	for _, text := range []*string{&e.Message, &e.Code, &e.Sub} {
		hide(text)
		*text = opaque.ReplaceAllStringFunc(*text, func(word string) string {
			if strings.ContainsAny(word, "0123456789") {
				return "[redacted]"
			}
			return word
		})
		*text = bot.TruncateLine(strings.ToValidUTF8(*text, string(utf8.RuneError)), bot.Limits{Runes: 300})
	}
	for i := range e.Scopes {
		hide(&e.Scopes[i])
	}
}

// opToken is how errors call the asking for a token.
const opToken = "oauth2/accessToken"

// fetchToken gets a new access token. It serves both APIs.
func (c *client) fetchToken(ctx context.Context) (string, time.Duration, error) {
	body, err := encode(map[string]string{"appKey": c.cfg.ClientID, "appSecret": c.cfg.ClientSecret.Reveal()})
	if err != nil {
		return "", 0, err
	}
	var out struct {
		AccessToken string `json:"accessToken"`
		ExpireIn    int64  `json:"expireIn"` // seconds
	}
	err = c.do(ctx, request{op: opToken, method: http.MethodPost, url: c.cfg.API + "/v1.0/oauth2/accessToken", header: jsonHeader(), body: body}, &out)
	if err != nil {
		return "", 0, err
	}
	if out.AccessToken == "" || out.ExpireIn <= 0 {
		return "", 0, errors.New("dingtalk oauth2/accessToken: the answer has no token")
	}
	return out.AccessToken, time.Duration(out.ExpireIn) * time.Second, nil
}

// withToken makes a call that needs the token, and makes it once more with a
// fresh one when the platform did not take it.
func (c *client) withToken(ctx context.Context, call func(token string) error) error {
	for attempt := 0; ; attempt++ {
		token, err := c.tokens.get(ctx)
		if err != nil {
			return err
		}
		err = call(token)
		var refused *apiError
		if attempt > 0 || !errors.As(err, &refused) || !refused.badToken() {
			return err
		}
		if err := c.tokens.refused(ctx, token); err != nil {
			return err
		}
	}
}

// api calls the OpenAPI with in as JSON.
func (c *client) api(ctx context.Context, method, path string, in, out any) error {
	body, err := encode(in)
	if err != nil {
		return err
	}
	return c.withToken(ctx, func(token string) error {
		h := jsonHeader()
		h.Set("x-acs-dingtalk-access-token", token)
		return c.do(ctx, request{op: strings.TrimPrefix(path, "/v1.0/"), method: method, url: c.cfg.API + path, header: h, body: body}, out, token)
	})
}

// oapi calls the older API, whose token stands in the query.
func (c *client) oapi(ctx context.Context, path string, contentType string, body []byte, out any) error {
	return c.withToken(ctx, func(token string) error {
		h := http.Header{"Content-Type": {contentType}}
		op, _, _ := strings.Cut(path, "?")
		sep := "?"
		if op != path {
			sep = "&"
		}
		target := c.cfg.OAPI + path + sep + "access_token=" + url.QueryEscape(token)
		return c.do(ctx, request{op: strings.TrimPrefix(op, "/"), method: http.MethodPost, url: target, header: h, body: body}, out, token)
	})
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

// encode makes JSON in which < and & stay one byte: the platform counts them.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("dingtalk: encode a request: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
