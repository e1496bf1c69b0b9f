package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const output = `goos: linux
pkg: github.com/coxswain-ops/coxswain/store
cpu: Some CPU @ 2GHz
BenchmarkClaim-2   	   16000	     62000 ns/op	 16129 ops/s
PASS
`

func page(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "benchmarks.md")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFiguresReplaceTheOldOnes(t *testing.T) {
	path := page(t, "# B\n"+begin+"\nold\n"+end+"\ntail\n")
	if err := run([]string{path}, strings.NewReader(output), io.Discard); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# B\n", "| store | Claim-2 | 62000 ns/op, 16129 ops/s |", "Some CPU @ 2GHz", "\ntail\n"} {
		if !strings.Contains(string(got), want) {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
	if strings.Contains(string(got), "old") {
		t.Errorf("the old figures are still there:\n%s", got)
	}
}

func TestNothingIsMadeUp(t *testing.T) {
	const whole = begin + "\nold\n" + end
	for name, c := range map[string]struct{ page, input string }{
		"no benchmark":     {whole, "PASS\n"},
		"a failed one":     {whole, output + "FAIL\n"},
		"no begin marker":  {"old\n" + end, output},
		"no end marker":    {begin + "\nold\n", output},
		"nothing was read": {whole, ""},
	} {
		path := page(t, c.page)
		if err := run([]string{path}, strings.NewReader(c.input), io.Discard); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.page {
			t.Errorf("%s: the page was changed to %q, %v", name, got, err)
		}
	}
	if err := run(nil, strings.NewReader(output), io.Discard); err == nil {
		t.Error("no page: no error")
	}
}
