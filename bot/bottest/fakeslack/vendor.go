package fakeslack

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest"
)

// Vendor is one of Slack's own clients, run by node from e2e/npm.
type Vendor struct {
	tb     testing.TB
	in     io.WriteCloser
	events chan map[string]any
}

// StartVendor runs e2e/npm/slack.js in one of its modes against f until the test
// ends. The test is skipped where node or the npm packages are missing.
func StartVendor(tb testing.TB, f *Fake, mode string) *Vendor {
	tb.Helper()
	node, dir := bottest.NPM(tb, "@slack/bolt")
	settings, err := json.Marshal(map[string]string{"url": f.URL, "botToken": f.BotToken, "appToken": f.AppToken, "signingSecret": f.SigningSecret})
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(node, filepath.Join(dir, "slack.js"), mode)
	cmd.Env = append(os.Environ(), "FAKE="+string(settings), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	cmd.Stderr = &lines{tb: tb}
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	v := &Vendor{tb: tb, in: in, events: make(chan map[string]any, 100)}
	ended := make(chan struct{})
	go func() { defer close(ended); v.read(out) }()
	tb.Cleanup(func() {
		_ = in.Close() // the client ends by it
		kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		<-ended
		if err := cmd.Wait(); err != nil {
			tb.Errorf("Slack's client: %v", err)
		}
		kill.Stop()
	})
	return v
}

func (v *Vendor) read(out io.Reader) {
	defer close(v.events)
	s := bufio.NewScanner(out)
	for s.Scan() {
		var e map[string]any
		if json.Unmarshal(s.Bytes(), &e) == nil {
			v.events <- e
		}
	}
}

// Next waits for the next thing that the client tells, which must be of the kind.
func (v *Vendor) Next(kind string) map[string]any {
	v.tb.Helper()
	t := time.NewTimer(30 * time.Second)
	defer t.Stop()
	select {
	case e, ok := <-v.events:
		if !ok {
			v.tb.Fatalf("Slack's client ended instead of telling %q", kind)
		}
		if e["is"] != kind {
			v.tb.Fatalf("Slack's client told %v instead of %q", e, kind)
		}
		return e
	case <-t.C:
		v.tb.Fatalf("Slack's client did not tell %q", kind)
	}
	return nil
}

// Ask writes a line to the client.
func (v *Vendor) Ask(q any) {
	v.tb.Helper()
	raw, err := json.Marshal(q)
	if err != nil {
		v.tb.Fatal(err)
	}
	if _, err := v.in.Write(append(raw, '\n')); err != nil {
		v.tb.Fatal(err)
	}
}

// lines logs what the client complains of.
type lines struct{ tb testing.TB }

func (l *lines) Write(p []byte) (int, error) {
	l.tb.Logf("slack.js: %s", p)
	return len(p), nil
}
