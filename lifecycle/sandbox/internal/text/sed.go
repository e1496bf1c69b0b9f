package text

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// sedAddress selects lines: a number, the last one, or an expression.
type sedAddress struct {
	line int
	last bool
	re   *regexp.Regexp
}

type sedCommand struct {
	from, to *sedAddress
	negate   bool
	inside   bool // a range has begun
	name     byte
	text     string         // of a, i, c
	re       *regexp.Regexp // of s
	with     string
	global   bool
	print    bool
	nth      int
}

// Sed edits the text of in by expr and gives the result: the work of sed -i.
func Sed(expr string, extended, quiet bool, in string) (string, error) {
	commands, err := parseSed(expr, extended)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	runSed(commands, quiet, strings.NewReader(in), &b)
	return b.String(), nil
}

// SedLine is a command line of sed.
type SedLine struct {
	Expr                     string
	Files                    []string
	InPlace, Extended, Quiet bool
}

// ParseSed reads sed's command line; bad names what is wrong with it.
func ParseSed(args []string) (l SedLine, bad string) {
	f := parse(args, "nErsiu", "e", map[string]byte{"--quiet": 'n', "--silent": 'n', "--in-place": 'i', "--regexp-extended": 'E', "--expression": 'e'})
	if f.bad != "" {
		return l, f.bad
	}
	l = SedLine{Expr: f.set['e'], Files: f.rest, InPlace: f.has('i'), Extended: f.has('E') || f.has('r'), Quiet: f.has('n')}
	if !f.has('e') {
		if len(l.Files) == 0 {
			return l, "no script specified"
		}
		l.Expr, l.Files = l.Files[0], l.Files[1:]
	}
	return l, ""
}

func sed(name string, e *Env) int {
	l, bad := ParseSed(e.Args)
	if bad != "" || l.InPlace { // in place is the caller's, who may write
		return e.badOption(name, bad)
	}
	commands, err := parseSed(l.Expr, l.Extended)
	if err != nil {
		fmt.Fprintf(e.Err, "sed: -e expression #1: %v\n", err)
		return 1
	}
	var all []io.Reader
	code := e.each(name, l.Files, func(_ string, r io.Reader) { all = append(all, r) })
	runSed(commands, l.Quiet, io.MultiReader(all...), e.Out)
	return 2 * code
}

func runSed(commands []*sedCommand, quiet bool, in io.Reader, out io.Writer) {
	var all []string
	lines(in, func(l string) bool { all = append(all, l); return true })
	for i, l := range all {
		if sedLine(commands, quiet, l, i+1, i+1 == len(all), out) {
			return
		}
	}
}

// sedLine runs the commands on one line; true when sed is to quit.
func sedLine(commands []*sedCommand, quiet bool, l string, n int, last bool, out io.Writer) (quit bool) {
	var after []string
	deleted := false
	for _, c := range commands {
		if deleted || quit {
			break
		}
		if c.inRange(l, n, last) == c.negate {
			continue
		}
		switch c.name {
		case 's':
			var hit bool
			if l, hit = c.substitute(l); hit && c.print {
				fmt.Fprintln(out, l)
			}
		case 'd':
			deleted = true
		case 'p':
			fmt.Fprintln(out, l)
		case 'q':
			quit = true
		case 'a':
			after = append(after, c.text)
		case 'i':
			fmt.Fprintln(out, c.text)
		case 'c':
			fmt.Fprintln(out, c.text)
			deleted = true
		}
	}
	if !deleted && !quiet {
		fmt.Fprintln(out, l)
	}
	for _, a := range after {
		fmt.Fprintln(out, a)
	}
	return quit
}

func (c *sedCommand) inRange(l string, n int, last bool) bool {
	if c.from == nil {
		return true
	}
	if c.to == nil {
		return c.from.is(l, n, last)
	}
	if !c.inside {
		c.inside = c.from.is(l, n, last)
		if c.inside && c.to.line > 0 && c.to.line <= n {
			c.inside = false
			return true
		}
		return c.inside
	}
	if c.to.is(l, n, last) {
		c.inside = false
	}
	return true
}

func (a *sedAddress) is(l string, n int, last bool) bool {
	switch {
	case a.re != nil:
		return a.re.MatchString(l)
	case a.last:
		return last
	}
	return a.line == n
}

func (c *sedCommand) substitute(l string) (string, bool) {
	var b strings.Builder
	at, hit := 0, false
	for i, m := range c.re.FindAllStringSubmatchIndex(l, -1) {
		if i+1 < c.nth {
			continue
		}
		hit = true
		b.WriteString(l[at:m[0]])
		b.WriteString(sedExpand(c.with, l, m))
		at = m[1]
		if !c.global {
			break
		}
	}
	return b.String() + l[at:], hit
}

// sedExpand puts & and \1 … \9 into a replacement.
func sedExpand(with, l string, m []int) string {
	var b strings.Builder
	group := func(i int) {
		if 2*i+1 < len(m) && m[2*i] >= 0 {
			b.WriteString(l[m[2*i]:m[2*i+1]])
		}
	}
	for i := 0; i < len(with); i++ {
		switch {
		case with[i] == '&':
			group(0)
		case with[i] == '\\' && i+1 < len(with):
			i++
			switch d := with[i]; {
			case d >= '0' && d <= '9':
				group(int(d - '0'))
			case d == 'n':
				b.WriteByte('\n')
			case d == 't':
				b.WriteByte('\t')
			default:
				b.WriteByte(d)
			}
		default:
			b.WriteByte(with[i])
		}
	}
	return b.String()
}
