package slack_test

import (
	"testing"

	"github.com/coxswain-ops/coxswain/bot/slack"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]string{
		"<@U0COX> cluster list":                    "cluster list",
		"please <@U0COX> cluster list":             "please  cluster list",
		"<@U0COX> ask <@U2> in <#C1|ops> or <#C2>": "ask <@U2> in #ops or #C2",
		"<@U0COX> a &lt;b&gt; &amp;amp; c":         "a <b> &amp; c",
		"<http://a.example|a.example>":             "a.example",
		"<https://a.example/x?a=b&amp;c=d>":        "https://a.example/x?a=b&c=d",
		"<https://a.example|our page>":             "https://a.example",
		"<mailto:a@b.example|a@b.example>":         "a@b.example",
		"<!here> hello <!subteam^S1|@ops>":         "@here hello @ops",
		"a < b":                                    "a < b",
		"<":                                        "<",
		"":                                         "",
		"集群 列表":                                    "集群 列表",
	} {
		if got := slack.Plain(text, "U0COX"); got != want {
			t.Errorf("Plain(%q) = %q, want %q", text, got, want)
		}
	}
	if got := slack.Plain("user show <@U9|bob>", ""); got != "user show <@U9>" {
		t.Errorf("a slash command mentions others: %q", got)
	}
	in, err := slack.Read("events_api", []byte(`{"type":"event_callback","team_id":"T1","event":{"type":"app_mention","user":"U1","text":"<@U0> user show <@U9>","ts":"1.1","channel":"C1"}}`))
	if err != nil || in.Text != "user show <@U9>" {
		t.Errorf("without knowing ourselves: %q %v", in.Text, err)
	}
}
