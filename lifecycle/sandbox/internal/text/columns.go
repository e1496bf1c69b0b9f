package text

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

func sorted(name string, e *Env) int {
	f := parse(e.Args, "unrVsfb", "kt", map[string]byte{"--unique": 'u', "--numeric-sort": 'n', "--reverse": 'r', "--version-sort": 'V'})
	if f.bad != "" {
		return e.badOption(name, f.bad)
	}
	all, code := e.allLines(name, f.rest)
	slices.SortStableFunc(all, func(a, b string) int {
		n := compare(sortKey(a, f), sortKey(b, f), f)
		if n == 0 && !f.has('s') {
			n = strings.Compare(a, b)
		}
		if f.has('r') {
			n = -n
		}
		return n
	})
	if f.has('u') {
		all = slices.CompactFunc(all, func(a, b string) bool { return compare(sortKey(a, f), sortKey(b, f), f) == 0 })
	}
	printLines(e, all)
	return code * 2
}

func compare(a, b string, f flags) int {
	switch {
	case f.has('n'):
		return cmp.Compare(leadingNumber(a), leadingNumber(b))
	case f.has('V'):
		return compareVersions(a, b)
	}
	return strings.Compare(a, b)
}

func leadingNumber(s string) float64 {
	s = strings.TrimLeft(s, " \t")
	n, err := strconv.ParseFloat(s[:len(s)-len(strings.TrimLeft(s, "-0123456789."))], 64)
	if err != nil {
		return 0
	}
	return n
}

// compareVersions orders runs of digits by value and the rest by bytes.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			if x, y := atoi(a[:na]), atoi(b[:nb]); x != y {
				return x - y
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// digits is how many digits s begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

func sortKey(s string, f flags) string {
	if !f.has('k') {
		return s
	}
	first, last, hasLast := strings.Cut(f.set['k'], ",")
	parts, sep := strings.Fields(s), " "
	if t, ok := f.set['t']; ok {
		sep, parts = t, strings.Split(s, t)
	}
	from, to := atoi(strings.TrimRight(first, "nrV")), len(parts)
	if hasLast {
		to = min(to, atoi(strings.TrimRight(last, "nrV")))
	}
	if from < 1 || from > to {
		return ""
	}
	return strings.Join(parts[from-1:to], sep)
}

func (e *Env) allLines(name string, files []string) ([]string, int) {
	var all []string
	code := e.each(name, files, func(_ string, r io.Reader) {
		lines(r, func(l string) bool { all = append(all, l); return true })
	})
	return all, code
}

func printLines(e *Env, all []string) {
	for _, l := range all {
		fmt.Fprintln(e.Out, l)
	}
}

func tac(name string, e *Env) int {
	all, code := e.allLines(name, e.Args)
	slices.Reverse(all)
	printLines(e, all)
	return code
}

func uniq(name string, e *Env) int {
	f := parse(e.Args, "cdu", "", nil)
	if f.bad != "" {
		return e.badOption(name, f.bad)
	}
	all, code := e.allLines(name, f.rest)
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j] == all[i] {
			j++
		}
		n := j - i
		switch {
		case f.has('d') && n < 2, f.has('u') && n > 1:
		case f.has('c'):
			fmt.Fprintf(e.Out, "%7d %s\n", n, all[i])
		default:
			fmt.Fprintln(e.Out, all[i])
		}
		i = j
	}
	return code
}

func cut(name string, e *Env) int {
	f := parse(e.Args, "s", "dfc", map[string]byte{"--delimiter": 'd', "--fields": 'f'})
	if f.bad != "" {
		return e.badOption(name, f.bad)
	}
	all, code := e.allLines(name, f.rest)
	delim := "\t"
	if f.has('d') {
		delim = f.set['d']
	}
	for _, l := range all {
		switch {
		case f.has('c'):
			fmt.Fprintln(e.Out, string(pick([]rune(l), f.set['c'])))
		case strings.Contains(l, delim):
			fmt.Fprintln(e.Out, strings.Join(pick(strings.Split(l, delim), f.set['f']), delim))
		case !f.has('s'):
			fmt.Fprintln(e.Out, l)
		}
	}
	return code
}

// pick takes the elements of a list like "1,3-" of positions from 1.
func pick[T any](in []T, list string) []T {
	var out []T
	for i := range in {
		if picked(i+1, len(in), list) {
			out = append(out, in[i])
		}
	}
	return out
}

func picked(at, length int, list string) bool {
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		lo, hi := max(atoi(from), 1), atoi(to)
		switch {
		case !isRange:
			hi = lo
		case to == "":
			hi = length
		}
		if at >= lo && at <= hi {
			return true
		}
	}
	return false
}

func tr(name string, e *Env) int {
	f := parse(e.Args, "dsc", "", nil)
	if f.bad != "" || len(f.rest) == 0 {
		return e.badOption(name, f.bad)
	}
	from := trSet(f.rest[0])
	var to []rune
	if len(f.rest) > 1 {
		to = trSet(f.rest[1])
	}
	in, err := io.ReadAll(e.stdin())
	if err != nil {
		return 1
	}
	var b strings.Builder
	last := rune(-1)
	for _, r := range string(in) {
		i := slices.Index(from, r)
		hit := (i >= 0) != f.has('c')
		if hit && f.has('d') {
			continue
		}
		if hit && len(to) > 0 {
			r = to[min(max(i, 0), len(to)-1)]
		}
		if f.has('s') && hit && r == last {
			continue
		}
		last = r
		b.WriteRune(r)
	}
	return pass(e, strings.NewReader(b.String()))
}

func trSet(s string) []rune {
	s = strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r", `\\`, `\`, `\0`, "\x00", "[:upper:]", "A-Z", "[:lower:]", "a-z",
		"[:digit:]", "0-9", "[:alpha:]", "A-Za-z", "[:alnum:]", "A-Za-z0-9", "[:space:]", " \t\n\r").Replace(s)
	r := []rune(s)
	var out []rune
	for i := 0; i < len(r); i++ {
		if i+2 < len(r) && r[i+1] == '-' {
			for c := r[i]; c <= r[i+2]; c++ {
				out = append(out, c)
			}
			i += 2
			continue
		}
		out = append(out, r[i])
	}
	return out
}
