package fakedingtalk

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest"
)

// vendor starts DingTalk's own client on f; it ends by itself when it is told bye.
func vendor(t *testing.T, f *Fake) (ended <-chan error, output *bytes.Buffer) {
	t.Helper()
	node, npm := bottest.NPM(t, "dingtalk-stream")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, node, "dingtalk.js", f.URL, ClientID, ClientSecret)
	cmd.Dir = npm
	output = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(cancel)
	return done, output
}

// TestVendorsClient: connect, receive, acknowledge, reply, redelivery, ping, cards,
// events, a cut connection and a disconnect, with the vendor's own client.
func TestVendorsClient(t *testing.T) {
	f := New(t)
	f.AckWait = time.Minute
	ended, output := vendor(t, f)
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v\n%s", what, err, output)
		}
	}
	f.Connected(1)
	check("receive", f.Say(t.Context(), Message{ID: "m1", Text: "hello"}))
	redeliver := func(after time.Duration) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.RedeliverAfter = after
	}
	redeliver(2 * time.Second) // what is answered more slowly comes a third time
	check("redelivery", f.Say(t.Context(), Message{ID: "m2", Text: "again"}))
	redeliver(time.Minute)
	check("send API", f.Say(t.Context(), Message{ID: "m3", Text: "send"}))
	check("ping", f.Ping(t.Context()))
	f.mu.Lock()
	press := f.pushCard(Room, Staff, "card-1", "approve", map[string]any{"x": 1})
	f.mu.Unlock()
	check("card", f.await(t.Context(), press))
	if !strings.Contains(press.Response(), `"cardParamMap"`) {
		t.Errorf("answered %s", press.Response())
	}
	check("event", f.Leave(t.Context(), "staff09"))
	f.Cut()
	check("after a cut", f.Say(t.Context(), Message{ID: "m4", Text: "back"}))
	check("goodbye", f.Say(t.Context(), Message{ID: "m5", Text: "bye"}))
	select {
	case err := <-ended:
		check("its end", err)
	case <-time.After(time.Minute):
		t.Fatal("the vendor's client did not end")
	}
	want := []string{"hello 1", "again 2", "send 1", "sent", "pressed approve of card-1 by staff01", "back 1", "bye 1"}
	if got := f.Shown(Room); !slices.Equal(got, want) {
		t.Errorf("%q\n%s", got, output)
	}
	if f.Opened() != 2 {
		t.Errorf("%d connections", f.Opened())
	}
}

func post(t *testing.T, f *Fake, path, token, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-acs-dingtalk-access-token", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(res.StatusCode, " ", b.String())
}

// TestLimits: the fake is as strict as the platform.
func TestLimits(t *testing.T) {
	f := New(t)
	now := time.Now()
	f.Clock(func() time.Time { return now })
	f.mu.Lock()
	token := f.secret("token")
	f.tokens[token] = true
	hook := strings.TrimPrefix(f.payload(&Message{})["sessionWebhook"].(string), f.URL)
	f.mu.Unlock()
	say := func(text string) string {
		return post(t, f, hook, "", `{"msgtype":"text","text":{"content":"`+text+`"}}`)
	}
	if got := say(strings.Repeat("x", 20000)); !strings.Contains(got, "460101") {
		t.Error(got)
	}
	for i := range 20 {
		if got := say("x"); !strings.Contains(got, `"errcode":0`) {
			t.Fatal(i, got)
		}
	}
	for _, after := range []time.Duration{0, time.Minute, 8 * time.Minute} {
		now = now.Add(after)
		if got := say("x"); !strings.Contains(got, "130101") {
			t.Error("after", after, got)
		}
	}
	now = now.Add(2 * time.Minute)
	if got := say("x"); !strings.Contains(got, `"errcode":0`) {
		t.Error("still blocked", got)
	}
	now = now.Add(2 * time.Hour)
	if got := say("x"); !strings.Contains(got, "300001") {
		t.Error("the session is over", got)
	}
	long := `{"robotCode":"` + ClientID + `","openConversationId":"` + Room + `","msgKey":"sampleText","msgParam":"{\"content\":\"` + strings.Repeat("x", 15000) + `\"}"}`
	for body, want := range map[string]string{long: "overLength", strings.Replace(long, "sampleText", "sampleNone", 1): "overLength", `{`: "openConversationId"} {
		if got := post(t, f, "/v1.0/robot/groupMessages/send", token, body); !strings.Contains(got, want) {
			t.Error(got)
		}
	}
	if got := post(t, f, "/v1.0/robot/groupMessages/send", "stale", long); !strings.Contains(got, "InvalidAuthentication") {
		t.Error(got)
	}
	if got := post(t, f, "/v1.0/gateway/connections/open", "", `{"clientId":"x"}`); !strings.HasPrefix(got, "400") {
		t.Error(got)
	}
}
