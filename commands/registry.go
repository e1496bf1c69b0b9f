package commands

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/commands/messages"
)

// Registry is the command language made of the declarations. It never changes
// after NewRegistry and is safe for several goroutines.
type Registry struct {
	specs     []*Spec
	byName    map[string]*Spec
	phrases   map[rune][]phrase // by first rune of the first word
	params    map[*Spec]*paramSet
	secrets   []string // words of every secret parameter
	catalogue *messages.Catalogue
}

// phrase is one way to say the head of a command, its words in order.
type phrase struct {
	spec  *Spec
	words []string // lower case
	rank  int      // 0: noun verb, 1: verb noun
}

// paramSet is what one command takes: its arguments, its options, and the
// options that go with its kind and scope.
type paramSet struct {
	all   []Param
	nargs int
	words map[string]int // lower-case word → index in all
}

// NewRegistry checks the declarations and makes the language of them. Its error
// lists every word that is declared twice, every alias that is ambiguous and
// every text that the catalogues lack.
func NewRegistry(specs []*Spec) (*Registry, error) {
	catalogue, err := messages.Load()
	if err != nil {
		return nil, err
	}
	return newRegistry(specs, catalogue)
}

func newRegistry(specs []*Spec, catalogue *messages.Catalogue) (*Registry, error) {
	r := &Registry{specs: specs, byName: map[string]*Spec{}, phrases: map[rune][]phrase{},
		params: map[*Spec]*paramSet{}, catalogue: catalogue}
	c := &checker{r: r, nouns: map[string]string{}, phrases: map[string]string{}}
	for _, s := range specs {
		if r.byName[s.Name()] != nil {
			c.fail("command %q is declared twice", s.Name())
			continue
		}
		r.byName[s.Name()] = s
		r.params[s] = paramsOf(s)
		c.spec(s)
		r.addPhrases(s)
	}
	return r, errors.Join(c.broken...)
}

// Specs lists the commands in the order of their declaration.
func (r *Registry) Specs() []*Spec { return r.specs }

// Spec gives the command of a canonical name, nil when there is none.
func (r *Registry) Spec(name string) *Spec { return r.byName[name] }

// Params lists what a command takes: arguments, options, then the options that
// go with its kind and scope (project, dry-run, confirm).
func (r *Registry) Params(s *Spec) []Param { return r.params[s].all }

// forms are the ways to say a word, lower case, the canonical one first.
func (w Word) forms() []string {
	out := make([]string, 0, 1+len(w.Aliases))
	if w.Name != "" {
		out = append(out, strings.ToLower(w.Name))
	}
	for _, a := range w.Aliases {
		out = append(out, strings.ToLower(a))
	}
	return out
}

// in is the word as people of a language say it: the first Chinese alias, or the
// canonical name.
func (w Word) in(lang string) string {
	if lang == "zh" {
		for _, a := range w.Aliases {
			if hasHan(a) {
				return a
			}
		}
	}
	return w.Name
}

func (r *Registry) addPhrases(s *Spec) {
	add := func(rank int, words ...string) {
		first, _ := utf8.DecodeRuneInString(words[0])
		r.phrases[first] = append(r.phrases[first], phrase{s, words, rank})
	}
	for _, verb := range s.Verb.forms() {
		if s.Noun.Name == "" {
			add(0, verb)
			continue
		}
		for _, noun := range s.Noun.forms() {
			add(0, noun, verb)
			add(1, verb, noun)
		}
	}
	for _, p := range r.params[s].all {
		if p.Type == TypeSecret {
			r.secrets = append(r.secrets, p.forms()...)
		}
	}
}

func paramsOf(s *Spec) *paramSet {
	ps := &paramSet{nargs: len(s.Args), words: map[string]int{}}
	ps.all = slices.Concat(s.Args, s.Options)
	for _, p := range commonParams(s) {
		if !slices.ContainsFunc(ps.all, func(q Param) bool { return q.Name == p.Name }) {
			ps.all = append(ps.all, p)
		}
	}
	for i, p := range ps.all {
		for _, form := range p.forms() {
			if _, taken := ps.words[form]; !taken {
				ps.words[form] = i
			}
		}
	}
	return ps
}

// commonParams are the options that a command has by its kind and scope.
func commonParams(s *Spec) []Param {
	var out []Param
	if s.Scope == ScopeProject || s.Scope == ScopeCluster {
		out = append(out, Param{Word: Word{"project", []string{"项目"}}, Type: TypeProject})
	}
	if s.Kind >= Additive {
		out = append(out,
			Param{Word: Word{"dry-run", []string{"预演", "dryrun", "试运行"}}, Type: TypeBool},
			Param{Word: Word{"confirm", []string{"确认"}}, Type: TypeText, Hidden: true},
			// plan is the beginning of the hash of the plan that a button showed.
			Param{Word: Word{"plan", []string{"计划"}}, Type: TypeText, Hidden: true})
	}
	return out
}

