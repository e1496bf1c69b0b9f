package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// maxFrame bounds what one frame may hold.
const maxFrame = 4 << 20

type subscription struct {
	Type  string `json:"type"`
	Topic string `json:"topic"`
}

func subscriptions() []subscription {
	return []subscription{{"EVENT", "*"}, {"CALLBACK", topicRobot}, {"CALLBACK", topicCard}}
}

// stream keeps the connections until ctx ends.
func (d *DingTalk) stream(ctx context.Context) {
	var all sync.WaitGroup
	for i := range d.cfg.Connections {
		all.Go(func() { d.keepConnected(ctx, i, &all) })
	}
	all.Wait()
}

// keepConnected opens one connection after the other. One that worked and broke
// is replaced at once, because messages wait; a failure waits longer each time.
func (d *DingTalk) keepConnected(ctx context.Context, number int, all *sync.WaitGroup) {
	log := d.log.With("connection", number)
	failures := 0
	for ctx.Err() == nil {
		c, err := d.connect(ctx)
		if err == nil {
			log.Info("connected to DingTalk")
			began := time.Now()
			all.Go(func() { c.serve(ctx) })
			select {
			case <-c.leaving: // the gateway will close it; it may finish beside the next one
			case <-c.ended:
			}
			if c.worked.Load() && time.Since(began) >= d.timing.backoff {
				failures = 0
				continue
			}
			err = errors.New("the connection ended as soon as it was there")
		}
		if ctx.Err() != nil {
			return
		}
		failures++
		wait := d.backoff(failures)
		log.Warn("no connection to DingTalk", "error", err, "again_in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// backoff doubles from timing.backoff to timing.maxWait, and half of it is chance,
// so that replicas do not all come at the same time.
func (d *DingTalk) backoff(failures int) time.Duration {
	w := min(d.timing.maxWait, d.timing.backoff<<min(failures-1, 16))
	return w/2 + rand.N(w/2+1) //nolint:gosec // spreads load, hides nothing
}

// connect gets a ticket, which is good for one connection, and uses it.
func (d *DingTalk) connect(ctx context.Context) (*conn, error) {
	target, err := d.ticket(ctx)
	if err != nil {
		return nil, err
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: d.timing.handshake}
	ws, res, err := dialer.DialContext(ctx, target, nil)
	if res != nil {
		defer res.Body.Close()
	}
	if res != nil && err != nil {
		return nil, fmt.Errorf("dingtalk gateway: the connection was refused with status %d", res.StatusCode)
	}
	if err != nil {
		return nil, unlinked("gateway", err)
	}
	ws.SetReadLimit(maxFrame)
	return newConn(d, ws), nil
}

// ticket asks where to connect. The address that comes back has a secret in it.
func (d *DingTalk) ticket(ctx context.Context) (string, error) {
	body, err := encode(map[string]any{"clientId": d.cfg.ClientID, "clientSecret": d.cfg.ClientSecret.Reveal(),
		"ua": "coxswain/1", "subscriptions": subscriptions()})
	if err != nil {
		return "", err
	}
	var out struct {
		Endpoint string `json:"endpoint"`
		Ticket   string `json:"ticket"`
	}
	err = d.client.do(ctx, request{op: "gateway/connections/open", method: http.MethodPost, url: d.cfg.API + "/v1.0/gateway/connections/open", header: jsonHeader(), body: body}, &out)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(out.Endpoint)
	if err != nil || u.Host == "" || out.Ticket == "" || u.Scheme != "wss" && !(u.Scheme == "ws" && strings.HasPrefix(d.cfg.API, "http:")) {
		return "", errors.New("dingtalk gateway/connections/open: the answer has no usable endpoint")
	}
	q := u.Query()
	q.Set("ticket", out.Ticket)
	u.RawQuery = q.Encode()
	return u.String(), nil
}
