package wecom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// The commands of the long connection. Source: "智能机器人长连接" and the
// vendor's own client.
const (
	cmdSubscribe = "aibot_subscribe"
	cmdPing      = "ping"
	cmdMessage   = "aibot_msg_callback"
	cmdEvent     = "aibot_event_callback"
	cmdRespond   = "aibot_respond_msg"
	cmdWelcome   = "aibot_respond_welcome_msg"
	cmdUpdate    = "aibot_respond_update_msg"
	cmdSend      = "aibot_send_msg"
	cmdInit      = "aibot_upload_media_init"
	cmdChunk     = "aibot_upload_media_chunk"
	cmdFinish    = "aibot_upload_media_finish"
)

// maxFrame bounds what is read of one frame.
const maxFrame = 4 << 20

// frame is what goes over the connection, both ways.
type frame struct {
	Cmd     string          `json:"cmd,omitempty"`
	Headers frameHeaders    `json:"headers"`
	Body    json.RawMessage `json:"body,omitempty"`
	ErrCode *int            `json:"errcode,omitempty"`
}

type frameHeaders struct {
	ReqID string `json:"req_id"`
}

func parseFrame(data []byte) (*frame, error) {
	f := &frame{}
	if err := json.Unmarshal(printable(data), f); err != nil {
		return nil, errMalformed
	}
	return f, nil
}

// conn is one connection. Its reader is read's caller.
type conn struct {
	ws      *websocket.Conn
	timeout time.Duration

	writing sync.Mutex
	mu      sync.Mutex
	pending map[string]chan *frame // by req_id: one at a time
	free    chan struct{}          // closed and replaced when a req_id is answered
	gone    chan struct{}          // closed with the connection
	end     sync.Once
}

// dial connects. The gateway's address has no secret in it; the error of a
// failed handshake is left bare all the same, because of proxies' addresses.
func dial(ctx context.Context, gateway string, timeout time.Duration) (*conn, error) {
	d := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: timeout}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ws, res, err := d.DialContext(ctx, socketURL(gateway), nil)
	if res != nil && res.Body != nil {
		defer res.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("wecom: connect to the gateway: %w", bare(err))
	}
	ws.SetReadLimit(maxFrame)
	return &conn{ws: ws, timeout: timeout, pending: map[string]chan *frame{}, free: make(chan struct{}), gone: make(chan struct{})}, nil
}

func socketURL(gateway string) string {
	if rest, ok := strings.CutPrefix(gateway, "http"); ok {
		return "ws" + rest
	}
	return gateway
}

// close ends the connection; what waits for an answer is told.
func (c *conn) close() {
	c.end.Do(func() {
		close(c.gone)
		_ = c.ws.Close() // there is nothing left to lose
	})
}

// read gives the next frame that is not an answer. A frame that cannot be read is
// skipped: it must not take the connection down.
func (c *conn) read(silence time.Duration, malformed func()) (*frame, error) {
	for {
		if err := c.ws.SetReadDeadline(time.Now().Add(silence)); err != nil {
			return nil, err
		}
		_, data, err := c.ws.ReadMessage()
		if err != nil {
			return nil, err
		}
		f, err := parseFrame(data)
		switch {
		case err != nil:
			malformed()
		case f.Cmd != "":
			return f, nil
		default:
			c.answered(f)
		}
	}
}

func (c *conn) answered(f *frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if wait, ok := c.pending[f.Headers.ReqID]; ok {
		delete(c.pending, f.Headers.ReqID)
		wait <- f // has room for one
	}
}

// fire writes a frame and waits for nothing.
func (c *conn) fire(cmd, reqID string, body any) error {
	f := map[string]any{"cmd": cmd, "headers": frameHeaders{reqID}}
	if body != nil {
		f["body"] = body
	}
	data, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("wecom: %s: %w", cmd, err)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.ws.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return fmt.Errorf("wecom: %s: %w", cmd, err)
	}
	if err := c.ws.WriteMessage(websocket.TextMessage, data); err != nil {
		c.close()
		return fmt.Errorf("wecom: %s: %w", cmd, err)
	}
	return nil
}

// call writes a frame and waits for its answer, whose body goes into out. Only
// one with the same req_id is under way at a time: the platform wants it so.
func (c *conn) call(ctx context.Context, cmd, reqID string, body, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	wait, err := c.claim(ctx, reqID)
	if err != nil {
		return fmt.Errorf("wecom: %s: %w", cmd, err)
	}
	defer c.unclaim(reqID, wait)
	if err := c.fire(cmd, reqID, body); err != nil {
		return err
	}
	select {
	case f := <-wait:
		return f.result(cmd, out)
	case <-c.gone:
		return fmt.Errorf("wecom: %s: %w", cmd, errCut)
	case <-ctx.Done():
		return fmt.Errorf("wecom: %s: no answer: %w", cmd, ctx.Err())
	}
}

var errCut = errors.New("the connection was cut")

func (c *conn) claim(ctx context.Context, reqID string) (chan *frame, error) {
	for {
		c.mu.Lock()
		_, taken := c.pending[reqID]
		free := c.free
		if !taken {
			wait := make(chan *frame, 1)
			c.pending[reqID] = wait
			c.mu.Unlock()
			return wait, nil
		}
		c.mu.Unlock()
		select {
		case <-free:
		case <-c.gone:
			return nil, errCut
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *conn) unclaim(reqID string, wait chan *frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending[reqID] == wait {
		delete(c.pending, reqID)
	}
	close(c.free)
	c.free = make(chan struct{})
}

// result reads an answer.
func (f *frame) result(cmd string, out any) error {
	if f.ErrCode != nil && *f.ErrCode != 0 {
		return &apiError{What: cmd, Code: *f.ErrCode}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(f.Body, out); err != nil {
		return &apiError{What: cmd, Code: codeAnswerUnusable}
	}
	return nil
}
