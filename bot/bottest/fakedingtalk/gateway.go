package fakedingtalk

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// The topics of Stream mode.
const (
	topicRobot = "/v1.0/im/bot/messages/get"
	topicCard  = "/v1.0/card/instances/callback"
)

// ticket lets one connection in, once, for 90 seconds.
type ticket struct {
	expires time.Time
	topics  []string // "CALLBACK /v1.0/…"
}

// conn is one Stream connection.
type conn struct {
	ws       *websocket.Conn
	topics   []string
	writing  sync.Mutex
	deaf     bool // half-open: nothing is read or written any more
	leaving  bool // told to go: gets nothing new
	finished bool
}

func (c *conn) takes(topic string) bool {
	return !c.leaving && !c.finished && (slices.Contains(c.topics, topic) || strings.HasPrefix(topic, "EVENT ") && slices.Contains(c.topics, "EVENT *"))
}

func (c *conn) write(v any) bool {
	raw, ok := v.([]byte)
	if !ok {
		raw, _ = json.Marshal(v)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.ws.SetWriteDeadline(time.Now().Add(5 * time.Second))
	return c.ws.WriteMessage(websocket.TextMessage, raw) == nil
}

// Delivery is a frame on its way until somebody answers it.
type Delivery struct {
	number    int
	id, topic string
	frame     frame
	on        *conn // nil: waits for a connection
	timer     *time.Timer
	sent      int
	// Done is closed when it was answered with 200.
	Done  chan struct{}
	reply ack
}

// Response is the data of the answer, once Done is closed.
func (d *Delivery) Response() string { return d.reply.Data }

func (d *Delivery) stopTimer() {
	if d.timer != nil {
		d.timer.Stop()
	}
}

type frame struct {
	SpecVersion string            `json:"specVersion"`
	Type        string            `json:"type"`
	Headers     map[string]string `json:"headers"`
	Data        string            `json:"data"`
}

type ack struct {
	Code    int               `json:"code"`
	Headers map[string]string `json:"headers"`
	Message string            `json:"message"`
	Data    string            `json:"data"`
}

func (f *Fake) openConnection(r *request) any {
	var in struct {
		ClientID      string `json:"clientId"`
		ClientSecret  string `json:"clientSecret"`
		Subscriptions []struct{ Type, Topic string }
	}
	if !r.json(&in) || in.ClientID != ClientID || in.ClientSecret != ClientSecret {
		return openError(http.StatusBadRequest, "authFailed", "clientId or clientSecret is wrong")
	}
	tk := &ticket{expires: f.now().Add(90 * time.Second)}
	for _, s := range in.Subscriptions {
		tk.topics = append(tk.topics, s.Type+" "+s.Topic)
	}
	name := f.secret("ticket")
	f.tickets[name] = tk
	return map[string]string{"endpoint": "ws" + strings.TrimPrefix(f.URL, "http") + "/connect", "ticket": name}
}

// connect is the WebSocket's end of the gateway.
func (f *Fake) connect(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("ticket")
	f.mu.Lock()
	tk := f.tickets[name]
	delete(f.tickets, name)
	good := tk != nil && f.now().Before(tk.expires)
	f.mu.Unlock()
	if !good {
		http.Error(w, "ticket", http.StatusUnauthorized)
		return
	}
	up := websocket.Upgrader{}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &conn{ws: ws, topics: tk.topics}
	ws.SetPingHandler(func(data string) error {
		f.mu.Lock()
		deaf := c.deaf
		f.mu.Unlock()
		if deaf {
			return nil
		}
		return ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
	})
	f.mu.Lock()
	select {
	case <-f.stop:
		f.mu.Unlock()
		ws.Close()
		return
	default:
	}
	f.conns = append(f.conns, c)
	f.opened++
	f.owned.Add(1)
	f.flush()
	f.tell()
	f.mu.Unlock()
	defer f.owned.Done()
	f.read(c)
}

// read takes answers until the connection ends, then gives what it left
// unanswered to another.
func (f *Fake) read(c *conn) {
	for {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			break
		}
		var a ack
		if json.Unmarshal(raw, &a) != nil {
			continue
		}
		f.mu.Lock()
		if !c.deaf {
			f.answered(a)
		}
		f.mu.Unlock()
	}
	c.ws.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	c.finished = true
	f.conns = slices.DeleteFunc(f.conns, func(other *conn) bool { return other == c })
	for _, d := range f.frames {
		if d.on == c {
			d.on = nil
		}
	}
	f.flush()
	f.tell()
}

// answered marks a frame as delivered. Only 200 is an answer that counts. f.mu is
// held.
func (f *Fake) answered(a ack) {
	d := f.frames[a.Headers["messageId"]]
	if d == nil || a.Code != http.StatusOK || strings.Contains(a.Data, `"LATER"`) {
		return
	}
	delete(f.frames, d.id)
	d.stopTimer()
	d.reply = a
	f.redraw(d)
	close(d.Done)
	f.tell()
}

// flush sends what waits for a connection, oldest first. f.mu is held.
func (f *Fake) flush() {
	var waiting []*Delivery
	for _, d := range f.frames {
		if d.on == nil {
			waiting = append(waiting, d)
		}
	}
	slices.SortFunc(waiting, func(a, b *Delivery) int {
		return a.number - b.number
	})
	for _, d := range waiting {
		f.transmit(d)
	}
}

// transmit sends one frame on the next connection that takes it. f.mu is held: a
// write goes into the socket's buffer and fails after seconds at the worst.
func (f *Fake) transmit(d *Delivery) {
	for range f.conns {
		f.next++
		c := f.conns[f.next%len(f.conns)]
		if !c.takes(d.topic) {
			continue
		}
		d.on = c
		d.sent++
		d.stopTimer()
		d.timer = time.AfterFunc(f.RedeliverAfter, func() { f.redeliver(d) })
		if !c.deaf && !c.write(d.frame) {
			c.ws.Close() // its reader takes the frame back
		}
		return
	}
}

func (f *Fake) redeliver(d *Delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.stop:
		return
	default:
	}
	if f.frames[d.id] == d {
		d.on = nil
		f.transmit(d)
	}
}
