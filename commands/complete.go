package commands

import (
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// maxCompletions bounds what is offered at once.
const maxCompletions = 50

// Complete gives the words that may stand at the end of text, best first: nouns,
// verbs, arguments, options, choices, and names from values. It follows the
// language in which the person types, lang where that cannot be told. Each
// replaces the last word of text, which is empty after a space.
func (r *Registry) Complete(text, lang string, allowed func(*Spec) bool, values func(ParamType, string) []string) []bot.Completion {
	c := &completer{r: r, lang: lang, values: values,
		allowed: func(s *Spec) bool { return allowed == nil || allowed(s) }}
	if len(text) > MaxText {
		return nil
	}
	t := normalise(text)
	words, open := lex(t)
	if open >= 0 {
		return nil
	}
	words = addressed(words)
	if len(words) > 0 && !strings.HasSuffix(t.text, " ") {
		c.last = words[len(words)-1]
		words = words[:len(words)-1]
	}
	c.follow(words)
	if h, ok := r.head(words); ok {
		if c.allowed(h.spec) {
			c.parameters(h)
		}
	} else {
		c.heads(words)
	}
	return c.found[:min(len(c.found), maxCompletions)]
}

// completer collects completions of one text.
type completer struct {
	r       *Registry
	lang    string
	last    lexeme // the word to complete
	allowed func(*Spec) bool
	values  func(ParamType, string) []string
	found   []bot.Completion
}

// follow takes over the language of what was typed.
func (c *completer) follow(words []lexeme) {
	for _, w := range append(slices.Clone(words), c.last) {
		switch {
		case hasHan(w.text):
			c.lang = "zh"
			return
		case strings.ContainsAny(w.text, "abcdefghijklmnopqrstuvwxyz"):
			c.lang = "en"
		}
	}
}

func (c *completer) add(text, help string) {
	if !slices.ContainsFunc(c.found, func(have bot.Completion) bool { return have.Text == text }) {
		c.found = append(c.found, bot.Completion{Text: text, Help: help})
	}
}

// begins gives the form of w that the typed beginning leads to, the one of the
// language first.
func (c *completer) begins(w Word, typed string) (string, bool) {
	typed = strings.ToLower(typed)
	for _, form := range append([]string{w.in(c.lang)}, w.forms()...) {
		if strings.HasPrefix(strings.ToLower(form), typed) {
			return form, true
		}
	}
	return "", false
}

// heads completes nouns and verbs.
func (c *completer) heads(words []lexeme) {
	switch len(words) {
	case 0:
		c.first()
	case 1:
		c.second(words)
	}
}

// first completes the first word: verbs that stand alone and nouns, then verbs
// before their noun, then Chinese heads without a space.
func (c *completer) first() {
	var later []bot.Completion
	for _, s := range c.r.specs {
		if !c.allowed(s) {
			continue
		}
		summary := c.r.say(c.lang, summaryKey(s))
		if s.Noun.Name == "" {
			if form, ok := c.begins(s.Verb, c.last.text); ok {
				c.add(form, summary)
			}
			continue
		}
		if form, ok := c.begins(s.Noun, c.last.text); ok {
			c.add(form, c.verbsOf(s.Noun))
		}
		if c.last.text == "" {
			continue
		}
		if form, ok := c.begins(s.Verb, c.last.text); ok {
			later = append(later, bot.Completion{Text: form, Help: c.r.say(c.lang, "complete.verb")})
		}
		if form, ok := c.glued(s); ok {
			later = append(later, bot.Completion{Text: form, Help: summary})
		}
	}
	for _, l := range later {
		c.add(l.Text, l.Help)
	}
}

// glued completes a Chinese head that is written without a space.
func (c *completer) glued(s *Spec) (string, bool) {
	if !hasHan(c.last.text) {
		return "", false
	}
	noun, verb := s.Noun.in("zh"), s.Verb.in("zh")
	for _, head := range []string{noun + verb, verb + noun} {
		if strings.HasPrefix(head, c.last.text) && head != c.last.text && len(c.last.text) > 3 {
			return head, true
		}
	}
	return "", false
}

func (c *completer) verbsOf(noun Word) string {
	var verbs []string
	for _, s := range c.r.specs {
		if s.Noun.Name == noun.Name && c.allowed(s) {
			verbs = append(verbs, s.Verb.in(c.lang))
		}
	}
	return strings.Join(verbs, c.r.say(c.lang, "help.comma"))
}

// second completes the verb after a noun, or the noun after a verb.
func (c *completer) second(words []lexeme) {
	g := &guess{r: c.r, words: words, allowed: c.allowed}
	whole := place{1, 0}
	if specs, end := g.begin(place{}, func(s *Spec) Word { return s.Noun }); end == whole {
		for _, s := range specs {
			if form, ok := c.begins(s.Verb, c.last.text); ok {
				c.add(form, c.r.say(c.lang, summaryKey(s)))
			}
		}
	}
	if specs, end := g.begin(place{}, func(s *Spec) Word { return s.Verb }); end == whole {
		for _, s := range specs {
			if form, ok := c.begins(s.Noun, c.last.text); ok && s.Noun.Name != "" {
				c.add(form, c.r.say(c.lang, summaryKey(s)))
			}
		}
	}
}

// parameters completes what follows the head.
func (c *completer) parameters(h head) {
	ps := c.r.params[h.spec]
	given, waiting := c.given(ps, h.rest)
	if waiting != nil && !c.last.prefixed("--") {
		c.valuesOf(*waiting, "", c.last.text)
		return
	}
	if name, value, cut := cutOption(c.last); cut {
		if i, known := ps.find(strings.TrimLeft(name.text, "-")); known {
			c.valuesOf(ps.all[i], name.text+"=", value.text)
			return
		}
	}
	for i := range ps.nargs {
		if !given[i] {
			if !c.last.prefixed("-") {
				c.valuesOf(ps.all[i], "", c.last.text)
			}
			break
		}
	}
	c.options(h.spec, ps, given)
}

// given says which parameters have a value, and which one waits for it.
func (c *completer) given(ps *paramSet, words []lexeme) (given map[int]bool, waiting *Param) {
	given = map[int]bool{}
	next := 0
	for _, w := range words {
		name, _, cut := cutOption(w)
		i, known := ps.find(strings.TrimLeft(name.text, "-"))
		dashed := w.prefixed("--")
		switch {
		case waiting != nil && !dashed && !cut:
			waiting = nil
		case known && (cut || dashed):
			given[i] = true
			if waiting = nil; !cut && ps.all[i].Type != TypeBool {
				waiting = &ps.all[i]
			}
		case !cut && !dashed:
			for next < ps.nargs && given[next] {
				next++
			}
			if next < ps.nargs {
				given[next] = true
			}
		}
	}
	return given, waiting
}

// options completes the names of options that were not given.
func (c *completer) options(s *Spec, ps *paramSet, given map[int]bool) {
	typed := strings.TrimLeft(c.last.text, "-")
	dashes := c.last.text[:len(c.last.text)-len(typed)]
	for i, p := range ps.all {
		if given[i] || p.Hidden || i < ps.nargs {
			continue
		}
		if form, ok := c.begins(p.Word, typed); ok {
			text := form + "="
			if dashes != "" {
				text = "--" + text
			}
			c.add(text, c.r.say(c.lang, c.r.paramKey(s, p)))
		}
	}
}

// valuesOf completes a value; what stands before the last comma of a list stays.
func (c *completer) valuesOf(p Param, before, typed string) {
	if p.Type == TypeList || p.Type == TypeCount {
		if i := strings.LastIndexByte(typed, ','); i >= 0 {
			before, typed = before+typed[:i+1], typed[i+1:]
		}
	}
	for _, choice := range p.Choices {
		if form, ok := c.begins(choice, typed); ok {
			c.add(before+form, "")
		}
	}
	if p.Type == TypeBool {
		for _, yes := range []bool{true, false} {
			if word := boolWord(yes, c.lang); strings.HasPrefix(word, typed) {
				c.add(before+word, "")
			}
		}
	}
	if c.values == nil {
		return
	}
	for _, name := range c.values(valueType(p), strings.ToLower(typed)) {
		if strings.HasPrefix(name, strings.ToLower(typed)) {
			c.add(before+name, "")
		}
	}
}

// valueType is whose names complete a parameter: a list or count of hosts takes
// hosts.
func valueType(p Param) ParamType {
	switch p.Type {
	case TypeCount:
		return TypeHost
	case TypeList:
		return ParamType(p.Name)
	default:
		return p.Type
	}
}
