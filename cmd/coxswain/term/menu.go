package term

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/coxswain-ops/coxswain/bot"
)

const menuSize = 8

// menu offers the ways to go on from a text.
type menu struct {
	base  string // the text without its last word
	word  string // its last word, as it was typed
	items []bot.Completion
	at    int // chosen; -1: none yet
}

// lastWord splits text before its last word.
func lastWord(text string) (base, word string) {
	i := strings.LastIndexFunc(text, unicode.IsSpace)
	if i < 0 {
		return "", text
	}
	size := len(string([]rune(text[i:])[0]))
	return text[:i+size], text[i+size:]
}

func newMenu(text string, items []bot.Completion) *menu {
	m := &menu{items: items, at: -1}
	m.base, m.word = lastWord(text)
	return m
}

// common is how far all items go on alike, at least what was typed.
func (m *menu) common() string {
	if len(m.items) == 0 {
		return m.word
	}
	same := []rune(m.items[0].Text)
	for _, item := range m.items[1:] {
		other := []rune(item.Text)
		n := 0
		for n < len(same) && n < len(other) && same[n] == other[n] {
			n++
		}
		same = same[:n]
	}
	if !strings.HasPrefix(string(same), m.word) {
		return m.word
	}
	return string(same)
}

// move goes to the next item by step, round the ends.
func (m *menu) move(step int) {
	if m.at < 0 && step < 0 {
		m.at = 0
	}
	m.at = (m.at + step + len(m.items)) % len(m.items)
}

// text is the input with the chosen item in it.
func (m *menu) text() string {
	if m.at < 0 {
		return m.base + m.common()
	}
	return m.base + m.items[m.at].Text
}

// accepted is the input after an item was taken: with a space, unless a value
// must follow.
func (m *menu) accepted(i int) string {
	word := m.items[i].Text
	if strings.HasSuffix(word, "=") || strings.HasSuffix(word, "/") || strings.HasSuffix(word, ",") {
		return m.base + word
	}
	return m.base + word + " "
}

func (m *menu) view(r Renderer) []string {
	first := 0
	if m.at >= menuSize {
		first = m.at - menuSize + 1
	}
	wide := 0
	for _, item := range m.items {
		wide = max(wide, width(item.Text))
	}
	wide = min(wide, max(8, r.Width/2))
	var out []string
	for i := first; i < len(m.items) && i < first+menuSize; i++ {
		item := m.items[i]
		sign, sgr := "  ", ""
		if i == m.at {
			sign, sgr = "› ", bold+";"+cyan
		}
		line := r.paint(sgr, sign+pad(cut(oneLine(item.Text), wide), wide)) + "  " + r.paint(dim, oneLine(item.Help))
		out = append(out, fit(line, r.Width))
	}
	if rest := len(m.items) - first - menuSize; rest > 0 {
		out = append(out, r.paint(dim, "  "+r.Words.Say("term.more", "count", rest)))
	}
	return out
}

// files completes a path after NAME=@, which only this side can see. ok is false
// when word is something else.
func files(word string) (items []bot.Completion, ok bool) {
	i := strings.Index(word, "=@")
	if i < 0 || strings.HasPrefix(word[i+2:], "@") || strings.HasPrefix(word[i+2:], ":") {
		return nil, false
	}
	head, path := word[:i+2], word[i+2:]
	dir, start := filepath.Split(path)
	entries, err := os.ReadDir(fromHome(dir + "."))
	if err != nil {
		return nil, true
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, start) || strings.HasPrefix(name, ".") && start == "" || strings.ContainsAny(name, " \t") {
			continue
		}
		if e.IsDir() {
			name += "/"
		}
		items = append(items, bot.Completion{Text: head + dir + name})
	}
	return items, true
}
