package commands

import (
	"strconv"
	"strings"

	"github.com/coxswain-ops/coxswain/bot"
)

// Help answers "help", "help NOUN" and "help NOUN VERB" in either language, from
// the declarations, and shows only what allowed lets through. What a person may
// not run does not exist for them.
func (r *Registry) Help(lang, topic string, allowed func(*Spec) bool) bot.Message {
	may := func(s *Spec) bool { return allowed == nil || allowed(s) }
	words, _ := lex(normalise(topic))
	if len(words) == 0 {
		return r.helpList(lang, may)
	}
	if h, ok := r.head(words); ok && may(h.spec) {
		return r.helpCommandPage(lang, h.spec)
	}
	g := &guess{r: r, text: topic, words: words, allowed: may}
	specs, end := g.begin(place{}, func(s *Spec) Word { return s.Noun })
	if _, more := g.second(end); len(specs) > 0 && !more {
		return r.helpNoun(lang, specs)
	}
	p := &Parsed{Text: topic}
	p.hidden, _ = r.masks(topic, words)
	p.Errors = r.headErrors(p, words, may)
	return r.RenderErrors(lang, p)
}

// helpList lists everything a person may run, grouped by noun.
func (r *Registry) helpList(lang string, may func(*Spec) bool) bot.Message {
	var rows [][]string
	var names []string
	for _, group := range r.groups(may) {
		var verbs []string
		for _, s := range group {
			verbs = append(verbs, s.Verb.in(lang))
			names = append(names, s.Name())
		}
		if group[0].Noun.Name != "" {
			rows = append(rows, []string{group[0].Noun.in(lang), strings.Join(verbs, r.say(lang, "help.comma"))})
			continue
		}
		for _, s := range group {
			rows = append(rows, []string{s.Verb.in(lang), r.say(lang, summaryKey(s))})
		}
	}
	return bot.Message{Title: r.say(lang, "help.title"), Text: r.say(lang, "help.how"),
		Table:  &bot.Table{Columns: []string{r.say(lang, "help.noun"), r.say(lang, "help.verbs")}, Rows: rows},
		Footer: r.say(lang, "help.footer", "command", r.moreHelp(lang, may)),
		Data:   data(map[string]any{"commands": names})}
}

// moreHelp is an example of asking for more.
func (r *Registry) moreHelp(lang string, may func(*Spec) bool) string {
	for _, s := range r.specs {
		if s.Noun.Name != "" && may(s) {
			return r.helpWord(lang) + " " + s.Noun.in(lang)
		}
	}
	return r.helpWord(lang) + " " + r.helpWord(lang)
}

func (r *Registry) helpWord(lang string) string {
	if s := r.Spec("help"); s != nil {
		return s.Verb.in(lang)
	}
	return "help"
}

// groups gives the commands by noun in the order of their declaration, the verbs
// that stand alone first.
func (r *Registry) groups(may func(*Spec) bool) [][]*Spec {
	at := map[string]int{}
	var out [][]*Spec
	for _, s := range r.specs {
		if !may(s) {
			continue
		}
		i, known := at[s.Noun.Name]
		if !known {
			i = len(out)
			at[s.Noun.Name] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], s)
	}
	return out
}

// helpNoun lists the commands of one noun.
func (r *Registry) helpNoun(lang string, specs []*Spec) bot.Message {
	var rows [][]string
	var names []string
	for _, s := range specs {
		rows = append(rows, []string{r.usage(lang, s), r.say(lang, summaryKey(s))})
		names = append(names, s.Name())
	}
	return bot.Message{Title: specs[0].Noun.in(lang),
		Table:  &bot.Table{Columns: []string{r.say(lang, "help.command"), r.say(lang, "help.summary")}, Rows: rows},
		Footer: r.say(lang, "help.footer", "command", r.helpWord(lang)+" "+sayHead(specs[0], lang)),
		Data:   data(map[string]any{"commands": names})}
}

// usage is the command's line: noun, verb, arguments, and that options follow.
func (r *Registry) usage(lang string, s *Spec) string {
	parts := []string{sayHead(s, lang)}
	for _, p := range s.Args {
		if p.Required {
			parts = append(parts, "<"+p.in(lang)+">")
		} else {
			parts = append(parts, "["+p.in(lang)+"]")
		}
	}
	for _, p := range s.Options {
		if p.Required {
			parts = append(parts, p.in(lang)+"=…")
		}
	}
	if len(r.visibleOptions(s)) > 0 {
		parts = append(parts, "["+r.say(lang, "help.optional")+"]")
	}
	return strings.Join(parts, " ")
}

// visibleOptions are the options that help and forms offer.
func (r *Registry) visibleOptions(s *Spec) []Param {
	var out []Param
	for _, p := range r.params[s].all[len(s.Args):] {
		if !p.Hidden {
			out = append(out, p)
		}
	}
	return out
}

