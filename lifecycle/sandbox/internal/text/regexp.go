package text

import (
	"regexp"
	"strings"
)

// Compile makes a Go expression of a POSIX basic or extended one. Not known are
// back-references within the expression.
func Compile(pattern string, extended, fold bool) (*regexp.Regexp, error) {
	if !extended {
		pattern = fromBasic(pattern)
	}
	pattern = strings.NewReplacer(`\\`, `\\`, `\<`, `\b`, `\>`, `\b`).Replace(pattern)
	if fold {
		pattern = "(?i)" + pattern
	}
	return regexp.Compile(pattern)
}

// fromBasic exchanges the escaped and the plain forms of ( ) { } + ? |.
func fromBasic(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p):
			i++
			if strings.IndexByte("(){}+?|", p[i]) < 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(p[i])
		case c == '[':
			end := bracketEnd(p, i)
			b.WriteString(p[i:end])
			i = end - 1
		case strings.IndexByte("(){}+?|", c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '*' && (i == 0 || p[i-1] == '^' || strings.HasSuffix(p[:i], `\(`)):
			b.WriteString(`\*`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// bracketEnd is the index after the bracket expression that starts at i.
func bracketEnd(p string, i int) int {
	j := i + 1
	if j < len(p) && p[j] == '^' {
		j++
	}
	if j < len(p) && p[j] == ']' {
		j++
	}
	for j < len(p) && p[j] != ']' {
		if p[j] == '[' && j+1 < len(p) && p[j+1] == ':' {
			if k := strings.Index(p[j:], ":]"); k >= 0 {
				j += k + 1
			}
		}
		j++
	}
	return min(j+1, len(p))
}
