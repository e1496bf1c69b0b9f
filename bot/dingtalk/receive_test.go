package dingtalk

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
)

func TestMessages(t *testing.T) {
	d, f := account(t)
	b := run(t, d, f)
	rich := func(p map[string]any) {
		p["msgtype"] = "richText"
		p["content"] = map[string]any{"richText": []any{map[string]string{"text": "集群 "}, map[string]string{"type": "picture", "downloadCode": "x"}, map[string]string{"text": "列表"}}}
	}
	for name, c := range map[string]struct {
		m    fakedingtalk.Message
		want bot.Inbound
	}{
		"mention in a group":  {fakedingtalk.Message{ID: "1", Text: "cluster list "}, bot.Inbound{Text: "cluster list", Identity: "dingtalk:dingcorp0001/staff01", From: room(d)}},
		"direct chat":         {fakedingtalk.Message{ID: "2", Room: fakedingtalk.DM("staff01"), Text: "help"}, bot.Inbound{Text: "help", Private: true, From: bot.Address{Account: d.Name(), Room: "dm:staff01"}}},
		"mention in the text": {fakedingtalk.Message{ID: "3", Text: "@cox\u2005 help"}, bot.Inbound{Text: "help", From: room(d)}},
		"a reference stays":   {fakedingtalk.Message{ID: "4", Text: "@:file x"}, bot.Inbound{Text: "@:file x", From: room(d)}},
		"rich text":           {fakedingtalk.Message{ID: "5", Change: rich}, bot.Inbound{Text: "集群 列表", From: room(d)}},
		"speech": {fakedingtalk.Message{ID: "6", Change: func(p map[string]any) {
			p["msgtype"], p["content"] = "audio", map[string]string{"recognition": "帮助"}
		}}, bot.Inbound{Text: "帮助", From: room(d)}},
		"picture":              {fakedingtalk.Message{ID: "7", Change: func(p map[string]any) { p["msgtype"], p["content"] = "picture", map[string]string{"downloadCode": "x"} }}, bot.Inbound{Text: "", From: room(d)}},
		"numbers as text":      {fakedingtalk.Message{ID: "8", Text: "help", Change: func(p map[string]any) { p["createAt"] = "1700000000000" }}, bot.Inbound{Text: "help", From: room(d), At: time.UnixMilli(1700000000000)}},
		"another organization": {fakedingtalk.Message{ID: "9", Text: "help", Change: func(p map[string]any) { p["senderStaffId"], p["senderCorpId"] = "", "dingother" }}, bot.Inbound{Text: "help", From: room(d), Identity: "dingtalk:dingother/$$:LWCP_v1:$staff01"}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := f.Say(t.Context(), c.m); err != nil {
				t.Fatal(err)
			}
			in := b.last(t)
			if c.want.Identity == "" {
				c.want.Identity = in.Identity
			}
			if in.ID != c.m.ID || in.Text != c.want.Text || in.From != c.want.From || in.Private != c.want.Private || in.Identity != c.want.Identity ||
				!in.Direct || !in.Interactive || in.At.IsZero() || !c.want.At.IsZero() && !in.At.Equal(c.want.At) {
				t.Errorf("%+v", in)
			}
		})
	}
}

func TestWhatIsNotForTheBot(t *testing.T) {
	d, f := account(t)
	b := run(t, d, f)
	for _, m := range []fakedingtalk.Message{
		{Text: "lunch?", Quiet: true},
		{Text: "help", Change: func(p map[string]any) { p["chatbotCorpId"] = "dingforeign" }},
	} {
		if err := f.Say(t.Context(), m); err != nil {
			t.Error("it would be delivered for ever")
		}
	}
	if len(b.all()) != 0 {
		t.Errorf("%+v", b.all())
	}
	findings := d.Check(t.Context())
	if last := findings[len(findings)-1]; last.OK || last.Key != "dingtalk.check.corp" || last.Args["seen"] != "dingforeign" {
		t.Errorf("%+v", findings)
	}
}

func TestRefusedIsNotAcknowledged(t *testing.T) {
	d, f := account(t)
	b := run(t, d, f)
	b.fail = errors.New("the store is locked")
	f.AckWait = 200 * time.Millisecond
	for _, err := range []error{f.Say(t.Context(), fakedingtalk.Message{ID: "a", Text: "help"}), f.Leave(t.Context(), "staff01")} {
		if !errors.Is(err, fakedingtalk.ErrNotAccepted) {
			t.Error("acknowledged what was not stored")
		}
	}
}

func TestLeaver(t *testing.T) {
	d, f := account(t)
	b := run(t, d, f)
	if err := f.Leave(t.Context(), "staff01"); err != nil {
		t.Fatal(err)
	}
	if in := b.last(t); !in.Gone || in.Identity != "dingtalk:dingcorp0001/staff01" || in.ID != "event:leave-staff01:staff01" || in.Text != "" {
		t.Errorf("%+v", in)
	}
}

