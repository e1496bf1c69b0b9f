package commands

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// shownColumns is how much of a typed line is shown around a mistake.
const shownColumns = 96

// RenderErrors says what is wrong with a typed text: the line with a caret under
// each word that is wrong, what is wrong with it, what may have been meant, and a
// correct example. What is missing is told as well, for where nothing can be
// asked back. Secrets are not shown.
func (r *Registry) RenderErrors(lang string, p *Parsed) bot.Message {
	m := bot.Message{Severity: bot.Error, Failed: true, Title: r.say(lang, "lang.title")}
	if len(p.Errors) > 0 {
		if line := pointAt(p); line != "" {
			m.Code = &bot.Code{Text: line}
		}
	}
	var lines []string
	for _, e := range p.Errors {
		lines = append(lines, r.renderError(lang, e))
	}
	for _, param := range p.Missing {
		lines = append(lines, r.say(lang, "lang.missing", "param", param.in(lang), "help", lifecycle.T(r.paramKey(p.Spec, param))))
	}
	m.Text = strings.Join(lines, "\n")
	if ex := exampleFor(p); ex != "" {
		m.Fields = []bot.Field{{Label: r.say(lang, "lang.example"), Value: r.exampleIn(ex, lang)}}
	}
	m.Footer = r.say(lang, "lang.more", "command", r.helpCommand(p, lang))
	m.Data = errorData(p)
	return m
}

func (r *Registry) say(lang, key string, kv ...any) string {
	return r.catalogue.Text(lang, lifecycle.T(key, kv...))
}

// renderError is one problem in one line.
func (r *Registry) renderError(lang string, e ParseError) string {
	args := maps.Clone(e.Text.Args)
	if args == nil {
		args = map[string]any{}
	}
	args["token"] = brief(unquoted(e.Token))
	if e.param != nil {
		args["param"] = e.param.in(lang)
		args["choices"] = choicesIn(*e.param, lang)
	}
	for _, name := range []string{"command", "noun", "verb"} {
		if said, ok := args[name].(string); ok {
			args[name] = r.headIn(name, said, lang)
		}
	}
	text := r.catalogue.Say(lang, e.Text.Key, args)
	if near := r.nearIn(e, lang); len(near) > 0 {
		if lang != "zh" {
			text += " "
		}
		text += r.say(lang, "lang.near", "words", near)
	}
	return text
}

// headIn is a canonical command, noun or verb in the words of a language.
func (r *Registry) headIn(part, said, lang string) string {
	for _, s := range r.specs {
		switch {
		case part == "command" && s.Name() == said:
			return sayHead(s, lang)
		case part == "noun" && s.Noun.Name == said:
			return s.Noun.in(lang)
		case part == "verb" && s.Verb.Name == said:
			return s.Verb.in(lang)
		}
	}
	return said
}

// nearIn lists the suggestions of an error in the language of the word that they
// replace, which need not be the reader's.
func (r *Registry) nearIn(e ParseError, lang string) []string {
	var out []string
	switch {
	case hasHan(e.Token):
		lang = "zh"
	case e.Token != "" && e.Token != mask:
		lang = "en"
	}
	switch {
	case e.commands:
		for _, c := range append([]string{e.Suggestion}, e.Also...) {
			out = append(out, r.Words(c, lang))
		}
	case len(e.near) > 0:
		for _, w := range e.near {
			out = append(out, w.in(lang))
		}
	case e.Suggestion != "":
		out = []string{e.Suggestion}
	}
	return out
}

func choicesIn(p Param, lang string) []string {
	var out []string
	for _, c := range p.Choices {
		out = append(out, c.in(lang))
	}
	return out
}

// exampleFor is the example of the first problem that has one.
func exampleFor(p *Parsed) string {
	for _, e := range p.Errors {
		if e.Example != "" {
			return e.Example
		}
	}
	return example(p.Spec)
}

// exampleIn is an example in the words of a language; where the command has one
// written for Chinese, that one.
func (r *Registry) exampleIn(canonical, lang string) string {
	if lang == "zh" {
		if s := r.Spec(headOf(canonical)); s != nil && s.ExampleZH != "" {
			return s.ExampleZH
		}
		if s := r.Spec(strings.Fields(canonical)[0]); s != nil && s.ExampleZH != "" {
			return s.ExampleZH
		}
	}
	return r.Words(canonical, lang)
}

