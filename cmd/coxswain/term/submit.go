package term

import (
	"context"
	"maps"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// outgoing is one message on its way.
type outgoing struct {
	post   room.Post
	line   string
	answer bool // to a question: "@FILE" is the file
	known  map[string]room.PostRef
}

// submit sends a line on the side; what comes of it comes by the feed.
func (m *model) submit(line string, refs map[string]room.PostRef) tea.Cmd {
	o := outgoing{post: m.post(line), line: line, answer: m.ask != nil, known: maps.Clone(m.refs)}
	o.post.Interactive, o.post.Refs = true, refs
	m.setAsk(nil)
	m.pending[o.post.ID], m.sent[o.post.ID] = true, true
	ctx, client, contents := m.ctx, m.Client, Contents{Upload: m.Contents.Upload}
	return func() tea.Msg {
		err := o.resolve(ctx, contents)
		if err == nil {
			send, cancel := context.WithTimeout(ctx, requestTimeout)
			defer cancel()
			_, err = client.Send(send, o.post)
		}
		return sentMsg{id: o.post.ID, line: o.line, refs: o.post.Refs, err: err}
	}
}

// resolve reads the contents that the line names.
func (o *outgoing) resolve(ctx context.Context, c Contents) error {
	if o.post.Refs != nil {
		return nil // a secret: its text is not looked at
	}
	const answer = "answer="
	line := o.line
	if o.answer {
		line = answer + line
	}
	text, refs, err := c.Resolve(ctx, line)
	if err != nil {
		return err
	}
	for name, ref := range o.known {
		if _, ours := refs[name]; !ours && strings.Contains(text+" ", "@:"+name+" ") {
			refs[name] = ref
		}
	}
	o.post.Text, o.post.Refs = text, refs
	if o.answer {
		o.post.Text = strings.TrimPrefix(text, answer)
	}
	return nil
}

// delivered notes what became of a send. A line that did not reach the server
// comes back to the input.
func (m *model) delivered(msg sentMsg) tea.Cmd {
	if msg.err == nil {
		for name, ref := range msg.refs {
			if len(m.refs) < 16 || m.refs[name].Inline != nil {
				m.refs[name] = ref
			}
		}
		return nil
	}
	delete(m.pending, msg.id)
	if m.ctx.Err() != nil {
		return nil
	}
	if m.input.Value() == "" && !strings.HasPrefix(msg.line, "@:") {
		m.set(msg.line)
	}
	_, text := m.explain(msg.err, false)
	return m.notice(red, "✗", text)
}

// ended is the end of a feed that was not meant to end.
func (m *model) ended(msg endedMsg) tea.Cmd {
	if msg.generation != m.feed.generation || m.leaving || m.ctx.Err() != nil {
		return nil
	}
	m.online = false
	_, text := m.explain(msg.err, false)
	return m.notice(red, "✗", text)
}

// own does what is meant for the client itself.
func (m *model) own(line string) tea.Cmd {
	word, arg, _ := strings.Cut(line, " ")
	arg = strings.TrimSpace(arg)
	switch {
	case word == "/quit" || word == "/exit" || word == "/q":
		return m.leave()
	case word == "/lang" && (arg == "zh" || arg == "en"):
		m.Lang, m.LangForced = arg, true
		m.Words.Lang, m.Renderer.Words.Lang = arg, arg
		m.prompt()
		return m.print(m.banner())
	case word == "/room" && arg != "":
		return m.enterRoom(arg)
	}
	return m.notice(yellow, "!", m.Words.Say("term.own", "word", word))
}

func (m *model) enterRoom(name string) tea.Cmd {
	m.Room = name
	m.cards, m.buttons = nil, nil
	m.printed, m.pending = map[string]string{}, map[string]bool{}
	m.setAsk(nil)
	m.feed.start(Feed{Room: m.Room, As: m.As, After: -1, Last: historyShown})
	return m.print(m.Renderer.paint(dim, m.Words.Say("term.room", "room", clean(name))))
}

// complete asks for the ways to go on, or moves among them.
func (m *model) complete(step int) tea.Cmd {
	if m.secret() {
		return nil
	}
	if m.menu != nil {
		m.menu.move(step)
		m.set(m.menu.text())
		return nil
	}
	text := m.input.Value()
	m.asked++
	number := m.asked
	if _, word := lastWord(text); word != "" {
		if items, ok := files(word); ok {
			return m.completed(completedMsg{number: number, text: text, items: items})
		}
	}
	if m.ask != nil && len(m.ask.Choices) > 0 {
		return m.completed(completedMsg{number: number, text: text, items: m.answers(text)})
	}
	p, ctx, client := m.post(text), m.ctx, m.Client
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		items, err := client.Complete(ctx, p)
		return completedMsg{number: number, text: text, items: items, err: err}
	}
}

func (m *model) answers(text string) []bot.Completion {
	var out []bot.Completion
	for _, c := range m.ask.Choices {
		if strings.HasPrefix(c, text) {
			out = append(out, bot.Completion{Text: c})
		}
	}
	return out
}

// completed shows the ways to go on. One alone is taken at once.
func (m *model) completed(msg completedMsg) tea.Cmd {
	if msg.number != m.asked || m.input.Value() != msg.text {
		return nil // the person has typed on
	}
	switch {
	case msg.err != nil:
		_, m.hint = m.explain(msg.err, false)
	case len(msg.items) == 0:
		m.hint = m.Words.Say("term.hint.nothing")
	case len(msg.items) == 1:
		m.set(newMenu(msg.text, msg.items).accepted(0))
	default:
		m.menu = newMenu(msg.text, msg.items)
		m.set(m.menu.text())
	}
	return nil
}
