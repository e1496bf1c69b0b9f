package fakedingtalk

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Shown is one message as its room holds it now.
type Shown struct {
	ID      string
	Text    string // title and text
	Kind    string // markdown, actionCard, card, file, image
	At      []string
	Only    []string // who sees it, empty = everybody
	Buttons []Button
	Media   bot.Attachment // of a file
	form    bool
}

// Button is one button.
type Button struct{ Label, ID, URL string }

// Shown gives what stands in a room, oldest first.
func (f *Fake) Shown(room string) []string {
	var out []string
	for _, s := range f.Messages(room) {
		out = append(out, s.Text)
	}
	return out
}

// Messages is Shown with everything about each message.
func (f *Fake) Messages(room string) []Shown {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Shown
	for _, s := range f.shown[room] {
		out = append(out, *s)
	}
	return out
}

// Files are the files that stand in a room, oldest first.
func (f *Fake) Files(room string) []bot.Attachment {
	var out []bot.Attachment
	for _, m := range f.Messages(room) {
		if m.Kind == "file" {
			out = append(out, m.Media)
		}
	}
	return out
}

func (f *Fake) newestForm(room, staff string) string {
	for _, s := range slices.Backward(f.shown[room]) {
		if s.form && (len(s.Only) == 0 || slices.Contains(s.Only, staff)) {
			return s.ID
		}
	}
	return ""
}

func (f *Fake) accessToken(r *request) any {
	var in struct{ AppKey, AppSecret string }
	if !r.json(&in) || in.AppKey != ClientID || in.AppSecret != ClientSecret {
		return openError(http.StatusBadRequest, "invalidClientIdOrSecret", "no such app: "+in.AppSecret)
	}
	t := f.secret("token")
	f.tokens[t] = true
	return map[string]any{"accessToken": t, "expireIn": 7200}
}

func (f *Fake) oldToken(r *request) any {
	q := r.URL.Query()
	if q.Get("appkey") != ClientID || q.Get("appsecret") != ClientSecret {
		return oldError(40089, "no such app")
	}
	t := f.secret("token")
	f.tokens[t] = true
	return map[string]any{"errcode": 0, "errmsg": "ok", "access_token": t, "expires_in": 7200}
}

// may checks token and permission of a call of the OpenAPI. f.mu is held.
func (f *Fake) may(r *request, scope string) *refused {
	if !f.tokens[r.Header.Get("x-acs-dingtalk-access-token")] {
		no := openError(http.StatusBadRequest, "InvalidAuthentication", "不合法的access_token")
		return &no
	}
	if f.missing[scope] {
		return &refused{status: http.StatusForbidden, body: map[string]any{"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied",
			"message": "应用尚未开通所需的权限", "accessdenieddetail": map[string]any{"requiredScopes": []string{scope}}}}
	}
	return nil
}

// tooFast counts one message; the 21st within a minute blocks the robot in this
// room for ten. f.mu is held.
func (f *Fake) tooFast(room string) bool {
	now := f.now()
	if f.blocked[room].After(now) {
		return true
	}
	f.sent[room] = slices.DeleteFunc(f.sent[room], func(t time.Time) bool { return !t.Add(time.Minute).After(now) })
	if len(f.sent[room]) >= 20 {
		f.blocked[room] = now.Add(10 * time.Minute)
		return true
	}
	f.sent[room] = append(f.sent[room], now)
	return false
}

// Blocked reports whether the robot was ever blocked.
func (f *Fake) Blocked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.blocked) > 0
}

// show puts a message into a room. f.mu is held.
func (f *Fake) show(room string, s *Shown) *Shown {
	f.shown[room] = append(f.shown[room], s)
	return s
}

func (f *Fake) sessionSend(r *request) any {
	s := f.sessions[r.URL.Query().Get("session")]
	if s == nil || !f.now().Before(s.expires) {
		return oldError(300001, "session is not exist "+r.URL.Query().Get("session"))
	}
	var in struct {
		Msgtype    string
		Markdown   struct{ Title, Text string }
		ActionCard struct {
			Title, Text string
			Btns        []struct{ Title, ActionURL string }
		}
		Text struct{ Content string }
		At   struct{ AtUserIds []string }
	}
	switch {
	case !r.json(&in):
		return oldError(400102, "not JSON")
	case len(r.body) > 20000:
		return oldError(460101, "message too long")
	case f.tooFast(s.room):
		return oldError(130101, "send too fast, exceed 20 times per minute")
	}
	out := &Shown{ID: f.name("wh"), Kind: in.Msgtype, At: in.At.AtUserIds, Text: in.Markdown.Text + in.ActionCard.Text + in.Text.Content}
	for _, b := range in.ActionCard.Btns {
		out.Buttons = append(out.Buttons, Button{Label: b.Title, URL: b.ActionURL})
	}
	if out.Text == "" {
		return oldError(400402, "no content")
	}
	f.show(s.room, out)
	return map[string]any{"errcode": 0, "errmsg": "ok"}
}

// name makes an id that is no secret. f.mu is held.
func (f *Fake) name(prefix string) string {
	id := f.secret(prefix)
	f.secrets = f.secrets[:len(f.secrets)-1]
	return id
}

type robotSend struct {
	RobotCode          string
	OpenConversationID string `json:"openConversationId"`
	UserIDs            []string
	MsgKey, MsgParam   string
}