// helpCommand leads to the help on what was typed.
func (r *Registry) helpCommand(p *Parsed, lang string) string {
	help := "help"
	if s := r.Spec("help"); s != nil {
		help = s.Verb.in(lang)
	}
	if p.Spec == nil {
		return help
	}
	return help + " " + sayHead(p.Spec, lang)
}

// unquoted takes the marks off a value that was written in quotation marks: the
// sentence has its own.
func unquoted(token string) string {
	if len(token) > 2 && token[0] == '"' && token[len(token)-1] == '"' {
		return token[1 : len(token)-1]
	}
	return token
}

// brief shortens a long token.
func brief(token string) string {
	all := []rune(strings.Map(visible, token))
	if len(all) > 40 {
		return string(all[:40]) + "…"
	}
	return string(all)
}

// visible drops characters that have no place in one line.
func visible(c rune) rune {
	switch plain := fold(c); {
	case plain < 0:
		return -1
	case plain == ' ':
		return ' '
	}
	return c
}

// pointAt draws the typed line and a line of carets under what is wrong. Wide
// characters take two columns.
func pointAt(p *Parsed) string {
	width := &runewidth.Condition{}
	var line, carets strings.Builder
	columns, first := 0, -1
	secret := p.hidden
	all := []rune(p.Text)
	for i := 0; i <= len(all); i++ {
		text, w := cell(all, i, secret, width)
		if wrongAt(p.Errors, i, len(all)) {
			if first < 0 {
				first = columns
			}
			carets.WriteString(strings.Repeat("^", max(w, boolInt(i == len(all)))))
		} else {
			carets.WriteString(strings.Repeat(" ", w))
		}
		line.WriteString(text)
		columns += w
	}
	if strings.TrimSpace(line.String()) == "" || first < 0 {
		return ""
	}
	from := max(0, min(first-shownColumns/3, columns-shownColumns))
	return window(line.String(), from, width) + "\n" + strings.TrimRight(window(carets.String(), from, width), " ")
}

// cell is what is shown for rune i: itself, a space, or the mask of a secret.
func cell(all []rune, i int, secret []runeSpan, width *runewidth.Condition) (string, int) {
	if i == len(all) {
		return "", 0
	}
	if in, first := covered(i, secret); first {
		return mask, len(mask)
	} else if in {
		return "", 0
	}
	c := visible(all[i])
	if c < 0 {
		return "", 0
	}
	return string(c), width.RuneWidth(c)
}

func wrongAt(errs []ParseError, i, end int) bool {
	for _, e := range errs {
		if i >= e.Pos && i < e.End || e.Pos == e.End && i == e.Pos && i == end {
			return true
		}
	}
	return false
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// window cuts a line to the columns that are shown; a wide character on the
// edge becomes a space, so that the lines stay aligned.
func window(line string, from int, width *runewidth.Condition) string {
	var b strings.Builder
	at := 0
	for _, c := range line {
		w := width.RuneWidth(c)
		switch {
		case at >= from && at+w <= from+shownColumns:
			b.WriteRune(c)
		case at < from && at+w > from:
			b.WriteByte(' ')
		}
		at += w
	}
	return b.String()
}

// errorData is the same answer for programs.
func errorData(p *Parsed) json.RawMessage {
	type problemData struct {
		Pos        int            `json:"pos"`
		End        int            `json:"end"`
		Token      string         `json:"token"`
		Param      string         `json:"param,omitempty"` // argument or option, canonical
		Key        string         `json:"key"`
		Args       map[string]any `json:"args,omitempty"`
		Suggestion string         `json:"suggestion,omitempty"`
		Also       []string       `json:"also,omitempty"`
		Example    string         `json:"example,omitempty"`
	}
	v := struct {
		Command string        `json:"command,omitempty"`
		Errors  []problemData `json:"errors"`
		Missing []string      `json:"missing,omitempty"`
	}{Errors: []problemData{}}
	if p.Spec != nil {
		v.Command = p.Spec.Name()
	}
	for _, e := range p.Errors {
		about := ""
		if e.param != nil {
			about = e.param.Name
		}
		v.Errors = append(v.Errors, problemData{e.Pos, e.End, e.Token, about, e.Text.Key, e.Text.Args, e.Suggestion, e.Also, e.Example})
	}
	for _, m := range p.Missing {
		v.Missing = append(v.Missing, m.Name)
	}
	return data(v)
}
