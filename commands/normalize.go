package commands

import (
	"strings"
	"unicode"
)

// typed is a text as the lexer reads it: what input methods and chat clients
// made of a command is plain again, and every byte knows which runes of the
// original it came from, so that an error can point at what the person wrote.
type typed struct {
	text string
	from []int // per byte: first rune in the original
	to   []int // per byte: rune after the last one
}

// normaliser walks over the original once. It has to know about quotes, because
// what stands between them is left alone.
type normaliser struct {
	runes []rune
	at    int
	out   strings.Builder
	from  []int
	to    []int
	last  rune   // last rune written; ' ' at the start
	delim rune   // ASCII quote that the lexer will see; 0 = outside quotes
	close string // runes that end the quote
}

// normalise makes full-width letters, digits, spaces and punctuation, smart
// quotes, dashes that stand for --, zero-width characters and links that a
// client made out of host names plain again.
func normalise(original string) typed {
	n := &normaliser{runes: []rune(original), last: ' '}
	for n.at < len(n.runes) {
		if n.delim != 0 {
			n.inside()
		} else {
			n.outside()
		}
	}
	return typed{n.out.String(), n.from, n.to}
}

// emit writes s for the next count runes of the original.
func (n *normaliser) emit(s string, count int) {
	n.write(s, n.at, n.at+count)
	n.at += count
}

func (n *normaliser) write(s string, from, to int) {
	for _, r := range s {
		n.last = r
	}
	n.out.WriteString(s)
	for range len(s) {
		n.from = append(n.from, from)
		n.to = append(n.to, to)
	}
}

func (n *normaliser) inside() {
	r := n.runes[n.at]
	switch {
	case r == '\\' && n.at+1 < len(n.runes):
		n.escaped()
	case strings.ContainsRune(n.close, r):
		n.emit(string(n.delim), 1)
		n.delim = 0
	case r == n.delim:
		n.emit(`\`+string(r), 1)
	case r == '<' && n.link(): // the client linked it, the person did not
	default:
		n.emit(string(r), 1)
	}
}

// escaped keeps an escape; a smart quote that is escaped is content already.
func (n *normaliser) escaped() {
	next := n.runes[n.at+1]
	if next > unicode.MaxASCII && isQuote(next) {
		n.emit(string(next), 2)
		return
	}
	n.emit(`\`+string(next), 2)
}

func (n *normaliser) outside() {
	r := n.runes[n.at]
	start := n.last == ' '
	switch plain := fold(r); {
	case plain < 0:
		n.at++ // zero width
	case plain == '\\' && n.at+1 < len(n.runes):
		n.escape(n.runes[n.at+1])
	case plain == '<' && n.link():
	case isQuote(r) && (start || strings.ContainsRune("=:,", n.last)):
		n.open(r)
	case isQuote(r):
		n.emit(string(quoteOf(r)), 1)
	case start && isDash(r):
		n.dashes()
	case isDash(r):
		n.emit("-", 1)
	case r == '。' && n.endsToken():
		n.emit(" ", 1)
	default:
		n.emit(string(plain), 1)
	}
}

// escape keeps an escape outside quotes; at the end of a line it joins two lines.
func (n *normaliser) escape(next rune) {
	if next == '\n' || next == '\r' {
		n.emit(" ", 2)
		return
	}
	n.emit(`\`+string(next), 2)
}

func (n *normaliser) endsToken() bool {
	return n.at+1 == len(n.runes) || fold(n.runes[n.at+1]) == ' '
}

func (n *normaliser) open(r rune) {
	n.delim = quoteOf(r)
	switch r {
	case '「':
		n.close = "」"
	case '『':
		n.close = "』"
	case '«':
		n.close = "»"
	default:
		n.close = `"“”„‟＂`
		if n.delim == '\'' {
			n.close = "'‘’‚‛＇"
		}
	}
	n.emit(string(n.delim), 1)
}

// dashes reads a run of dashes at the start of a word: a long one is what a
// client made of "--".
func (n *normaliser) dashes() {
	first, long := n.at, false
	for n.at < len(n.runes) && isDash(n.runes[n.at]) {
		long = long || n.runes[n.at] == '–' || n.runes[n.at] == '—' || n.runes[n.at] == '―'
		n.at++
	}
	if long {
		n.write("--", first, n.at)
		return
	}
	for i := first; i < n.at; i++ {
		n.write("-", i, i+1)
	}
}

// link takes the mark-up of a chat client: <http://a.b|a.b>, <mailto:a@b|a@b>,
// <@U1|name>, <#C1|name>, <http://a.b>. What was shown is what was typed.
func (n *normaliser) link() bool {
	end := n.at + 1
	for end < len(n.runes) && n.runes[end] != '>' {
		if n.runes[end] == '<' || n.runes[end] == '\n' || end-n.at > 2048 {
			return false
		}
		end++
	}
	if end == len(n.runes) {
		return false
	}
	target, shown, labelled := strings.Cut(string(n.runes[n.at+1:end]), "|")
	switch {
	case strings.HasPrefix(target, "@"):
		shown = target
	case strings.HasPrefix(target, "#") && labelled:
		shown = "#" + shown
	case !strings.Contains(target, "://") && !strings.HasPrefix(target, "mailto:") && !strings.HasPrefix(target, "tel:"):
		return false
	case !labelled:
		shown = strings.TrimPrefix(strings.TrimPrefix(target, "mailto:"), "tel:")
	}
	first := n.at
	for _, r := range shown {
		n.write(n.literal(r), first, end+1)
	}
	n.at = end + 1
	return true
}

// literal keeps a character of a link from ending the quote that it stands in.
func (n *normaliser) literal(r rune) string {
	if n.delim != 0 && (r == n.delim || r == '\\') {
		return `\` + string(r)
	}
	return string(r)
}

// fold gives the plain form of a character outside quotes, -1 when it has no
// width and is dropped.
func fold(r rune) rune {
	switch {
	case r >= '！' && r <= '～':
		return r - '！' + '!'
	case r == '、':
		return ','
	case invisible(r):
		return -1
	case r == ' ' || r == 0x2028 || r == 0x2029 || unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Zs, r):
		return ' '
	}
	return r
}

// invisible characters are put into texts by editors and clients, never by hand.
func invisible(r rune) bool {
	switch {
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x2069:
		return true
	}
	return r == 0xFEFF || r == 0x00AD || r == 0x180E || r == 0xFE0F
}

func isQuote(r rune) bool {
	return strings.ContainsRune(`"“”„‟＂'‘’‚‛＇「」『』«»`, r)
}

// quoteOf is the ASCII quote of a class of quotes.
func quoteOf(r rune) rune {
	if strings.ContainsRune(`'‘’‚‛＇`, r) {
		return '\''
	}
	return '"'
}

func isDash(r rune) bool { return strings.ContainsRune("-‐‑‒–—―−－﹣", r) }
