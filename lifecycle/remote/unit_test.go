package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote/remotetest"
)

// signal is a file that a unit's script waits for.
type signal string

func newSignal(t *testing.T) signal { return signal(filepath.Join(t.TempDir(), "go")) }

func (s signal) wait() string {
	return "until [ -f " + quote(string(s)) + " ]; do sleep 0.02; done\n"
}

func (s signal) give(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(string(s), nil, 0o600); err != nil {
		t.Error(err)
	}
}

// wantStarts checks how often units were started on s.
func wantStarts(t *testing.T, s *remotetest.Server, n int) {
	t.Helper()
	starts, err := s.Starts()
	if err != nil || len(starts) != n {
		t.Errorf("starts %q, %v; want %d", starts, err, n)
	}
}

// numbered is what `seq n` gives.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintln(&b, i+1)
	}
	return b.String()
}

func TestUnitRunsOnceAndItsResultStays(t *testing.T) {
	s, h := node(t)
	count := filepath.Join(t.TempDir(), "count")
	script := "echo ran >>" + quote(count) + "; echo out; echo err >&2; pwd; umask; cat"
	for range 3 {
		var lines []string
		res, err := h.Unit(t.Context(), "cox-1-step-1", script, Options{Output: func(l string) { lines = append(lines, l) }})
		if err != nil || res.Stdout != "out\nerr\n/\n0022\n" || !slices.Equal(lines, []string{"out", "err", "/", "0022"}) {
			t.Fatalf("%+v %q %v", res, lines, err)
		}
		h = enter(t, New(quick), s.Access) // as after a restart
	}
	if text, err := os.ReadFile(count); err != nil || string(text) != "ran\n" {
		t.Errorf("ran: %q %v", text, err)
	}
	wantStarts(t, s, 1)
}

func TestUnitFails(t *testing.T) {
	_, h := node(t)
	for range 2 {
		_, err := h.Unit(t.Context(), "cox-1-step-1", "echo token $TOKEN; exit 9",
			Options{Label: "kubeadm init", Env: map[string]string{"TOKEN": "s3cret-value"}})
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Code != 9 || exit.Output != "token ***" {
			t.Fatalf("error %#v", err)
		}
		wantProblem(t, err, "remote.exit", lifecycle.Permanent, "s3cret-value")
	}
}

func TestUnitOfManyStartersStartsOnce(t *testing.T) {
	s, h := node(t)
	count := filepath.Join(t.TempDir(), "count")
	type answer struct {
		res Result
		err error
	}
	answers := make(chan answer)
	for range 6 {
		go func() {
			res, err := h.Unit(t.Context(), "cox-1-step-1", "echo ran >>"+quote(count)+"; seq 100; sleep 0.2; seq 100", Options{})
			answers <- answer{res, err}
		}()
	}
	for range 6 {
		if a := <-answers; a.err != nil || a.res.Stdout != numbered(100)+numbered(100) {
			t.Errorf("%q %v", a.res.Stdout, a.err)
		}
	}
	if text, err := os.ReadFile(count); err != nil || string(text) != "ran\n" {
		t.Errorf("ran: %q %v", text, err)
	}
	wantStarts(t, s, 1)
}

