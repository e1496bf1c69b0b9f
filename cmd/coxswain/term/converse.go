package term

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

const (
	requestTimeout = 30 * time.Second
	historyShown   = 20
)

// Converse talks with the bot on a terminal until the person leaves or ctx ends,
// and gives the exit code.
func (s *Session) Converse(ctx context.Context, in io.Reader) int {
	hello, cancel := context.WithTimeout(ctx, requestTimeout)
	err := s.Client.Health(hello)
	cancel()
	if err != nil {
		return s.fail(err, false)
	}
	m := s.newModel(ctx)
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(s.Out), tea.WithoutSignalHandler())
	m.feed.send = p.Send
	_, err = p.Run()
	m.feed.stop()
	if err != nil && !errors.Is(err, tea.ErrProgramKilled) {
		return s.fail(err, false)
	}
	return ExitDone
}

// model is the conversation's state; only bubbletea's loop touches it.
type model struct {
	*Session
	ctx     context.Context
	feed    *feeder
	input   textinput.Model
	history *History
	height  int

	online  bool
	pending map[string]bool
	sent    map[string]bool         // messages of this conversation
	refs    map[string]room.PostRef // sent before: a button's command may name them again
	printed map[string]string       // entries shown above, as they were shown
	cards   []room.Entry            // living, oldest first
	queue   []string                // to be printed above the input
	busy    bool                    // something is being printed
	buttons []bot.Action
	ask     *bot.Ask
	menu    *menu
	asked   int // completions asked for, so that a late one is left out
	hint    string
	quit    bool // the next Ctrl-C leaves
	leaving bool
}

func (s *Session) newModel(ctx context.Context) *model {
	h, err := LoadHistory(HistoryPath(os.Getenv))
	input := textinput.New()
	input.Focus()
	input.CharLimit = 8000
	s.Renderer.Numbers, s.Renderer.WrapCode = true, true
	m := &model{Session: s, ctx: ctx, input: input, history: h, online: true, pending: map[string]bool{}, sent: map[string]bool{},
		refs: map[string]room.PostRef{}, printed: map[string]string{}, feed: &feeder{ctx: ctx, client: s.Client}}
	if err != nil {
		m.hint = m.Words.Say("term.hint.history", "cause", err.Error())
	}
	m.prompt()
	return m
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd {
	m.feed.start(Feed{Room: m.Room, As: m.As, After: -1, Last: historyShown})
	return tea.Batch(textinput.Blink, m.print(m.banner()))
}

func (m *model) banner() string {
	r := m.Renderer
	return strings.Join(append(r.painted(bold, m.Words.Say("term.banner.title")), r.painted(dim, m.Words.Say("term.banner.begin"))...), "\n") + "\n"
}

// The messages to the loop.
type (
	entryMsg struct {
		generation int
		entry      room.Entry
	}
	onlineMsg struct {
		generation int
		online     bool
	}
	endedMsg struct {
		generation int
		err        error
	}
	sentMsg struct {
		id, line string
		refs     map[string]room.PostRef
		err      error
	}
	completedMsg struct {
		number int
		text   string
		items  []bot.Completion
		err    error
	}
	forgetMsg  struct{} // the first Ctrl-C is forgotten
	printedMsg struct{}
)

// print prints above the input, after what was printed before: commands to the
// loop run side by side and would overtake each other.
func (m *model) print(text string) tea.Cmd {
	m.queue = append(m.queue, text)
	if m.busy {
		return nil
	}
	return m.printQueue()
}

// notice prints what the client itself has to say.
func (m *model) notice(sgr, sign, text string) tea.Cmd {
	lines := wrap(clean(text), m.Renderer.rest(2))
	return m.print(m.Renderer.paint(sgr, sign) + " " + strings.Join(lines, "\n  "))
}

func (m *model) printQueue() tea.Cmd {
	m.busy = len(m.queue) > 0
	if !m.busy {
		return nil
	}
	text := strings.Join(m.queue, "\n")
	m.queue = nil
	return tea.Sequence(tea.Println(text), func() tea.Msg { return printedMsg{} })
}

// feeder follows one room at a time for the loop.
type feeder struct {
	ctx        context.Context
	client     *Client
	send       func(tea.Msg)
	generation int
	cancel     context.CancelFunc
	running    sync.WaitGroup
}

// start follows f instead of what was followed before.
func (f *feeder) start(feed Feed) {
	if f.cancel != nil {
		f.cancel()
	}
	f.generation++
	g := f.generation
	ctx, cancel := context.WithCancel(f.ctx)
	f.cancel = cancel
	feed.Away = func(error) { f.send(onlineMsg{generation: g}) }
	feed.Back = func() { f.send(onlineMsg{generation: g, online: true}) }
	f.running.Go(func() {
		err := f.client.Follow(ctx, feed, func(e room.Entry) error {
			f.send(entryMsg{generation: g, entry: e})
			return nil
		})
		f.send(endedMsg{generation: g, err: err})
	})
}

// stop ends the following and waits for it. The loop must have ended: what is
// sent from then on is dropped.
func (f *feeder) stop() {
	if f.cancel != nil {
		f.cancel()
	}
	f.running.Wait()
}
