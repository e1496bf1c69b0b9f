package pages

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

const (
	// mostLines is how many lines one answer has at most.
	mostLines = 1000
	// longestLine is how much of a line is shown, in bytes; the download has all.
	longestLine = 4000
	// longestFilter bounds what a log is searched for, in bytes.
	longestFilter = 200
)

// logAnswer is a piece of a log.
type logAnswer struct {
	// Total counts the lines that the filter lets through.
	Total int `json:"total"`
	// Last is the sequence number of the newest line, filtered or not.
	Last   int64     `json:"last,omitempty"`
	Offset int       `json:"offset"`
	Lines  []logLine `json:"lines"`
	// Words say the total in the reader's language.
	Words string `json:"words,omitempty"`
}

// logLine is one line of it.
type logLine struct {
	Seq   int64  `json:"seq"`
	Time  string `json:"time"` // in the reader's zone
	Phase string `json:"phase"`
	Node  string `json:"node,omitempty"`
	Line  string `json:"line"`
	Cut   bool   `json:"cut,omitempty"` // there is more of it in the download
}

// operationLog gives a piece of the log: ?offset=, ?limit= (0: only how many
// there are), and the filter node, phase and q. With ?known= the total is taken
// for granted: counting what a filter lets through means reading it all.
func (p *Pages) operationLog(w http.ResponseWriter, r *http.Request, in bot.Inbound) error {
	call, rd, err := p.lookAt(r, in, "op logs ")
	if err != nil {
		return err
	}
	q := r.URL.Query()
	filter, offset, limit := logFilter(q), number(q.Get("offset"), 0, 0, 1<<40), number(q.Get("limit"), 0, 0, mostLines)
	a := logAnswer{Offset: offset, Lines: []logLine{}, Total: number(q.Get("known"), 0, 0, 1<<40)}
	if a.Total == 0 {
		if a.Total, a.Last, err = p.store.LogSize(r.Context(), call.Op.ID, filter); err != nil {
			return err
		}
		a.Words = rd.T("page.log.lines", "count", a.Total, "number", grouped(a.Total))
	}
	if limit > 0 && offset < a.Total {
		lines, err := p.store.Log(r.Context(), call.Op.ID, window(filter, offset, limit))
		if err != nil {
			return err
		}
		format := rd.clockFor(call.Op)
		for _, l := range lines {
			a.Lines = append(a.Lines, rd.logLine(l, format))
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	// Nothing to be done when the browser has gone.
	_ = json.NewEncoder(w).Encode(a)
	return nil
}

// logFilter reads the filter of a request.
func logFilter(q url.Values) commands.LogFilter {
	return commands.LogFilter{Node: clipped(q.Get("node"), longestFilter), Phase: clipped(q.Get("phase"), longestFilter),
		Contains: clipped(q.Get("q"), longestFilter)}
}

// window narrows a filter to some of its lines. Lines are numbered without gaps,
// so that without a filter the place is known and nothing has to be passed over.
func window(f commands.LogFilter, offset, limit int) commands.LogFilter {
	if f == (commands.LogFilter{}) {
		return commands.LogFilter{After: int64(offset), Limit: limit}
	}
	f.Offset, f.Limit = offset, limit
	return f
}

// grouped writes a number for people: 200,000.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// number reads a number between least and most; what is none is otherwise.
func number(text string, least, otherwise, most int) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return otherwise
	}
	return min(max(n, least), most)
}

func (rd *reader) logLine(l lifecycle.LogLine, format string) logLine {
	line := plain(commands.LogText(l, rd.Text))
	out := logLine{Seq: l.Seq, Time: l.At.In(rd.zone).Format(format), Phase: l.Phase, Node: l.Node, Line: clipped(line, longestLine)}
	out.Cut = len(out.Line) < len(line)
	return out
}

// clockFor shows the day beside the time where an operation saw more than one.
func (rd *reader) clockFor(op *lifecycle.Operation) string {
	end := op.EndedAt
	if end.IsZero() {
		end = rd.now
	}
	if op.CreatedAt.In(rd.zone).Format(time.DateOnly) != end.In(rd.zone).Format(time.DateOnly) {
		return "01-02 15:04:05"
	}
	return time.TimeOnly
}

// colours are the sequences that programs colour their output with.
var colours = regexp.MustCompile(`\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?)`)

// plain takes out what steers a terminal, which a browser shows as rubbish and a
// terminal obeys.
func plain(line string) string {
	if !strings.ContainsFunc(line, steers) {
		return line
	}
	return strings.Map(func(c rune) rune {
		if steers(c) {
			return -1
		}
		return c
	}, colours.ReplaceAllString(line, ""))
}

// steers reports control characters, and those that turn the direction of what
// follows.
func steers(c rune) bool {
	return c < ' ' && c != '\t' || c == 0x7f || c >= 0x80 && c < 0xa0 || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}

// clipped is the beginning of a text, whole characters.
func clipped(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
