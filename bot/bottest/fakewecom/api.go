package fakewecom

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(v) // the client may have gone
}

func fail(w http.ResponseWriter, code int, words string) {
	writeJSON(w, map[string]any{"errcode": code, "errmsg": words})
}

// api is the server API. Every answer has HTTP status 200.
func (f *Fake) api(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/cgi-bin/")
	f.mu.Lock()
	f.calls[path]++
	f.mu.Unlock()
	f.held(r.Context())
	if f.faulty(w, r, path) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 30<<20))
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.tell()
	switch path {
	case "gettoken":
		f.getToken(w, r)
		return
	case "aibot/response":
		f.responseURL(w, r, body)
		return
	}
	until, ok := f.tokens[r.URL.Query().Get("access_token")]
	switch {
	case !ok:
		fail(w, 40014, "invalid access_token")
	case f.clock().After(until):
		fail(w, 42001, "access_token expired")
	default:
		f.call(w, r, path, body)
	}
}

func (f *Fake) call(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	if code := f.stormOf(path); code != 0 {
		fail(w, code, "storm")
		return
	}
	switch path {
	case "message/send":
		f.send(w, body)
	case "appchat/send":
		f.sendChat(w, body)
	case "message/update_template_card":
		f.updateCard(w, body)
	case "message/recall":
		f.recall(w, body)
	case "media/upload":
		f.upload(w, r, body)
	case "user/get":
		f.user(w, r)
	case "agent/get":
		f.agent(w, r)
	default:
		fail(w, 40039, "no such call")
	}
}

func (f *Fake) getToken(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case q.Get("corpid") != f.CorpID:
		fail(w, 40013, "invalid corpid")
	case q.Get("corpsecret") != f.Secret:
		fail(w, 40001, "invalid credential")
	default:
		f.asked++
		token := ""
		for t, until := range f.tokens { // while one is good it is given again
			if f.clock().Before(until) {
				token = t
			}
		}
		if token == "" {
			token = "access-token-" + random()
			f.tokens[token] = f.clock().Add(2 * time.Hour)
		}
		left := int(f.tokens[token].Sub(f.clock()) / time.Second)
		writeJSON(w, map[string]any{"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": left})
	}
}

// outgoing is the body of a message, of which Parts has the kind's own part.
type outgoing struct {
	ToUser  string `json:"touser"`
	ChatID  string `json:"chatid"`
	MsgType string `json:"msgtype"`
	AgentID int64  `json:"agentid"`
	parts   map[string]json.RawMessage
}

func parseOutgoing(body []byte) (outgoing, bool) {
	var o outgoing
	if json.Unmarshal(body, &o) != nil || json.Unmarshal(body, &o.parts) != nil {
		return o, false
	}
	return o, true
}

// message makes what is sent into a message; code says why it is refused.
func (f *Fake) message(by, to string, o outgoing, most int) (m *Message, code int, words string) {
	m = &Message{ID: "id-" + random(), To: to, By: by, Kind: o.MsgType, codes: map[string]time.Time{}, sent: f.clock()}
	if code := f.stormOf(o.MsgType); code != 0 {
		return m, code, "storm"
	}
	part := o.parts[o.MsgType]
	switch o.MsgType {
	case "text", "markdown":
		if m.Text, words = content(o.MsgType, part, most); words != "" {
			code = 45002
		}
	case "template_card":
		if m.Card, words = parseCard(part); words != "" {
			code = 42014
		}
		if code == 0 && f.taskTaken(by, m.Card.Task) {
			code, words = 42015, "the task_id was used before"
		}
	case "file", "image":
		var p struct {
			MediaID string `json:"media_id"`
		}
		if json.Unmarshal(part, &p) != nil || f.media[p.MediaID] == nil || f.media[p.MediaID].Kind != o.MsgType {
			code, words = 40007, "invalid media_id"
		}
		m.Media = f.media[p.MediaID]
	default:
		code, words = 40008, "invalid message type"
	}
	if code != 0 {
		f.violation("%s to %s: %s", o.MsgType, to, words)
	}
	return m, code, words
}

func (f *Fake) taskTaken(by, task string) bool {
	for _, m := range f.messages {
		if task != "" && m.By == by && m.Card != nil && m.Card.Task == task {
			return true
		}
	}
	return false
}

func (f *Fake) send(w http.ResponseWriter, body []byte) {
	o, ok := parseOutgoing(body)
	if !ok {
		fail(w, 47001, "data format error")
		return
	}
	if o.AgentID != f.AgentID {
		fail(w, 40056, "invalid agentid")
		return
	}
	if f.people[o.ToUser] == nil || f.people[o.ToUser].Status == 5 {
		fail(w, 81013, "user & party & tag all invalid")
		return
	}
	m, code, words := f.message("app", o.ToUser, o, 2048)
	if code != 0 {
		fail(w, code, words)
		return
	}
	answer := map[string]any{"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": m.ID}
	if f.tooOften("member:" + o.ToUser) { // the platform says nothing of it
		f.dropped++
		writeJSON(w, answer)
		return
	}
	if m.Card != nil && m.Card.Type != "text_notice" {
		answer["response_code"] = m.newCode(f.clock())
	}
	f.messages = append(f.messages, m)
	writeJSON(w, answer)
}

