package main

import (
	"strings"
	"testing"
)

func run(t *testing.T, lines ...string) (string, bool) {
	t.Helper()
	var out strings.Builder
	s := newSummary(&out)
	if err := s.read(strings.NewReader(strings.Join(lines, "\n"))); err != nil {
		t.Fatal(err)
	}
	ok := s.finish()
	return out.String(), ok
}

func TestSummaryCounts(t *testing.T) {
	out, ok := run(t,
		`{"Action":"run","Package":"p","Test":"A"}`,
		`{"Action":"output","Package":"p","Test":"A","Output":"noise\n"}`,
		`{"Action":"pass","Package":"p","Test":"A"}`,
		`{"Action":"output","Package":"p","Test":"B","Output":"    b_test.go:3: needs root\n"}`,
		`{"Action":"output","Package":"p","Test":"B","Output":"--- SKIP: B (0.00s)\n"}`,
		`{"Action":"skip","Package":"p","Test":"B"}`,
		`{"Action":"pass","Package":"p","Elapsed":1.234}`)
	if !ok || !strings.HasSuffix(out, "1 passed, 0 failed, 1 skipped\n") {
		t.Errorf("ok=%v\n%s", ok, out)
	}
	if !strings.Contains(out, "p B: b_test.go:3: needs root") || strings.Contains(out, "noise") {
		t.Errorf("the skip's reason is missing, or a passed test's output is there:\n%s", out)
	}
}

func TestSummaryShowsFailures(t *testing.T) {
	out, ok := run(t,
		`{"Action":"output","Package":"p","Test":"A","Output":"got 1\n"}`,
		`{"Action":"fail","Package":"p","Test":"A"}`,
		`{"Action":"fail","Package":"p"}`)
	if ok || !strings.Contains(out, "got 1") || !strings.HasSuffix(out, "0 passed, 1 failed, 0 skipped\n") {
		t.Errorf("ok=%v\n%s", ok, out)
	}
}

func TestSummaryFailsOnBrokenPackages(t *testing.T) {
	out, ok := run(t,
		`{"Action":"build-output","ImportPath":"p","Output":"p.go:1: undefined: x\n"}`,
		`{"Action":"output","Package":"q","Test":"Running","Output":"panic: boom\n"}`,
		`{"Action":"fail","Package":"p","FailedBuild":"p"}`,
		`{"Action":"fail","Package":"q"}`)
	if ok || !strings.Contains(out, "undefined: x") || !strings.Contains(out, "panic: boom") ||
		!strings.Contains(out, "broke outside of a test: p, q") || !strings.HasSuffix(out, "0 passed, 2 failed, 0 skipped\n") {
		t.Errorf("ok=%v\n%s", ok, out)
	}
}

func TestSummaryFailsWhenNothingRan(t *testing.T) {
	for _, lines := range [][]string{nil, {"go: cannot find main module"}} {
		if out, ok := run(t, lines...); ok || !strings.Contains(out, "no package was tested") {
			t.Errorf("%v: ok=%v\n%s", lines, ok, out)
		}
	}
}
