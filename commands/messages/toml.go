package messages

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// unmarshal reads the part of TOML that the catalogues are written in: tables
// ["key"] with the lines one = "…", other = "…" and description = "…". It is
// stricter than TOML on purpose, so that a slip is an error with its line and not
// a text that never appears. It is a go-i18n UnmarshalFunc.
func unmarshal(data []byte, v any) error {
	out, ok := v.(*any)
	if !ok {
		return fmt.Errorf("unmarshal into %T", v)
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("not UTF-8")
	}
	r := &reader{tables: map[string]any{}}
	for i, line := range strings.Split(string(data), "\n") {
		if err := r.line(strings.TrimSpace(line)); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	*out = r.tables
	return nil
}

// reader is where unmarshal stands.
type reader struct {
	tables map[string]any
	table  map[string]any // of the last header
}

func (r *reader) line(line string) error {
	switch {
	case line == "" || line[0] == '#':
		return nil
	case line[0] == '[':
		return r.header(line)
	}
	return r.entry(line)
}

// header reads ["key"] or [key].
func (r *reader) header(line string) error {
	inside, rest, ok := strings.Cut(line[1:], "]")
	if !ok || !ends(rest) {
		return fmt.Errorf("%q is not [\"key\"]", line)
	}
	key := strings.TrimSpace(inside)
	if strings.HasPrefix(key, `"`) {
		text, rest, err := quoted(key)
		if err != nil || rest != "" {
			return fmt.Errorf("%q is not [\"key\"]", line)
		}
		key = text
	}
	if key == "" || strings.ContainsAny(key, " \t[\"'") {
		return fmt.Errorf("%q is not a key", key)
	}
	if _, twice := r.tables[key]; twice {
		return fmt.Errorf("key %q stands here a second time", key)
	}
	r.table = map[string]any{}
	r.tables[key] = r.table
	return nil
}

// entry reads name = "text".
func (r *reader) entry(line string) error {
	name, value, ok := strings.Cut(line, "=")
	name = strings.TrimSpace(name)
	if !ok || r.table == nil {
		return fmt.Errorf("%q is neither a table nor name = \"text\" in one", line)
	}
	switch name {
	case "one", "other", "description":
	default:
		return fmt.Errorf("%q is not one, other or description", name)
	}
	text, rest, err := quoted(strings.TrimSpace(value))
	if err != nil {
		return err
	}
	if !ends(rest) {
		return fmt.Errorf("%q stands after the text", rest)
	}
	if _, twice := r.table[name]; twice {
		return fmt.Errorf("%s is given twice", name)
	}
	r.table[name] = text
	return nil
}

// ends reports whether only a comment may follow.
func ends(rest string) bool {
	rest = strings.TrimSpace(rest)
	return rest == "" || rest[0] == '#'
}

// quoted reads a basic "…" or literal '…' string from the start of s.
func quoted(s string) (text, rest string, err error) {
	if strings.HasPrefix(s, `"""`) || strings.HasPrefix(s, "'''") {
		return "", "", fmt.Errorf("a text stands on one line; write \\n for a new line")
	}
	if strings.HasPrefix(s, "'") {
		text, rest, ok := strings.Cut(s[1:], "'")
		if !ok {
			return "", "", fmt.Errorf("the closing ' is missing")
		}
		return text, rest, nil
	}
	if !strings.HasPrefix(s, `"`) {
		return "", "", fmt.Errorf("a text stands in quotes")
	}
	var b strings.Builder
	for i := 1; i < len(s); {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			r, n, err := escape(s[i:])
			if err != nil {
				return "", "", err
			}
			b.WriteRune(r)
			i += n
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return "", "", fmt.Errorf("the closing \" is missing")
}

// escape reads one escape of TOML's basic strings.
func escape(s string) (r rune, length int, err error) {
	if len(s) < 2 {
		return 0, 0, fmt.Errorf("a \\ stands at the end")
	}
	switch s[1] {
	case 'n':
		return '\n', 2, nil
	case 't':
		return '\t', 2, nil
	case 'r':
		return '\r', 2, nil
	case '"', '\\':
		return rune(s[1]), 2, nil
	case 'u', 'U':
		length = 6
		if s[1] == 'U' {
			length = 10
		}
		if len(s) < length {
			return 0, 0, fmt.Errorf("%q is too short", s)
		}
		n, err := strconv.ParseUint(s[2:length], 16, 32)
		if err != nil || !utf8.ValidRune(rune(n)) {
			return 0, 0, fmt.Errorf("%q is not a character", s[:length])
		}
		return rune(n), length, nil
	}
	return 0, 0, fmt.Errorf("the escape %q is not known", s[:2])
}
