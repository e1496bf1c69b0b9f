package bot

import (
	"slices"
	"strings"
	"unicode"
)

// YesNo reads what a yes-or-no field of a form begins with: like all that a form
// is filled in with, it comes in the words of the reader's language, which the
// command's parser reads back. known is false for nothing and for any other word.
func YesNo(value string) (yes, known bool) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "yes", "true", "是":
		return true, true
	case "no", "false", "否":
		return false, true
	}
	return false, false
}

// LeftOut is the entry of a list for a value that is not given, on platforms whose
// lists cannot begin with nothing.
const LeftOut = "–"

// Entries are what a list for the field offers. What was typed is one of them, be it
// right or not: it must not turn into another.
func (f FormField) Entries() []string {
	if len(f.Choices) > 0 && f.Default != "" && !slices.Contains(f.Choices, f.Default) {
		return append(slices.Clone(f.Choices), f.Default)
	}
	return f.Choices
}

// LangOf tells the language that m is written in, "zh" or "en", by the words that
// the catalogues have given it: an adapter that adds a few of its own says them in
// the same one. otherwise is for what has no such words.
func LangOf(m Message, otherwise string) string {
	for _, words := range []string{formWords(m.Form), labels(m), progressWords(m.Progress), m.Footer} {
		switch {
		case strings.ContainsFunc(words, isHan):
			return "zh"
		case strings.ContainsFunc(words, unicode.IsLetter):
			return "en"
		}
	}
	// These may be but a name, which is Latin in both languages.
	if strings.ContainsFunc(m.Title+m.Text, isHan) {
		return "zh"
	}
	return otherwise
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

func formWords(f *Form) string {
	if f == nil {
		return ""
	}
	words := f.Submit + f.Title
	for _, field := range f.Fields {
		words += field.Label
	}
	return words
}

func labels(m Message) string {
	words := ""
	for _, a := range m.Actions {
		words += a.Label
	}
	for _, f := range m.Fields {
		words += f.Label
	}
	if m.Table != nil {
		words += strings.Join(m.Table.Columns, "")
	}
	return words
}

func progressWords(p *Progress) string {
	if p == nil {
		return ""
	}
	words := ""
	for _, item := range p.Items {
		words += item.Text
	}
	return words
}
