package bot

import (
	"bytes"
	"encoding/csv"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Attachment is what was too long for its message and goes beside it as a file.
type Attachment struct {
	Name    string
	Content []byte
}

// cutMark stands where something was left out. It is in no language.
const cutMark = "…"

// Fit makes m small enough for l, as render shows it: buttons beyond the limit
// become words, then code, table, text and values are shortened, in this order,
// each only as far as needed. With attach, shortened code and tables are given
// whole as attachments, for an adapter that is an Uploader. The text is what
// render makes of the result; it keeps to the limits whatever render does.
func Fit(m Message, l Limits, render func(Message) string, attach bool) (text string, fitted Message, files []Attachment) {
	m = fewerActions(m, l.Actions)
	f := &fitter{m: m, limits: l, render: render}
	whole := m
	f.monsters()
	f.code()
	f.table()
	f.text()
	f.values()
	if attach {
		files = takenOut(whole, f.m)
	}
	return Truncate(render(f.m), l), f.m, files
}

// Fits reports whether text keeps to the limits of size.
func (l Limits) Fits(text string) bool {
	return (l.Bytes <= 0 || len(text) <= l.Bytes) && (l.Runes <= 0 || utf8.RuneCountInString(text) <= l.Runes)
}

type fitter struct {
	m      Message
	limits Limits
	render func(Message) string
}

// shrink finds the largest part, of size at most n, with which the message fits,
// and keeps it; without any fit it keeps the smallest.
func (f *fitter) shrink(n int, with func(Message, int) Message) {
	if f.limits.Fits(f.render(f.m)) {
		return
	}
	tooMuch := sort.Search(n+1, func(k int) bool { return !f.limits.Fits(f.render(with(f.m, k))) })
	f.m = with(f.m, max(0, tooMuch-1))
}

// monsters shortens single parts that would leave no room for any other.
func (f *fitter) monsters() {
	if f.limits.Fits(f.render(f.m)) {
		return
	}
	f.m.Title = TruncateLine(f.m.Title, Limits{Runes: 200})
	f.m.Text = Truncate(f.m.Text, Limits{Bytes: half(f.limits.Bytes), Runes: half(f.limits.Runes)})
	f.m.Fields = slices.Clone(f.m.Fields)
	for i := range f.m.Fields {
		f.m.Fields[i].Value = Truncate(f.m.Fields[i].Value, Limits{Runes: 500})
	}
	if f.m.Table == nil {
		return
	}
	t := Table{Columns: f.m.Table.Columns}
	for _, row := range f.m.Table.Rows {
		short := make([]string, len(row))
		for i, cell := range row {
			short[i] = Truncate(cell, Limits{Runes: 200})
		}
		t.Rows = append(t.Rows, short)
	}
	f.m.Table = &t
}

// half of a limit; no limit stays none.
func half(limit int) int { return (limit + 1) / 2 }

func (f *fitter) code() {
	if f.m.Code == nil {
		return
	}
	lines := strings.SplitAfter(f.m.Code.Text, "\n")
	full := *f.m.Code
	f.shrink(len(lines), func(m Message, k int) Message {
		c := full
		switch k {
		case len(lines):
		case 0:
			m.Code = nil
			return m
		default: // the end of a log says more than its beginning
			c.Text = cutMark + "\n" + strings.Join(lines[len(lines)-k:], "")
		}
		m.Code = &c
		return m
	})
}

func (f *fitter) table() {
	if f.m.Table == nil {
		return
	}
	full := *f.m.Table
	f.shrink(len(full.Rows), func(m Message, k int) Message {
		t := full
		if k < len(full.Rows) {
			t.Rows = append(slices.Clone(full.Rows[:k]), []string{cutMark})
		}
		m.Table = &t
		if k == 0 {
			m.Table = nil
		}
		return m
	})
}

func (f *fitter) text() {
	full := f.m.Text
	f.shrink(utf8.RuneCountInString(full), func(m Message, k int) Message {
		m.Text = Truncate(full, Limits{Runes: k})
		if k == 0 {
			m.Text = ""
		}
		return m
	})
}

// values shortens the values of fields and the notes of a card alike.
func (f *fitter) values() {
	fields, progress := f.m.Fields, f.m.Progress
	f.shrink(200, func(m Message, k int) Message {
		m.Fields = nil
		for _, field := range fields {
			if k == 0 {
				break
			}
			field.Value = Truncate(field.Value, Limits{Runes: k})
			m.Fields = append(m.Fields, field)
		}
		if progress == nil {
			return m
		}
		p := *progress
		p.Items = nil
		for _, item := range progress.Items {
			if k > 20 {
				item.Note = Truncate(item.Note, Limits{Runes: k - 20})
			} else {
				item.Note = ""
			}
			if k > 0 || item.State == "running" || item.State == "failed" {
				p.Items = append(p.Items, item)
			}
		}
		m.Progress = &p
		return m
	})
}

// fewerActions makes words of the buttons beyond n: what they do can be typed.
func fewerActions(m Message, n int) Message {
	if n <= 0 || len(m.Actions) <= n {
		return m
	}
	var rest []string
	for _, a := range m.Actions[n:] {
		rest = append(rest, a.Label+Colon(a.Label)+a.Typed())
	}
	if m.Footer != "" {
		rest = append(rest, m.Footer)
	}
	m.Actions, m.Footer = m.Actions[:n:n], strings.Join(rest, "\n")
	return m
}

// takenOut gives what whole has and fitted has not, whole.
func takenOut(whole, fitted Message) []Attachment {
	var out []Attachment
	if c := whole.Code; c != nil && (fitted.Code == nil || fitted.Code.Text != c.Text) {
		name := c.Filename
		if name == "" {
			name = "output.txt"
		}
		out = append(out, Attachment{Name: name, Content: []byte(c.Text)})
	}
	if t := whole.Table; t != nil && (fitted.Table == nil || !sameRows(t, fitted.Table)) {
		out = append(out, Attachment{Name: "table.csv", Content: tableCSV(t)})
	}
	return out
}

func sameRows(a, b *Table) bool { return slices.EqualFunc(a.Rows, b.Rows, slices.Equal[[]string]) }

func tableCSV(t *Table) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write(t.Columns) // a buffer takes everything
	_ = w.WriteAll(t.Rows) // as above
	return b.Bytes()
}