func TestPressOnACard(t *testing.T) {
	d, f := account(t)
	f.AddPerson(fakedingtalk.Person{StaffID: "staff02", Name: "Bo"})
	b := run(t, d, f)
	m := bot.Message{Text: "Delete?", Actions: []bot.Action{{ID: "yes", Label: "Delete", Command: "cluster delete a", Style: "danger"}}}
	send(t, d, room(d), m)
	if err := f.Press(t.Context(), fakedingtalk.Room, "staff02", "Delete"); err != nil {
		t.Fatal(err)
	}
	in := b.last(t)
	button, err := d.shared.Buttons.Look(t.Context(), in.Press)
	if err != nil || button.Command != "cluster delete a" {
		t.Errorf("%+v %v", button, err)
	}
	if in.From != room(d) || in.Private || in.Identity != "dingtalk:dingcorp0001/staff02" || in.Text != "" || !strings.HasPrefix(in.ID, "card:") {
		t.Errorf("%+v", in)
	}
	dm, err := d.OpenDM(t.Context(), "dingtalk:dingcorp0001/staff02")
	if err != nil {
		t.Fatal(err)
	}
	send(t, d, dm, m)
	if err := f.Press(t.Context(), dm.Room, "staff02", "Delete"); err != nil {
		t.Fatal(err)
	}
	if in := b.last(t); in.From != dm || !in.Private {
		t.Errorf("%+v", in)
	}
}

func TestPressWithoutCards(t *testing.T) {
	for name, buttons := range map[string][]bot.Action{
		"one":  {{ID: "a", Label: "Approve 批准", Command: "approve 7"}},
		"more": {{ID: "a", Label: "Approve 批准", Command: "approve 7"}, {ID: "b", Label: "Deny", Command: "deny 7"}},
	} {
		for _, hook := range []bool{false, true} {
			d, f := account(t, func(c *Config) { c.Cards = cardsNever })
			b := run(t, d, f)
			if hook {
				if err := f.Say(t.Context(), fakedingtalk.Message{Text: "show it"}); err != nil {
					t.Fatal(err)
				}
			}
			send(t, d, room(d), bot.Message{Text: name, Actions: buttons})
			shown := f.Messages(fakedingtalk.Room)
			if last := shown[len(shown)-1]; last.Kind != "actionCard" || strings.HasPrefix(last.ID, "wh") != hook || len(last.Buttons) != len(buttons) {
				t.Errorf("%+v", last)
			}
			if err := f.Press(t.Context(), fakedingtalk.Room, "staff01", "Approve 批准"); err != nil {
				t.Fatal(err)
			}
			in := b.last(t)
			if button, err := d.shared.Buttons.Look(t.Context(), in.Press); err != nil || button.Command != "approve 7" || in.Text != "" {
				t.Errorf("%+v %v", in, err)
			}
		}
	}
	d, f := account(t)
	b := run(t, d, f)
	if err := f.Say(t.Context(), fakedingtalk.Message{Text: "what is #AAAAAAAAAAAAAAAAAAAAAAAA"}); err != nil {
		t.Fatal(err)
	}
	if in := b.last(t); in.Press != "" || in.Text == "" {
		t.Errorf("anything after a # passes for a button: %+v", in)
	}
}

func TestForm(t *testing.T) {
	d, f := account(t, func(c *Config) { c.FormTemplate = "form.schema" })
	f.AddPerson(fakedingtalk.Person{StaffID: "staff02", Name: "Bo"})
	b := run(t, d, f)
	send(t, d, room(d), bot.Message{Text: "Which?", Form: createForm(), For: d.identity("staff01"), Ask: &bot.Ask{Name: "name"}})
	if err := f.Press(t.Context(), fakedingtalk.Room, "staff02", "Create a cluster"); err != nil {
		t.Fatal(err)
	}
	if in := b.last(t); in.Press == "" || in.Identity != d.identity("staff02") || len(f.Shown(fakedingtalk.Room)) != 1 {
		t.Errorf("somebody else's press is the router's to answer: %+v", in)
	}
	if err := f.Press(t.Context(), fakedingtalk.Room, "staff01", "Create a cluster"); err != nil {
		t.Fatal(err)
	}
	shown := f.Messages(fakedingtalk.Room)
	if len(b.all()) != 1 || len(shown) != 2 || len(shown[1].Only) != 1 || shown[1].Only[0] != "staff01" || !strings.Contains(shown[1].Text, `{"value":"dev","text":"dev"}`) {
		t.Fatalf("%d handed over; %+v", len(b.all()), shown)
	}
	values := map[string]any{"name": "prod-1", "workers": 5, "plan": map[string]any{"index": 1, "value": "dev"}, "gpu": map[string]any{"index": 1, "value": "true"}, "zones": map[string]any{"value": []any{"a", "b"}}}
	if err := f.Submit(t.Context(), fakedingtalk.Room, "staff01", values); err != nil {
		t.Fatal(err)
	}
	in := b.last(t)
	want := map[string]string{"name": "prod-1", "workers": "5", "plan": "dev", "gpu": "true", "zones": "a,b"}
	for k, v := range want {
		if in.Values[k] != v {
			t.Errorf("%s: %q", k, in.Values[k])
		}
	}
	if in.Text != "cluster create" || in.Press == "" || in.From != room(d) || len(in.Values) != len(want) {
		t.Errorf("%+v", in)
	}
	if sent := f.Messages(fakedingtalk.Room)[1].Buttons; len(sent) != 1 || sent[0].Label != d.say("dingtalk.form.sent", nil) {
		t.Errorf("the card does not say that it was sent: %+v", sent)
	}
}

