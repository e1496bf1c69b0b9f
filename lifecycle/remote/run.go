package remote

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Run executes script in one session. It is not repeated when the connection is
// cut, since nobody knows how far it came: that error is Retryable, and the
// caller's to judge.
func (h *host) Run(ctx context.Context, script string, opt Options) (Result, error) {
	opt.Label = labelled(opt.Label)
	if _, has := ctx.Deadline(); !has && opt.Timeout <= 0 {
		opt.Timeout = h.dialer.opts.RunTimeout
	}
	rctx, cancel := within(ctx, opt.Timeout)
	defer cancel()
	col := newCollector(opt, h.about().Credential.Password)
	code, err := h.shell(rctx, opt.Label, script, opt.Env, col.stdout, col.stderr)
	col.stop()
	switch {
	case err != nil && ctx.Err() == nil && rctx.Err() != nil:
		return col.result(), h.late(opt, col)
	case err != nil:
		return col.result(), err
	case code != 0:
		return col.result(), &ExitError{Node: h.about().Name, Label: opt.Label, Code: code, Output: col.last()}
	}
	return col.result(), nil
}

func labelled(label string) string {
	if label == "" {
		return "sh"
	}
	return label
}

// within is ctx, with the timeout if there is one.
func within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// late says that a run took longer than its own timeout.
func (h *host) late(opt Options, col *collector) error {
	e := problem(h.about(), lifecycle.Retryable, "run.timeout", context.DeadlineExceeded,
		"label", opt.Label, "seconds", int(opt.Timeout/time.Second))
	e.Command, e.Output = opt.Label, col.last()
	return e
}

// shell feeds script to a root shell and gives its exit code.
func (h *host) shell(ctx context.Context, label, script string, env map[string]string, stdout, stderr func([]byte)) (int, error) {
	text, err := stdinText(script, env)
	if err != nil {
		return 0, err
	}
	request, head := asRoot(h.about().Credential, "sh -s")
	g := &gate{}
	var out, errs *afterMark
	code, err := h.exec(ctx, label, func() command {
		out, errs = &afterMark{to: stdout}, &afterMark{to: stderr}
		return command{request: request, stdin: strings.NewReader(head + text), stdout: g.writer(out), stderr: g.writer(errs),
			kill: func() (string, string) { return h.killer(g.pid(out)) }}
	})
	g.shut()
	if err == nil && !out.begun {
		err = h.noShell(label, code, string(out.before)+string(errs.before))
	}
	return code, err
}

// killer is the command that ends the shell pid and what it runs.
func (h *host) killer(pid string) (request, stdin string) {
	if pid == "" {
		return "", ""
	}
	return asRoot(h.about().Credential, killText(pid))
}

// noShell says why a script did not even begin.
func (h *host) noShell(label string, code int, output string) error {
	a := h.about()
	key := "shell.failed"
	if a.Credential.User != "root" {
		key = "sudo.refused"
	}
	e := problem(a, lifecycle.Blocked, key, nil, "user", a.Credential.User, "credential", a.Credential.Name)
	lines := strings.Split(strings.TrimSpace(blanker(nil, a.Credential.Password).Replace(output)), "\n")
	e.Command, e.ExitCode, e.Output = label, code, strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
	return e
}

// gate stands before the writers of a session, which may be left behind: after
// shut they are not touched any more.
type gate struct {
	mu     sync.Mutex
	closed bool
}

var errShut = errors.New("nobody reads this any more")

type gated struct {
	gate *gate
	to   *afterMark
}

func (g *gate) writer(to *afterMark) gated { return gated{g, to} }

func (w gated) Write(p []byte) (int, error) {
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	if w.gate.closed {
		return 0, errShut
	}
	return w.to.Write(p)
}

// pid is the process that to was told of, or "".
func (g *gate) pid(to *afterMark) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return to.pid
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}
