package remote

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote/remotetest"
)

func TestRunGivesBothStreamsAndEveryLine(t *testing.T) {
	_, h := node(t)
	var lines []string
	res, err := h.Run(t.Context(), "echo one; echo two >&2; printf three; printf %s \"$NAME\" | wc -c; cat", Options{
		Env: map[string]string{"NAME": "it's\n$HOME"}, Output: func(l string) { lines = append(lines, l) }})
	if err != nil {
		t.Fatal(err)
	}
	if res.Stdout != "one\nthree10\n" || res.Stderr != "two\n" || res.Truncated {
		t.Errorf("result %+v", res)
	}
	slices.Sort(lines)
	if !slices.Equal(lines, []string{"one", "three10", "two"}) {
		t.Errorf("lines %q", lines)
	}
}

func TestRunReportsTheExitCodeAndTheLastLines(t *testing.T) {
	_, h := node(t)
	_, err := h.Run(t.Context(), `i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i; done
echo "token is $TOKEN and $PEM" >&2
exit 7`, Options{Label: "kubeadm join", Env: map[string]string{"TOKEN": "abcdef.0123456789", "PEM": "first-secret\nsecond-secret"}})
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Code != 7 || exit.Label != "kubeadm join" || exit.Node != "node1" {
		t.Fatalf("error %#v", err)
	}
	if n := strings.Count(exit.Output, "\n") + 1; n != tailLines {
		t.Errorf("%d lines kept", n)
	}
	e := wantProblem(t, err, "remote.exit", lifecycle.Permanent, "abcdef.0123456789", "first-secret", "second-secret", "while")
	if e.Command != "kubeadm join" || e.ExitCode != 7 || !strings.Contains(e.Output, "line 30") || !strings.Contains(e.Output, "***") {
		t.Errorf("error for people: %+v", e)
	}
}

func TestRunKeepsScriptAndSecretsOutOfArguments(t *testing.T) {
	_, h := node(t)
	res, err := h.Run(t.Context(), "# remark-in-script\ntr '\\0' ' ' </proc/$PPID/cmdline; for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f; done 2>/dev/null || :",
		Options{Env: map[string]string{"TOKEN": "s3cret-value"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"s3cret-value", "remark-in-script"} {
		if strings.Contains(res.Stdout, secret) {
			t.Errorf("%q is in a process's arguments", secret)
		}
	}
}

func TestRunBoundsWhatItKeeps(t *testing.T) {
	_, h := node(t)
	longest, n := 0, 0
	res, err := h.Run(t.Context(), "head -c 200000 /dev/zero | tr '\\0' x; echo; echo end", Options{Limit: 1000,
		Output: func(l string) { longest, n = max(longest, len(l)), n+len(l) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Stdout) != 1000 || !res.Truncated || longest != maxLine || n != 200003 {
		t.Errorf("kept %d (truncated %v), longest line %d, all lines %d", len(res.Stdout), res.Truncated, longest, n)
	}
}

func TestRunThatTakesTooLong(t *testing.T) {
	_, h := node(t)
	_, err := h.Run(t.Context(), "echo begun; sleep 60", Options{Timeout: 300 * time.Millisecond, Label: "sleep"})
	e := wantProblem(t, err, "remote.run.timeout", lifecycle.Retryable)
	if e.Output != "begun" {
		t.Errorf("output %q", e.Output)
	}
	if _, err := h.Run(t.Context(), "true", Options{}); err != nil {
		t.Errorf("the connection is of no use any more: %v", err)
	}
}

func TestRunIsCancelled(t *testing.T) {
	_, h := node(t)
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	_, err := h.Run(ctx, "echo begun; sleep 60", Options{Output: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) || time.Since(began) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

func TestRunNoticesADeadPeer(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	cable := remotetest.Cable(t, s)
	h := enter(t, New(quick), cable.Access)
	began := time.Now()
	_, err := h.Run(t.Context(), "echo begun; sleep 60", Options{Label: "sleep", Output: func(string) { cable.Stall() }})
	wantProblem(t, err, "remote.cut", lifecycle.Retryable)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("noticed after %v", took)
	}
}

func TestHostIsDialledAgain(t *testing.T) {
	s := remotetest.Start(t, remotetest.Options{})
	cable := remotetest.Cable(t, s)
	h := enter(t, New(quick), cable.Access)
	key := h.HostKey()
	cable.Cut()
	_, err := h.Run(t.Context(), "true", Options{})
	wantProblem(t, err, "remote.dial.refused", lifecycle.Retryable)
	cable.Heal()
	if _, err := h.Run(t.Context(), "true", Options{}); err != nil || h.HostKey() != key {
		t.Errorf("after healing: %v", err)
	}
}

func TestManyRunsShareOneConnection(t *testing.T) {
	_, h := node(t)
	errs := make(chan error)
	for range 30 {
		go func() {
			_, err := h.Run(t.Context(), "sleep 0.05; echo done", Options{})
			errs <- err
		}()
	}
	for range 30 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestEnvNamesAreChecked(t *testing.T) {
	_, h := node(t)
	_, err := h.Run(t.Context(), "true", Options{Env: map[string]string{"A;id": "x"}})
	if lifecycle.AsError(err).Text.Key != "remote.env.invalid" {
		t.Errorf("error %v", err)
	}
}
