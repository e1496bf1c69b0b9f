package remote

import (
	"context"
	"crypto/rand"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// unitNamePattern is what systemd, a directory and sh all take as it is.
var unitNamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$`)

// Unit runs script as the transient unit name, or attaches to it. Cancelling ctx
// leaves the unit running; only the run's own Timeout ends it.
func (h *host) Unit(ctx context.Context, name, script string, opt Options) (Result, error) {
	if !unitNamePattern.MatchString(name) {
		return Result{}, problem(h.about(), lifecycle.Permanent, "unit.name", nil, "unit", name)
	}
	if opt.Label == "" {
		opt.Label = name
	}
	uctx, cancel := within(ctx, opt.Timeout)
	defer cancel()
	f := &follower{host: h, name: name, script: script, opt: opt, nonce: strings.ToLower(rand.Text()),
		col: newCollector(opt, h.about().Credential.Password)}
	code, err := f.toTheEnd(uctx)
	f.col.stop()
	switch {
	case err != nil && ctx.Err() == nil && uctx.Err() != nil:
		return f.col.result(), h.endLate(ctx, name, opt, f.col)
	case err != nil:
		return f.col.result(), err
	case code != 0:
		return f.col.result(), &ExitError{Node: h.about().Name, Label: opt.Label, Code: code, Output: f.col.last()}
	}
	return f.col.result(), nil
}

// endLate ends a unit that has used up its time: another attempt must not find
// it still at work.
func (h *host) endLate(ctx context.Context, name string, opt Options, col *collector) error {
	if err := h.StopUnit(ctx, name); err != nil {
		return err
	}
	return h.late(opt, col)
}

// StopUnit ends the unit and waits until it is gone.
func (h *host) StopUnit(ctx context.Context, name string) error {
	if !unitNamePattern.MatchString(name) {
		return problem(h.about(), lifecycle.Permanent, "unit.name", nil, "unit", name)
	}
	_, err := h.Run(ctx, unitVars(name)+stopSh, Options{Label: "systemctl stop " + name, Timeout: 2 * time.Minute})
	return err
}

// RemoveUnits removes from h what is kept of ended units whose names start with
// prefix. Units that still run are left alone.
func RemoveUnits(ctx context.Context, h Host, prefix string) error {
	if !unitNamePattern.MatchString(prefix) {
		return misuse("unit.prefix", "unit", prefix)
	}
	script := "u=${COXSWAIN_UNITS:-/var/lib/coxswain/units}\np=" + quote(prefix) + "\n" + removeSh
	_, err := h.Run(ctx, script, Options{Label: "remove units " + prefix, Timeout: 2 * time.Minute})
	return err
}

// follower goes after one unit across as many connections as it takes.
type follower struct {
	host                *host
	name, script, nonce string
	opt                 Options
	col                 *collector
	offset              int64 // bytes of the unit's output that have come
	seen                bool  // it has been started, by us or before
}

// toTheEnd follows the unit until it has ended. Once it has been reached, a lost
// connection is a pause.
func (f *follower) toTheEnd(ctx context.Context) (int, error) {
	r := &returning{host: f.host, label: f.opt.Label}
	for {
		offset := f.offset
		code, err := f.follow(ctx)
		if err == nil || !f.seen && !isCut(err) {
			return code, err
		}
		if f.offset > offset {
			r.reached()
		}
		if err := r.pause(ctx, err); err != nil {
			return 0, err
		}
	}
}

// follow is one session: it starts the unit if it may be started still, and gives
// its exit code when it has ended.
func (f *follower) follow(ctx context.Context) (int, error) {
	text := attachText(f.name, f.offset)
	if !f.seen {
		var err error
		if text, err = unitText(f.name, f.script, f.nonce, f.opt.Env, f.offset); err != nil {
			return 0, err
		}
	}
	control := &controlLines{}
	errs := func(p []byte) {
		control.take(p)
		word, _ := control.verdict()
		f.seen = f.seen || word == "following"
	}
	code, err := f.host.shell(ctx, f.opt.Label, text, nil, f.output, errs)
	if err != nil {
		return 0, err
	}
	word, value := control.verdict()
	switch {
	case word == "ended":
		return f.exitCode(value)
	case word == "lost":
		return 0, f.problem(lifecycle.Retryable, "unit.lost", control)
	case word == "refused" || word == "" && code < 128:
		return 0, f.problem(lifecycle.Permanent, "unit.refused", control)
	default: // the follower itself was killed; the unit was not
		return 0, problem(f.host.about(), lifecycle.Retryable, "cut", errCut, "label", f.opt.Label)
	}
}

// output counts what it gives on: that is where the next session goes on.
func (f *follower) output(p []byte) {
	f.offset += int64(len(p))
	f.col.stdout(p)
}

func (f *follower) exitCode(s string) (int, error) {
	code, err := strconv.Atoi(s)
	if err != nil {
		return 0, problem(f.host.about(), lifecycle.Retryable, "unit.lost", fmt.Errorf("exit code %q", s), "label", f.opt.Label)
	}
	return code, nil
}

func (f *follower) problem(class lifecycle.Class, key string, control *controlLines) error {
	e := problem(f.host.about(), class, key, nil, "label", f.opt.Label, "unit", f.name)
	e.Command, e.Output = f.opt.Label, f.col.last()
	if e.Output == "" {
		e.Output = f.col.secrets.Replace(strings.TrimSpace(control.text.String()))
	}
	return e
}

// controlLines takes standard error of a follower, where its verdict comes.
type controlLines struct{ text strings.Builder }

func (c *controlLines) take(p []byte) {
	if c.text.Len() < maxBefore {
		c.text.Write(p)
	}
}

// verdict is the last line "cox-unit <word> <value>".
func (c *controlLines) verdict() (word, value string) {
	for line := range strings.Lines(c.text.String()) {
		if rest, ok := strings.CutPrefix(line, "cox-unit "); ok {
			word, value, _ = strings.Cut(strings.TrimSpace(rest), " ")
		}
	}
	return word, value
}