// TestFormThatCannotBeShown hands the press on, so that the router asks.
func TestFormThatCannotBeShown(t *testing.T) {
	d, f := account(t, func(c *Config) { c.FormTemplate = "form.schema" })
	b := run(t, d, f)
	send(t, d, room(d), bot.Message{Text: "Which?", Form: createForm()})
	f.StormAt("/v1.0/card/instances", 1, 400, "param.cardTemplateInvalid", "")
	if err := f.Press(t.Context(), fakedingtalk.Room, "staff01", "Create a cluster"); err != nil {
		t.Fatal(err)
	}
	if in := b.last(t); in.Press == "" || in.Values != nil {
		t.Errorf("%+v", in)
	}
	secret := createForm()
	secret.Fields = append(secret.Fields, bot.FormField{Name: "password", Type: "secret"})
	if d.components(secret) != nil {
		t.Error("a secret would be typed into a card")
	}
}

func httpAccount(t *testing.T) (*DingTalk, *fakedingtalk.Fake, string) {
	d, f := account(t, func(c *Config) { c.Mode = modeHTTP })
	server := httptest.NewServer(d.Callbacks())
	t.Cleanup(server.Close)
	return d, f, server.URL
}

func TestHTTPCallback(t *testing.T) {
	d, f, target := httpAccount(t)
	post := func(c fakedingtalk.Callback) int {
		t.Helper()
		status, err := f.Post(t.Context(), target, c)
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if got := post(fakedingtalk.Callback{}); got != 503 {
		t.Errorf("before Run: %d", got)
	}
	b := run(t, d, f)
	f.Until("running", func() bool {
		return post(fakedingtalk.Callback{Message: fakedingtalk.Message{ID: "first", Text: "help"}}) == 200
	})
	for name, c := range map[string]struct {
		callback fakedingtalk.Callback
		want     int
	}{
		"another secret":   {fakedingtalk.Callback{Secret: "somebody else's"}, 403},
		"no signature":     {fakedingtalk.Callback{Sign: "!"}, 403},
		"old":              {fakedingtalk.Callback{Age: 6 * time.Minute}, 403},
		"from the future":  {fakedingtalk.Callback{Age: -6 * time.Minute}, 403},
		"within the hour":  {fakedingtalk.Callback{Age: 30 * time.Minute}, 403},
		"not JSON":         {fakedingtalk.Callback{Body: "x"}, 400},
		"no ids":           {fakedingtalk.Callback{Body: "{}"}, 400},
		"too long":         {fakedingtalk.Callback{Body: `"` + strings.Repeat("x", maxCallback) + `"`}, 413},
		"clock a bit off":  {fakedingtalk.Callback{Age: 4 * time.Minute}, 200},
		"clock a bit fast": {fakedingtalk.Callback{Age: -4 * time.Minute}, 200},
	} {
		before := len(b.all())
		if got := post(c.callback); got != c.want || (len(b.all()) > before) != (c.want == 200) {
			t.Errorf("%s: %d, %d handed over", name, got, len(b.all())-before)
		}
	}
	b.fail = errors.New("the store is locked")
	if got := post(fakedingtalk.Callback{}); got != 503 {
		t.Errorf("not stored: %d", got)
	}
	rec := httptest.NewRecorder()
	d.Callbacks().ServeHTTP(rec, httptest.NewRequestWithContext(context.Background(), "GET", "/", nil))
	if rec.Code != 405 {
		t.Errorf("GET: %d", rec.Code)
	}
}

func TestStreamAccountTakesNoCallbacks(t *testing.T) {
	d, f := account(t)
	run(t, d, f)
	server := httptest.NewServer(d.Callbacks())
	defer server.Close()
	if status, err := f.Post(t.Context(), server.URL, fakedingtalk.Callback{}); status != 404 || err != nil {
		t.Errorf("%d %v", status, err)
	}
}

// TestForeignWebhook: a callback's body is not signed, so a webhook that leads
// elsewhere is not believed.
func TestForeignWebhook(t *testing.T) {
	d, f, target := httpAccount(t)
	run(t, d, f)
	evil := httptest.NewServer(nil)
	defer evil.Close()
	bend := func(p map[string]any) {
		p["sessionWebhook"] = evil.URL + "/robot/sendBySession?session=x"
	}
	f.Until("accepted", func() bool {
		status, err := f.Post(t.Context(), target, fakedingtalk.Callback{Message: fakedingtalk.Message{Text: "help", Change: bend}})
		return err == nil && status == 200
	})
	ref := send(t, d, room(d), bot.Message{Text: "hello"})
	if !strings.HasPrefix(ref.ID, "pqk") {
		t.Errorf("sent by %s", ref.ID)
	}
}
