package commands

import (
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// headErrors says why no command was recognised, and what may have been meant,
// only among commands that the person may use.
func (r *Registry) headErrors(p *Parsed, words []lexeme, allowed func(*Spec) bool) []ParseError {
	if len(words) == 0 {
		return []ParseError{{Text: lifecycle.T("lang.empty"), Suggestion: "help", Example: "help", commands: true}}
	}
	if hasHan(words[0].text) {
		p.Lang = "zh"
	} else {
		p.Lang = "en"
	}
	g := &guess{r: r, text: p.Text, hidden: p.hidden, words: words, allowed: func(s *Spec) bool { return allowed == nil || allowed(s) }}
	for _, try := range []func() (ParseError, bool){g.afterNoun, g.afterVerb, g.nearby} {
		if e, ok := try(); ok {
			return []ParseError{e}
		}
	}
	return []ParseError{g.fail(words[0], nil, "lang.command.unknown")}
}

// guess works out what a head that nothing matches may have meant.
type guess struct {
	r       *Registry
	text    string
	hidden  []runeSpan
	words   []lexeme
	allowed func(*Spec) bool
}

// second is the word after a first one that ended at p; ok is false when there
// is none.
func (g *guess) second(p place) (lexeme, bool) {
	rest := p.remaining(g.words)
	if len(rest) == 0 || rest[0].index('=') >= 0 || rest[0].prefixed("--") {
		return lexeme{}, false
	}
	return rest[0], true
}

// fail makes the error at w with commands as suggestions.
func (g *guess) fail(w lexeme, commands []string, key string, kv ...any) ParseError {
	e := ParseError{Pos: w.pos, End: w.end, Token: tokenAt(g.text, w.pos, w.end), Text: lifecycle.T(key, kv...), commands: true}
	if len(commands) == 0 {
		commands = []string{"help"}
	}
	e.Suggestion, e.Also = commands[0], commands[1:]
	e.Example = "help"
	if s := g.r.Spec(headOf(commands[0])); s != nil {
		e.Example = example(s)
	}
	return e
}

func (g *guess) secret(w lexeme) bool {
	return slices.ContainsFunc(g.hidden, func(h runeSpan) bool { return h.pos < w.end && w.pos < h.end })
}

// headOf cuts a canonical command down to noun and verb.
func headOf(command string) string {
	parts := strings.Fields(command)
	return strings.Join(parts[:min(2, len(parts))], " ")
}

// afterNoun: the noun is right, the verb is missing or wrong.
func (g *guess) afterNoun() (ParseError, bool) {
	for _, start := range starts(g.words) {
		specs, end := g.begin(start.place, func(s *Spec) Word { return s.Noun })
		if len(specs) == 0 {
			continue
		}
		noun := specs[0].Noun.Name
		w, ok := g.second(end)
		if !ok {
			return g.fail(g.words[start.word], listFirst(specs), "lang.verb.missing", "noun", noun), true
		}
		return g.wrongVerb(w, specs), true
	}
	return ParseError{}, false
}

// wrongVerb: perhaps a slip, perhaps the name of something to look at.
func (g *guess) wrongVerb(w lexeme, specs []*Spec) ParseError {
	noun := specs[0].Noun.Name
	near := nearest(specs, 3, func(s *Spec) int { return slips(w.text, s.Verb) })
	if len(near) > 0 {
		return g.fail(w, specNames(near), "lang.verb.unknown", "noun", noun)
	}
	for _, s := range specs {
		if s.Verb.Name == "show" && len(s.Args) > 0 && !g.secret(w) {
			if v, wrong := readText(s.Args[0], w.text); wrong == nil && w.bare() {
				return g.fail(w, []string{s.Name() + " " + v.Text}, "lang.verb.unknown", "noun", noun)
			}
		}
	}
	return g.fail(w, listFirst(specs), "lang.verb.unknown", "noun", noun)
}

// afterVerb: the verb is right, the noun is missing or wrong.
func (g *guess) afterVerb() (ParseError, bool) {
	for _, start := range starts(g.words) {
		specs, end := g.begin(start.place, func(s *Spec) Word { return s.Verb })
		specs = slices.DeleteFunc(specs, func(s *Spec) bool { return s.Noun.Name == "" })
		if len(specs) == 0 {
			continue
		}
		verb := specs[0].Verb.Name
		w, ok := g.second(end)
		if !ok {
			return g.fail(g.words[start.word], atMost(specNames(specs), 3), "lang.noun.missing", "verb", verb), true
		}
		near := nearest(specs, 3, func(s *Spec) int { return slips(w.text, s.Noun) })
		if len(near) == 0 {
			near = specs[:min(3, len(specs))]
		}
		return g.fail(w, specNames(near), "lang.noun.unknown", "verb", verb), true
	}
	return ParseError{}, false
}

// begin gives the allowed commands one of whose words stands at p, and the place
// after it. The longest word counts.
func (g *guess) begin(p place, word func(*Spec) Word) (specs []*Spec, end place) {
	for _, s := range g.r.specs {
		if !g.allowed(s) {
			continue
		}
		for _, form := range word(s).forms() {
			next, ok := step(g.words, p, form)
			switch {
			case !ok || next.before(end):
			case end.before(next):
				specs, end = []*Spec{s}, next
			case !slices.Contains(specs, s):
				specs = append(specs, s)
			}
		}
	}
	return specs, end
}

// nearby: a slip in the first word, or in both.
func (g *guess) nearby() (ParseError, bool) {
	first := g.words[0]
	w, two := g.second(place{1, 0})
	near := nearest(g.usable(), 3, func(s *Spec) int {
		best := far
		if s.Noun.Name == "" {
			return slips(first.text, s.Verb)
		}
		for _, form := range headsOf(s) { // written without a space
			best = min(best, slips(first.text, Word{Name: form}))
		}
		if noun := slips(first.text, s.Noun); noun < far {
			best = min(best, noun+half(two, w, s.Verb))
		}
		if verb := slips(first.text, s.Verb); verb < far && two {
			best = min(best, verb+half(two, w, s.Noun))
		}
		return best
	})
	if len(near) == 0 {
		return ParseError{}, false
	}
	return g.fail(first, specNames(near), "lang.command.unknown"), true
}

// half scores the second word of a head: a wrong one is worse than none.
func half(there bool, w lexeme, want Word) int {
	if !there {
		return 3
	}
	if d := slips(w.text, want); d < far {
		return d
	}
	return 8
}

func (g *guess) usable() []*Spec {
	var out []*Spec
	for _, s := range g.r.specs {
		if g.allowed(s) {
			out = append(out, s)
		}
	}
	return out
}

func specNames(specs []*Spec) []string {
	var out []string
	for _, s := range specs {
		out = append(out, s.Name())
	}
	return out
}

// listFirst names up to three commands of a noun, the list first: it is where
// one begins.
func listFirst(specs []*Spec) []string {
	names := specNames(specs)
	slices.SortStableFunc(names, func(a, b string) int {
		return rankOf(a) - rankOf(b)
	})
	return atMost(names, 3)
}

func rankOf(command string) int {
	if strings.HasSuffix(command, " list") {
		return 0
	}
	return 1
}

func atMost(list []string, n int) []string { return list[:min(n, len(list))] }