// newCode gives a code that changes the card once.
func (m *Message) newCode(now time.Time) string {
	code := "code-" + random()
	m.codes[code] = now.Add(72 * time.Hour)
	return code
}

func (f *Fake) sendChat(w http.ResponseWriter, body []byte) {
	o, ok := parseOutgoing(body)
	switch {
	case !ok:
		fail(w, 47001, "data format error")
		return
	case !f.chats[o.ChatID]:
		fail(w, 86003, "no such chat")
		return
	case o.MsgType == "template_card":
		fail(w, 40008, "a chat takes no card")
		return
	}
	m, code, words := f.message("app", o.ChatID, o, 2048)
	if code != 0 {
		fail(w, code, words)
		return
	}
	f.messages = append(f.messages, m)
	writeJSON(w, map[string]any{"errcode": 0, "errmsg": "ok"})
}

func (f *Fake) updateCard(w http.ResponseWriter, body []byte) {
	var in struct {
		UserIDs []string        `json:"userids"`
		AgentID int64           `json:"agentid"`
		Code    string          `json:"response_code"`
		Card    json.RawMessage `json:"template_card"`
	}
	if json.Unmarshal(body, &in) != nil || in.AgentID != f.AgentID {
		fail(w, 40056, "invalid agentid")
		return
	}
	card, words := parseCard(in.Card)
	if words != "" {
		f.violation("update: %s", words)
		fail(w, 42014, words)
		return
	}
	for _, m := range f.messages {
		until, ok := m.codes[in.Code]
		if !ok || f.clock().After(until) || m.Recalled || m.Card == nil {
			continue
		}
		delete(m.codes, in.Code)
		m.Card = card
		writeJSON(w, map[string]any{"errcode": 0, "errmsg": "ok", "invaliduser": []string{}})
		return
	}
	fail(w, 60140, "response_code is used or expired")
}

func (f *Fake) recall(w http.ResponseWriter, body []byte) {
	var in struct {
		MsgID string `json:"msgid"`
	}
	if json.Unmarshal(body, &in) == nil {
		for _, m := range f.messages {
			if m.ID == in.MsgID && m.By == "app" && f.clock().Sub(m.sent) < 24*time.Hour {
				m.Recalled = true
				fail(w, 0, "ok")
				return
			}
		}
	}
	fail(w, 40058, "invalid msgid")
}

func (f *Fake) upload(w http.ResponseWriter, r *http.Request, body []byte) {
	kind := r.URL.Query().Get("type")
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	file, head, err := r.FormFile("media")
	if err != nil {
		fail(w, 40003, "no part media")
		return
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		fail(w, 40003, "no part media")
		return
	}
	if problem := mediaProblem(kind, data); problem != "" {
		f.violation("upload: %s", problem)
		fail(w, 40009, problem)
		return
	}
	id := "media-" + random()
	f.media[id] = &Media{Kind: kind, Name: head.Filename, Content: data}
	writeJSON(w, map[string]any{"errcode": 0, "errmsg": "", "type": kind, "media_id": id, "created_at": strconv.FormatInt(f.clock().Unix(), 10)})
}

func mediaProblem(kind string, data []byte) string {
	most := map[string]int{"image": 2 << 20, "file": 20 << 20}[kind]
	if len(data) <= 5 || len(data) > most {
		return kind + " of " + strconv.Itoa(len(data)) + " bytes"
	}
	return ""
}

func (f *Fake) user(w http.ResponseWriter, r *http.Request) {
	m := f.people[r.URL.Query().Get("userid")]
	if m == nil {
		fail(w, 60111, "userid not found")
		return
	}
	enable := 1
	if m.Status != 1 {
		enable = 0
	}
	writeJSON(w, map[string]any{"errcode": 0, "errmsg": "ok", "userid": m.UserID, "name": m.Name, "biz_mail": m.BizMail,
		"email": "self-declared@elsewhere.example", "status": m.Status, "enable": enable})
}

func (f *Fake) agent(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("agentid") != strconv.FormatInt(f.AgentID, 10) {
		fail(w, 301002, "not allowed to operate another agent")
		return
	}
	writeJSON(w, map[string]any{"errcode": 0, "errmsg": "ok", "agentid": f.AgentID, "name": "Coxswain", "close": 0,
		"allow_userinfos": map[string]any{"user": []map[string]string{{"userid": "alice"}}}})
}