const fence = "```"

// Truncate shortens text to the limits of size, with … at the end. It splits no
// character and no link, cuts at a line or a space where one is near, and closes a
// code fence that the cut has left open.
func Truncate(text string, l Limits) string {
	if l.Fits(text) {
		return text
	}
	for end := longest(text, l, cutMark); end > 0; end = back(text, end-1) {
		cut := text[:outsideLink(text, nearBreak(text, end))]
		cut = strings.TrimRight(cut, "`") // not in the middle of a fence
		tail := cutMark
		if strings.Count(cut, fence)%2 == 1 {
			tail = cutMark + "\n" + fence
		}
		if l.Fits(cut + tail) {
			return cut + tail
		}
	}
	if l.Fits(cutMark) {
		return cutMark
	}
	return ""
}

// TruncateLine shortens what is shown as it is, without markup (a title, a button's
// label, a name), to the limits of size, with … at the end. It splits no character,
// and cuts at a space where one is near.
func TruncateLine(text string, l Limits) string {
	if l.Fits(text) {
		return text
	}
	if !l.Fits(cutMark) {
		return ""
	}
	return text[:nearBreak(text, longest(text, l, cutMark))] + cutMark
}

// longest is how many bytes of text fit together with tail.
func longest(text string, l Limits, tail string) int {
	end := len(text)
	if l.Bytes > 0 {
		end = min(end, l.Bytes-len(tail))
	}
	if l.Runes > 0 {
		left := l.Runes - utf8.RuneCountInString(tail)
		for i := range text {
			if left <= 0 {
				end = min(end, i)
				break
			}
			left--
		}
	}
	return back(text, end)
}

// back goes to the start of the character that end is in; what joins its
// neighbours (accents, emoji of several parts) stays with them.
func back(text string, end int) int {
	end = max(0, end)
	for ; end > 0 && end < len(text); end-- {
		if !utf8.RuneStart(text[end]) {
			continue
		}
		next, _ := utf8.DecodeRuneInString(text[end:])
		before, _ := utf8.DecodeLastRuneInString(text[:end])
		if !joins(next) && before != '\u200d' {
			return end
		}
	}
	return end
}

func joins(r rune) bool { return unicode.Is(unicode.M, r) || r == '\u200d' }

// nearBreak gives a line's end or a space shortly before end, else end.
func nearBreak(text string, end int) int {
	from := end - min(40, end/4)
	for _, c := range []byte{'\n', ' '} {
		if i := strings.LastIndexByte(text[from:end], c); i >= 0 {
			return from + i
		}
	}
	return end
}

// outsideLink goes back to the start of the link that end is in: half an address
// leads elsewhere, and half of [words](address) is no link.
func outsideLink(text string, end int) int {
	for near := min(len(text), end+len("https://")); ; { // end may be in the scheme
		at := strings.LastIndex(text[:near], "://")
		if at < 0 {
			break
		}
		start := addressStart(text, at)
		if start < end {
			if addressEnd(text, at) > end {
				end = trimmed(text, start)
			}
			break
		}
		near = at
	}
	open := strings.LastIndexByte(text[:end], '[')
	if open < 0 {
		return end
	}
	words, rest, linked := strings.Cut(text[open:], "](")
	if linked && !strings.ContainsAny(words[1:], "[]\n") && end < open+len(words)+2+strings.IndexByte(rest+")", ')')+1 {
		return trimmed(text, open)
	}
	return end
}

// trimmed leaves out the spaces before end.
func trimmed(text string, end int) int { return len(strings.TrimRight(text[:end], " \n")) }

// addressEnd gives where the address ends that has its :// at i.
func addressEnd(text string, i int) int {
	for i < len(text) && inAddress(text[i]) {
		i++
	}
	return i
}

// addressStart gives where its scheme begins.
func addressStart(text string, i int) int {
	for i > 0 && ('a' <= text[i-1]|0x20 && text[i-1]|0x20 <= 'z') {
		i--
	}
	return i
}

// inAddress reports whether an address may have c in it; text in another script
// may follow one without a space.
func inAddress(c byte) bool {
	return c > ' ' && c < 0x7f && !strings.ContainsRune("<>\"`{}|\\^", rune(c))
}
