package commands

import (
	"regexp"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// Canonical is a parsed command in canonical English words, what was given only,
// in the order of the declaration. Secrets are ***, files are named. But for
// those it is read back as the same command.
func Canonical(p *Parsed) string {
	return p.write(func(param Param, v Value) string {
		if param.Type == TypeSecret {
			return mask
		}
		return "@" + nonempty(v.Text, param.Name)
	})
}

// Replay is a parsed command as a text and the contents it refers to: to be
// kept, and read again when more of it is known.
func Replay(p *Parsed) (text string, refs map[string]bot.Ref) {
	text = p.write(func(param Param, v Value) string {
		if refs == nil {
			refs = map[string]bot.Ref{}
		}
		refs[param.Name] = *v.Ref
		return refMark + param.Name
	})
	return text, refs
}

// write writes the command; ref writes the value of a secret or a file.
func (p *Parsed) write(ref func(Param, Value) string) string {
	if p.Spec == nil {
		return ""
	}
	parts := []string{p.Spec.Name()}
	inOrder := true
	for i, param := range p.params.all {
		v, given := p.Values[param.Name]
		given = given && v.Given
		inOrder = inOrder && i < p.params.nargs && given
		if !given {
			continue
		}
		var text string
		switch {
		case v.Ref != nil:
			text = ref(param, v)
		default:
			text = quote(v.Text, !inOrder)
		}
		if !inOrder {
			text = param.Name + "=" + text
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

var (
	plainValue = regexp.MustCompile(`^[A-Za-z0-9_./+][A-Za-z0-9_./+@-]*(,[A-Za-z0-9_./+][A-Za-z0-9_./+@-]*)*$`)
	namedValue = regexp.MustCompile(`^[A-Za-z0-9_./+:\p{Han}][A-Za-z0-9_./+@:\p{Han}-]*$`)
	quotable   = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `“`, `\“`, `”`, `\”`, `„`, `\„`, `‟`, `\‟`, `＂`, `\＂`, `<`, `\<`)
)

// quote writes a value so that it is read back as one. A word without a name
// must not look like name:value.
func quote(text string, named bool) string {
	if plainValue.MatchString(text) || named && namedValue.MatchString(text) {
		return text
	}
	return `"` + quotable.Replace(text) + `"`
}

func nonempty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Words puts a command, complete or not, into the words of a language: noun,
// verb, option names and choices. What is not a command stays as it is.
func (r *Registry) Words(command, lang string) string {
	words, _ := lex(normalise(command))
	h, ok := r.head(words)
	if !ok {
		return command
	}
	parts := []string{sayHead(h.spec, lang)}
	ps := r.params[h.spec]
	open := ps.all[:ps.nargs]
	for _, w := range h.rest {
		name, value, cut := w.cut('=')
		i, known := ps.find(strings.TrimPrefix(name.text, "--"))
		switch {
		case cut && known && name.bare():
			parts = append(parts, ps.all[i].in(lang)+"="+sayTyped(ps.all[i], value, command, lang))
		case !cut && known && w.prefixed("--"):
			parts = append(parts, "--"+ps.all[i].in(lang))
		case !cut && len(open) > 0:
			parts = append(parts, sayTyped(open[0], w, command, lang))
			open = open[1:]
		default:
			parts = append(parts, tokenAt(command, w.pos, w.end))
		}
	}
	return strings.Join(parts, " ")
}

// sayHead is "cluster create" or "集群 创建".
func sayHead(s *Spec, lang string) string {
	if s.Noun.Name == "" {
		return s.Verb.in(lang)
	}
	return s.Noun.in(lang) + " " + s.Verb.in(lang)
}

// sayTyped writes a typed value, with its quotes, in the words of a language.
func sayTyped(p Param, w lexeme, source, lang string) string {
	if p.Type == TypeChoice || p.Type == TypeBool {
		if v, wrong := readText(p, w.text); wrong == nil {
			return sayValue(p, v.Text, lang)
		}
	}
	return tokenAt(source, w.pos, w.end)
}

// sayValue is a canonical value in the words of a language.
func sayValue(p Param, text, lang string) string {
	switch p.Type {
	case TypeBool:
		return boolWord(text == "yes", lang)
	case TypeChoice:
		for _, c := range p.Choices {
			if c.Name == text {
				return c.in(lang)
			}
		}
	}
	return text
}

func boolWord(yes bool, lang string) string {
	switch {
	case lang == "zh" && yes:
		return "是"
	case lang == "zh":
		return "否"
	case yes:
		return "yes"
	}
	return "no"
}
