package term

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// screen keeps what a conversation writes and lets a test wait for words in it.
type screen struct {
	mu   sync.Mutex
	cond *sync.Cond
	text bytes.Buffer
	from int // where the next look begins
}

func newScreen() *screen {
	s := &screen{}
	s.cond = sync.NewCond(&s.mu)
	return s
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.cond.Broadcast()
	return s.text.Write(p)
}

// await waits for pattern after what was awaited before.
func (s *screen) await(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	timer := time.AfterFunc(15*time.Second, s.cond.Broadcast)
	defer timer.Stop()
	deadline := time.Now().Add(15 * time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		all := s.text.String()
		if at := re.FindStringIndex(clean(all[s.from:])); at != nil {
			s.from = len(all)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q did not appear in %q", pattern, all[s.from:])
		}
		s.cond.Wait()
	}
}

// talk starts a conversation; what is written to keys is typed.
func talk(t *testing.T, s *server, change func(*Session)) (out *screen, keys func(string), end func() int) {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	out = newScreen()
	c := newCaller(t, s.data)
	c.Out = out
	if change != nil {
		change(c.Session)
	}
	in, typed := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- c.Converse(t.Context(), in) }()
	keys = func(k string) {
		if _, err := io.WriteString(typed, k); err != nil {
			t.Errorf("type %q: %v", k, err)
		}
	}
	end = sync.OnceValue(func() int {
		got := <-code
		typed.Close()
		return got
	})
	return out, keys, end
}

// clerk asks, shows cards, and echoes the rest.
func clerk(ctx context.Context, s *server, in bot.Inbound) error {
	switch in.Text {
	case "secret":
		s.reply(ctx, in, bot.Message{Text: "the password?", Ask: &bot.Ask{Name: "password", Secret: true}})
	case "count":
		s.reply(ctx, in, bot.Message{Text: "how many?", Ask: &bot.Ask{Name: "count"}, Actions: []bot.Action{{Label: "no", Command: "none"}}})
	case "offer":
		s.reply(ctx, in, bot.Message{Text: "shall I?", Actions: []bot.Action{{Label: "Yes", Command: "do it"}}})
	case "create":
		ref := s.reply(ctx, in, card("running", "pending", "pending"))
		s.edit(ctx, ref, card("done", "done", "done"))
	default:
		return echo(ctx, s, in)
	}
	return nil
}

func TestConversation(t *testing.T) {
	s := newServer(t, clerk)
	out, keys, end := talk(t, s, nil)
	out.await(t, "Type help")
	keys("hel\t")
	out.await(t, "help ")
	keys("\r")
	out.await(t, `said help`)
	keys("offer\r")
	out.await(t, `\[1\] Yes`)
	keys("1\r")
	out.await(t, `said do it`)
	keys("count\r")
	out.await(t, "count ›")
	keys("1\r")
	out.await(t, `said 1\b`)
	keys("create\r")
	out.await(t, `3/3  1:01`)
	keys("/lang zh\r")
	out.await(t, "输入“帮助”")
	keys("/room ops\r")
	out.await(t, "── ops ──")
	keys("/nowhere\r")
	out.await(t, "/nowhere")
	keys("/quit\r")
	if code := end(); code != ExitDone {
		t.Errorf("exit %d", code)
	}
}

func TestConversationSecretIsNeitherShownNorKept(t *testing.T) {
	s := newServer(t, clerk)
	out, keys, end := talk(t, s, nil)
	keys("secret\r")
	out.await(t, `password \(not shown\):`)
	keys("hunter2\r")
	out.await(t, "password  :hunter2") // the echo of the test's server alone
	keys("credential add x password=hunter3\r")
	out.await(t, "password=••••")
	keys("\x04")
	end()
	kept, err := os.ReadFile(filepath.Join(os.Getenv("XDG_STATE_HOME"), "coxswain", "history"))
	if err != nil || strings.Contains(string(kept), "hunter") || !strings.Contains(string(kept), "secret\n") {
		t.Errorf("history %q %v", kept, err)
	}
	entries, err := s.transcript.LastEntries(t.Context(), room.Terminal, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Author != "" && strings.Contains(e.Text, "hunter") {
			t.Errorf("transcript: %q", e.Text)
		}
	}
}

func TestConversationOutlivesTheServer(t *testing.T) {
	s := newServer(t, clerk)
	out, keys, end := talk(t, s, nil)
	keys("one\r")
	out.await(t, "said one")
	s.stop()
	out.await(t, "no connection")
	keys("two\r")
	out.await(t, "No server answers")
	s.start()
	out.await(t, "Tab completes") // the status when all is well
	keys("\r")                    // the line came back to the input
	out.await(t, "said two")
	keys("\x03")
	out.await(t, "Ctrl-C again")
	keys("\x03")
	end()
}

func TestConversationWithoutServer(t *testing.T) {
	c := newCaller(t, t.TempDir())
	if code := c.Converse(t.Context(), strings.NewReader("")); code != ExitUnreachable || !strings.Contains(c.err.String(), "coxswain serve") {
		t.Errorf("exit %d %s", code, &c.err)
	}
}

