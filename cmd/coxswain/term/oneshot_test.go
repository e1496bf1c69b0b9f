package term

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// echo answers with what was said.
func echo(ctx context.Context, s *server, in bot.Inbound) error {
	m := bot.Message{Text: in.Identity + " said " + in.Text, Failed: strings.HasPrefix(in.Text, "bad")}
	for name, r := range in.Refs {
		content := r.Inline
		if r.Path != "" {
			var err error
			if content, err = os.ReadFile(r.Path); err != nil {
				return err
			}
		}
		m.Fields = append(m.Fields, bot.Field{Label: name, Value: r.Name + ":" + string(content[:min(len(content), 20)])})
	}
	m.Private = strings.HasPrefix(in.Text, "secret")
	s.reply(ctx, in, m)
	return nil
}

func run(t *testing.T, c *caller, line string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return c.OneShot(ctx, line)
}

func TestOneShotPrintsTheAnswerAndItsStatus(t *testing.T) {
	s := newServer(t, echo)
	for line, want := range map[string]int{"help": ExitDone, "bad command": ExitFailed, "secret please": ExitDone} {
		c := newCaller(t, s.data)
		c.As, c.Room = "alice", "ops"
		if code := run(t, c, line); code != want || c.out.String() != "terminal:alice said "+line+"\n" || c.err.Len() > 0 {
			t.Errorf("%q: exit %d\n%s%s", line, code, &c.out, &c.err)
		}
	}
}

func TestOneShotSendsContents(t *testing.T) {
	s := newServer(t, echo)
	dir := t.TempDir()
	small, big := filepath.Join(dir, "small key"), filepath.Join(dir, "big.coxb")
	if err := os.WriteFile(small, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(big, bytes.Repeat([]byte("B"), 600<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCaller(t, s.data)
	line := Join([]string{"credential", "add", "password=@-", "key=@" + small, "--file", "@" + big, "note=@@home"})
	if code := run(t, c, line); code != ExitDone {
		t.Fatalf("exit %d\n%s%s", code, &c.out, &c.err)
	}
	for _, want := range []string{"password=@:password key=@:key --file @:file note=@home", "small key:key", "big.coxb:BBBB", ":from stdin"} {
		if !strings.Contains(c.out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &c.out)
		}
	}
}

func TestOneShotFailuresBeforeTheServer(t *testing.T) {
	c := newCaller(t, t.TempDir())
	if code := run(t, c, "x file=@/does/not/exist"); code != ExitUsage || !strings.Contains(c.err.String(), "/does/not/exist") {
		t.Errorf("exit %d\n%s", code, &c.err)
	}
	c.err.Reset()
	if code := run(t, c, "help"); code != ExitUnreachable || !strings.Contains(c.err.String(), "coxswain serve --data "+c.Data) {
		t.Errorf("exit %d\n%s", code, &c.err)
	}
}

func TestOneShotRefusedByTheServer(t *testing.T) {
	s := newServer(t, echo)
	c := newCaller(t, s.data)
	c.As = "Not A Name"
	if code := run(t, c, "help"); code != ExitFailed || !strings.Contains(c.err.String(), "is not a user name") {
		t.Errorf("exit %d\n%s", code, &c.err)
	}
}

func TestOneShotWithoutAnswer(t *testing.T) {
	s := newServer(t, func(context.Context, *server, bot.Inbound) error { return nil })
	c := newCaller(t, s.data)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if code := c.OneShot(ctx, "help"); code != ExitUnreachable || !strings.Contains(c.err.String(), "--timeout") {
		t.Errorf("exit %d\n%s", code, &c.err)
	}
}

// operate answers with a card and moves it on at each signal.
func operate(step <-chan bot.Message) func(context.Context, *server, bot.Inbound) error {
	return func(ctx context.Context, s *server, in bot.Inbound) error {
		ref := s.reply(ctx, in, card("pending", "pending", "pending"))
		for {
			select {
			case m, ok := <-step:
				if !ok {
					return nil
				}
				s.edit(ctx, ref, m)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func steps(all ...bot.Message) <-chan bot.Message {
	c := make(chan bot.Message, len(all))
	for _, m := range all {
		c <- m
	}
	close(c)
	return c
}

func TestWaitFollowsTheCardToItsEnd(t *testing.T) {
	failed := card("done", "failed", "pending")
	failed.Final, failed.Text = true, "it broke"
	for want, ends := range map[int]bot.Message{ExitDone: card("done", "done", "done"), ExitUnfinished: failed} {
		s := newServer(t, operate(steps(card("running", "pending", "pending"), card("done", "running", "pending"), ends)))
		c := newCaller(t, s.data)
		c.Wait = true
		if code := run(t, c, "cluster create demo"); code != want || !strings.Contains(c.out.String(), "stage 3") {
			t.Errorf("exit %d, want %d\n%s%s", code, want, &c.out, &c.err)
		}
	}
}

func TestWaitOutlivesARestart(t *testing.T) {
	step := make(chan bot.Message)
	s := newServer(t, operate(step))
	c := newCaller(t, s.data)
	c.Wait = true
	done := make(chan int, 1)
	go func() { done <- run(t, c, "cluster create demo") }()
	step <- card("running", "pending", "pending")
	s.stop()
	// The handler did not end, so the command is worked on again; its card is
	// another entry, of the same operation.
	go func() {
		step <- card("done", "running", "pending")
		step <- card("done", "done", "done")
		close(step)
	}()
	s.start()
	if code := <-done; code != ExitDone {
		t.Errorf("exit %d\n%s%s", code, &c.out, &c.err)
	}
}

func TestJSONPrintsTheFinalMessageAlone(t *testing.T) {
	end := card("done", "done", "done")
	end.Data = json.RawMessage(`{"cluster":"demo"}`)
	s := newServer(t, operate(steps(card("running"), end)))
	c := newCaller(t, s.data)
	c.Wait, c.JSON = true, true
	if code := run(t, c, "cluster create demo"); code != ExitDone || c.err.Len() > 0 {
		t.Fatalf("exit %d %s", code, &c.err)
	}
	var m bot.Message
	if err := json.Unmarshal(c.out.Bytes(), &m); err != nil || !m.Final || !strings.Contains(c.out.String(), `"cluster": "demo"`) {
		t.Errorf("%v\n%s", err, &c.out)
	}
}

func TestWaitOnATerminalRedrawsInPlace(t *testing.T) {
	s := newServer(t, operate(steps(card("running", "pending", "pending"), card("done", "done", "done"))))
	c := newCaller(t, s.data)
	c.Wait, c.Renderer.Color = true, true
	c.Live = &Live{Out: &c.out, Size: func() (int, int) { return 40, 10 }}
	if code := run(t, c, "cluster create demo"); code != ExitDone {
		t.Fatalf("exit %d\n%s", code, &c.err)
	}
	if strings.Count(clean(c.out.String()), "3/3") != 1 {
		t.Errorf("%q", c.out.String())
	}
}

func TestScriptStopsAtTheFirstFailure(t *testing.T) {
	s := newServer(t, echo)
	c := newCaller(t, s.data)
	script := "# set up\n\nhelp\nbad one\nhelp again\n"
	code := c.Script(strings.NewReader(script), func(line string) int { return run(t, c, line) })
	if code != ExitFailed || strings.Contains(c.out.String(), "again") || !strings.Contains(c.err.String(), "line 4") {
		t.Errorf("exit %d\n%s%s", code, &c.out, &c.err)
	}
}
