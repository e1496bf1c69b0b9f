package term

import (
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.Renderer.Width, m.height = msg.Width, msg.Height
		m.prompt()
		return m, nil
	case entryMsg:
		if msg.generation != m.feed.generation {
			return m, nil
		}
		return m, m.take(msg.entry)
	case onlineMsg:
		if msg.generation == m.feed.generation {
			m.online = msg.online
		}
		return m, nil
	case endedMsg:
		return m, m.ended(msg)
	case sentMsg:
		return m, m.delivered(msg)
	case completedMsg:
		return m, m.completed(msg)
	case printedMsg:
		return m, m.printQueue()
	case forgetMsg:
		m.quit, m.hint = false, ""
		return m, nil
	case tea.KeyMsg:
		return m, m.key(msg)
	}
	var cmd tea.Cmd
	m.input, cmd = m.input.Update(msg)
	return m, cmd
}

func (m *model) key(k tea.KeyMsg) tea.Cmd {
	if k.Type != tea.KeyCtrlC {
		m.quit, m.hint = false, ""
	}
	switch k.Type {
	case tea.KeyCtrlC:
		return m.interrupt()
	case tea.KeyCtrlD:
		if m.input.Value() == "" {
			return m.leave()
		}
	case tea.KeyTab:
		return m.complete(1)
	case tea.KeyShiftTab:
		return m.complete(-1)
	case tea.KeyEsc:
		m.escape()
		return nil
	case tea.KeyUp, tea.KeyCtrlP:
		m.arrow(-1)
		return nil
	case tea.KeyDown, tea.KeyCtrlN:
		m.arrow(1)
		return nil
	case tea.KeyEnter:
		return m.enter()
	}
	m.menu = nil
	var cmd tea.Cmd
	m.input, cmd = m.input.Update(k)
	return cmd
}

func (m *model) leave() tea.Cmd {
	m.leaving = true
	return tea.Quit
}

// interrupt clears the line at the first Ctrl-C and leaves at the second.
func (m *model) interrupt() tea.Cmd {
	if m.quit {
		return m.leave()
	}
	m.quit, m.menu, m.hint = true, nil, m.Words.Say("term.hint.quit")
	m.input.SetValue("")
	return tea.Tick(2*time.Second, func(time.Time) tea.Msg { return forgetMsg{} })
}

// escape closes the menu, or leaves the input without echo.
func (m *model) escape() {
	switch {
	case m.menu != nil:
		m.set(m.menu.base + m.menu.word)
		m.menu = nil
	case m.secret():
		m.setAsk(nil)
		m.input.SetValue("")
	}
}

// arrow moves in the menu if it is open, else in the history.
func (m *model) arrow(step int) {
	switch {
	case m.menu != nil:
		m.menu.move(step)
		m.set(m.menu.text())
	case m.secret():
	case step < 0:
		m.set(m.history.Back(m.input.Value()))
	default:
		m.set(m.history.Forth(m.input.Value()))
	}
}

func (m *model) set(text string) {
	m.input.SetValue(text)
	m.input.CursorEnd()
}

func (m *model) secret() bool { return m.ask != nil && m.ask.Secret }

// prompt fits the input line to what is expected and to the terminal.
func (m *model) prompt() {
	m.input.EchoMode, m.input.Prompt = textinput.EchoNormal, "› "
	switch {
	case m.secret():
		m.input.EchoMode = textinput.EchoNone
		m.input.Prompt = m.Words.Say("term.prompt.secret", "name", m.ask.Name) + " "
	case m.ask != nil:
		m.input.Prompt = clean(m.ask.Name) + " › "
	case m.As != "":
		m.input.Prompt = m.As + " › "
	}
	m.input.Prompt = m.Renderer.paint(bold+";"+cyan, m.input.Prompt)
	m.input.Width = max(10, m.Renderer.Width-width(clean(m.input.Prompt))-2)
}

// enter sends the line, takes the chosen item, or does what is meant for the
// client itself.
func (m *model) enter() tea.Cmd {
	if m.menu != nil && m.menu.at >= 0 {
		m.set(m.menu.accepted(m.menu.at))
		m.menu = nil
		return nil
	}
	m.menu = nil
	line := m.input.Value()
	if !m.secret() {
		line = strings.TrimSpace(line)
	}
	if line == "" {
		return nil
	}
	m.input.SetValue("")
	switch {
	case m.secret():
		return m.answerSecret(line)
	case strings.HasPrefix(line, "/"):
		return m.own(line)
	case m.pressed(line) != nil:
		return m.submit(m.pressed(line).Typed(), nil)
	}
	if m.ask == nil {
		if err := m.history.Add(line); err != nil {
			m.hint = m.Words.Say("term.hint.history", "cause", err.Error())
		}
	}
	return m.submit(line, nil)
}

// pressed gives the button of a number. A number typed where a value is asked
// for is that value.
func (m *model) pressed(line string) *bot.Action {
	n, err := strconv.Atoi(line)
	if err != nil || n < 1 || n > len(m.buttons) || m.ask != nil {
		return nil
	}
	return &m.buttons[n-1]
}

func (m *model) answerSecret(secret string) tea.Cmd {
	name := m.ask.Name
	if !plainName.MatchString(name) {
		name = "secret"
	}
	m.setAsk(nil)
	return m.submit("@:"+name, map[string]room.PostRef{name: {Inline: []byte(secret)}})
}