// robotMessage reads and checks a message of the send APIs. f.mu is held.
func (f *Fake) robotMessage(in robotSend) (*Shown, *refused) {
	var p map[string]string
	no := func(code string) (*Shown, *refused) {
		r := openError(http.StatusBadRequest, "invalidParameter."+code, "refused")
		return nil, &r
	}
	switch {
	case in.RobotCode != ClientID:
		return no("robotCode.auth")
	case json.Unmarshal([]byte(in.MsgParam), &p) != nil:
		return no("msgParam.invalid")
	case len(in.MsgParam) > 15000:
		return no("msgParam.overLength")
	}
	s := &Shown{ID: f.name("pqk"), Text: p["text"] + p["content"]}
	switch key := in.MsgKey; {
	case key == "sampleText" || key == "sampleMarkdown":
		s.Kind = "markdown"
	case strings.HasPrefix(key, "sampleActionCard"):
		s.Kind = "actionCard"
		if p["singleURL"] != "" {
			s.Buttons = []Button{{Label: p["singleTitle"], URL: p["singleURL"]}}
		}
		for _, n := range []string{"1", "2", "3", "4", "5"} {
			if p["actionURL"+n] != "" {
				s.Buttons = append(s.Buttons, Button{Label: p["actionTitle"+n], URL: p["actionURL"+n]})
			}
		}
	case key == "sampleFile" && f.media[p["mediaId"]].Name != "":
		if !slices.Contains([]string{"xlsx", "pdf", "zip", "rar", "doc", "docx"}, p["fileType"]) {
			return no("fileType.invalid")
		}
		s.Kind, s.Text, s.Media = "file", "[file] "+p["fileName"], bot.Attachment{Name: p["fileName"], Content: f.media[p["mediaId"]].Content}
	case key == "sampleImageMsg" && f.media[p["photoURL"]].Name != "":
		s.Kind, s.Text = "image", "[image] "+f.media[p["photoURL"]].Name
	default:
		return no("msgKey.invalid")
	}
	if s.Text == "" {
		return no("msgParam.empty")
	}
	return s, nil
}

func (f *Fake) groupSend(r *request) any {
	if no := f.may(r, "qyapi_robot_sendmsg"); no != nil {
		return *no
	}
	var in robotSend
	if !r.json(&in) || !strings.HasPrefix(in.OpenConversationID, "cid") {
		return openError(http.StatusBadRequest, "invalidParameter.openConversationId", "no such group")
	}
	s, no := f.robotMessage(in)
	if no != nil {
		return *no
	}
	if f.tooFast(in.OpenConversationID) {
		return oldError(130101, "send too fast")
	}
	return map[string]any{"processQueryKey": f.show(in.OpenConversationID, s).ID}
}

func (f *Fake) batchSend(r *request) any {
	if no := f.may(r, "qyapi_robot_sendmsg"); no != nil {
		return *no
	}
	var in robotSend
	if !r.json(&in) || len(in.UserIDs) == 0 || len(in.UserIDs) > 20 {
		return openError(http.StatusBadRequest, "invalidParameter.userIds.empty", "no users")
	}
	s, no := f.robotMessage(in)
	if no != nil {
		return *no
	}
	var invalid []string
	for _, id := range in.UserIDs {
		if _, ok := f.people[id]; !ok {
			invalid = append(invalid, id)
			continue
		}
		if f.tooFast(DM(id)) {
			return oldError(130101, "send too fast")
		}
		f.show(DM(id), s)
	}
	return map[string]any{"processQueryKey": s.ID, "invalidStaffIdList": invalid, "flowControlledStaffIdList": []string{}}
}

// mayOld checks the token of a call of the older API. f.mu is held.
func (f *Fake) mayOld(r *request, scope string) *refused {
	if !f.tokens[r.URL.Query().Get("access_token")] {
		no := refused{status: http.StatusOK, body: map[string]any{"errcode": 88, "sub_code": "40014", "sub_msg": "不合法的access_token", "errmsg": "ding talk error"}}
		return &no
	}
	if scope != "" && f.missing[scope] {
		return &refused{status: http.StatusOK, body: map[string]any{"errcode": 88, "sub_code": "60011", "sub_msg": "没有调用该接口的权限", "errmsg": "ding talk error"}}
	}
	return nil
}

func (f *Fake) upload(r *request) any {
	if no := f.mayOld(r, ""); no != nil {
		return *no
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return oldError(40035, "not a form")
	}
	form := multipart.NewReader(strings.NewReader(string(r.body)), params["boundary"])
	kind, name, data := "", "", []byte(nil)
	for {
		part, err := form.NextPart()
		if err != nil {
			break
		}
		content, _ := io.ReadAll(part)
		if part.FormName() == "type" {
			kind = string(content)
		} else if part.FormName() == "media" {
			name, data = part.FileName(), content
		}
	}
	allowed := map[string][]string{"image": {".jpg", ".gif", ".png", ".bmp"},
		"file": {".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".zip", ".pdf", ".rar"}}[kind]
	switch {
	case !slices.Contains(allowed, strings.ToLower(path.Ext(name))):
		return oldError(40004, "invalid media type")
	case len(data) == 0 || len(data) > 20<<20:
		return oldError(40009, "invalid size")
	}
	id := f.name("@media")
	f.media[id] = bot.Attachment{Name: name, Content: data}
	return map[string]any{"errcode": 0, "errmsg": "ok", "type": kind, "media_id": id, "created_at": f.now().UnixMilli()}
}

func (f *Fake) user(r *request) any {
	if no := f.mayOld(r, "qyapi_get_member"); no != nil {
		return *no
	}
	var in struct{ Userid string }
	if !r.json(&in) || in.Userid == "" {
		return oldError(40035, "不合法的参数")
	}
	p, ok := f.people[in.Userid]
	if !ok {
		return oldError(60121, "找不到该用户")
	}
	return map[string]any{"errcode": 0, "errmsg": "ok", "result": map[string]any{"userid": p.StaffID, "unionid": "u" + p.StaffID,
		"name": p.Name, "email": p.Email, "org_email": p.OrgEmail, "active": !p.Inactive}}
}