// find gives the parameter that a typed word names.
func (ps *paramSet) find(word string) (int, bool) {
	i, ok := ps.words[strings.ToLower(word)]
	return i, ok
}

// checker collects what is wrong with the declarations.
type checker struct {
	r       *Registry
	nouns   map[string]string // form → canonical noun
	phrases map[string]string // glued words → command
	broken  []error
}

func (c *checker) fail(format string, args ...any) {
	c.broken = append(c.broken, fmt.Errorf(format, args...))
}

var (
	canonicalForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	aliasBreaks   = " \t=:,;\"'`<>@\\"
)

func (c *checker) word(where string, w Word) {
	if !canonicalForm.MatchString(w.Name) {
		c.fail("%s: %q is not a canonical name", where, w.Name)
	}
	seen := map[string]bool{}
	for _, form := range w.forms() {
		if form == "" || strings.ContainsAny(form, aliasBreaks) || form[0] == '-' {
			c.fail("%s: %q cannot be typed as one word", where, form)
		}
		if seen[form] {
			c.fail("%s: %q is listed twice", where, form)
		}
		seen[form] = true
	}
}

func (c *checker) spec(s *Spec) {
	c.word(s.Name(), s.Verb)
	if s.Noun.Name != "" {
		c.word(s.Name(), s.Noun)
		c.noun(s)
	}
	for _, p := range headsOf(s) {
		if other, said := c.phrases[p]; said && other != s.Name() {
			c.fail("%q means both %q and %q", p, other, s.Name())
		}
		c.phrases[p] = s.Name()
	}
	c.textThere(s.Name(), summaryKey(s))
	c.specParams(s)
}

func (c *checker) noun(s *Spec) {
	for _, form := range s.Noun.forms() {
		if other, said := c.nouns[form]; said && other != s.Noun.Name {
			c.fail("noun %q means both %q and %q", form, other, s.Noun.Name)
		}
		c.nouns[form] = s.Noun.Name
	}
}

// headsOf lists every head of a command without spaces, as a person may type it.
func headsOf(s *Spec) []string {
	if s.Noun.Name == "" {
		return s.Verb.forms()
	}
	var out []string
	for _, noun := range s.Noun.forms() {
		for _, verb := range s.Verb.forms() {
			out = append(out, noun+verb, verb+noun)
		}
	}
	return out
}

func (c *checker) specParams(s *Spec) {
	ps := c.r.params[s]
	said := map[string]string{}
	optional := false
	for i, p := range ps.all {
		where := s.Name() + " " + p.Name
		c.word(where, p.Word)
		for _, form := range p.forms() {
			if other, twice := said[form]; twice {
				c.fail("%s: %q means both %q and %q", s.Name(), form, other, p.Name)
			}
			said[form] = p.Name
		}
		if i < ps.nargs && p.Required && optional {
			c.fail("%s: a required argument stands after an optional one", where)
		}
		optional = optional || i < ps.nargs && !p.Required
		c.param(where, p)
		if !c.r.catalogue.Has(c.r.paramKey(s, p)) {
			c.fail("%s: no text %q or %q", where, specParamKey(s, p), "param."+p.Name)
		}
	}
}

func (c *checker) param(where string, p Param) {
	said := map[string]bool{}
	for _, choice := range p.Choices {
		for _, form := range choice.forms() {
			if said[form] {
				c.fail("%s: choice %q is ambiguous", where, form)
			}
			said[form] = true
		}
	}
	if (p.Type == TypeChoice) != (len(p.Choices) > 0) {
		c.fail("%s: choices and type %q do not go together", where, p.Type)
	}
	if p.Default == "" {
		return
	}
	if _, problem := readValue(p, wordOf(p.Default), nil); problem != nil {
		c.fail("%s: the default %q is not valid: %s", where, p.Default, problem.Text)
	}
}

func (c *checker) textThere(where, key string) {
	if !c.r.catalogue.Has(key) {
		c.fail("%s: no text %q", where, key)
	}
}

// summaryKey is the catalogue key of a command's summary.
func summaryKey(s *Spec) string { return "cmd." + strings.ReplaceAll(s.Name(), " ", ".") }

func specParamKey(s *Spec, p Param) string { return summaryKey(s) + "." + p.Name }

// paramKey is the key of a parameter's description: the command's own, else the
// one that all commands share.
func (r *Registry) paramKey(s *Spec, p Param) string {
	if key := specParamKey(s, p); r.catalogue.Has(key) {
		return key
	}
	return "param." + p.Name
}

func hasHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
