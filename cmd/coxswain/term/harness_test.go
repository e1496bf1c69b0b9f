package term

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/roomtest"
	"github.com/coxswain-ops/coxswain/commands/messages"
)

// TestMain lets bubbletea's timer be: it ends by itself in two seconds, and there
// is no way to call it back.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/charmbracelet/bubbletea.Tick.func1"))
}

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", path, got, want)
	}
}

func words(t *testing.T, lang string) Words {
	t.Helper()
	c, err := messages.Load()
	if err != nil {
		t.Fatal(err)
	}
	return Words{Catalogue: c, Lang: lang}
}

// server is a room with an inbox behind it whose handler is a test's. Its stores
// outlive a restart.
type server struct {
	t          *testing.T
	data       string
	transcript *roomtest.Transcript
	store      *bottest.Memory
	handle     func(context.Context, *server, bot.Inbound) error
	room       *room.Room
	stop       func()
}

func newServer(t *testing.T, handle func(context.Context, *server, bot.Inbound) error) *server {
	t.Helper()
	s := &server{t: t, data: t.TempDir(), transcript: &roomtest.Transcript{}, store: &bottest.Memory{}, handle: handle}
	s.start()
	t.Cleanup(func() { s.stop() })
	return s
}

// start serves until stop; when it returns the socket is open.
func (s *server) start() {
	s.t.Helper()
	s.room = room.New(room.Config{Transcript: s.transcript, Changed: s.transcript.Subscribe, Data: s.data, Assistant: helper{}})
	inbox := bot.NewInbox(s.store, "test", bot.InboxOptions{Alone: true, Grace: time.Millisecond})
	l, err := room.Listen(room.SocketPath(s.data))
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := room.Serve(ctx, l, s.room.API(inbox.Accept, room.LocalCaller).Handler()); err != nil {
			s.t.Errorf("Serve: %v", err)
		}
	})
	wg.Go(func() {
		if err := inbox.Run(ctx, func(ctx context.Context, in bot.Inbound) error { return s.handle(ctx, s, in) }); err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
	s.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
}

// reply answers in.
func (s *server) reply(ctx context.Context, in bot.Inbound, m bot.Message) bot.MessageRef {
	m.ReplyTo = in.ID
	to := in.From
	if m.Private {
		to.Room = room.DM(in.Identity)
	}
	ref, err := s.room.Send(ctx, to, m)
	if err != nil && ctx.Err() == nil {
		s.t.Errorf("Send: %v", err)
	}
	return ref
}

func (s *server) edit(ctx context.Context, ref bot.MessageRef, m bot.Message) {
	if err := s.room.Update(ctx, ref, m); err != nil && ctx.Err() == nil {
		s.t.Errorf("Update: %v", err)
	}
}

// helper completes the words of a tiny language.
type helper struct{}

func (helper) Complete(_ context.Context, in bot.Inbound) ([]bot.Completion, error) {
	var out []bot.Completion
	_, word := lastWord(in.Text)
	for _, w := range []string{"cluster", "clone", "help"} {
		if strings.HasPrefix(w, word) {
			out = append(out, bot.Completion{Text: w, Help: "about " + w})
		}
	}
	return out, nil
}

func (helper) Form(context.Context, bot.Inbound) (*bot.Form, error) { return nil, nil }

func (helper) Home(context.Context, bot.Inbound) (bot.Message, error) { return bot.Message{}, nil }

// caller is a session whose output is kept.
type caller struct {
	*Session
	out, err bytes.Buffer
}

func newCaller(t *testing.T, data string) *caller {
	t.Helper()
	w := words(t, "en")
	c := &caller{Session: &Session{Client: NewClient(data), Data: data, Lang: "en", Words: w, Renderer: Renderer{Words: w}}}
	c.Out, c.Err = &c.out, &c.err
	c.Contents = Contents{Stdin: strings.NewReader("from stdin"), Upload: c.Client.Upload}
	t.Cleanup(c.Client.Close)
	return c
}

// card is a card of an operation with three stages.
func card(states ...string) bot.Message {
	m := bot.Message{Title: "op-1 create demo", Operation: "op-1", Progress: &bot.Progress{Total: 3, Elapsed: 61000}}
	for i, st := range states {
		m.Progress.Items = append(m.Progress.Items, bot.ProgressItem{State: st, Text: fmt.Sprintf("stage %d", i+1)})
		if st == "done" {
			m.Progress.Done++
		}
	}
	m.Final = m.Progress.Done == 3
	m.Succeeded = m.Final
	return m
}
