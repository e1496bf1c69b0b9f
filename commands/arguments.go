package commands

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// arguments reads what follows the head of a command.
type arguments struct {
	*Parsed
	refs   map[string]bot.Ref
	loose  []loose      // words without a name, to be assigned last
	failed map[int]bool // parameters whose value is wrong: not missing as well
}

// loose is a word that names no option.
type loose struct {
	lexeme
	stray bool // stands behind an option that is not known: perhaps its value
}

func (a *arguments) read(words []lexeme) {
	words = a.split(words)
	for i := 0; i < len(words); {
		i += a.one(words[i], words[i+1:])
	}
	a.assign()
	a.finish()
}

// split parts words at commas and semicolons that stand between options:
// "a，主节点=3，工作节点=5".
func (a *arguments) split(words []lexeme) []lexeme {
	var out []lexeme
	for _, w := range words {
		start := 0
		for i := range len(w.text) {
			if (w.text[i] == ',' || w.text[i] == ';') && !w.quoted[i] && a.startsOption(w.slice(i+1, len(w.text))) {
				out = appendWord(out, w.slice(start, i))
				start = i + 1
			}
		}
		out = appendWord(out, w.slice(start, len(w.text)))
	}
	return out
}

func appendWord(words []lexeme, w lexeme) []lexeme {
	if w.text == "" && w.end > w.pos { // "" is a word
		return append(words, w)
	}
	if w = w.trim(); w.text == "" && w.end == w.pos {
		return words
	}
	return append(words, w)
}

// startsOption reports whether name=, name: or --name of this command starts w.
func (a *arguments) startsOption(w lexeme) bool {
	if w.prefixed("--") {
		return true
	}
	name, _, cut := cutOption(w)
	_, known := a.params.find(name.text)
	return cut && known && name.bare()
}

// one reads the option at the front and says how many words it took.
func (a *arguments) one(w lexeme, after []lexeme) int {
	switch {
	case w.prefixed("--"):
		return a.dashed(w, after)
	case w.prefixed("-") && len(w.text) > 1 && !w.quoted[1] && w.index('=') < 0:
		a.unknown(w)
		return 1
	}
	name, value, cut := w.cut('=')
	if cut && name.bare() {
		if i, known := a.params.find(name.text); known {
			a.set(i, name, value)
		} else {
			a.unknown(name)
		}
		return 1
	}
	if cut { // "=5"
		a.unknown(w.slice(0, w.index('=')+1))
		return 1
	}
	if name, value, cut = w.cut(':'); cut && name.bare() {
		if i, known := a.params.find(name.text); known {
			a.set(i, name, value)
			return 1
		}
	}
	a.loose = append(a.loose, loose{lexeme: w})
	return 1
}

// dashed reads --name, --name=value and --name value.
func (a *arguments) dashed(w lexeme, after []lexeme) int {
	body := w.slice(2, len(w.text))
	if body.text == "" {
		return 1
	}
	name, value, cut := body.cut('=')
	i, known := a.params.find(name.text)
	if !known && !cut {
		if name, value, cut = body.cut(':'); cut {
			i, known = a.params.find(name.text)
		}
	}
	plainNext := len(after) > 0 && !after[0].prefixed("--") && after[0].index('=') < 0
	switch {
	case !known:
		a.unknown(body.slice(0, len(name.text)))
		if !cut && plainNext && !after[0].prefixed("-") {
			a.loose = append(a.loose, loose{after[0], true})
			return 2
		}
	case cut:
		a.set(i, name, value)
	case a.params.all[i].Type == TypeBool:
		if plainNext && after[0].bare() {
			if _, wrong := readBool(after[0].text); wrong == nil {
				a.set(i, name, after[0])
				return 2
			}
		}
		a.set(i, name, wordOf("yes"))
	case plainNext:
		a.set(i, name, after[0])
		return 2
	default:
		a.wrong(i, name, problem("lang.value.empty"))
	}
	return 1
}

// set gives a parameter its value.
func (a *arguments) set(i int, name, value lexeme) {
	p := a.params.all[i]
	if _, twice := a.Values[p.Name]; twice || a.failed[i] {
		a.wrong(i, name, problem("lang.option.twice", "name", p.Name))
		return
	}
	v, wrong := readValue(p, value, a.refs)
	if wrong != nil {
		at := value
		if value.end == value.pos {
			at = name
		}
		a.wrong(i, at, wrong)
		return
	}
	a.Values[p.Name] = v
	a.order[p.Name] = name.pos
}

