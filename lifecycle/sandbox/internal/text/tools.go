package text

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

func echo(_ string, e *Env) int {
	args, end := e.Args, "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	fmt.Fprint(e.Out, strings.Join(args, " ")+end)
	return 0
}

func cat(name string, e *Env) int {
	f := parse(e.Args, "u", "", nil)
	if f.bad != "" {
		return e.badOption(name, f.bad)
	}
	broken := 0
	code := e.each(name, f.rest, func(_ string, r io.Reader) { broken = max(broken, pass(e, r)) })
	return max(code, broken)
}

func head(name string, e *Env) int {
	f := parse(oldCount(e.Args), "q", "nc", map[string]byte{"--lines": 'n', "--bytes": 'c'})
	if f.bad != "" {
		return e.badOption(name, f.bad)
	}
	return e.each(name, f.rest, func(_ string, r io.Reader) {
		if f.has('c') {
			pass(e, io.LimitReader(r, int64(atoi(f.set['c']))))
			return
		}
		left := 10
		if f.has('n') {
			left = atoi(f.set['n'])
		}
		if left == 0 {
			return
		}
		lines(r, func(l string) bool {
			fmt.Fprintln(e.Out, l)
			left--
			return left > 0
		})
	})
}

func tail(name string, e *Env) int {
	f := parse(oldCount(e.Args), "q", "nc", map[string]byte{"--lines": 'n', "--bytes": 'c'})
	if f.bad != "" {
		return e.badOption(name, f.bad)
	}
	return e.each(name, f.rest, func(_ string, r io.Reader) {
		if f.has('c') {
			tailBytes(e, r, f.set['c'])
			return
		}
		count := "10"
		if f.has('n') {
			count = f.set['n']
		}
		tailLines(e, r, count)
	})
}

func tailBytes(e *Env, r io.Reader, count string) {
	if from, ok := strings.CutPrefix(count, "+"); ok {
		skip := int64(max(atoi(from)-1, 0))
		if s, ok := r.(io.Seeker); ok {
			if _, err := s.Seek(skip, io.SeekStart); err == nil {
				pass(e, r)
				return
			}
		}
		if _, err := io.CopyN(io.Discard, r, skip); err == nil {
			pass(e, r)
		}
		return
	}
	all, err := io.ReadAll(r)
	if err != nil {
		return
	}
	pass(e, strings.NewReader(string(all[max(0, len(all)-atoi(strings.TrimPrefix(count, "-"))):])))
}

func tailLines(e *Env, r io.Reader, count string) {
	from, plus := strings.CutPrefix(count, "+")
	n := atoi(strings.TrimPrefix(from, "-"))
	var kept []string
	seen := 0
	lines(r, func(l string) bool {
		seen++
		switch {
		case plus && seen >= n:
			fmt.Fprintln(e.Out, l)
		case !plus:
			kept = append(kept, l)
			if len(kept) > n {
				kept = kept[1:]
			}
		}
		return true
	})
	printLines(e, kept)
}

func wc(name string, e *Env) int {
	f := parse(e.Args, "clwm", "", map[string]byte{"--bytes": 'c', "--lines": 'l', "--words": 'w'})
	if f.bad != "" {
		return e.badOption(name, f.bad)
	}
	return e.each(name, f.rest, func(label string, r io.Reader) {
		size, newlines, words := count(r)
		var counts []string
		for _, c := range []struct {
			letter byte
			n      int64
		}{{'l', newlines}, {'w', words}, {'c', size}, {'m', size}} {
			if f.has(c.letter) || len(f.set) == 0 && c.letter != 'm' {
				counts = append(counts, strconv.FormatInt(c.n, 10))
			}
		}
		if label != "-" {
			counts = append(counts, label)
		}
		fmt.Fprintln(e.Out, strings.Join(counts, " "))
	})
}

func count(r io.Reader) (size, newlines, words int64) {
	br := bufio.NewReaderSize(r, 1<<16)
	inWord := false
	for {
		b, err := br.ReadByte()
		if err != nil {
			return size, newlines, words
		}
		size++
		if b == '\n' {
			newlines++
		}
		space := b == ' ' || b == '\n' || b == '\t' || b == '\r'
		if !space && !inWord {
			words++
		}
		inWord = !space
	}
}

func base64Tool(name string, e *Env) int {
	f := parse(e.Args, "di", "w", map[string]byte{"--decode": 'd', "--wrap": 'w'})
	if f.bad != "" {
		return e.badOption(name, f.bad)
	}
	code := 0
	missing := e.each(name, f.rest, func(_ string, r io.Reader) {
		all, err := io.ReadAll(r)
		switch {
		case err != nil:
		case f.has('d'):
			all, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(all)), ""))
			if err == nil {
				_, err = e.Out.Write(all)
			}
		default:
			err = wrapped(e.Out, base64.StdEncoding.EncodeToString(all), f)
		}
		if err != nil {
			fmt.Fprintln(e.Err, "base64: invalid input")
			code = 1
		}
	})
	return max(code, missing)
}

func wrapped(w io.Writer, s string, f flags) error {
	width := 76
	if f.has('w') {
		width = atoi(f.set['w'])
	}
	if width == 0 {
		_, err := io.WriteString(w, s)
		return err
	}
	for chunk := range slices.Chunk([]byte(s), width) {
		if _, err := fmt.Fprintf(w, "%s\n", chunk); err != nil {
			return err
		}
	}
	return nil
}

func seq(_ string, e *Env) int {
	first, step, last := 1, 1, 0
	switch len(e.Args) {
	case 1:
		last = atoi(e.Args[0])
	case 2:
		first, last = atoi(e.Args[0]), atoi(e.Args[1])
	case 3:
		first, step, last = atoi(e.Args[0]), atoi(e.Args[1]), atoi(e.Args[2])
	}
	for i := first; step > 0 && i <= last || step < 0 && i >= last; i += step {
		fmt.Fprintln(e.Out, i)
	}
	return 0
}

func basename(_ string, e *Env) int {
	if len(e.Args) == 0 {
		fmt.Fprintln(e.Err, "basename: missing operand")
		return 1
	}
	b := path.Base(e.Args[0])
	if len(e.Args) > 1 && b != e.Args[1] {
		b = strings.TrimSuffix(b, e.Args[1])
	}
	fmt.Fprintln(e.Out, b)
	return 0
}

func dirname(_ string, e *Env) int {
	for _, a := range e.Args {
		fmt.Fprintln(e.Out, path.Dir(strings.TrimRight(a, "/")))
	}
	return 0
}
