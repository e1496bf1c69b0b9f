package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// jsonPath fills in a template of kubectl's -o jsonpath: text, {.a.b},
// {.a['b.c']}, {.a\.b}, {.list[0]}, {.list[*]}, {.list[?(@.x=="y")]}, {"text"} and
// {range …}…{end}.
func jsonPath(template string, root any) (string, error) {
	nodes, err := pathNodes(template)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := fill(&b, nodes, root); err != nil {
		return "", err
	}
	return b.String(), nil
}

// pathNode is plain text, or what stood in braces.
type pathNode struct {
	text, expr string
}

func pathNodes(template string) ([]pathNode, error) {
	var out []pathNode
	for template != "" {
		text, rest, found := strings.Cut(template, "{")
		if text != "" {
			out = append(out, pathNode{text: text})
		}
		if !found {
			return out, nil
		}
		end := closing(rest)
		if end < 0 {
			return nil, fmt.Errorf("error: error parsing jsonpath %s, unclosed action", template)
		}
		out = append(out, pathNode{expr: strings.TrimSpace(rest[:end])})
		template = rest[end+1:]
	}
	return out, nil
}

// closing finds the brace that ends an action, past quoted text.
func closing(s string) int {
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch {
		case quote != 0 && s[i] == '\\':
			i++
		case quote != 0 && s[i] == quote:
			quote = 0
		case quote == 0 && (s[i] == '"' || s[i] == '\''):
			quote = s[i]
		case quote == 0 && s[i] == '}':
			return i
		}
	}
	return -1
}

func fill(b *strings.Builder, nodes []pathNode, at any) error {
	for i := 0; i < len(nodes); i++ {
		n := nodes[i]
		switch {
		case n.expr == "":
			b.WriteString(n.text)
		case n.expr == "end":
			return fmt.Errorf("error: error parsing jsonpath, not in range, nothing to end")
		case strings.HasPrefix(n.expr, "range"):
			end, err := rangeEnd(nodes, i)
			if err != nil {
				return err
			}
			items, err := lookUp(strings.TrimSpace(n.expr[len("range"):]), at)
			if err != nil {
				return err
			}
			for _, item := range items {
				if err := fill(b, nodes[i+1:end], item); err != nil {
					return err
				}
			}
			i = end
		case n.expr[0] == '"' || n.expr[0] == '\'':
			b.WriteString(unquoted(n.expr))
		default:
			values, err := lookUp(n.expr, at)
			if err != nil {
				return err
			}
			b.WriteString(joined(values))
		}
	}
	return nil
}

func rangeEnd(nodes []pathNode, from int) (int, error) {
	depth := 0
	for i := from; i < len(nodes); i++ {
		switch {
		case strings.HasPrefix(nodes[i].expr, "range"):
			depth++
		case nodes[i].expr == "end":
			if depth--; depth == 0 {
				return i, nil
			}
		}
	}
	return 0, fmt.Errorf("error: error parsing jsonpath, unexpected end of range")
}

func unquoted(s string) string {
	if text, err := strconv.Unquote(`"` + strings.Trim(s, `"'`) + `"`); err == nil {
		return text
	}
	return strings.Trim(s, `"'`)
}

// joined prints values as kubectl does: text as it is, the rest as JSON.
func joined(values []any) string {
	var out []string
	for _, v := range values {
		if s, ok := v.(string); ok {
			out = append(out, s)
			continue
		}
		if raw, err := json.Marshal(v); err == nil {
			out = append(out, string(raw))
		}
	}
	return strings.Join(out, " ")
}

// lookUp follows a path; what is not there is left out.
func lookUp(path string, root any) ([]any, error) {
	at := []any{root}
	path = strings.TrimPrefix(strings.TrimPrefix(path, "$"), "@")
	for path != "" {
		var step func(any) []any
		var err error
		if path[0] == '[' {
			step, path, err = bracket(path)
		} else {
			step, path = field(strings.TrimPrefix(path, "."))
		}
		if err != nil {
			return nil, err
		}
		var next []any
		for _, v := range at {
			next = append(next, step(v)...)
		}
		at = next
	}
	return at, nil
}

// field takes a name up to the next dot or bracket; a dot may be escaped.
func field(path string) (step func(any) []any, rest string) {
	var name strings.Builder
	i := 0
	for ; i < len(path) && path[i] != '.' && path[i] != '['; i++ {
		if path[i] == '\\' && i+1 < len(path) {
			i++
		}
		name.WriteByte(path[i])
	}
	if name.Len() == 0 {
		return func(v any) []any { return []any{v} }, path[i:]
	}
	return child(name.String()), path[i:]
}

func child(name string) func(any) []any {
	return func(v any) []any {
		if name == "*" {
			return all(v)
		}
		if isObject(v) {
			if found, ok := asObject(v)[name]; ok {
				return []any{found}
			}
		}
		return nil
	}
}

func all(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	if !isObject(v) {
		return nil
	}
	o := asObject(v)
	var out []any
	for _, k := range sortedKeys(o) {
		out = append(out, o[k])
	}
	return out
}

func sortedKeys(o object) []string {
	out := make([]string, 0, len(o))
	for k := range o {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// bracket reads [0], [*], ['name'] and [?(@.a=="b")].
func bracket(path string) (step func(any) []any, rest string, err error) {
	end := strings.IndexByte(path, ']')
	if strings.HasPrefix(path, "[?(") {
		if end = strings.Index(path, ")]"); end >= 0 {
			end++
		}
	}
	if end < 0 {
		return nil, "", fmt.Errorf("error: error parsing jsonpath %s, unterminated array", path)
	}
	inner, rest := path[1:end], path[end+1:]
	switch {
	case strings.HasPrefix(inner, "?("):
		return filter(strings.TrimSuffix(inner[2:], ")")), rest, nil
	case strings.HasPrefix(inner, "'") || strings.HasPrefix(inner, `"`):
		return child(strings.ReplaceAll(strings.Trim(inner, `"'`), `\.`, ".")), rest, nil
	case inner == "*" || inner == ":":
		return all, rest, nil
	}
	i, err := strconv.Atoi(inner)
	if err != nil {
		return nil, "", fmt.Errorf("error: error parsing jsonpath, invalid array index %s", inner)
	}
	return func(v any) []any {
		list, _ := v.([]any)
		at := i
		if at < 0 {
			at += len(list)
		}
		if at < 0 || at >= len(list) {
			return nil
		}
		return list[at : at+1]
	}, rest, nil
}

// filter keeps the members of a list that fit one comparison.
func filter(condition string) func(any) []any {
	op := "=="
	if strings.Contains(condition, "!=") {
		op = "!="
	}
	left, right, compares := strings.Cut(condition, op)
	return func(v any) []any {
		var out []any
		for _, item := range all(v) {
			found, err := lookUp(strings.TrimSpace(left), item)
			is := joined(found) == strings.Trim(strings.TrimSpace(right), `"'`)
			if err == nil && (!compares && len(found) > 0 || compares && is == (op == "==")) {
				out = append(out, item)
			}
		}
		return out
	}
}
