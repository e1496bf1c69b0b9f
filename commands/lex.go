package commands

import "strings"

// lexeme is a word of a command with its quotes and escapes resolved. Every byte
// remembers where it came from and whether it was quoted: a quoted '=' or comma
// is content.
type lexeme struct {
	text     string
	from, to []int
	quoted   []bool
	pos, end int // runes in the original, quotes included
}

// lex splits a text into words. open is the position of a quote that nothing
// closes, -1 when there is none; its word then reaches to the end.
func lex(t typed) (words []lexeme, open int) {
	open = -1
	for i := 0; i < len(t.text); {
		if t.text[i] == ' ' {
			i++
			continue
		}
		var w lexeme
		w, i, open = t.word(i)
		words = append(words, w)
	}
	return joinEquals(words), open
}

// word reads one word from byte i and gives the byte after it.
func (t typed) word(i int) (w lexeme, next, open int) {
	w.pos = t.from[i]
	start, delim, quoteAt := i, byte(0), -1
	var text []byte
	take := func(i int, quoted bool) {
		text = append(text, t.text[i])
		w.from, w.to, w.quoted = append(w.from, t.from[i]), append(w.to, t.to[i]), append(w.quoted, quoted)
	}
	for i < len(t.text) && (delim != 0 || t.text[i] != ' ') {
		c := t.text[i]
		switch {
		case c == '\\' && i+1 < len(t.text) && escapable(t.text[i+1], delim):
			take(i+1, true)
			w.from[len(w.from)-1] = t.from[i]
			i += 2
			continue
		case delim != 0 && c == delim:
			delim = 0
		case delim == 0 && (c == '"' || c == '\'') && (i == start || strings.IndexByte("=:,", t.text[i-1]) >= 0):
			delim, quoteAt = c, i
		default:
			take(i, delim != 0)
		}
		i++
	}
	w.text, w.end = string(text), t.to[i-1]
	open = -1
	if delim != 0 {
		open = t.from[quoteAt]
	}
	return w, i, open
}

// escapable reports whether a backslash before c is an escape: other
// backslashes are content, so that paths need no doubling.
func escapable(c, delim byte) bool {
	if delim != 0 {
		return c == delim || c == '\\' || c == '<'
	}
	return strings.IndexByte(`\"' =,:<-@`, c) >= 0
}

// slice is a part of a word, with its place.
func (w lexeme) slice(a, b int) lexeme {
	if a == 0 && b == len(w.text) {
		return w
	}
	s := lexeme{text: w.text[a:b], from: w.from[a:b], to: w.to[a:b], quoted: w.quoted[a:b]}
	switch {
	case a < b:
		s.pos, s.end = w.opens(a), w.closes(b)
	case a > 0:
		s.pos, s.end = w.to[a-1], w.end
	default:
		s.pos, s.end = w.pos, w.pos
	}
	return s
}

// opens is where byte a begins, with the quote before it.
func (w lexeme) opens(a int) int {
	switch {
	case a == 0:
		return w.pos
	case w.quoted[a] && !w.quoted[a-1] && w.from[a] > w.to[a-1]:
		return w.from[a] - 1
	}
	return w.from[a]
}

// closes is where the byte before b ends, with the quote after it.
func (w lexeme) closes(b int) int {
	switch {
	case b == len(w.text):
		return w.end
	case w.quoted[b-1] && !w.quoted[b] && w.from[b] > w.to[b-1]:
		return w.to[b-1] + 1
	}
	return w.to[b-1]
}

// index finds the first unquoted byte c.
func (w lexeme) index(c byte) int {
	for i := range len(w.text) {
		if w.text[i] == c && !w.quoted[i] {
			return i
		}
	}
	return -1
}

// cut splits at the first unquoted byte c.
func (w lexeme) cut(c byte) (before, after lexeme, found bool) {
	i := w.index(c)
	if i < 0 {
		return w, lexeme{}, false
	}
	return w.slice(0, i), w.slice(i+1, len(w.text)), true
}

// bare reports whether nothing in w was quoted.
func (w lexeme) bare() bool {
	for _, q := range w.quoted {
		if q {
			return false
		}
	}
	return w.text != "" && w.end-w.pos > 0
}

// prefixed reports whether w starts with an unquoted prefix.
func (w lexeme) prefixed(prefix string) bool {
	return strings.HasPrefix(w.text, prefix) && !w.quoted[0]
}

// trim drops unquoted commas and semicolons around a word: people write them
// between options.
func (w lexeme) trim() lexeme {
	a, b := 0, len(w.text)
	stop := func(i int) bool { return !w.quoted[i] && (w.text[i] == ',' || w.text[i] == ';') }
	for a < b && stop(a) {
		a++
	}
	for b > a && stop(b-1) {
		b--
	}
	if a == 0 && b == len(w.text) {
		return w
	}
	return w.slice(a, b)
}

// joinEquals makes one word of "key = value", "key= value" and "key =value".
func joinEquals(words []lexeme) []lexeme {
	var out []lexeme
	for i := 0; i < len(words); i++ {
		w := words[i]
		if len(out) > 0 && w.prefixed("=") && out[len(out)-1].index('=') < 0 && out[len(out)-1].bare() {
			w = glue(out[len(out)-1], w)
			out = out[:len(out)-1]
		}
		if w.index('=') == len(w.text)-1 && w.end == w.to0() && i+1 < len(words) && words[i+1].index('=') < 0 && !words[i+1].prefixed("--") {
			w = glue(w, words[i+1])
			i++
		}
		out = append(out, w)
	}
	return out
}

// to0 is where the last byte ended: before w.end when quotes followed it.
func (w lexeme) to0() int {
	if len(w.to) == 0 {
		return -1
	}
	return w.to[len(w.to)-1]
}

func glue(a, b lexeme) lexeme {
	return lexeme{text: a.text + b.text, from: append(a.from[:len(a.from):len(a.from)], b.from...),
		to: append(a.to[:len(a.to):len(a.to)], b.to...), quoted: append(a.quoted[:len(a.quoted):len(a.quoted)], b.quoted...),
		pos: a.pos, end: b.end}
}
