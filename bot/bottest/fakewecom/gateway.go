package fakewecom

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// botBytes is the most that a bot's message may have.
const botBytes = 20480

// gateway is the bot's side of the fake.
type gateway struct {
	conns    []*link
	made     int // connections that subscribed
	deaf     bool
	requests map[string]*request
	streams  map[string]*Message
	uploads  map[string]*upload
	urls     []*responseURL
	last     *wireFrame // delivered last
	called   string     // so by HTTP
	wg       sync.WaitGroup
}

// link is one connection.
type link struct {
	ws      *websocket.Conn
	writing sync.Mutex
	in      bool // subscribed
	busy    map[string]bool
}

// request is a callback that can be answered.
type request struct {
	to      string
	kind    string // message, card, enter
	at      time.Time
	msgid   string
	message *Message
	answers int
}

type upload struct {
	kind, name string
	size       int
	chunks     map[int][]byte
	total      int
}

type wireFrame struct {
	Cmd     string          `json:"cmd,omitempty"`
	Headers map[string]any  `json:"headers"`
	Body    json.RawMessage `json:"body,omitempty"`
	ErrCode *int            `json:"errcode,omitempty"`
	ErrMsg  string          `json:"errmsg,omitempty"`
}

func (w *wireFrame) reqID() string {
	id, _ := w.Headers["req_id"].(string)
	return id
}

func (l *link) write(f wireFrame) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.ws.SetWriteDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	return l.ws.WriteJSON(f)
}

func (l *link) answer(reqID string, code int, words string, body any) {
	f := wireFrame{Headers: map[string]any{"req_id": reqID}, ErrCode: &code, ErrMsg: words}
	if body != nil {
		f.Body = json.RawMessage(toJSON(body))
	}
	_ = l.write(f) // the connection may be gone
}

// closeAll ends every connection and waits for their ends.
func (f *Fake) closeAll() {
	f.mu.Lock()
	for _, l := range f.gateway.conns {
		l.ws.Close()
	}
	f.mu.Unlock()
	f.gateway.wg.Wait()
}

// connect takes a connection and reads it until its end.
func (f *Fake) connect(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	l := &link{ws: ws, busy: map[string]bool{}}
	f.mu.Lock()
	f.gateway.conns = append(f.gateway.conns, l)
	f.gateway.wg.Add(1)
	f.mu.Unlock()
	defer f.gateway.wg.Done()
	defer f.gone(l)
	for {
		_, data, err := ws.ReadMessage()
		if err != nil {
			return
		}
		var fr wireFrame
		if err := json.Unmarshal(data, &fr); err != nil {
			return
		}
		f.mu.Lock()
		deaf := f.gateway.deaf
		f.mu.Unlock()
		if deaf {
			continue
		}
		f.receive(l, &fr)
	}
}

func (f *Fake) gone(l *link) {
	l.ws.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, c := range f.gateway.conns {
		if c == l {
			f.gateway.conns = append(f.gateway.conns[:i:i], f.gateway.conns[i+1:]...)
		}
	}
	f.tell()
}

// receive answers one frame. While the fake is slow the answer waits, so that a
// second frame for the same req_id is seen to come too early.
func (f *Fake) receive(l *link, fr *wireFrame) {
	id := fr.reqID()
	f.mu.Lock()
	f.calls[fr.Cmd]++
	if l.busy[id] {
		f.violation("a second %s for the same req_id before the first was answered", fr.Cmd)
	}
	l.busy[id] = true
	slow := f.faults.slow
	if fr.Cmd == "ping" {
		slow = nil
	}
	f.mu.Unlock()
	finish := func() {
		code, words, body := f.obey(l, fr)
		f.mu.Lock()
		delete(l.busy, id)
		f.mu.Unlock()
		l.answer(id, code, words, body)
		if fr.Cmd == "aibot_subscribe" && code == 0 {
			f.supersede(l)
		}
	}
	if slow == nil {
		finish()
		return
	}
	f.gateway.wg.Go(func() {
		<-slow
		finish()
	})
}

// supersede tells every other connection that it is over.
func (f *Fake) supersede(newest *link) {
	f.mu.Lock()
	var old []*link
	for _, l := range f.gateway.conns {
		if l != newest && l.in {
			l.in = false
			old = append(old, l)
		}
	}
	f.mu.Unlock()
	for _, l := range old {
		_ = l.write(f.event("", "", map[string]any{"eventtype": "disconnected_event"}, random()))
		l.ws.Close()
	}
}

