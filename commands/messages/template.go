package messages

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	i18ntemplate "github.com/nicksnyder/go-i18n/v2/i18n/template"
)

// parser parses the texts of one language; go-i18n keeps what it gives, so every
// text is parsed once.
type parser struct {
	funcs template.FuncMap
}

var _ i18ntemplate.Parser = (*parser)(nil)

func newParser(f format) *parser {
	return &parser{funcs: template.FuncMap{
		"duration":  func(v any) any { return f.amount(v, func(x float64) string { return f.duration(time.Duration(x)) }) },
		"bytes":     func(v any) any { return f.amount(v, f.bytes) },
		"megabytes": func(v any) any { return f.amount(v, func(x float64) string { return f.bytes(x * (1 << 20)) }) },
	}}
}

// amount writes a number with write; what is not a number (it was written
// already) stays as it is.
func (f format) amount(v any, write func(float64) string) any {
	if x, ok := amount(v); ok {
		return write(x)
	}
	return v
}

// Cacheable tells go-i18n to keep parsed texts.
func (p *parser) Cacheable() bool { return true }

// Parse makes one text ready.
func (p *parser) Parse(src, _, _ string) (i18ntemplate.ParsedTemplate, error) {
	if !strings.Contains(src, "{{") {
		return plain(src), nil
	}
	t, err := template.New("").Funcs(p.funcs).Parse(src)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return &parsed{t}, nil
}

// plain is a text without placeholders.
type plain string

// Execute gives the text.
func (p plain) Execute(any) (string, error) { return string(p), nil }

// parsed is a text with placeholders.
type parsed struct{ *template.Template }

// Execute fills the placeholders in.
func (p *parsed) Execute(data any) (string, error) {
	var b strings.Builder
	if err := p.Template.Execute(&b, data); err != nil {
		return "", err
	}
	return b.String(), nil
}

// Placeholders lists the arguments that the text of key uses in lang, in order.
func (c *Catalogue) Placeholders(lang, key string) []string {
	s, ok := c.languages[lang]
	if !ok || s.texts[key] == nil {
		return nil
	}
	found := map[string]bool{}
	for _, src := range []string{s.texts[key].One, s.texts[key].Other} {
		t, err := template.New("").Funcs(s.parser.funcs).Parse(src)
		if err != nil || t.Tree == nil {
			continue
		}
		collect(t.Root, found)
	}
	return slices.Sorted(maps.Keys(found))
}

// collect walks a template for the names of its fields.
func collect(n parse.Node, found map[string]bool) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return
		}
		for _, child := range n.Nodes {
			collect(child, found)
		}
	case *parse.ActionNode:
		collect(n.Pipe, found)
	case *parse.PipeNode:
		if n == nil {
			return
		}
		for _, command := range n.Cmds {
			collect(command, found)
		}
	case *parse.CommandNode:
		for _, arg := range n.Args {
			collect(arg, found)
		}
	case *parse.FieldNode:
		found[n.Ident[0]] = true
	case *parse.IfNode:
		collectBranch(&n.BranchNode, found)
	case *parse.RangeNode:
		collectBranch(&n.BranchNode, found)
	case *parse.WithNode:
		collectBranch(&n.BranchNode, found)
	}
}

func collectBranch(b *parse.BranchNode, found map[string]bool) {
	collect(b.Pipe, found)
	collect(b.List, found)
	collect(b.ElseList, found)
}
