package fakewecom_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
)

// vendorClient gives the command for a mode of the vendor's clients.
func vendorClient(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	node, dir := bottest.NPM(t, "@wecom")
	cmd := exec.CommandContext(t.Context(), node, append([]string{filepath.Join(dir, "wecom.js")}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd
}

// event is one line that the vendor's client prints.
type event struct {
	What, Deed, Message, MsgID, ReqID, Key, Task string
	ErrCode                                      int
	Connected                                    bool
}

// vendor is the vendor's bot, connected to a fake.
type vendor struct {
	*testing.T
	fake  *fakewecom.Fake
	lines chan event
}

func startVendor(t *testing.T, f *fakewecom.Fake, secret string) *vendor {
	t.Helper()
	cmd := vendorClient(t, "aibot", "ws"+strings.TrimPrefix(f.URL, "http"), f.BotID, secret)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v := &vendor{T: t, fake: f, lines: make(chan event, 100)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for s := bufio.NewScanner(out); s.Scan(); {
			var e event
			if err := json.Unmarshal(s.Bytes(), &e); err != nil {
				t.Errorf("the vendor's client printed %q", s.Text())
			}
			v.lines <- e
		}
		close(v.lines)
	}()
	t.Cleanup(func() {
		in.Close()
		<-read
		_ = cmd.Wait() // it is told to end
	})
	return v
}

// expect skips to the next event of a kind.
func (v *vendor) expect(what string) event {
	v.Helper()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	for {
		select {
		case e, ok := <-v.lines:
			if !ok {
				v.Fatalf("the vendor's client ended before %q", what)
			}
			if e.What == what {
				return e
			}
			if e.What == "failed" {
				v.Fatalf("%+v instead of %q", e, what)
			}
		case <-timeout.C:
			v.Fatalf("the vendor's client never said %q", what)
		}
	}
}

func (v *vendor) tell(id, deed string) string {
	v.Helper()
	req, err := v.fake.BotSay(v.Context(), "alice", "", id, deed)
	if err != nil {
		v.Fatal(err)
	}
	return req
}

func TestVendorsBotAnswers(t *testing.T) {
	f := fakewecom.New(t)
	v := startVendor(t, f, f.BotSecret)
	v.expect("authenticated")
	for i, deed := range []string{"stream", "card", "both", "push", "upload"} {
		req := v.tell("m"+string(rune('1'+i)), deed)
		if e := v.expect("did"); e.Deed != deed || e.ReqID != req {
			t.Errorf("%+v", e)
		}
	}
	shown := f.BotShown("alice")
	want := []string{"done", "sure?\n[confirm]", "done\nstop?\n[confirm]", "**news**", "(file log.txt)"}
	if strings.Join(shown, "|") != strings.Join(want, "|") {
		t.Errorf("%q", shown)
	}
	if wrong := f.Violations(); len(wrong) > 0 {
		t.Errorf("the fake finds fault with the vendor's own client: %q", wrong)
	}
	if f.Wait(time.Minute, func() bool { return f.Calls("ping") >= 2 }) == false {
		t.Error("no ping")
	}
}

func TestVendorsBotIsToldOfEvents(t *testing.T) {
	f := fakewecom.New(t)
	v := startVendor(t, f, f.BotSecret)
	v.expect("authenticated")
	if err := f.BotEnter("alice"); err != nil {
		t.Fatal(err)
	}
	v.expect("welcomed")
	v.tell("m1", "card")
	v.expect("did")
	if err := f.BotPress("alice", "", "confirm", nil); err != nil {
		t.Fatal(err)
	}
	if e := v.expect("pressed"); e.Key != "confirm-key" || e.Task != "task-1" {
		t.Errorf("%+v", e)
	}
	if shown := f.BotShown("alice"); len(shown) != 2 || shown[0] != "welcome" || shown[1] != "thanks\n[confirm]" {
		t.Errorf("%q", shown)
	}
}

func TestVendorsBotMeetsTheLimits(t *testing.T) {
	f := fakewecom.New(t)
	v := startVendor(t, f, f.BotSecret)
	v.expect("authenticated")
	for deed, code := range map[string]int{"foreign": 846605, "late": 846608} {
		v.tell("m-"+deed, deed)
		if e := v.next(); e.What != "failed" || e.ErrCode != code {
			t.Errorf("%s: %+v", deed, e)
		}
	}
	f.Storm(846607, 1)
	v.tell("m-storm", "push")
	if e := v.next(); e.What != "failed" || e.ErrCode != 846607 {
		t.Errorf("%+v", e)
	}
	// A redelivery has the same id and another req_id.
	first, again := v.tell("m-twice", "stream"), ""
	v.expect("did")
	again = v.tell("m-twice", "push")
	if e := v.expect("did"); e.MsgID != "m-twice" || e.ReqID != again || first == again {
		t.Errorf("%+v", e)
	}
}

func (v *vendor) next() event {
	v.Helper()
	select {
	case e := <-v.lines:
		return e
	case <-time.After(time.Minute):
		v.Fatal("nothing more")
		return event{}
	}
}

func TestVendorsBotReconnectsUnlessReplaced(t *testing.T) {
	f := fakewecom.New(t)
	v := startVendor(t, f, f.BotSecret)
	v.expect("authenticated")
	f.KillConnection()
	v.expect("disconnected")
	v.expect("authenticated")
	f.HalfOpen(true) // pings are not answered
	v.expect("disconnected")
	f.HalfOpen(false)
	v.expect("authenticated")
	f.Takeover()
	v.expect("replaced")
	if e := v.expect("over"); e.Connected {
		t.Error("it stayed connected")
	}
	if n := f.Connections(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

func TestVendorsBotWithAWrongSecret(t *testing.T) {
	f := fakewecom.New(t)
	v := startVendor(t, f, "wrong")
	if e := v.expect("error"); !strings.Contains(e.Message, "846602") {
		t.Errorf("%+v", e)
	}
}

// TestCryptoAgainstTheVendors proves the fake's crypto by the vendor's, both ways.
func TestCryptoAgainstTheVendors(t *testing.T) {
	f := fakewecom.New(t)
	type operation map[string]string
	ours, err := fakewecom.Encrypt(f.AESKey, "你好 <xml/>", f.CorpID)
	if err != nil {
		t.Fatal(err)
	}
	run := func(ops ...operation) []map[string]string {
		cmd := vendorClient(t, "crypto")
		data, err := json.Marshal(ops)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = bytes.NewReader(data)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		var results []map[string]string
		if err := json.Unmarshal(out, &results); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return results
	}
	got := run(operation{"op": "decrypt", "key": f.AESKey, "encrypted": ours},
		operation{"op": "sign", "token": f.Token, "timestamp": "1409659589", "nonce": "n", "encrypted": ours},
		operation{"op": "encrypt", "key": f.BotAESKey, "message": `{"msgtype":"text"}`, "id": ""})
	if got[0]["message"] != "你好 <xml/>" || got[0]["id"] != f.CorpID {
		t.Errorf("the vendor reads %q", got[0])
	}
	if got[1]["signature"] != fakewecom.Sign(f.Token, "1409659589", "n", ours) {
		t.Error("the vendor signs otherwise")
	}
	message, receiver, err := fakewecom.Decrypt(f.BotAESKey, got[2]["encrypted"])
	if err != nil || message != `{"msgtype":"text"}` || receiver != "" {
		t.Errorf("we read %q for %q: %v", message, receiver, err)
	}
}