// still is a model without a terminal or a server.
func still(t *testing.T) *model {
	t.Helper()
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	c := newCaller(t, t.TempDir())
	c.Renderer.Width = 60
	m := c.newModel(t.Context())
	m.height = 20
	m.feed.send = func(tea.Msg) {}
	return m
}

func (m *model) show(e room.Entry) { m.Update(entryMsg{entry: e}) }

func TestLivingCardsAreReplacedAndLeave(t *testing.T) {
	m := still(t)
	m.show(room.Entry{ID: "a", Room: room.Terminal, Bot: card("running", "pending", "pending")})
	m.show(room.Entry{ID: "b", Room: room.Terminal, Bot: card("done", "running", "pending")}) // the same operation, elsewhere
	if view := m.View(); strings.Count(view, "op-1") != 1 || !strings.Contains(view, "1/3") {
		t.Errorf("%s", view)
	}
	m.show(room.Entry{ID: "b", Room: room.Terminal, Bot: card("done", "done", "done")})
	if view := m.View(); strings.Contains(view, "op-1") || len(m.cards) != 0 {
		t.Errorf("%s", view)
	}
	// A retry makes the same card live again.
	m.show(room.Entry{ID: "b", Room: room.Terminal, Bot: card("done", "running", "pending")})
	if len(m.cards) != 1 {
		t.Error("a retried operation has no card")
	}
}

func TestOldQuestionsAreNotAnswered(t *testing.T) {
	m := still(t)
	ask := bot.Message{Ask: &bot.Ask{Name: "password", Secret: true}, ReplyTo: "x"}
	m.show(room.Entry{ID: "a", Room: room.Terminal, Bot: ask, At: time.Now().Add(-time.Hour)})
	if m.secret() {
		t.Error("a question of an hour ago")
	}
	m.show(room.Entry{ID: "b", Room: "ops", Bot: ask, At: time.Now()})
	if m.secret() {
		t.Error("a question to somebody else in a room")
	}
	m.show(room.Entry{ID: "c", Room: room.Terminal, Bot: ask, At: time.Now()})
	if !m.secret() {
		t.Error("a fresh question was not seen")
	}
	m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("hunt")})
	m.show(room.Entry{ID: "d", Room: room.Terminal, Bot: bot.Message{Text: "done", ReplyTo: "other"}})
	if !m.secret() || strings.Contains(m.View(), "hunt") {
		t.Errorf("another answer brought a half-typed secret to light:\n%s", m.View())
	}
	m.Update(tea.KeyMsg{Type: tea.KeyEsc})
	if m.secret() || m.input.Value() != "" {
		t.Error("Esc does not leave")
	}
}

func TestPrivateAndEditedAreSaid(t *testing.T) {
	m := still(t)
	m.Room = "ops"
	m.show(room.Entry{ID: "a", Room: "dm:local:local", Bot: bot.Message{Text: "only you"}})
	m.show(room.Entry{ID: "b", Room: "ops", Bot: bot.Message{Text: "first"}})
	m.show(room.Entry{ID: "b", Room: "ops", Bot: bot.Message{Text: "second"}, Edited: true})
	m.show(room.Entry{ID: "b", Room: "ops", Bot: bot.Message{Text: "second"}, Edited: true})
	m.show(room.Entry{ID: "c", Room: "ops", Author: "terminal:bob", Text: "hi \x1b[2Jall"})
	got := strings.Join(m.queue, "\n")
	if strings.Count(got, "second") != 1 || !strings.Contains(got, "(changed)") || !strings.Contains(got, "terminal:bob: hi all") {
		t.Errorf("%s", got)
	}
}

func TestViewFitsTheScreen(t *testing.T) {
	m := still(t)
	for i, op := range []string{"op-1", "op-2", "op-3"} {
		c := card("running", "pending", "pending")
		c.Operation = op
		m.show(room.Entry{ID: op, Room: room.Terminal, Bot: c, Cursor: int64(i)})
	}
	for h := 6; h < 40; h++ {
		m.height = h
		if n := strings.Count(m.View(), "\n") + 1; n > h {
			t.Errorf("%d lines on a screen of %d:\n%s", n, h, m.View())
		}
	}
}

func TestFilesAreCompletedHere(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"bundle.coxb", "bundle.txt", ".hidden"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := still(t)
	m.set("bundle import file=@" + dir + "/bu")
	m.Update(tea.KeyMsg{Type: tea.KeyTab})
	if got := m.input.Value(); !strings.HasSuffix(got, "/bundle.") || len(m.menu.items) != 2 {
		t.Errorf("%q %+v", got, m.menu)
	}
	m.Update(tea.KeyMsg{Type: tea.KeyTab})
	m.Update(tea.KeyMsg{Type: tea.KeyEnter})
	if got := m.input.Value(); !strings.HasSuffix(got, "/bundle.coxb ") {
		t.Errorf("%q", got)
	}
}
