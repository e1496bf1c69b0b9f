package wecom

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
)

// FuzzAppMessage reads what an application receives.
func FuzzAppMessage(f *testing.F) {
	f.Add([]byte(`<xml><ToUserName><![CDATA[ww1]]></ToUserName><FromUserName><![CDATA[alice]]></FromUserName><CreateTime>1348831860</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[help]]></Content><MsgId>1</MsgId><AgentID>1</AgentID></xml>`))
	f.Add([]byte(`<xml><FromUserName>a</FromUserName><MsgType>event</MsgType><Event>template_card_event</Event><EventKey>k</EventKey><TaskId>t</TaskId><ResponseCode>c</ResponseCode><SelectedItems><SelectedItem><QuestionKey>0</QuestionKey><OptionIds><OptionId>1</OptionId></OptionIds></SelectedItem></SelectedItems></xml>`))
	f.Add([]byte(`<xml><MsgType>event</MsgType><Event>change_contact</Event><ChangeType>delete_user</ChangeType><UserID>bob</UserID></xml>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := encryptedXML(data); err == nil && s == "" && len(data) > 0 && !strings.Contains(string(data), "Encrypt") {
			t.Errorf("an encrypted part out of %q", data)
		}
		m, err := parseAppMessage(data)
		if err != nil {
			return
		}
		in, ok := m.inbound("wecom:ops", "ww1")
		if !ok {
			return
		}
		if in.ID == "" || !in.Gone && in.Text == "" && in.Press == "" || !strings.HasPrefix(in.Identity, "wecom:ww1/") {
			t.Errorf("%+v out of %q", in, data)
		}
		again, _ := m.inbound("wecom:ops", "ww1")
		if again.ID != in.ID {
			t.Errorf("%s, then %s", in.ID, again.ID)
		}
	})
}

// FuzzBotMessage reads what an AI bot receives, as a frame and as a body.
func FuzzBotMessage(f *testing.F) {
	f.Add([]byte(`{"cmd":"aibot_msg_callback","headers":{"req_id":"r"},"body":{"msgid":"1","aibotid":"b","chatid":"c","chattype":"group","from":{"userid":"alice"},"msgtype":"text","text":{"content":"@Bot help"}}}`))
	f.Add([]byte(`{"msgid":"1","chattype":"single","from":{"userid":"alice"},"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","text":{"content":"help"}},{"msgtype":"image"}]}}`))
	f.Add([]byte(`{"msgid":"1","from":{"userid":"a","corpid":"w"},"msgtype":"event","event":{"eventtype":"template_card_event","template_card_event":{"event_key":"k","task_id":"t","selected_items":{"selected_item":[{"question_key":"0","option_ids":{"option_id":["1"]}}]}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if fr, err := parseFrame(data); err == nil && len(fr.Body) > 0 {
			checkBotBody(t, fr.Body)
		}
		if s, err := encryptedJSON(data); err == nil && s == "" {
			t.Errorf("nothing encrypted out of %q", data)
		}
		checkBotBody(t, data)
	})
}

func checkBotBody(t *testing.T, data []byte) {
	form := &bot.Form{Fields: []bot.FormField{{Name: "a", Type: "bool"}, {Name: "b", Type: "choice", Choices: []string{"x"}}}}
	b, err := parseBotBody(data)
	if err != nil {
		return
	}
	in, ok := b.inbound("wecom-aibot:ops", "ww1", "Bot", time.Now())
	if ok && (in.Text == "" && in.Press == "" || in.From.Room == "" || !strings.HasPrefix(in.Identity, "wecom:")) {
		t.Errorf("%+v out of %q", in, data)
	}
	for name := range filled(form, b.selected()) {
		if name != "a" && name != "b" {
			t.Errorf("a value for %q out of %q", name, data)
		}
	}
}

// FuzzEnvelope opens what an attacker may send.
func FuzzEnvelope(f *testing.F) {
	e, err := newEnvelope("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==")
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAA==")
	f.Fuzz(func(t *testing.T, encrypted string) {
		plain, err := e.open(encrypted)
		if err != nil {
			return
		}
		sealed, err := e.seal(plain)
		if err != nil {
			t.Fatal(err)
		}
		again, err := e.open(sealed)
		if err != nil || string(again) != string(plain) {
			t.Errorf("%q became %q: %v", plain, again, err)
		}
	})
}

// FuzzAnswer reads what the API answers.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"errcode":45009,"errmsg":"api freq out of limit"}`))
	f.Add([]byte(`{"errcode":0,"msgid":"1","response_code":"c"}`))
	f.Add([]byte(`<html>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got sent
		if err := readAnswer("x", data, &got); err == nil && !json.Valid(data) {
			t.Errorf("took %q", data)
		}
	})
}

// FuzzWords takes mentions off and makes texts harmless.
func FuzzWords(f *testing.F) {
	f.Add("@舵手 Bot cluster list", "舵手 Bot")
	f.Add("@all <@alice> [a](b) ```", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		if !utf8.ValidString(text) {
			return
		}
		withoutMention(text, name)
		quiet := calm(text)
		for _, mark := range []string{"<@", "](", "```"} {
			if strings.Contains(quiet, mark) {
				t.Errorf("%q is in %q", mark, quiet)
			}
		}
		if got := fileName(text); got == "" || strings.ContainsAny(got, "/\\\"\n") || len(got) > 124 {
			t.Errorf("a file called %q", got)
		}
	})
}
