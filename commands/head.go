package commands

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// head is what the first words of a text were taken for.
type head struct {
	spec *Spec
	rest []lexeme // the words after it
	zh   bool     // said in Chinese
}

// politeWords may stand before or inside a head and mean nothing; viewWords
// may stand before the head of a command that only reads.
var (
	politeWords = []string{"请", "帮我", "麻烦", "我要", "我想", "给我", "please", "一个", "一台", "一下", "新的", "的", "a", "an", "the", "my", "new", "所有", "全部", "all"}
	viewWords   = []string{"查看", "显示", "列出", "看看", "看一下", "查询"}
)

// head finds the command that the words begin with: noun verb or verb noun, in
// either language, with or without spaces between Chinese words. Of several
// readings the longest is meant.
func (r *Registry) head(words []lexeme) (head, bool) {
	var best head
	var bestAt place
	bestRank := 0
	for _, start := range starts(words) {
		rest := words[start.word].text[start.byte:]
		first, _ := utf8.DecodeRuneInString(strings.ToLower(rest))
		for _, p := range r.phrases[first] {
			if start.view && p.spec.Kind.Mutates() {
				continue
			}
			end, ok := r.follow(words, start.place, p)
			if !ok || best.spec != nil && !bestAt.before(end) && (bestAt != end || bestRank <= p.rank) {
				continue
			}
			best, bestAt, bestRank = head{spec: p.spec, zh: hasHan(strings.Join(p.words, ""))}, end, p.rank
		}
	}
	if best.spec == nil {
		return best, false
	}
	best.rest = bestAt.remaining(words)
	return best, true
}

// place is a byte of a word of a text.
type place struct{ word, byte int }

func (p place) before(b place) bool {
	return p.word < b.word || p.word == b.word && p.byte < b.byte
}

// remaining are the words from p on.
func (p place) remaining(words []lexeme) []lexeme {
	if p.word >= len(words) {
		return nil
	}
	if p.byte == 0 {
		return words[p.word:]
	}
	rest := words[p.word].slice(p.byte, len(words[p.word].text)).trim()
	if rest.text == "" {
		return words[p.word+1:]
	}
	return append([]lexeme{rest}, words[p.word+1:]...)
}

// entry is a place where a head may start.
type entry struct {
	place
	view bool // a word of looking stands before it
}

// starts are the beginning of the text and what follows words that mean nothing.
func starts(words []lexeme) []entry {
	if len(words) == 0 {
		return nil
	}
	out := []entry{{}}
	at, view := place{}, false
	for range 4 {
		next, ok := skipOne(words, at, politeWords)
		if !ok {
			if next, ok = skipOne(words, at, viewWords); !ok {
				break
			}
			view = true
		}
		if next.word >= len(words) {
			break
		}
		at = next
		out = append(out, entry{at, view})
	}
	return out
}

// skipOne steps over one of the fillers at p.
func skipOne(words []lexeme, p place, fillers []string) (place, bool) {
	for _, f := range fillers {
		if next, ok := step(words, p, f); ok {
			return next, true
		}
	}
	return p, false
}

// step reads one word of a head at p. A Latin word ends where its script ends; a
// Chinese one may be followed by anything.
func step(words []lexeme, p place, form string) (place, bool) {
	if p.word >= len(words) {
		return p, false
	}
	w := words[p.word]
	text := w.text[p.byte:]
	if len(text) < len(form) || !strings.EqualFold(text[:len(form)], form) || slices.Contains(w.quoted[p.byte:p.byte+len(form)], true) {
		return p, false
	}
	end := p.byte + len(form)
	if end == len(w.text) {
		return place{p.word + 1, 0}, true
	}
	last, _ := utf8.DecodeLastRuneInString(form)
	next, _ := utf8.DecodeRuneInString(w.text[end:])
	if !unicode.Is(unicode.Han, last) && !unicode.Is(unicode.Han, next) && next != ',' && next != ':' {
		return p, false
	}
	return place{p.word, end}, true
}

// follow reads all the words of a phrase from p on, and checks that what is
// left of the last word can stand by itself.
func (r *Registry) follow(words []lexeme, p place, ph phrase) (place, bool) {
	for i, form := range ph.words {
		next, ok := step(words, p, form)
		for n := 0; !ok && i > 0 && n < 3; n++ {
			if p, ok = skipOne(words, p, politeWords); !ok {
				return p, false
			}
			next, ok = step(words, p, form)
		}
		if !ok {
			return p, false
		}
		p = next
	}
	if p.byte == 0 {
		return p, true
	}
	rest := words[p.word].slice(p.byte, len(words[p.word].text))
	first, _ := utf8.DecodeRuneInString(rest.text)
	if !unicode.Is(unicode.Han, first) {
		return p, true
	}
	return p, r.isOption(ph.spec, rest)
}

// isOption reports whether w is name=value or name:value of a command, or the
// bare name of one of its options.
func (r *Registry) isOption(s *Spec, w lexeme) bool {
	name, _, _ := cutOption(w)
	_, ok := r.params[s].find(name.text)
	return ok && name.bare()
}

// cutOption splits at the first unquoted '=', or else ':'.
func cutOption(w lexeme) (name, value lexeme, cut bool) {
	if name, value, cut = w.cut('='); cut {
		return name, value, true
	}
	return w.cut(':')
}
