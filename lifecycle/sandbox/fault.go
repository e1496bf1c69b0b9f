package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// errInjected is what the provider answers when it was told to fail.
var errInjected = errors.New("injected failure (simulated)")

// strike gives the fault that hits what is done on a machine now, or nil, and
// counts. The count is kept by what the fault says, so that another configuration
// starts anew.
func (sb *Sandbox) strike(machine, command string) (hit *Fault) {
	faults := sb.settings.Load().faults
	if len(faults) == 0 {
		return nil
	}
	sb.change(func(t *tx) {
		for i, f := range faults {
			if f.Machine != "" && !glob(f.Machine, machine) || !glob(f.Command, command) {
				continue
			}
			text, err := json.Marshal(f)
			if err != nil {
				continue // it is plain data
			}
			key := fmt.Sprintf("fault/%d/%s", i, text)
			n := sb.counters.rows[key] + 1
			put(t, sb.counters, key, n)
			if hit == nil && (f.Nth == 0 || f.Nth == n) {
				hit = &faults[i]
			}
		}
	})
	return hit
}

// glob matches the whole of s; "*" is any text, "?" any character.
func glob(pattern, s string) bool {
	expr := regexp.QuoteMeta(pattern)
	expr = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(expr)
	ok, err := regexp.MatchString("(?s)^"+expr+"$", s)
	return err == nil && ok
}

// struck runs a command, unless a fault forbids it.
func (c *call) struck(run func() int) int {
	f := c.sb.strike(c.m.name, strings.Join(append([]string{path.Base(c.args[0])}, c.args[1:]...), " "))
	if f == nil {
		return run()
	}
	switch f.Action {
	case ActionFail:
		if f.Output != "" {
			fmt.Fprintln(c.err, strings.TrimSuffix(f.Output, "\n"))
		}
		return max(f.Exit, 1)
	case ActionHang:
		<-c.ctx.Done()
		return stopped
	case ActionDrop:
		c.sb.cut(c.m.id)
		if c.proc.run == nil {
			<-c.ctx.Done()
			return stopped
		}
		return run()
	}
	code := run()
	c.sb.cut(c.m.id)
	return code
}

// provided makes a call of the provider, unless a fault forbids it.
func (sb *Sandbox) provided(ctx context.Context, machine, what string, do func() error) error {
	f := sb.strike(machine, what)
	if f == nil {
		return do()
	}
	switch f.Action {
	case ActionHang:
		<-ctx.Done()
		return ctx.Err()
	case ActionLoseReply:
		if err := do(); err != nil {
			return err
		}
		return fmt.Errorf("%s %s: the reply is lost: %w", what, machine, errInjected)
	}
	if f.Output != "" {
		return fmt.Errorf("%s %s: %s: %w", what, machine, f.Output, errInjected)
	}
	return fmt.Errorf("%s %s: %w", what, machine, errInjected)
}
