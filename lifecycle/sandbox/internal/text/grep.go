package text

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

type grepper struct {
	e                 *Env
	find              *regexp.Regexp // nil matches nothing
	invert, quiet     bool
	count, list, only bool
	number, withName  bool
	limit             int // lines of each file; 0 = all
	matched           bool
}

func grep(name string, e *Env) int {
	f := parse(e.Args, "qxFvEicownslHhrG", "efm", map[string]byte{"--quiet": 'q', "--fixed-strings": 'F', "--line-regexp": 'x',
		"--invert-match": 'v', "--extended-regexp": 'E', "--count": 'c', "--only-matching": 'o'})
	if f.bad != "" || f.has('r') {
		return e.badOption(name, f.bad)
	}
	patterns, rest, code := grepPatterns(e, f)
	if code != 0 {
		return code
	}
	find, err := grepRegexp(patterns, f, name)
	if err != nil {
		fmt.Fprintf(e.Err, "grep: %v\n", err)
		return 2
	}
	g := &grepper{e: e, find: find, invert: f.has('v'), quiet: f.has('q'), count: f.has('c'), list: f.has('l'), only: f.has('o'),
		number: f.has('n'), withName: len(rest) > 1 && !f.has('h') || f.has('H'), limit: atoi(f.set['m'])}
	if f.has('s') {
		e.Err = io.Discard
	}
	errs := e.each("grep", rest, g.file)
	switch {
	case g.matched:
		return 0
	case errs != 0:
		return 2
	}
	return 1
}

func grepPatterns(e *Env, f flags) (patterns, rest []string, code int) {
	rest = f.rest
	switch {
	case f.has('f'):
		code = 2 * e.each("grep", []string{f.set['f']}, func(_ string, r io.Reader) {
			lines(r, func(l string) bool { patterns = append(patterns, l); return true })
		})
	case f.has('e'):
		patterns = strings.Split(f.set['e'], "\n")
	case len(rest) == 0:
		fmt.Fprintln(e.Err, "Usage: grep [OPTION]... PATTERNS [FILE]...")
		return nil, nil, 2
	default:
		patterns, rest = strings.Split(rest[0], "\n"), rest[1:]
	}
	return patterns, rest, code
}

func grepRegexp(patterns []string, f flags, name string) (*regexp.Regexp, error) {
	if len(patterns) == 0 {
		return nil, nil // an empty list of patterns matches nothing
	}
	alternatives := make([]string, len(patterns))
	for i, p := range patterns {
		switch {
		case f.has('F') || name == "fgrep":
			p = regexp.QuoteMeta(p)
		case !f.has('E') && name != "egrep":
			p = fromBasic(p)
		}
		if f.has('w') {
			p = `\b(?:` + p + `)\b`
		}
		if f.has('x') {
			p = `^(?:` + p + `)$`
		}
		alternatives[i] = "(?:" + p + ")"
	}
	return Compile(strings.Join(alternatives, "|"), true, f.has('i'))
}

func (g *grepper) file(label string, r io.Reader) {
	n, hits := 0, 0
	lines(r, func(l string) bool {
		n++
		if (g.find != nil && g.find.MatchString(l)) == g.invert {
			return true
		}
		hits++
		g.matched = true
		if g.quiet || g.list {
			return false
		}
		if !g.count {
			g.print(label, n, l)
		}
		return g.limit == 0 || hits < g.limit
	})
	switch {
	case g.quiet:
	case g.list && hits > 0:
		fmt.Fprintln(g.e.Out, label)
	case g.count && g.withName:
		fmt.Fprintf(g.e.Out, "%s:%d\n", label, hits)
	case g.count:
		fmt.Fprintln(g.e.Out, hits)
	}
}

func (g *grepper) print(label string, n int, l string) {
	prefix := ""
	if g.withName {
		prefix = label + ":"
	}
	if g.number {
		prefix += fmt.Sprintf("%d:", n)
	}
	if !g.only || g.find == nil {
		fmt.Fprintln(g.e.Out, prefix+l)
		return
	}
	for _, m := range g.find.FindAllString(l, -1) {
		if m != "" {
			fmt.Fprintln(g.e.Out, prefix+m)
		}
	}
}