func TestUnitOutlivesACutConnection(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	cable := remotetest.Cable(t, s)
	h := enter(t, New(quick), cable.Access)
	goOn := newSignal(t)
	var lines []string
	res, err := h.Unit(t.Context(), "cox-1-step-1", "seq 1000; "+goOn.wait()+"seq 1000", Options{Output: func(l string) {
		lines = append(lines, l)
		if l == "1000" && len(lines) == 1000 {
			cable.Cut()
			goOn.give(t)
			cable.Heal()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := numbered(1000) + numbered(1000)
	if res.Stdout != want || strings.Join(lines, "\n")+"\n" != want {
		t.Errorf("output of %d bytes in %d lines; want %d bytes in 2000", len(res.Stdout), len(lines), len(want))
	}
	wantStarts(t, s, 1)
}

func TestUnitSurvivesManyCuts(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	cable := remotetest.Cable(t, s)
	cable.CutAfterReceived(40_000)
	h := enter(t, New(quick), cable.Access)
	n := 0
	// No newline at the end, and no text either: bytes are counted.
	res, err := h.Unit(t.Context(), "cox-1-step-1", "seq 40000; printf 'no newline \\377'", Options{Output: func(string) { n++ }})
	if err != nil {
		t.Fatal(err)
	}
	if want := numbered(40000) + "no newline \xff"; res.Stdout != want || n != 40001 {
		t.Errorf("output of %d bytes, %d lines; want %d", len(res.Stdout), n, len(want))
	}
	wantStarts(t, s, 1)
}

func TestUnitOutlivesARestartOfSSHD(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	h := enter(t, New(quick), s.Access)
	goOn := newSignal(t)
	res, err := h.Unit(t.Context(), "cox-1-step-1", "echo before; "+goOn.wait()+"echo after", Options{Output: func(l string) {
		if l == "before" {
			if err := s.Restart(t.Context(), remotetest.Options{}); err != nil {
				t.Error(err)
			}
			goOn.give(t)
		}
	}})
	if err != nil || res.Stdout != "before\nafter\n" {
		t.Errorf("%q %v", res.Stdout, err)
	}
}

func TestUnitGivesUpOnAHostThatStaysAway(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	cable := remotetest.Cable(t, s)
	opts := quick
	opts.ReattachFor = 300 * time.Millisecond
	h := enter(t, New(opts), cable.Access)
	goOn := newSignal(t)
	_, err := h.Unit(t.Context(), "cox-1-step-1", "echo begun; "+goOn.wait(), Options{Output: func(string) { cable.Cut() }})
	wantProblem(t, err, "remote.detached", lifecycle.Retryable)
	goOn.give(t)
	cable.Heal()
	if res, err := h.Unit(t.Context(), "cox-1-step-1", "never", Options{}); err != nil || res.Stdout != "begun\n" {
		t.Errorf("%q %v", res.Stdout, err)
	}
}

func TestCancelLeavesTheUnitRunning(t *testing.T) {
	s, h := node(t)
	goOn := newSignal(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := h.Unit(ctx, "cox-1-step-1", "echo begun; "+goOn.wait()+"echo done", Options{Output: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	goOn.give(t)
	res, err := enter(t, New(quick), s.Access).Unit(t.Context(), "cox-1-step-1", "never", Options{})
	if err != nil || res.Stdout != "begun\ndone\n" {
		t.Errorf("%q %v", res.Stdout, err)
	}
}

func TestUnitThatTakesTooLongIsStopped(t *testing.T) {
	s, h := node(t)
	_, err := h.Unit(t.Context(), "cox-1-step-1", "echo begun; sleep 60", Options{Label: "apt-get", Timeout: 500 * time.Millisecond})
	wantProblem(t, err, "remote.run.timeout", lifecycle.Retryable)
	if err := s.KillUnit("cox-1-step-1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

func TestStartIsTakenUpWhereItWasCutOff(t *testing.T) {
	for name, files := range map[string][]string{
		"directory only":     nil,
		"half a script":      {"script.x1", "env.x1"},
		"all but started":    {"env.x1", "script.x1", "wrap.x1", "out"},
		"no output file yet": {"env.x1", "script.x1", "wrap.x1"},
	} {
		t.Run(name, func(t *testing.T) {
			s, h := node(t)
			dir := filepath.Join(s.Units, "cox-1-step-1")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			res, err := h.Unit(t.Context(), "cox-1-step-1", "echo $WORD", Options{Env: map[string]string{"WORD": "done"}})
			if err != nil || res.Stdout != "done\n" {
				t.Errorf("%q %v", res.Stdout, err)
			}
			wantStarts(t, s, 1)
		})
	}
}

func TestUnitIsLostWithItsHost(t *testing.T) {
	s, h := node(t)
	_, err := h.Unit(t.Context(), "cox-1-step-1", "echo begun; sleep 60", Options{Output: func(string) {
		if err := s.KillUnit("cox-1-step-1"); err != nil {
			t.Error(err)
		}
	}})
	e := wantProblem(t, err, "remote.unit.lost", lifecycle.Retryable)
	if e.Output != "begun" {
		t.Errorf("output %q", e.Output)
	}
	// It stays lost: what it may have done is not done again under this name.
	_, err = h.Unit(t.Context(), "cox-1-step-1", "echo again", Options{})
	wantProblem(t, err, "remote.unit.lost", lifecycle.Retryable)
	wantStarts(t, s, 1)
}

func TestUnitRefusedBySystemd(t *testing.T) {
	s, h := node(t)
	broken := "#!/bin/sh\necho 'Failed to connect to bus: No such file or directory' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(s.Dir, "bin", "systemd-run"), []byte(broken), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := h.Unit(t.Context(), "cox-1-step-1", "echo never", Options{})
	e := wantProblem(t, err, "remote.unit.refused", lifecycle.Permanent)
	if !strings.Contains(e.Output, "Failed to connect to bus") {
		t.Errorf("output %q", e.Output)
	}
}

func TestStopUnit(t *testing.T) {
	s, h := node(t)
	if err := h.StopUnit(t.Context(), "cox-1-unheard-of-1"); err != nil {
		t.Errorf("a unit that never was: %v", err)
	}
	stopped := make(chan error, 1)
	_, err := h.Unit(t.Context(), "cox-1-step-1", "echo begun; sleep 60", Options{Output: func(string) {
		go func() { stopped <- h.StopUnit(t.Context(), "cox-1-step-1") }()
	}})
	wantProblem(t, err, "remote.unit.lost", lifecycle.Retryable)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := os.MkdirAll(filepath.Join(s.Units, "cox-1-step-2"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.StopUnit(t.Context(), "cox-1-step-2"); err != nil {
		t.Error(err)
	}
	_, err = h.Unit(t.Context(), "cox-1-step-2", "echo never", Options{})
	wantProblem(t, err, "remote.unit.lost", lifecycle.Retryable)
	wantStarts(t, s, 1)
}

func TestRemoveUnits(t *testing.T) {
	s, h := node(t)
	goOn := newSignal(t)
	for _, name := range []string{"cox-1-ended-1", "cox-2-other-1"} {
		if _, err := h.Unit(t.Context(), name, "true", Options{}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := h.Unit(ctx, "cox-1-running-1", "echo begun; "+goOn.wait(), Options{Output: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := RemoveUnits(t.Context(), h, "cox-1-"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.Units)
	if err != nil || len(entries) != 2 || entries[0].Name() != "cox-1-running-1" || entries[1].Name() != "cox-2-other-1" {
		t.Errorf("left: %v %v", entries, err)
	}
	if err := RemoveUnits(t.Context(), h, ""); err == nil {
		t.Error("every unit of the host was removed")
	}
}

func TestUnitKeepsItsSecrets(t *testing.T) {
	s, h := node(t)
	dir := filepath.Join(s.Units, "cox-1-step-1")
	script := `echo "token $TOKEN"; stat -c '%a %n' ` + quote(dir) + " " + quote(dir) + `/*
for f in /proc/[0-9]*/cmdline; do tr '\0' ' ' <$f; done 2>/dev/null | grep -c '[s]3cret-va'
exit 1`
	var lines []string
	_, err := h.Unit(t.Context(), "cox-1-step-1", script, Options{Env: map[string]string{"TOKEN": "s3cret-value"},
		Output: func(l string) { lines = append(lines, l) }})
	wantProblem(t, err, "remote.exit", lifecycle.Permanent, "s3cret-value")
	all := strings.Join(lines, "\n")
	if !strings.Contains(all, "token ***\n700 "+dir+"\n") || strings.Contains(all, "/env") || !strings.HasSuffix(all, "\n0") {
		t.Errorf("output:\n%s", all)
	}
	for _, l := range lines {
		if strings.HasPrefix(l, "644") {
			t.Errorf("readable by all: %s", l)
		}
	}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "out" {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "s3cret-value") {
			t.Errorf("the secret stays in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUnitNamesAreChecked(t *testing.T) {
	_, h := node(t)
	for _, name := range []string{"", "../x", "a b", "a;b", "-x", strings.Repeat("x", 300)} {
		_, err := h.Unit(t.Context(), name, "true", Options{})
		wantProblem(t, err, "remote.unit.name", lifecycle.Permanent)
		wantProblem(t, h.StopUnit(t.Context(), name), "remote.unit.name", lifecycle.Permanent)
	}
}
