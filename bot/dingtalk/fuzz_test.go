package dingtalk

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"encoding/base64"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/config/value"
)

// offline is an account that is never to call anybody.
func offline(t testing.TB, mode string) *DingTalk {
	shared, _ := testShared()
	d, err := newWith(Config{Name: "ops", CorpID: "dingcorp0001", ClientID: "dingapp0001", ClientSecret: value.NewSecret("fake-client-secret-0001", "test"),
		Mode: mode, API: "http://127.0.0.1:1", OAPI: "http://127.0.0.1:1"}, shared, nil, quick())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sound fails on an Inbound that no adapter may make.
func sound(t *testing.T, d *DingTalk, in bot.Inbound) {
	if in.ID == "" || in.From.Account != d.Name() || in.From.Room == "" || !strings.HasPrefix(in.Identity, "dingtalk:") || in.At.IsZero() ||
		!utf8.ValidString(in.Text) || in.Private != strings.HasPrefix(in.From.Room, dmRoom) && !in.Gone && strings.HasPrefix(in.Identity, d.identity("")) && !strings.HasPrefix(in.Identity, d.identity("$")) {
		t.Errorf("%+v", in)
	}
	if staff, ours := strings.CutPrefix(in.Identity, d.identity("")); ours && !strings.HasPrefix(staff, "$") && !validStaff(staff) {
		t.Errorf("an identity that is nobody's: %q", in.Identity)
	}
}

func FuzzFrame(f *testing.F) {
	for _, seed := range []string{
		`{"specVersion":"1.0","type":"CALLBACK","headers":{"topic":"/v1.0/im/bot/messages/get","messageId":"f1","time":1},"data":"{\"msgId\":\"m1\",\"msgtype\":\"text\",\"conversationId\":\"cid1\",\"conversationType\":\"2\",\"chatbotCorpId\":\"dingcorp0001\",\"senderStaffId\":\"staff01\",\"senderId\":\"$:x\",\"isInAtList\":true,\"createAt\":\"1\",\"text\":{\"content\":\" help\"}}"}`,
		`{"type":"CALLBACK","headers":{"topic":"/v1.0/card/instances/callback","messageId":"f2"},"data":"{\"corpId\":\"dingcorp0001\",\"outTrackId\":\"coxform.tok.1\",\"userId\":\"staff01\",\"userIdType\":1,\"spaceId\":\"dtv1.card//IM_GROUP.cid1\",\"content\":\"{\\\"cardPrivateData\\\":{\\\"actionIds\\\":[\\\"form:x\\\"],\\\"params\\\":{\\\"form\\\":{\\\"a\\\":1}}}}\"}"}`,
		`{"type":"EVENT","headers":{"topic":"*","messageId":"f3","eventType":"user_leave_org","eventId":"e1"},"data":"{\"userId\":[\"staff01\",\"\"]}"}`,
		`{"type":"SYSTEM","headers":{"topic":"ping","messageId":"f4"},"data":"{}"}`, `null`, `[]`, `{`} {
		f.Add([]byte(seed))
	}
	d := offline(f, modeStream)
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := parseFrame(raw)
		if err != nil {
			return
		}
		a := d.deliver(t.Context(), func(_ context.Context, in bot.Inbound) error {
			sound(t, d, in)
			return nil
		}, got)
		if a == nil || a.Headers["messageId"] == "" {
			t.Errorf("what was accepted was not answered: %+v", a)
		}
		if _, err := json.Marshal(a); err != nil {
			t.Error(err)
		}
	})
}

func FuzzRobotMessage(f *testing.F) {
	for _, seed := range []string{
		`{"msgId":"m1","msgtype":"richText","conversationId":"cid1","conversationType":"1","senderStaffId":"s","content":{"richText":[{"text":"@cox help"}]},"sessionWebhook":"http://127.0.0.1:1/robot/sendBySession?session=x","sessionWebhookExpiredTime":9999999999999}`,
		`{"msgId":"m2","msgtype":"audio","conversationId":"cid1","conversationType":"2","senderId":"$:x","isInAtList":true,"content":{"recognition":"帮助"}}`,
		`{"msgId":"m3","msgtype":"text","conversationId":"cid1","conversationType":"2","senderStaffId":"s","text":{"content":"Yes #AAAAAAAAAAAAAAAAAAAAAAAA"}}`} {
		f.Add([]byte(seed))
	}
	d := offline(f, modeHTTP)
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parseRobotMessage(raw)
		if err != nil {
			return
		}
		if err := d.accept(t.Context(), func(_ context.Context, in bot.Inbound) error { sound(t, d, in); return nil }, m); err != nil {
			t.Error(err)
		}
		if hook, err := d.hooks.of(t.Context(), m.ConversationID); err != nil || hook != "" && !d.hooks.trusted(hook) {
			t.Errorf("%q %v", hook, err)
		}
	})
}

func FuzzCallback(f *testing.F) {
	d := offline(f, modeHTTP)
	d.handle = func(context.Context, bot.Inbound) error { return nil }
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	f.Add(now, base64.StdEncoding.EncodeToString(sign("fake-client-secret-0001", now)), []byte(`{}`))
	f.Add("", "", []byte(nil))
	f.Add("-1", "====", []byte("x"))
	f.Fuzz(func(t *testing.T, stamp, given string, body []byte) {
		d.timing.now = func() time.Time { return time.UnixMilli(1700000000000) }
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(body)))
		req.Header["Timestamp"], req.Header["Sign"] = []string{stamp}, []string{given}
		rec := httptest.NewRecorder()
		d.Callbacks().ServeHTTP(rec, req)
		if signed := d.signed(req.Header); signed != (rec.Code != http.StatusForbidden) {
			t.Errorf("signed %v: %d", signed, rec.Code)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	for _, seed := range []string{`{"errcode":130101,"errmsg":"x"}`, `{"errcode":"88","sub_code":40014}`, `{"code":"InvalidAuthentication","message":"x"}`,
		`{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"x","accessdenieddetail":{"requiredScopes":["a"]}}`, `{"errcode":0}`, `{"success":true}`, `<html>`, ``} {
		f.Add(200, seed, "fake-client-secret-0001")
		f.Add(400, seed, "3")
	}
	d := offline(f, modeStream)
	f.Fuzz(func(t *testing.T, status int, body, after string) {
		if !utf8.ValidString(after) {
			after = ""
		}
		res := &http.Response{StatusCode: status, Header: http.Header{"Retry-After": {after}}}
		e := refusal("op", res, []byte(body))
		if e == nil {
			if status/100 != 2 {
				t.Error("an error passed for a success")
			}
			return
		}
		d.client.redact(e, nil)
		if e.wait() < 0 || e.wait() > 24*time.Hour || e.lasting() && (e.wait() > 0 || e.badToken()) || strings.Contains(e.Error(), "fake-client-secret-0001") || len(e.Error()) > 4000 {
			t.Errorf("%+v", e)
		}
	})
}
