package commands

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// MaxText is the longest text that is read as a command, in characters.
const MaxText = 8192

// Parsed is what a text was read as. A command may be run only when OK.
type Parsed struct {
	Text string // as typed; Masked is what may be shown or kept
	Spec *Spec  // nil when no command was recognised
	// Values by canonical name, defaults filled in; "project", "dry-run" and
	// "confirm" among them where the command has them.
	Values  Values
	Missing []Param      // required and not given, in order
	Errors  []ParseError // all of them, in the order of the text
	Lang    string       // "zh" or "en", by the words of the head; "" unknown

	params *paramSet
	hidden []runeSpan
	order  map[string]int // rune where each value was given
}

// ParseError is one thing that is wrong with a typed text.
type ParseError struct {
	Pos, End int            // runes in the original text
	Token    string         // what stands there; *** when it is or may be a secret
	Text     lifecycle.Text // what is wrong
	// Suggestion is the word or command that was probably meant, canonical; ""
	// when nothing is near. Also holds the next nearest.
	Suggestion string
	Also       []string
	// Example is a correct command, canonical.
	Example string

	param    *Param // what it is about
	near     []Word // suggestions to be said in the reader's language
	commands bool   // suggestions are commands
}

// OK reports whether the command can be run as it stands.
func (p *Parsed) OK() bool { return p.Spec != nil && len(p.Errors) == 0 && len(p.Missing) == 0 }

// Masked is the typed text without secrets.
func (p *Parsed) Masked() string { return hide(p.Text, p.hidden) }

// DryRun reports whether only the preview is wanted.
func (p *Parsed) DryRun() bool { return p.Values.Bool("dry-run") }

// Confirm is the name given with confirm=, "" without.
func (p *Parsed) Confirm() string { return p.Values.Text("confirm") }

// Parse reads a text as a command, with all that is wrong with it at once. refs
// are the contents that @:NAME stands for. Suggestions are made only of
// commands that allowed lets through; a command that it does not is parsed like
// any other, and denied by the router.
func (r *Registry) Parse(text string, refs map[string]bot.Ref, allowed func(*Spec) bool) *Parsed {
	p := &Parsed{Text: text, Values: Values{}, order: map[string]int{}}
	if n := utf8.RuneCountInString(text); n > MaxText {
		p.hidden = []runeSpan{{0, n}}
		p.Errors = []ParseError{{Pos: 0, End: n, Token: mask, Text: lifecycle.T("lang.text.long", "max", MaxText, "length", n)}}
		return p
	}
	words, open := lex(normalise(text))
	var secrets []ParseError
	p.hidden, secrets = r.masks(text, words)
	words = addressed(words)
	h, ok := r.head(words)
	if !ok {
		p.Errors = append(secrets, r.headErrors(p, words, allowed)...)
		p.conceal()
		return p
	}
	p.Spec, p.params, p.Lang = h.spec, r.params[h.spec], "en"
	if h.zh {
		p.Lang = "zh"
	}
	if open >= 0 {
		p.Errors = append(secrets, p.quoteError(open))
		p.conceal()
		return p
	}
	a := &arguments{Parsed: p, refs: refs, failed: map[int]bool{}}
	a.read(h.rest)
	p.Errors = append(p.Errors, secrets...)
	slices.SortStableFunc(p.Errors, func(a, b ParseError) int { return a.Pos - b.Pos })
	p.conceal()
	return p
}

func (p *Parsed) quoteError(open int) ParseError {
	e := ParseError{Pos: open, End: open + 1, Text: lifecycle.T("lang.quote.open"), Example: example(p.Spec)}
	e.Token = tokenAt(p.Text, open, open+1)
	return e
}

// addressed drops what only says who is meant: a mention, /cox.
func addressed(words []lexeme) []lexeme {
	for len(words) > 0 {
		w := words[0]
		if !w.bare() || !strings.HasPrefix(w.text, "@") && !slices.Contains([]string{"/cox", "/coxswain"}, strings.ToLower(w.text)) {
			break
		}
		words = words[1:]
	}
	return words
}

// tokenAt is a range of runes of a text.
func tokenAt(text string, pos, end int) string {
	all := []rune(text)
	return string(all[max(0, min(pos, len(all))):max(0, min(end, len(all)))])
}

// example is a correct command of a Spec, "" when it has none.
func example(s *Spec) string {
	if s == nil || len(s.Examples) == 0 {
		return ""
	}
	return s.Examples[0]
}
