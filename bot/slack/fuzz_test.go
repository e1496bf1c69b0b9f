package slack_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/slack"
)

// sound fails on an inbound that no handler should have to bear.
func sound(t *testing.T, in bot.Inbound, err error) {
	t.Helper()
	if err != nil || in.Identity == "" {
		return
	}
	if !strings.HasPrefix(in.Identity, "slack:") || !strings.Contains(in.Identity, "/") {
		t.Errorf("identity %q", in.Identity)
	}
	if in.ID == "" || !in.Gone && in.From.Room == "" && !strings.HasPrefix(in.ID, "home:") {
		t.Errorf("no id or room: %+v", in)
	}
	if in.Gone && (in.Text != "" || in.Press != "") {
		t.Errorf("somebody who is gone speaks: %+v", in)
	}
	for name, ref := range in.Refs {
		if in.Values[name] != "@:"+name || len(ref.Inline) == 0 {
			t.Errorf("reference %q without its value", name)
		}
	}
}

func FuzzPayload(f *testing.F) {
	for kind, payloads := range map[string][]string{
		"events_api": {
			`{"type":"event_callback","team_id":"T1","event_id":"Ev1","authorizations":[{"user_id":"U0","is_bot":true}],"event":{"type":"app_mention","user":"U1","text":"<@U0> help","ts":"1700000000.000100","channel":"C1","thread_ts":"1.1"}}`,
			`{"type":"event_callback","team_id":"T1","enterprise_id":"E1","event_id":"Ev2","event":{"type":"message","channel_type":"im","user":"U1","user_team":"E1","text":"集群 列表","ts":"1.2","channel":"D1"}}`,
			`{"type":"event_callback","team_id":"T1","event_id":"Ev3","event":{"type":"user_change","user":{"id":"U1","team_id":"T1","deleted":true}}}`,
			`{"type":"event_callback","team_id":"T1","event_id":"Ev4","event":{"type":"app_home_opened","user":"U1","tab":"home","channel":"D1"}}`,
			`{"type":"event_callback","event":{"type":"message","channel_type":"im","user":{"id":"U1"},"ts":"-5.x","channel":"D1"}}`},
		"slash_commands": {`{"command":"/cox","text":"help","team_id":"T1","user_id":"U1","channel_id":"C1","channel_name":"directmessage","trigger_id":"1.2.3"}`},
		"interactive": {
			`{"type":"block_actions","trigger_id":"1.2","team":{"id":"T1"},"user":{"id":"U1","team_id":"T1"},"container":{"channel_id":"C1","thread_ts":"1.1"},"actions":[{"action_id":"cox:form","value":"tok","action_ts":"1.5"}]}`,
			`{"type":"block_actions","trigger_id":"1.2","team":{"id":"T1"},"user":{"id":"U1"},"view":{"type":"home","private_metadata":"{\"r\":\"D1\"}"},"actions":[{"action_id":"cox:ba","value":"tok"}]}`,
			`{"type":"view_submission","trigger_id":"1.2","team":{"id":"T1"},"user":{"id":"U1"},"view":{"id":"V1","callback_id":"cox:form","private_metadata":"{\"t\":\"tok\",\"c\":\"cluster create\",\"r\":\"C1\"}","state":{"values":{"name":{"text":{"value":"a"}},"pw":{"secret":{"value":"s"}},"k":{"file":{"files":[{"name":"f","url_private_download":"https://x/"}]}},"n":{"choice":{"selected_option":{"value":"x","text":{"text":"x"}}}}}}}}`},
	} {
		for _, p := range payloads {
			f.Add(kind, []byte(p))
		}
	}
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		in, err := slack.Read(kind, raw)
		sound(t, in, err)
	})
}

func FuzzRequest(f *testing.F) {
	f.Add("application/json", []byte(`{"type":"url_verification","challenge":"abc"}`))
	f.Add("application/x-www-form-urlencoded", []byte(`command=%2Fcox&text=help&user_id=U1&channel_id=C1&trigger_id=t`))
	f.Add("application/x-www-form-urlencoded", []byte(`payload=%7B%22type%22%3A%22block_actions%22%7D`))
	f.Add("application/x-www-form-urlencoded;charset=utf-8", []byte(`ssl_check=1`))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		in, challenge, err := slack.ReadRequest(kind, body)
		sound(t, in, err)
		if challenge != "" && in.ID != "" {
			t.Error("a challenge that says something as well")
		}
	})
}

// FuzzSignature: nothing but a signature made with the secret is taken.
func FuzzSignature(f *testing.F) {
	now := time.Unix(1_700_000_000, 0)
	good := slack.Sign("secret", now.Unix(), []byte("body"))
	f.Add("1700000000", good, []byte("body"))
	f.Add("1700000000", "v0=00", []byte("body"))
	f.Add("+1700000000", good, []byte("body"))
	f.Fuzz(func(t *testing.T, stamp, signature string, body []byte) {
		h := http.Header{}
		h.Set("X-Slack-Request-Timestamp", stamp)
		h.Set("X-Slack-Signature", signature)
		taken := slack.Verify("secret", h, body, now) == nil
		right := stamp == "1700000000" && strings.TrimSpace(signature) == slack.Sign("secret", now.Unix(), body)
		if taken && !right {
			// Another time within the window, rightly signed, cannot be guessed.
			t.Errorf("taken: %q %q %q", stamp, signature, body)
		}
	})
}

func FuzzPlain(f *testing.F) {
	f.Add("<@U0> a <http://a.b|a.b> &lt;c&gt; &amp;lt; <#C1|x> <!here>")
	f.Add("<<@U0>>><")
	f.Fuzz(func(t *testing.T, text string) {
		got := slack.Plain(text, "U0")
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%q from %q", got, text)
		}
		if len(got) > 4*len(text)+16 {
			t.Errorf("%d bytes from %d", len(got), len(text))
		}
	})
}
