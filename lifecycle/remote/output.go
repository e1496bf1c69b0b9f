package remote

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	maxLine      = 64 << 10 // bytes of a line given to Options.Output
	defaultLimit = 1 << 20  // bytes of a stream kept in a Result
	tailLines    = 20       // lines kept for an error
	maxTailLine  = 1 << 10  // bytes of each
	minSecret    = 4        // shorter values are no secrets, and would blank out half of a text
)

// collector takes the output of one run: it keeps the beginning for the result,
// the end for an error, and gives each line on. After stop it takes nothing more,
// since a session that was left behind may still write.
type collector struct {
	output  func(string)
	limit   int
	secrets *strings.Replacer

	mu      sync.Mutex
	stopped bool
	out     stream
	err     stream
}

// stream is one of the two.
type stream struct {
	kept      bytes.Buffer
	truncated bool
	line      []byte // what has come of the next line
	tail      []string
}

func newCollector(opt Options, password string) *collector {
	c := &collector{output: opt.Output, limit: opt.Limit, secrets: blanker(opt.Env, password)}
	if c.limit <= 0 {
		c.limit = defaultLimit
	}
	return c
}

// blanker replaces every value of env, and every line of one, and password.
func blanker(env map[string]string, password string) *strings.Replacer {
	words := []string{password}
	for _, v := range env {
		words = append(words, v)
		words = append(words, strings.Split(v, "\n")...)
	}
	words = slices.DeleteFunc(words, func(w string) bool { return len(w) < minSecret })
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // a longer one may hold a shorter
	var pairs []string
	for _, w := range words {
		pairs = append(pairs, w, "***")
	}
	return strings.NewReplacer(pairs...)
}

// stdout and stderr are the collector's two writers; they never fail.
func (c *collector) stdout(p []byte) { c.take(&c.out, p) }
func (c *collector) stderr(p []byte) { c.take(&c.err, p) }

func (c *collector) take(s *stream, p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	room := c.limit - s.kept.Len()
	s.kept.Write(p[:min(len(p), room)])
	s.truncated = s.truncated || len(p) > room
	for len(p) > 0 {
		n := bytes.IndexByte(p, '\n')
		piece := p
		if n >= 0 {
			piece = p[:n]
		}
		if room := maxLine - len(s.line); len(piece) > room {
			s.line = append(s.line, piece[:room]...)
			p = p[room:]
			c.emit(s)
			continue
		}
		s.line = append(s.line, piece...)
		if n < 0 {
			return
		}
		c.emit(s)
		p = p[n+1:]
	}
}

// emit gives the line of s on.
func (c *collector) emit(s *stream) {
	line := strings.ToValidUTF8(strings.TrimSuffix(string(s.line), "\r"), "\uFFFD")
	s.line = s.line[:0]
	line = c.secrets.Replace(line)
	if len(s.tail) == tailLines {
		s.tail = slices.Delete(s.tail, 0, 1)
	}
	s.tail = append(s.tail, strings.ToValidUTF8(line[:min(len(line), maxTailLine)], ""))
	if c.output != nil {
		c.output(line)
	}
}

// stop flushes unfinished lines; what is written later is dropped.
func (c *collector) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range []*stream{&c.out, &c.err} {
		if len(s.line) > 0 && !c.stopped {
			c.emit(s)
		}
	}
	c.stopped = true
}

func (c *collector) result() Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Result{Stdout: c.out.kept.String(), Stderr: c.err.kept.String(), Truncated: c.out.truncated || c.err.truncated}
}

// last is the end of the output, for an error. The streams come apart, in no
// order between them: most of the room is standard error's, if it said that much.
func (c *collector) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	errs := c.err.tail
	if out := min(len(c.out.tail), tailLines/4); len(errs) > tailLines-out {
		errs = errs[len(errs)-(tailLines-out):]
	}
	out := c.out.tail[max(0, len(c.out.tail)-(tailLines-len(errs))):]
	return strings.Join(slices.Concat(out, errs), "\n")
}

// afterMark passes on what comes after the line of beginMark, and keeps a little of
// what came before it.
type afterMark struct {
	to     func([]byte)
	begun  bool
	pid    string // of the shell
	before []byte
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

const maxBefore = 8 << 10

func (m *afterMark) Write(p []byte) (int, error) {
	n := len(p)
	if m.begun {
		m.to(p)
		return n, nil
	}
	m.before = append(m.before, p...)
	for i := 0; ; {
		end := bytes.IndexByte(m.before[i:], '\n')
		if end < 0 {
			break
		}
		if pid, ok := strings.CutPrefix(string(m.before[i:i+end]), beginMark+" "); ok && isNumber(pid) {
			m.begun, m.pid = true, pid
			rest := m.before[i+end+1:]
			m.before = m.before[:i]
			if len(rest) > 0 {
				m.to(rest)
			}
			return n, nil
		}
		i += end + 1
	}
	if len(m.before) > maxBefore {
		m.before = append([]byte(nil), m.before[len(m.before)-maxBefore/2:]...)
	}
	return n, nil
}
