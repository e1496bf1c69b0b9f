package commands

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// mask stands for a secret wherever a text is shown or kept.
const mask = "***"

// secretNames are parts of names whose values are never shown, whether or not
// a command has such an option.
var secretNames = []string{"password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "api-key", "private-key",
	"privatekey", "密码", "口令", "令牌", "密钥", "私钥"}

// secretForms are texts that are secrets wherever they stand.
var secretForms = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY|` +
	`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.|` + // JWT
	`\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bxapp-[0-9]-[A-Za-z0-9-]{10,}|` + // Slack
	`\bgh[opsur]_[A-Za-z0-9]{30,}|\bglpat-[A-Za-z0-9_-]{20,}|` + // GitHub, GitLab
	`\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bLTAI[A-Za-z0-9]{12,}|` + // AWS, Aliyun
	`\bSEC[0-9a-f]{60,}|` + // DingTalk robot
	`\bclient-key-data:|\bAGE-SECRET-KEY-1[A-Z0-9]{20,}|` +
	`[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@`) // password in a URL

// runeSpan is a range of runes of the original.
type runeSpan struct{ pos, end int }

// masks finds what must not be shown of a text: values of what is or looks like
// the name of a secret, and what looks like a secret by itself.
func (r *Registry) masks(original string, words []lexeme) (hidden []runeSpan, plain []ParseError) {
	for i, w := range words {
		if where, ok := r.secretValue(words, i); ok && !where.prefixed(refMark) && where.text != "" {
			hidden = append(hidden, runeSpan{where.pos, where.end})
		}
		if secretForms.MatchString(w.text) {
			hidden = append(hidden, runeSpan{w.pos, w.end})
			plain = append(plain, ParseError{Pos: w.pos, End: w.end, Token: mask, Text: lifecycle.T("lang.secret.looks")})
		}
	}
	if len(plain) == 0 && secretForms.MatchString(original) { // spread over several words
		n := len([]rune(original))
		hidden = append(hidden, runeSpan{0, n})
		plain = append(plain, ParseError{Pos: 0, End: n, Token: mask, Text: lifecycle.T("lang.secret.looks")})
	}
	return hidden, plain
}

// secretValue gives the value that belongs to word i when that names a secret:
// name=value, --name value, or name value where the sign was forgotten.
func (r *Registry) secretValue(words []lexeme, i int) (lexeme, bool) {
	w := words[i]
	name, value, cut := cutOption(w)
	if !r.secretName(strings.TrimLeft(name.text, "-")) {
		return lexeme{}, false
	}
	if cut && value.text != "" {
		return value, true
	}
	if i+1 < len(words) {
		return words[i+1], true
	}
	return lexeme{}, false
}

// secretName reports whether a typed name is, contains, or nearly is one of a
// secret.
func (r *Registry) secretName(name string) bool {
	name = strings.ToLower(name)
	if name == "" {
		return false
	}
	for _, s := range secretNames {
		if strings.Contains(name, s) {
			return true
		}
	}
	if len(name) > maxSuggest {
		return false
	}
	for _, s := range r.secrets {
		if name == s || len(name) > 3 && distance(name, s) <= tolerance(s) || strings.HasSuffix(name, s) && hasHan(s) {
			return true
		}
	}
	for _, s := range secretNames {
		if len(name) > 4 && distance(name, s) <= tolerance(s) {
			return true
		}
	}
	return false
}

// conceal takes what is hidden out of everything that was made of the text.
func (p *Parsed) conceal() {
	for i := range p.Errors {
		e := &p.Errors[i]
		if !slices.ContainsFunc(p.hidden, func(h runeSpan) bool { return h.pos < e.End && e.Pos < h.end }) {
			continue
		}
		e.Token = hideFrom(p.Text, e.Pos, e.End, p.hidden)
		if !e.commands && len(e.near) == 0 {
			e.Suggestion = ""
		}
		delete(e.Text.Args, "item")
		delete(e.Text.Args, "name")
	}
	for name, v := range p.Values {
		if secretForms.MatchString(v.Text) {
			delete(p.Values, name)
		}
	}
}

// hide gives a text with ranges of its runes replaced.
func hide(original string, hidden []runeSpan) string {
	if len(hidden) == 0 {
		return original
	}
	return hideFrom(original, 0, utf8.RuneCountInString(original), hidden)
}

// hideFrom is hide for a range of runes.
func hideFrom(original string, pos, end int, hidden []runeSpan) string {
	var b strings.Builder
	for i, c := range []rune(original) {
		if i < pos || i >= end {
			continue
		}
		in, first := covered(i, hidden)
		switch {
		case in && (first || i == pos):
			b.WriteString(mask)
		case !in:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// covered reports whether rune i is hidden, and whether a hidden range starts
// there that no other one reaches into.
func covered(i int, hidden []runeSpan) (in, first bool) {
	started, before := false, false
	for _, h := range hidden {
		if i >= h.pos && i < h.end {
			in = true
			started = started || i == h.pos
			before = before || i > h.pos
		}
	}
	return in, started && !before
}