// wrong reports a problem with parameter i at w.
func (a *arguments) wrong(i int, w lexeme, e *ParseError) {
	p := a.params.all[i]
	e.Pos, e.End, e.Token = w.pos, w.end, tokenAt(a.Text, w.pos, w.end)
	if p.Type == TypeSecret && e.Text.Key == "lang.secret.clear" {
		e.Token = mask
		a.hidden = append(a.hidden, runeSpan{w.pos, w.end})
	}
	e.param = &p
	e.Example = example(a.Spec)
	if e.Text.Args == nil {
		e.Text.Args = map[string]any{}
	}
	e.Text.Args["param"] = p.Name
	if len(e.near) > 0 {
		e.Suggestion = e.near[0].Name
	}
	a.failed[i] = true
	a.Errors = append(a.Errors, *e)
}

// unknown reports an option that the command does not have.
func (a *arguments) unknown(w lexeme) {
	e := ParseError{Pos: w.pos, End: w.end, Token: tokenAt(a.Text, w.pos, w.end), Example: example(a.Spec)}
	e.Text = lifecycle.T("lang.option.unknown", "command", a.Spec.Name())
	var words []Word
	for _, p := range a.params.all {
		if !p.Hidden {
			words = append(words, p.Word)
		}
	}
	e.near = nearestWords(strings.TrimLeft(w.text, "-"), words, 3)
	for i, n := range e.near {
		if i == 0 {
			e.Suggestion = n.Name
			continue
		}
		e.Also = append(e.Also, n.Name)
	}
	a.Errors = append(a.Errors, e)
}

// assign gives the words without a name to the arguments that are still open, in
// order; the last one takes all the rest when it is a text.
func (a *arguments) assign() {
	for i := 0; i < len(a.loose); {
		w := a.loose[i]
		next, open := a.nextArgument()
		if took := a.looseOption(i, open && a.params.all[next].Type != TypeText, open); took > 0 {
			i += took
			continue
		}
		switch {
		case !open && w.stray:
		case !open:
			a.extra(w.lexeme)
		case a.params.all[next].Type == TypeText && next == a.params.nargs-1:
			a.rest(next, a.loose[i:])
			return
		default:
			a.set(next, w.lexeme, w.lexeme)
		}
		i++
	}
}

func (a *arguments) nextArgument() (int, bool) {
	for i := range a.params.nargs {
		if _, given := a.Values[a.params.all[i].Name]; !given && !a.failed[i] {
			return i, true
		}
	}
	return 0, false
}

// looseOption reads "工作节点 5" and a bare "强制" where no argument can be meant:
// all of them are given, or the word is Chinese and the argument is not a text.
func (a *arguments) looseOption(at int, orHan, open bool) int {
	w := a.loose[at]
	first, _ := utf8.DecodeRuneInString(w.text)
	i, known := a.params.find(w.text)
	if !known || !w.bare() || open && !(orHan && unicode.Is(unicode.Han, first)) {
		return 0
	}
	if a.params.all[i].Type == TypeBool {
		a.set(i, w.lexeme, wordOf("yes"))
		return 1
	}
	if at+1 == len(a.loose) {
		a.wrong(i, w.lexeme, problem("lang.value.empty"))
		return 1
	}
	a.set(i, w.lexeme, a.loose[at+1].lexeme)
	return 2
}

// rest joins several words to one text.
func (a *arguments) rest(i int, words []loose) {
	all := lexeme{pos: words[0].pos, end: words[len(words)-1].end}
	var text strings.Builder
	for n, w := range words {
		if n > 0 {
			text.WriteByte(' ')
			all.from, all.to, all.quoted = append(all.from, w.pos), append(all.to, w.pos), append(all.quoted, true)
		}
		text.WriteString(w.text)
		all.from, all.to, all.quoted = append(all.from, w.from...), append(all.to, w.to...), append(all.quoted, w.quoted...)
	}
	all.text = text.String()
	a.set(i, all, all)
}

func (a *arguments) extra(w lexeme) {
	a.Errors = append(a.Errors, ParseError{Pos: w.pos, End: w.end, Token: tokenAt(a.Text, w.pos, w.end),
		Text: lifecycle.T("lang.argument.extra", "command", a.Spec.Name(), "count", a.params.nargs), Example: example(a.Spec)})
}

// finish fills in defaults and lists what is missing.
func (a *arguments) finish() {
	for i, p := range a.params.all {
		if _, given := a.Values[p.Name]; given || a.failed[i] {
			continue
		}
		if p.Default != "" {
			if v, wrong := readValue(p, wordOf(p.Default), nil); wrong == nil {
				v.Given = false
				a.Values[p.Name] = v
				continue
			}
		}
		if p.Required {
			a.Missing = append(a.Missing, p)
		}
	}
}
