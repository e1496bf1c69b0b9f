package term

import (
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// cells measures text. Characters of ambiguous width (● ✓ …) count as one cell,
// as terminals draw them whatever the locale says.
func cells() *runewidth.Condition {
	return &runewidth.Condition{EastAsianWidth: false, StrictEmojiNeutral: true}
}

func width(s string) int { return cells().StringWidth(s) }

// pad fills s with spaces to w cells.
func pad(s string, w int) string { return s + strings.Repeat(" ", max(0, w-width(s))) }

// cut shortens s to w cells, with … where something is gone.
func cut(s string, w int) string {
	if width(s) <= w {
		return s
	}
	return cells().Truncate(s, w, "…")
}

// clean takes out of a text whatever would act on the terminal instead of being
// shown: escape sequences in the log of a host are not ours to run.
func clean(s string) string {
	var b strings.Builder
	for rest := []rune(s); len(rest) > 0; {
		r := rest[0]
		rest = rest[1:]
		switch {
		case r == '\x1b' || r == '\u009b':
			rest = afterSequence(r, rest)
		case r == '\n':
			b.WriteRune(r)
		case r == '\t':
			b.WriteString("    ")
		case unicode.IsControl(r), turnsText(r):
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// turnsText reports whether r makes what follows run the other way.
func turnsText(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// afterSequence skips the rest of an escape sequence that began with r.
func afterSequence(r rune, rest []rune) []rune {
	if len(rest) == 0 {
		return rest
	}
	kind := rest[0]
	if r == '\u009b' {
		kind = '['
	} else {
		rest = rest[1:]
	}
	var end func(r rune) bool
	switch kind {
	case '[': // CSI: up to a final byte
		end = func(r rune) bool { return r >= 0x40 && r <= 0x7e }
	case ']', 'P', '^', '_', 'X': // a string: up to BEL or ST
		end = func(r rune) bool { return r == '\a' || r == '\\' || r == '\u009c' }
	default:
		return rest
	}
	for i, c := range rest {
		if c == '\n' {
			return rest[i:]
		}
		if end(c) {
			return rest[i+1:]
		}
	}
	return nil
}

// wrap breaks text into lines of at most w cells: at spaces, and between
// characters where there is none in time, as Chinese is written. w ≤ 0 breaks
// only where the text does.
func wrap(text string, w int) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, wrapLine(line, w)...)
	}
	return out
}

func wrapLine(line string, w int) []string {
	if w <= 0 || width(line) <= w {
		return []string{strings.TrimRight(line, " ")}
	}
	var out []string
	rest := []rune(line)
	for len(rest) > 0 {
		n := fitting(rest, w)
		if n < len(rest) {
			n = breakBefore(rest, n)
		}
		out = append(out, strings.TrimRight(string(rest[:n]), " "))
		for rest = rest[n:]; len(rest) > 0 && rest[0] == ' '; {
			rest = rest[1:]
		}
	}
	return out
}

// fitting is how many characters of rest fit into w cells, at least one.
func fitting(rest []rune, w int) int {
	c, used := cells(), 0
	for i, r := range rest {
		used += c.RuneWidth(r)
		if used > w && i > 0 {
			return i
		}
	}
	return len(rest)
}

// noLineStart are the marks that no line of Chinese begins with.
const noLineStart = "，。、；：？！）》」』”’…,.;:?!)]}"

// breakBefore finds the last good place to break at or before n.
func breakBefore(rest []rune, n int) int {
	c := cells()
	for i := n; i > n/2; i-- {
		if strings.ContainsRune(noLineStart, rest[i]) {
			continue
		}
		if rest[i] == ' ' || rest[i-1] == ' ' || c.RuneWidth(rest[i]) == 2 || c.RuneWidth(rest[i-1]) == 2 {
			return i
		}
	}
	return n
}
