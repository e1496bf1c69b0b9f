package term

import "strings"

// View implements tea.Model: the living cards, the menu or a hint, the input.
func (m *model) View() string {
	if m.leaving {
		return ""
	}
	var below []string
	if m.menu != nil {
		below = append(below, m.menu.view(m.Renderer)...)
	}
	below = append(below, m.status())
	lines := m.livingCards(max(4, m.height-len(below)-2))
	lines = append(lines, m.input.View())
	return strings.Join(append(lines, below...), "\n")
}

// livingCards shows the cards in at most height lines, the newest nearest to the
// input.
func (m *model) livingCards(height int) []string {
	var out []string
	for i := len(m.cards) - 1; i >= 0 && height > 2; i-- {
		share := height
		if i > 0 {
			share = max(height*2/3, 3)
		}
		card := strings.Split(m.Renderer.Card(m.cards[i].Bot, share-1), "\n")
		out = append(append(card, ""), out...)
		height -= len(card) + 1
	}
	return out
}

// status is the line below the input: where one is, and what is the matter.
func (m *model) status() string {
	var parts []string
	switch {
	case m.hint != "":
		parts = append(parts, m.hint)
	case !m.online:
		parts = append(parts, m.Words.Say("term.status.away"))
	case m.secret():
		parts = append(parts, m.Words.Say("term.status.secret"))
	case len(m.pending) > 0:
		parts = append(parts, m.Words.Say("term.status.waiting"))
	default:
		if m.Room != "" {
			parts = append(parts, clean(m.Room))
		}
		parts = append(parts, m.Words.Say("term.status.keys"))
	}
	text := strings.Join(parts, " · ")
	if m.Renderer.Width > 0 {
		text = cut(text, m.Renderer.Width-1)
	}
	return m.Renderer.paint(dim, text)
}
