package term

import (
	"slices"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// askLifetime is how long the server waits for an answer; an older question in
// the history is not one any more.
const askLifetime = 10 * time.Minute

// take shows a new state of an entry: a living card in its place above the
// input, everything else printed once.
func (m *model) take(e room.Entry) tea.Cmd {
	delete(m.pending, e.Bot.ReplyTo)
	if e.Author != "" {
		return m.printEntry(e, m.spoken(e))
	}
	m.expect(e)
	i := slices.IndexFunc(m.cards, func(c room.Entry) bool { return c.ID == e.ID })
	if isLiving(e.Bot) {
		return m.keep(i, e)
	}
	if i >= 0 {
		m.cards = slices.Delete(m.cards, i, i+1)
	}
	return m.printEntry(e, m.Renderer.Message(e.Bot)+"\n")
}

func isLiving(c bot.Message) bool { return c.Operation != "" && c.Progress != nil && !c.Final }

// keep puts a living card in its place. An older card of the same operation is
// the same story told twice: only the newest is shown.
func (m *model) keep(i int, e room.Entry) tea.Cmd {
	if i >= 0 {
		m.cards[i] = e
		return nil
	}
	m.cards = slices.DeleteFunc(m.cards, func(c room.Entry) bool { return c.Bot.Operation == e.Bot.Operation })
	m.cards = append(m.cards, e)
	return nil
}

// expect notes what can be pressed and what the bot waits for.
func (m *model) expect(e room.Entry) {
	mine := m.sent[e.Bot.ReplyTo] || e.Room == room.Terminal || strings.HasPrefix(e.Room, "dm:")
	if len(e.Bot.Actions) > 0 || m.sent[e.Bot.ReplyTo] {
		m.buttons = e.Bot.Actions
	}
	switch {
	case m.secret() && m.input.Value() != "":
		// A secret is being typed: it must not come to light half-way.
	case e.Bot.Ask != nil && mine && time.Since(e.At) < askLifetime:
		m.setAsk(e.Bot.Ask)
	case mine && e.Bot.ReplyTo != "" && !isLiving(e.Bot) && !e.Edited:
		m.setAsk(nil) // the conversation went on
	}
}

func (m *model) setAsk(a *bot.Ask) {
	was := m.ask
	m.ask = a
	if (was == nil) != (a == nil) || a != nil {
		m.prompt()
	}
}

// spoken is what a person said. What this conversation's person said is set off
// by the prompt's sign, others by their name.
func (m *model) spoken(e room.Entry) string {
	text := strings.Join(wrap(clean(e.Text), m.Renderer.rest(4)), "\n    ")
	if e.Author == m.identity() {
		return m.Renderer.paint(cyan, "›") + " " + text
	}
	return m.Renderer.paint(yellow, clean(e.Author)+":") + " " + text
}

func (m *model) identity() string {
	if m.As != "" {
		return "terminal:" + m.As
	}
	return "local:local"
}

// printEntry prints an entry above the input, once per state.
func (m *model) printEntry(e room.Entry, text string) tea.Cmd {
	before, again := m.printed[e.ID]
	if before == text {
		return nil
	}
	m.printed[e.ID] = text
	if again {
		text = m.Renderer.paint(dim, m.Words.Say("term.edited")) + "\n" + text
	}
	if e.Author == "" && strings.HasPrefix(e.Room, "dm:") && e.Room != m.Room && m.Room != "" {
		text = m.Renderer.paint(dim, m.Words.Say("term.private")) + "\n" + text
	}
	return m.print(text)
}