// obey does what a frame asks for.
func (f *Fake) obey(l *link, fr *wireFrame) (code int, words string, body any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.tell()
	if fr.Cmd == "aibot_subscribe" {
		return f.subscribe(l, fr)
	}
	switch {
	case !l.in:
		return 846600, "not subscribed", nil
	case f.faults.broken:
		return 40001, "broken " + f.BotSecret, nil
	case fr.Cmd == "ping":
		return 0, "ok", nil
	}
	if code := f.storm(); code != 0 {
		return code, "storm", nil
	}
	if code := f.stormOf(fr.Cmd); code != 0 {
		return code, "storm", nil
	}
	switch fr.Cmd {
	case "aibot_respond_msg", "aibot_respond_welcome_msg", "aibot_respond_update_msg":
		code, words = f.respond(fr)
	case "aibot_send_msg":
		code, words = f.push(fr)
	case "aibot_upload_media_init", "aibot_upload_media_chunk", "aibot_upload_media_finish":
		return f.uploadPart(fr)
	default:
		code, words = 846601, "unknown cmd"
	}
	return code, words, nil
}

func (f *Fake) subscribe(l *link, fr *wireFrame) (int, string, any) {
	var in struct {
		BotID  string `json:"bot_id"`
		Secret string `json:"secret"`
	}
	if json.Unmarshal(fr.Body, &in) != nil || in.BotID != f.BotID || in.Secret != f.BotSecret || f.faults.broken {
		return 846602, "wrong bot_id or secret " + in.Secret, nil
	}
	l.in = true
	f.gateway.made++
	return 0, "ok", nil
}

// respond answers a callback.
func (f *Fake) respond(fr *wireFrame) (int, string) {
	rq := f.gateway.requests[fr.reqID()]
	want := map[string]string{"aibot_respond_msg": "message", "aibot_respond_welcome_msg": "enter", "aibot_respond_update_msg": "card"}[fr.Cmd]
	switch {
	case rq == nil || rq.kind != want || f.clock().Sub(rq.at) > 24*time.Hour:
		return 846605, "invalid req_id"
	case rq.kind != "message" && (f.clock().Sub(rq.at) > 5*time.Second || rq.answers > 0):
		return 846605, "the time for this req_id is over"
	}
	rq.answers++
	if rq.kind == "card" {
		return f.redraw(rq, fr)
	}
	return f.show(rq.to, fr.reqID(), fr.Body)
}

func (f *Fake) redraw(rq *request, fr *wireFrame) (int, string) {
	var in struct {
		Type string          `json:"response_type"`
		Card json.RawMessage `json:"template_card"`
	}
	if json.Unmarshal(fr.Body, &in) != nil || in.Type != "update_template_card" {
		return 40008, "not update_template_card"
	}
	card, words := parseCard(in.Card)
	if words != "" || card.Task != rq.message.Card.Task && card.Type != "text_notice" {
		f.violation("update of a bot's card: %s", words)
		return 42014, words
	}
	rq.message.Card = card
	return 0, "ok"
}

// show makes the answer to a message visible. reqID is "" for one by HTTP.
func (f *Fake) show(to, reqID string, body []byte) (int, string) {
	o, ok := parseOutgoing(body)
	if !ok {
		return 47001, "data format error"
	}
	if o.MsgType == "stream" || o.MsgType == "stream_with_template_card" {
		return f.stream(to, reqID, o)
	}
	if o.MsgType == "" { // a card drawn again by HTTP
		return f.redrawPassive(to, body)
	}
	m, code, words := f.message("bot", to, o, botBytes)
	if code == 0 {
		f.messages = append(f.messages, m)
	}
	return code, words
}

func (f *Fake) redrawPassive(to string, body []byte) (int, string) {
	var in struct {
		Type string          `json:"response_type"`
		Card json.RawMessage `json:"template_card"`
	}
	if json.Unmarshal(body, &in) != nil || in.Type != "update_template_card" {
		return 40008, "invalid message type"
	}
	card, words := parseCard(in.Card)
	if words != "" {
		f.violation("update of a bot's card: %s", words)
		return 42014, words
	}
	for _, m := range f.messages {
		if m.By == "bot" && m.To == to && m.Card != nil && m.Card.Task == card.Task {
			m.Card = card
			return 0, "ok"
		}
	}
	return 42014, "no card of that task_id"
}

func (f *Fake) stream(to, reqID string, o outgoing) (int, string) {
	var s struct {
		ID      string `json:"id"`
		Finish  bool   `json:"finish"`
		Content string `json:"content"`
	}
	if json.Unmarshal(o.parts["stream"], &s) != nil || s.ID == "" || len(s.Content) > botBytes {
		f.violation("a stream without id or of %d bytes", len(s.Content))
		return 45002, "stream without id or too long"
	}
	m := f.gateway.streams[s.ID]
	if m == nil {
		if f.tooOften("chat:" + to) {
			return 846607, "too many messages to this chat"
		}
		m = &Message{ID: "id-" + random(), To: to, By: "bot", Kind: "stream", sent: f.clock(), reqID: reqID}
		f.gateway.streams[s.ID] = m
		f.messages = append(f.messages, m)
	}
	if m.reqID != reqID {
		return 846605, "the stream is another req_id's"
	}
	if m.Finished || f.clock().Sub(m.sent) > 6*time.Minute {
		return 846608, "stream message update expired"
	}
	if card := o.parts["template_card"]; card != nil {
		c, words := parseCard(card)
		if m.cards++; words != "" || m.cards > 1 {
			f.violation("the card of a stream: %s, %d given", words, m.cards)
			return 42014, words
		}
		m.Card = c
	}
	m.Text, m.Finished = s.Content, s.Finish
	return 0, "ok"
}

