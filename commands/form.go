package commands

import (
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// Form makes the form of a command from its declaration, filled in with what was
// given already; nil when the command takes nothing. What is filled in is read
// back by the parser, so choices are in the reader's language. Secrets are never
// filled in.
func (r *Registry) Form(s *Spec, lang string, values Values) *bot.Form {
	ps := r.params[s]
	f := &bot.Form{ID: "form:" + s.Name(), Title: sayHead(s, lang), Command: r.formCommand(s, values), Submit: r.say(lang, "form.submit")}
	for i, p := range ps.all {
		if p.Hidden && i >= ps.nargs {
			continue
		}
		f.Fields = append(f.Fields, r.formField(s, p, lang, values))
	}
	if len(f.Fields) == 0 {
		return nil
	}
	return f
}

// formCommand is a form's command with what was given already, so that a platform
// that draws the form later, of the command alone, draws the same one.
func (r *Registry) formCommand(s *Spec, values Values) string {
	parts := []string{s.Name()}
	for _, p := range r.params[s].all {
		if v, known := values[p.Name]; known && v.Given && v.Ref == nil && !p.Hidden && p.Type != TypeSecret && p.Type != TypeFile {
			parts = append(parts, p.Name+"="+quote(v.Text, true))
		}
	}
	return strings.Join(parts, " ")
}

func (r *Registry) formField(s *Spec, p Param, lang string, values Values) bot.FormField {
	field := bot.FormField{Name: p.Name, Label: p.in(lang), Help: r.say(lang, r.paramKey(s, p)),
		Type: fieldType(p.Type), Required: p.Required, Choices: choicesIn(p, lang)}
	if p.Type == TypeSecret || p.Type == TypeFile {
		return field
	}
	text := p.Default
	if v, given := values[p.Name]; given {
		text = v.Text
	}
	if text != "" {
		field.Default = sayValue(p, text, lang)
	}
	return field
}

// fieldType is how a platform asks for a value.
func fieldType(t ParamType) string {
	switch t {
	case TypeInt:
		return "number"
	case TypeChoice:
		return "choice"
	case TypeBool:
		return "bool"
	case TypeSecret:
		return "secret"
	case TypeFile:
		return "file"
	}
	return "text"
}
