package commands

import (
	"strings"

	"github.com/coxswain-ops/coxswain/commands/messages"
)

// Reference writes the reference page of every command in Markdown, in English
// with the Chinese words beside them. The same declarations give the same page.
func Reference(r *Registry, c *messages.Catalogue) string {
	page := &referencePage{r: r, c: c}
	page.line("# Commands\n")
	page.line("This page is generated from the commands' declarations; do not edit it.\n")
	page.line("`<noun> <verb> [argument]… [option=value]…`; options may also be written `--option value`. " +
		"Every word may be said in English or in Chinese, in the order noun verb or verb noun.\n")
	for _, group := range r.groups(func(*Spec) bool { return true }) {
		page.group(group)
	}
	return page.String()
}

type referencePage struct {
	strings.Builder
	r *Registry
	c *messages.Catalogue
}

func (p *referencePage) line(s string) { p.WriteString(s + "\n") }

func (p *referencePage) group(specs []*Spec) {
	noun := specs[0].Noun
	if noun.Name == "" {
		p.line("## General\n")
	} else {
		p.line("## " + heading(noun) + "\n")
	}
	for _, s := range specs {
		p.command(s)
	}
}

// heading is "cluster · 集群".
func heading(w Word) string {
	if zh := w.in("zh"); zh != w.Name {
		return w.Name + " · " + zh
	}
	return w.Name
}

func (p *referencePage) command(s *Spec) {
	title := s.Name()
	if zh := sayHead(s, "zh"); zh != title {
		title += " · " + zh
	}
	p.line("### " + title + "\n")
	p.line(p.c.Say("en", summaryKey(s), nil) + ".\n")
	p.line("    " + p.r.usage("en", s) + "\n")
	p.line("- Permission: `" + string(s.Needs) + "`")
	p.line("- Confirmation: " + p.c.Say("en", "help.kind."+kindName(s.Kind), nil))
	if s.Direct {
		p.line("- " + p.c.Say("en", "help.direct", nil))
	}
	if also := aliasesOf(s); also != "" {
		p.line("- Also said: " + also)
	}
	p.line("")
	p.params(s)
	p.line("Examples:\n")
	for _, ex := range append(append([]string{}, s.Examples...), s.ExampleZH) {
		if ex != "" {
			p.line("    " + ex)
		}
	}
	p.line("")
}

// aliasesOf lists the other words of the verb and, once, what it stands with.
func aliasesOf(s *Spec) string {
	var out []string
	for _, a := range s.Verb.Aliases {
		out = append(out, "`"+a+"`")
	}
	return strings.Join(out, ", ")
}

func (p *referencePage) params(s *Spec) {
	all := p.r.params[s].all
	if len(all) == 0 {
		return
	}
	p.line("| parameter | also | value | meaning |\n|---|---|---|---|")
	for i, param := range all {
		name := "`" + param.Name + "`"
		if i >= len(s.Args) {
			name = "`" + param.Name + "=`"
		}
		if param.Required {
			name += " (required)"
		}
		p.line("| " + name + " | " + cellOf(strings.Join(param.Aliases, ", ")) + " | " +
			cellOf(p.r.valueHelp("en", param)) + " | " + cellOf(p.c.Say("en", p.r.paramKey(s, param), nil)) + " |")
	}
	p.line("")
}

// cellOf keeps a text inside its cell of a table.
func cellOf(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}
