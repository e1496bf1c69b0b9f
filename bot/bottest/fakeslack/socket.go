package fakeslack

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// maxSockets is how many connections an app may have.
const maxSockets = 10

// socket is one Socket Mode connection.
type socket struct {
	f     *Fake
	conn  *websocket.Conn
	mu    sync.Mutex // of writing
	muted bool
	done  chan struct{}
}

func (f *Fake) connectionsOpen(call) (answer, string) {
	ticket := random()
	f.tickets[ticket] = true
	f.issued = append(f.issued, ticket)
	return answer{"url": "ws" + strings.TrimPrefix(f.server.URL, "http") + "/link/" + ticket}, ""
}

// Sockets is how many connections are up.
func (f *Fake) Sockets() int { return len(f.open()) }

func (f *Fake) open() []*socket {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*socket(nil), f.sockets...)
}

func (f *Fake) serveSocket(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	ticket := r.PathValue("ticket")
	good := f.tickets[ticket] && len(f.sockets) < maxSockets
	delete(f.tickets, ticket) // works once
	f.mu.Unlock()
	if !good {
		http.Error(w, "no such ticket, or too many connections", http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	s := &socket{f: f, conn: conn, done: make(chan struct{})}
	defer s.leave()
	f.mu.Lock()
	lifetime, every := f.lifetime, f.ping
	f.mu.Unlock()
	hello := map[string]any{"type": "hello", "num_connections": f.Sockets() + 1, "connection_info": map[string]any{"app_id": "A0COX"},
		"debug_info": map[string]any{"host": "fake", "approximate_connection_time": lifetime}}
	if s.writeJSON(hello) != nil {
		return
	}
	f.mu.Lock()
	f.sockets = append(f.sockets, s)
	f.tell()
	f.mu.Unlock()
	var pinger sync.WaitGroup
	pinger.Go(func() { s.ping(every) })
	s.read()
	close(s.done)
	pinger.Wait()
}

// leave forgets a connection that has ended.
func (s *socket) leave() {
	_ = s.conn.Close() // it may be closed already
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.f.forget(s)
}

// forget takes s out of those that are up. The lock is held.
func (f *Fake) forget(s *socket) {
	for i, other := range f.sockets {
		if other == s {
			f.sockets = append(f.sockets[:i:i], f.sockets[i+1:]...)
			break
		}
	}
	f.tell()
}

// ping is what the clients' watchdogs wait for.
func (s *socket) ping(every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		_ = s.write(websocket.PingMessage, []byte("ping from the fake")) // the reader notices a connection that has gone
		select {
		case <-t.C:
		case <-s.done:
			return
		}
	}
}

func (s *socket) write(kind int, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.muted {
		return nil
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(5 * time.Second)) // fails with the write
	return s.conn.WriteMessage(kind, data)
}

func (s *socket) writeJSON(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.write(websocket.TextMessage, raw)
}

// acked is an acknowledgement with what came along.
type acked struct{ payload json.RawMessage }

// maxAck is the size above which Slack drops an acknowledgement silently.
const maxAck = 20 * 1024

// read takes acknowledgements until the connection ends.
func (s *socket) read() {
	s.conn.SetPingHandler(func(data string) error { return s.write(websocket.PongMessage, []byte(data)) })
	for {
		_, raw, err := s.conn.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			ID      string          `json:"envelope_id"`
			Payload json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(raw, &ack) != nil || len(raw) > maxAck {
			continue
		}
		s.f.acknowledged(s, ack.ID, ack.Payload)
	}
}

func (f *Fake) acknowledged(s *socket, id string, payload json.RawMessage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.mu.Lock()
	muted := s.muted
	s.mu.Unlock()
	if f.faults.dropAcks > 0 {
		f.faults.dropAcks--
		return
	}
	if ch := f.waiting[id]; ch != nil && !muted {
		delete(f.waiting, id)
		ch <- acked{payload} // of room for one
	}
}

// cut breaks the connection off without a close frame.
func (s *socket) cut() {
	s.f.mu.Lock()
	s.f.forget(s)
	s.f.mu.Unlock()
	if tcp, ok := s.conn.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset instead of an orderly end
	}
	_ = s.conn.Close() // it may be closed already
}

// mute makes the connection half-open: for Slack's side it is gone.
func (s *socket) mute() {
	s.mu.Lock()
	s.muted = true
	s.mu.Unlock()
	s.f.mu.Lock()
	s.f.forget(s)
	s.f.mu.Unlock()
}

func (s *socket) disconnect(reason string) {
	frame := map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "fake"}}
	_ = s.writeJSON(frame) // a connection that has gone needs no telling
}

// hangUp closes in order after a disconnect frame; nothing more is sent to it.
func (s *socket) hangUp() {
	s.f.mu.Lock()
	s.f.forget(s)
	s.f.mu.Unlock()
	_ = s.write(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")) // as above
}
