package fakedingtalk

import (
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// faults are what tests have switched on.
type faults struct {
	storm  []refused
	broken bool
	slow   chan struct{}
	only   string // path that storm and slow are about, "" = all sends
}

// take gives the fault that a call meets, if any. f.mu is held.
func (x *faults) take(r *request, secrets []string) (*refused, chan struct{}) {
	if x.broken {
		return &refused{status: http.StatusInternalServerError, body: map[string]any{"code": "ServiceUnavailable",
			"message": "broken, and it repeats " + strings.Join(secrets, " ") + " " + r.URL.RawQuery}}, nil
	}
	if x.only != "" && r.URL.Path != x.only || x.only == "" && !isSend(r.URL.Path) {
		return nil, nil
	}
	if len(x.storm) > 0 {
		no := x.storm[0]
		x.storm = x.storm[1:]
		return &no, x.slow
	}
	return nil, x.slow
}

func isSend(path string) bool {
	return strings.HasPrefix(path, "/v1.0/robot/") || strings.HasPrefix(path, "/v1.0/card/") || path == "/robot/sendBySession" || path == "/media/upload"
}

// Storm answers the next n calls that send or upload with this errcode inside
// status 200.
func (f *Fake) Storm(n, errcode int) { f.storm("", n, oldError(errcode, "storm")) }

// StormAt answers the next n calls of one path with a status and a code of the
// OpenAPI, and with Retry-After when it is not "".
func (f *Fake) StormAt(path string, n, status int, code, retryAfter string) {
	no := openError(status, code, "storm")
	if retryAfter != "" {
		no.header = http.Header{"Retry-After": {retryAfter}}
	}
	f.storm(path, n, no)
}

// StormSub is Storm for errcode 88, whose sub_code says what it means.
func (f *Fake) StormSub(n int, sub string) {
	f.storm("", n, refused{status: http.StatusOK, body: map[string]any{"errcode": 88, "sub_code": sub, "sub_msg": "storm", "errmsg": "ding talk error"}})
}

// StormRaw answers the next n sends with this body, which may be no JSON at all.
func (f *Fake) StormRaw(n, status int, body string) {
	f.storm("", n, refused{status: status, body: body})
}

func (f *Fake) storm(path string, n int, no refused) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.only = path
	for range n {
		f.faults.storm = append(f.faults.storm, no)
	}
}

// Break lets every call fail, with answers that repeat every secret.
func (f *Fake) Break() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults.broken = true
}

// Unplug takes the platform off the network: its address refuses.
func (f *Fake) Unplug() { f.Close() }

// Stall holds every send back until the function that it gives is called.
func (f *Fake) Stall() (resume func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	gate := make(chan struct{})
	f.faults.slow = gate
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.faults.slow == gate {
			f.faults.slow = nil
			close(gate)
		}
	}
}

// ExpireTokens makes every token so far no good.
func (f *Fake) ExpireTokens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.tokens)
}

// Forbid takes a permission from the app: "qyapi_robot_sendmsg",
// "Card.Instance.Write", "Card.Streaming.Write" or "qyapi_get_member".
func (f *Fake) Forbid(scope string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.missing[scope] = true
}

// Connections is how many Stream connections there are now, Opened how many there
// have been.
func (f *Fake) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.conns)
}

// Opened is how many Stream connections there have been.
func (f *Fake) Opened() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

// Connected waits until n connections are there.
func (f *Fake) Connected(n int) {
	f.t.Helper()
	f.Until("connected", func() bool { return f.Connections() >= n })
}

func (f *Fake) each(do func(c *conn)) {
	f.mu.Lock()
	conns := append([]*conn(nil), f.conns...)
	f.mu.Unlock()
	for _, c := range conns {
		do(c)
	}
}

// Cut breaks every connection in the middle of whatever it was doing.
func (f *Fake) Cut() { f.each(func(c *conn) { c.ws.NetConn().Close() }) }

// CutEvery cuts again and again until the test ends.
func (f *Fake) CutEvery(d time.Duration) {
	f.owned.Go(func() {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f.Cut()
			case <-f.stop:
				return
			}
		}
	})
}

// HalfOpen lets every connection of now stay open and say and hear nothing more.
func (f *Fake) HalfOpen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.deaf = true
	}
}

// Disconnect tells every connection of now, as the gateway does before it closes
// one, to go; it gets nothing new.
func (f *Fake) Disconnect() {
	f.mu.Lock()
	conns := append([]*conn(nil), f.conns...)
	for _, c := range conns {
		c.leaving = true
	}
	f.mu.Unlock()
	for _, c := range conns {
		c.write(frame{SpecVersion: "1.0", Type: "SYSTEM", Data: `{"reason":"connection is expired"}`,
			Headers: map[string]string{"topic": "disconnect", "messageId": "disconnect", "contentType": "application/json"}})
	}
}

// Malformed sends frames that mean nothing to every connection.
func (f *Fake) Malformed() {
	f.each(func(c *conn) {
		for _, raw := range []string{``, `{`, `[]`, `null`, `{"type":"CALLBACK"}`, `{"type":5,"headers":"x"}`,
			`{"type":"CALLBACK","headers":{"topic":"` + topicRobot + `","messageId":"bad1"},"data":"{"}`,
			`{"type":"CALLBACK","headers":{"topic":"` + topicRobot + `","messageId":"bad2"},"data":"{\"msgId\":7}"}`,
			`{"type":"CALLBACK","headers":{"topic":"` + topicCard + `","messageId":"bad3"},"data":"{\"content\":\"x\"}"}`,
			`{"type":"CALLBACK","headers":{"topic":"/v1.0/unheard/of","messageId":"bad4"},"data":"{}"}`} {
			c.write([]byte(raw))
		}
		c.writing.Lock()
		defer c.writing.Unlock()
		c.ws.WriteMessage(websocket.BinaryMessage, []byte{0, 1, 2})
	})
}
