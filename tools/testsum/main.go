package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

func main() {
	s := newSummary(os.Stdout)
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if !s.finish() {
		os.Exit(1)
	}
}

// event is a line of go test -json.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build output
	Test        string
	Elapsed     float64 // seconds
	Output      string
	FailedBuild string
}

type summary struct {
	out                     io.Writer
	passed, failed, skipped int
	packages                int
	broken                  []string
	skips                   []string
	// output is what each test and package has written so far.
	output map[string][]string
	// failedIn counts the failed tests of a package, to tell a package that
	// failed by itself (a panic, a build, TestMain).
	failedIn map[string]int
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, output: map[string][]string{}, failedIn: map[string]int{}}
}

func (s *summary) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if strings.TrimSpace(line) != "" {
			s.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the test output: %w", err)
		}
	}
}

func (s *summary) line(line string) {
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		fmt.Fprint(s.out, line) // a message of the go command
		return
	}
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		s.output[key] = append(s.output[key], e.Output)
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(e)
		}
		delete(s.output, key)
	}
}

func (s *summary) endTest(e event) {
	text := s.output[e.Package+" "+e.Test]
	switch e.Action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
		s.skips = append(s.skips, fmt.Sprintf("%s %s: %s", short(e.Package), e.Test, reason(text)))
	case "fail":
		s.failed++
		s.failedIn[e.Package]++
		fmt.Fprintf(s.out, "--- FAIL: %s %s (%.2fs)\n%s", short(e.Package), e.Test, e.Elapsed, strings.Join(text, ""))
	}
}

func (s *summary) endPackage(e event) {
	s.packages++
	took := time.Duration(e.Elapsed * float64(time.Second)).Round(10 * time.Millisecond)
	switch e.Action {
	case "pass":
		fmt.Fprintf(s.out, "ok    %-60s %s\n", short(e.Package), took)
	case "fail":
		fmt.Fprintf(s.out, "FAIL  %-60s %s\n", short(e.Package), took)
		if s.failedIn[e.Package] == 0 {
			s.broken = append(s.broken, short(e.Package))
			fmt.Fprint(s.out, s.leftovers(e.Package))
		}
	}
}

// leftovers is everything that a package which broke by itself has written: the
// test that was running when it panicked never ends.
func (s *summary) leftovers(pkg string) string {
	var b strings.Builder
	for _, key := range sortedKeys(s.output) {
		if strings.HasPrefix(key, pkg+" ") {
			b.WriteString(strings.Join(s.output[key], ""))
		}
	}
	return b.String()
}

// finish writes the last lines and reports whether all is well.
func (s *summary) finish() bool {
	if len(s.skips) > 0 {
		fmt.Fprintln(s.out, "\nskipped:")
		for _, line := range s.skips {
			fmt.Fprintln(s.out, "  "+line)
		}
	}
	if len(s.broken) > 0 {
		fmt.Fprintf(s.out, "\ndid not build or broke outside of a test: %s\n", strings.Join(s.broken, ", "))
	}
	if s.packages == 0 {
		fmt.Fprintln(s.out, "\nno package was tested")
	}
	failed := s.failed + len(s.broken)
	fmt.Fprintf(s.out, "\n%d passed, %d failed, %d skipped\n", s.passed, failed, s.skipped)
	return failed == 0 && s.packages > 0
}

// reason finds why a test was skipped: its last line that is not the frame.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--- ") && !strings.HasPrefix(line, "=== ") {
			return line
		}
	}
	return "no reason given"
}

// short drops the module's path.
func short(pkg string) string {
	return strings.TrimPrefix(pkg, "github.com/coxswain-ops/coxswain/")
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
