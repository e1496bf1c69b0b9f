package text

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

// Env is what a tool works with.
type Env struct {
	Args []string // without the tool's name
	In   io.Reader
	Out  io.Writer
	Err  io.Writer
	// Open gives the content of a file of the machine.
	Open func(name string) (io.Reader, error)
}

// Tool runs and gives its exit status.
type Tool func(name string, e *Env) int

// Tools lists every tool by name.
func Tools() map[string]Tool {
	return map[string]Tool{
		"cat": cat, "head": head, "tail": tail, "wc": wc, "grep": grep, "egrep": grep, "fgrep": grep, "sed": sed,
		"sort": sorted, "uniq": uniq, "cut": cut, "tr": tr, "sha256sum": sha256sum, "base64": base64Tool, "seq": seq,
		"basename": basename, "dirname": dirname, "echo": echo, "true": succeed, "false": failing, "tac": tac,
	}
}

func succeed(string, *Env) int { return 0 }
func failing(string, *Env) int { return 1 }

// badOption complains about an option that the tool has no model of.
func (e *Env) badOption(name, option string) int {
	fmt.Fprintf(e.Err, "%s: unrecognized option '%s' (the sandbox does not know it)\n", name, option)
	return 2
}

// complain prints an error about a file the way GNU's tools do.
func (e *Env) complain(name, file string, err error) {
	fmt.Fprintf(e.Err, "%s: %s: %s\n", name, file, Reason(err))
}

// Reason is an error of the file system in the words of the C library.
func Reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	s := err.Error()
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// each gives the readers of the files, or of standard input when there are none;
// 1 when one could not be opened.
func (e *Env) each(name string, files []string, fn func(label string, r io.Reader)) int {
	if len(files) == 0 {
		files = []string{"-"}
	}
	code := 0
	for _, f := range files {
		if f == "-" {
			fn("-", e.stdin())
			continue
		}
		r, err := e.Open(f)
		if err != nil {
			e.complain(name, f, err)
			code = 1
			continue
		}
		fn(f, r)
	}
	return code
}

func (e *Env) stdin() io.Reader {
	if e.In == nil {
		return strings.NewReader("")
	}
	return e.In
}

// lines calls fn for each line without its end; fn gives false to stop.
func lines(r io.Reader, fn func(line string) bool) {
	br := bufio.NewReader(r)
	for {
		line, err := br.ReadString('\n')
		if line != "" && !fn(strings.TrimSuffix(line, "\n")) {
			return
		}
		if err != nil {
			return
		}
	}
}

// pass copies, and tells of a reader that has gone away as of a broken pipe.
func pass(e *Env, r io.Reader) int {
	if _, err := io.Copy(e.Out, r); err != nil {
		return 141
	}
	return 0
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
