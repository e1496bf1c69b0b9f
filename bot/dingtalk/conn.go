package dingtalk

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// conn is one Stream connection.
type conn struct {
	d       *DingTalk
	ws      *websocket.Conn
	lanes   *lanes // while serve runs
	writing sync.Mutex
	worked  atomic.Bool   // something came
	leaving chan struct{} // closed when the gateway said that it will close
	ended   chan struct{} // closed when serve is over
	once    sync.Once
}

func newConn(d *DingTalk, ws *websocket.Conn) *conn {
	return &conn{d: d, ws: ws, leaving: make(chan struct{}), ended: make(chan struct{})}
}

// serve reads until the connection breaks or ctx ends, and leaves no goroutine.
func (c *conn) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() { c.watch(ctx) })
	c.lanes = newLanes()
	c.alive()
	c.ws.SetPongHandler(func(string) error { c.worked.Store(true); c.alive(); return nil })
	for {
		kind, raw, err := c.ws.ReadMessage()
		if err != nil {
			break
		}
		c.alive()
		if kind == websocket.TextMessage {
			c.frame(ctx, raw)
		}
	}
	c.lanes.end()
	cancel()
	beside.Wait()
	close(c.ended)
}

// alive gives the other side three pings' time to show itself again.
func (c *conn) alive() {
	// A connection that takes no deadline is broken, which the next read tells.
	_ = c.ws.SetReadDeadline(time.Now().Add(3 * c.d.timing.ping))
}

// watch pings, and closes the socket when ctx ends or after a time to drain.
func (c *conn) watch(ctx context.Context) {
	defer c.ws.Close()
	ping := time.NewTicker(c.d.timing.ping)
	defer ping.Stop()
	leaving, drained := c.leaving, make(<-chan time.Time)
	for {
		select {
		case <-ping.C:
			if c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.d.timing.ping)) != nil {
				return
			}
		case <-leaving:
			leaving = nil
			t := time.NewTimer(c.d.timing.drain)
			defer t.Stop()
			drained = t.C
		case <-drained:
			return
		case <-ctx.Done():
			bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
			// Out of courtesy: the gateway sees the socket close in any case.
			_ = c.ws.WriteControl(websocket.CloseMessage, bye, time.Now().Add(time.Second))
			return
		}
	}
}

// frame works on one frame, or has it worked on.
func (c *conn) frame(ctx context.Context, raw []byte) {
	c.worked.Store(true)
	f, err := parseFrame(raw)
	if err != nil {
		c.d.log.Warn("a frame cannot be read", "error", err, "bytes", len(raw))
		return
	}
	if f.Type == "SYSTEM" {
		c.system(f)
		return
	}
	handle, leave, ok := c.d.enter()
	if !ok {
		return
	}
	c.lanes.put(f.person(), func() {
		defer leave()
		if ctx.Err() != nil {
			return // unanswered it comes again
		}
		if a := c.d.deliver(ctx, handle, f); a != nil {
			c.write(a)
		}
	})
}

// system answers the gateway's own frames.
func (c *conn) system(f *frame) {
	switch f.header("topic") {
	case "ping":
		c.write(answerTo(f, 200, "OK", f.Data))
	case "disconnect":
		c.write(answerTo(f, 200, "OK", f.Data))
		c.once.Do(func() { close(c.leaving) })
	}
}

// write sends an acknowledgement. One that does not get through is as none: the
// frame comes again, and the inbox knows it.
func (c *conn) write(a *ack) {
	raw, err := json.Marshal(a)
	if err != nil {
		c.d.log.Error("an acknowledgement could not be made", "error", err)
		return
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	deadline := time.Now().Add(c.d.timing.handshake)
	if c.ws.SetWriteDeadline(deadline) != nil || c.ws.WriteMessage(websocket.TextMessage, raw) != nil {
		c.d.log.Info("an acknowledgement did not get through; the message comes again")
		_ = c.ws.Close() // it is broken already; this only wakes its reader
	}
}