// helpCommandPage is everything about one command.
func (r *Registry) helpCommandPage(lang string, s *Spec) bot.Message {
	m := bot.Message{Title: sayHead(s, lang), Text: r.say(lang, summaryKey(s)),
		Fields: []bot.Field{
			{Label: r.say(lang, "help.usage"), Value: r.usage(lang, s)},
			{Label: r.say(lang, "help.confirmation"), Value: r.say(lang, "help.kind."+kindName(s.Kind))},
			{Label: r.say(lang, "help.also"), Value: strings.Join(r.otherWords(lang, s), r.say(lang, "help.comma"))}},
		Data: data(r.describe(s))}
	m.Fields = fields(m.Fields...)
	if rows := r.paramRows(lang, s); len(rows) > 0 {
		m.Table = &bot.Table{Rows: rows, Columns: []string{r.say(lang, "help.parameter"), r.say(lang, "help.value"), r.say(lang, "help.meaning")}}
	}
	if examples := r.examplesIn(lang, s); len(examples) > 0 {
		m.Code = &bot.Code{Text: strings.Join(examples, "\n")}
	}
	return m
}

// otherWords are the head in the other language.
func (r *Registry) otherWords(lang string, s *Spec) []string {
	other := "zh"
	if lang == "zh" {
		other = "en"
	}
	if said := sayHead(s, other); said != sayHead(s, lang) {
		return []string{said}
	}
	return nil
}

func (r *Registry) examplesIn(lang string, s *Spec) []string {
	var out []string
	if lang == "zh" && s.ExampleZH != "" {
		out = append(out, s.ExampleZH)
	}
	for _, ex := range s.Examples {
		if said := r.Words(ex, lang); len(out) == 0 || said != out[0] {
			out = append(out, said)
		}
	}
	return out
}

// paramRows describes every argument and option.
func (r *Registry) paramRows(lang string, s *Spec) [][]string {
	var rows [][]string
	for i, p := range r.params[s].all {
		if p.Hidden && i >= len(s.Args) {
			continue
		}
		name := p.in(lang)
		if i >= len(s.Args) {
			name += "="
		}
		meaning := r.say(lang, r.paramKey(s, p))
		if p.Required {
			meaning = r.say(lang, "help.required", "meaning", meaning)
		}
		rows = append(rows, []string{name, r.valueHelp(lang, p), meaning})
	}
	return rows
}

// valueHelp is what may be given: choices, range or type, and the default.
func (r *Registry) valueHelp(lang string, p Param) string {
	var text string
	switch {
	case len(p.Choices) > 0:
		text = strings.Join(choicesIn(p, lang), " | ")
	case p.Type == TypeBool:
		text = boolWord(true, lang) + " | " + boolWord(false, lang)
	case p.Type == TypeCount:
		text = rangeOf(p) + " | h1,h2"
	case p.Type == TypeInt:
		text = rangeOf(p)
	default:
		text = r.say(lang, "help.type."+string(p.Type))
	}
	if p.Default != "" {
		text += r.say(lang, "help.default", "value", sayValue(p, p.Default, lang))
	}
	return text
}

func rangeOf(p Param) string {
	if p.Max == 0 {
		return strconv.Itoa(p.Min) + "–…"
	}
	return strconv.Itoa(p.Min) + "–" + strconv.Itoa(p.Max)
}

// kindName is a Kind's part in catalogue keys.
func kindName(k Kind) string {
	switch k {
	case Change:
		return "change"
	case Additive:
		return "additive"
	case Disruptive:
		return "disruptive"
	case Destructive:
		return "destructive"
	}
	return "read"
}

// commandData is a command for programs.
type commandData struct {
	Command   string      `json:"command"`
	Kind      string      `json:"kind"`
	Arguments []paramData `json:"arguments,omitempty"`
	Options   []paramData `json:"options,omitempty"`
	Examples  []string    `json:"examples"`
}

type paramData struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Required bool     `json:"required,omitempty"`
	Default  string   `json:"default,omitempty"`
	Choices  []string `json:"choices,omitempty"`
}

func (r *Registry) describe(s *Spec) commandData {
	d := commandData{Command: s.Name(), Kind: kindName(s.Kind), Examples: s.Examples}
	for i, p := range r.params[s].all {
		pd := paramData{Name: p.Name, Type: string(p.Type), Required: p.Required, Default: p.Default, Choices: choicesIn(p, "en")}
		switch {
		case i < len(s.Args):
			d.Arguments = append(d.Arguments, pd)
		case !p.Hidden:
			d.Options = append(d.Options, pd)
		}
	}
	return d
}
