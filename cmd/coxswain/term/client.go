package term

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// Client speaks with the server of one data directory.
type Client struct {
	socket string
	http   *http.Client
}

// UnreachableError is a server that does not answer at its socket.
type UnreachableError struct {
	Socket string
	Err    error
}

// Error is the log's wording.
func (e *UnreachableError) Error() string { return fmt.Sprintf("no server at %s: %v", e.Socket, e.Err) }

// Unwrap gives the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// NewClient makes a client for the server whose data directory is data. It
// connects when it is used.
func NewClient(data string) *Client {
	c := &Client{socket: room.SocketPath(data)}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	c.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, "unix", c.socket)
			if err != nil {
				return nil, &UnreachableError{Socket: c.socket, Err: err}
			}
			return conn, nil
		},
		ResponseHeaderTimeout: 30 * time.Second,
	}}
	return c
}

// Socket is where the server is looked for.
func (c *Client) Socket() string { return c.socket }

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// NewID makes the id of a new message.
func NewID() string { return ulid.Make().String() }

// Send posts a message. The same id again is the same message, so a send that
// was cut is simply repeated, for as long as ctx allows. A server that is not
// there at the first attempt is an *UnreachableError at once.
func (c *Client) Send(ctx context.Context, p room.Post) (room.Posted, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return room.Posted{}, fmt.Errorf("encode: %w", err)
	}
	var posted room.Posted
	for try := 0; ; try++ {
		err := c.call(ctx, http.MethodPost, "/v1/messages", bytes.NewReader(body), &posted)
		var away *UnreachableError
		var refusal *room.Error
		switch {
		case err == nil || ctx.Err() != nil, try == 0 && errors.As(err, &away), try == 5:
			return posted, err
		case errors.As(err, &refusal) && refusal.Status < http.StatusInternalServerError:
			return posted, err
		}
		if err := pause(ctx, try); err != nil {
			return posted, err
		}
	}
}

// Upload sends a content of any length ahead of a message and gives its id.
func (c *Client) Upload(ctx context.Context, content io.Reader) (string, error) {
	var up room.Uploaded
	if err := c.call(ctx, http.MethodPost, "/v1/uploads", io.NopCloser(content), &up); err != nil {
		return "", err
	}
	return up.ID, nil
}

// Complete gives the ways to go on from text.
func (c *Client) Complete(ctx context.Context, p room.Post) ([]bot.Completion, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	var got struct {
		Completions []bot.Completion `json:"completions"`
	}
	err = c.call(ctx, http.MethodPost, "/v1/complete", bytes.NewReader(body), &got)
	return got.Completions, err
}

// Pass gives a one-time link into the browser, as oneself or as another user.
func (c *Client) Pass(ctx context.Context, as string) (string, error) {
	var got struct {
		URL string `json:"url"`
	}
	err := c.call(ctx, http.MethodPost, "/v1/passes?"+url.Values{"as": {as}}.Encode(), nil, &got)
	return got.URL, err
}

// Health asks whether the server is well.
func (c *Client) Health(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "/v1/healthz", nil, &struct{}{})
}

func (c *Client) call(ctx context.Context, method, path string, body io.Reader, into any) error {
	res, err := c.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(io.LimitReader(res.Body, 4<<20)).Decode(into); err != nil {
		return fmt.Errorf("answer to %s: %w", method, err)
	}
	return nil
}

// open makes a request and gives a successful answer, its body open. A refusal
// is a *room.Error.
func (c *Client) open(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://coxswain"+path, body)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer res.Body.Close()
	var told struct {
		Error *room.Error `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&told); err != nil || told.Error == nil {
		return nil, fmt.Errorf("the server answered %s", res.Status)
	}
	told.Error.Status = res.StatusCode
	return nil, told.Error
}

// pause waits before attempt try+1, longer each time, at most two seconds.
func pause(ctx context.Context, try int) error {
	timer := time.NewTimer(min(100*time.Millisecond<<min(try, 8), 2*time.Second))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