// push sends a message that answers nothing.
func (f *Fake) push(fr *wireFrame) (int, string) {
	o, ok := parseOutgoing(fr.Body)
	if !ok || o.ChatID == "" {
		return 47001, "data format error"
	}
	if f.people[o.ChatID] == nil && !f.chats[o.ChatID] {
		return 86003, "no such chat"
	}
	if f.tooOften("chat:" + o.ChatID) {
		return 846607, "too many messages to this chat"
	}
	m, code, words := f.message("bot", o.ChatID, o, botBytes)
	if code == 0 {
		f.messages = append(f.messages, m)
	}
	return code, words
}

func (f *Fake) uploadPart(fr *wireFrame) (int, string, any) {
	var in struct {
		Type        string `json:"type"`
		Filename    string `json:"filename"`
		TotalSize   int    `json:"total_size"`
		TotalChunks int    `json:"total_chunks"`
		UploadID    string `json:"upload_id"`
		Index       int    `json:"chunk_index"`
		Data        string `json:"base64_data"`
	}
	if json.Unmarshal(fr.Body, &in) != nil {
		return 47001, "data format error", nil
	}
	up := f.gateway.uploads[in.UploadID]
	if fr.Cmd == "aibot_upload_media_init" {
		if in.TotalChunks < 1 || in.TotalChunks > 100 || in.Filename == "" {
			return 40009, "too many chunks", nil
		}
		id := "upload-" + random()
		f.gateway.uploads[id] = &upload{kind: in.Type, name: in.Filename, size: in.TotalSize, total: in.TotalChunks, chunks: map[int][]byte{}}
		return 0, "ok", map[string]string{"upload_id": id}
	}
	if up == nil {
		return 40007, "no such upload", nil
	}
	if fr.Cmd == "aibot_upload_media_chunk" {
		data, err := base64.StdEncoding.DecodeString(in.Data)
		if err != nil || len(data) > 512<<10 || in.Index < 0 || in.Index >= up.total {
			f.violation("a chunk of %d bytes", len(data))
			return 40009, "chunk", nil
		}
		up.chunks[in.Index] = data
		return 0, "ok", nil
	}
	return f.finishUpload(up)
}

func (f *Fake) finishUpload(up *upload) (int, string, any) {
	var all []byte
	for i := range up.total {
		all = append(all, up.chunks[i]...)
	}
	if problem := mediaProblem(up.kind, all); problem != "" || len(all) != up.size {
		f.violation("upload of %d of %d bytes: %s", len(all), up.size, problem)
		return 40009, problem, nil
	}
	id := "media-" + random()
	f.media[id] = &Media{Kind: up.kind, Name: up.name, Content: all}
	return 0, "ok", map[string]any{"type": up.kind, "media_id": id, "created_at": f.clock().Unix()}
}

var errNotConnected = errors.New("fakewecom: no bot is connected")

// deliverFrame writes to the connection that is subscribed.
func (f *Fake) deliverFrame(fr wireFrame) error {
	f.mu.Lock()
	var to *link
	for _, l := range f.gateway.conns {
		if l.in {
			to = l
		}
	}
	f.gateway.last = &fr
	f.mu.Unlock()
	if to == nil {
		return errNotConnected
	}
	return to.write(fr)
}

// BotRedeliver sends the bot what it was sent last once more.
func (f *Fake) BotRedeliver() error {
	f.mu.Lock()
	last := f.gateway.last
	f.mu.Unlock()
	if last == nil {
		return errors.New("fakewecom: nothing was delivered yet")
	}
	return f.deliverFrame(*last)
}

// Connected reports whether a bot is subscribed.
func (f *Fake) Connected() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.gateway.conns {
		if l.in {
			return true
		}
	}
	return false
}

// Connections is how often a bot has subscribed.
func (f *Fake) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gateway.made
}

// KillConnection cuts every connection without a word.
func (f *Fake) KillConnection() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.gateway.conns {
		l.in = false
		l.ws.NetConn().Close()
	}
}

// HalfOpen makes the gateway take frames and answer none, as behind a firewall
// that has forgotten the connection.
func (f *Fake) HalfOpen(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gateway.deaf = on
}

// Takeover does what the platform does when the bot connects from elsewhere: it
// tells the connection that it is over and closes it.
func (f *Fake) Takeover() { f.supersede(nil) }

// RawFrame sends text to the bot as it is.
func (f *Fake) RawFrame(text string) error {
	f.mu.Lock()
	var to *link
	for _, l := range f.gateway.conns {
		if l.in {
			to = l
		}
	}
	f.mu.Unlock()
	if to == nil {
		return errNotConnected
	}
	to.writing.Lock()
	defer to.writing.Unlock()
	return to.ws.WriteMessage(websocket.TextMessage, []byte(text))
}
