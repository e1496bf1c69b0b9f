package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// The markers between which the page is rewritten.
const (
	begin = "<!-- measured: begin -->"
	end   = "<!-- measured: end -->"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchdoc:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("usage: go test -bench . … | benchdoc PAGE")
	}
	results, err := parse(io.TeeReader(in, out))
	if err != nil {
		return err
	}
	page, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	text, err := replace(string(page), render(results, time.Now()))
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return os.WriteFile(args[0], []byte(text), 0o644) // #nosec G306 -- a page of the documentation
}

// results is one run of benchmarks.
type results struct {
	cpu  string
	rows []row
}

// row is one benchmark; Metrics are "123 ns/op" and the like, as reported.
type row struct {
	pkg, name string
	metrics   []string
}

func parse(in io.Reader) (results, error) {
	var r results
	pkg, failed := "", false
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		if v, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = strings.TrimPrefix(v, "github.com/coxswain-ops/coxswain/")
		}
		if v, ok := strings.CutPrefix(line, "cpu: "); ok {
			r.cpu = v
		}
		failed = failed || strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL")
		words := strings.Fields(line)
		if !strings.HasPrefix(line, "Benchmark") || len(words) < 4 {
			continue
		}
		metrics := make([]string, 0, len(words)/2)
		for i := 2; i+1 < len(words); i += 2 {
			metrics = append(metrics, words[i]+" "+words[i+1])
		}
		r.rows = append(r.rows, row{pkg, strings.TrimPrefix(words[0], "Benchmark"), metrics})
	}
	if err := lines.Err(); err != nil {
		return r, err
	}
	if failed {
		return r, errors.New("a benchmark failed; the page is left as it was")
	}
	if len(r.rows) == 0 {
		return r, errors.New("no benchmark in the input; the page is left as it was")
	}
	return r, nil
}

func render(r results, at time.Time) string {
	var b strings.Builder
	cpu := r.cpu
	if cpu == "" {
		cpu = "unknown processor"
	}
	fmt.Fprintf(&b, "Measured %s with `make bench` on %s/%s, %d cores, %s, %s.\n\n",
		at.UTC().Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpu, runtime.Version())
	b.WriteString("| package | benchmark | result |\n|---|---|---|\n")
	for _, row := range r.rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.pkg, row.name, strings.Join(row.metrics, ", "))
	}
	return b.String()
}

func replace(page, section string) (string, error) {
	head, rest, ok := strings.Cut(page, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("the markers %s and %s are missing", begin, end)
	}
	return head + begin + "\n" + section + end + tail, nil
}
