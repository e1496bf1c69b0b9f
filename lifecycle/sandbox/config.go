package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Config sets up a Sandbox. The zero value with a Dir works.
type Config struct {
	// Speed divides every delay: 1 is the default pace, 10 ten times as fast. 0 means 1.
	Speed float64
	// NoDelay leaves out all delays; for tests.
	NoDelay bool
	// Delay overrides how long a command takes, by its first words ("kubeadm init",
	// "apt-get install"), and "create" and "delete" of machines.
	Delay map[string]time.Duration
	// Faults are injected failures, for tests and exercises.
	Faults []Fault

	// Dir keeps everything, and is locked while a Sandbox is open on it.
	Dir    string           `yaml:"-"`
	Logger *slog.Logger     `yaml:"-"`
	Now    func() time.Time `yaml:"-"` // time.Now when nil
}

// Fault is one injected failure.
type Fault struct {
	// Machine is a glob over machine names; "" = any.
	Machine string
	// Command is a glob over the command's words ("kubeadm init*"), or "create" and
	// "delete" of the provider.
	Command string
	// Nth says which matching call is struck, from 1; 0 = every one. It counts over
	// restarts of the sandbox.
	Nth int
	// Action is fail, hang, drop or lose-reply.
	Action string
	// Exit is the status of a command that fails; 0 means 1.
	Exit int
	// Output is what a command that fails prints.
	Output string
}

// What a fault does.
const (
	// ActionFail fails without doing anything.
	ActionFail = "fail"
	// ActionHang never answers.
	ActionHang = "hang"
	// ActionDrop cuts the connections before anything is done.
	ActionDrop = "drop"
	// ActionLoseReply does it, and cuts the connections before the answer.
	ActionLoseReply = "lose-reply"
)

// Check says everything that is wrong with the configuration, one line each of
// the form "sandbox.field: what".
func (c Config) Check() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("sandbox."+field+": "+format, args...))
	}
	if c.Speed < 0 {
		bad("speed", "%v is negative", c.Speed)
	}
	for name, d := range c.Delay {
		if d < 0 {
			bad("delay."+name, "%v is negative", d)
		}
	}
	actions := []string{ActionFail, ActionHang, ActionDrop, ActionLoseReply}
	for i, f := range c.Faults {
		at := fmt.Sprintf("faults[%d].", i)
		if !slices.Contains(actions, f.Action) {
			bad(at+"action", "%q is none of %s", f.Action, strings.Join(actions, ", "))
		}
		if f.Command == "" {
			bad(at+"command", "is empty; name a command such as \"kubeadm join*\"")
		}
		if f.Nth < 0 {
			bad(at+"nth", "%d is negative", f.Nth)
		}
		if f.Exit < 0 || f.Exit > 255 {
			bad(at+"exit", "%d is not from 0 to 255", f.Exit)
		}
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Speed == 0 {
		c.Speed = 1
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// settings is the part of the configuration that may change while things go on.
type settings struct {
	delays  delays
	faults  []Fault
	changed chan struct{} // closed when it is in force no more
}

func settingsOf(c Config) *settings {
	return &settings{delays: newDelays(c), faults: c.Faults, changed: make(chan struct{})}
}

// Set puts the pace, the delays and the faults of c in force. What waits at this
// moment takes the rest of its time at the new pace; a fault strikes, or strikes
// no more, from the next command on. Its errors are those of Check.
func (sb *Sandbox) Set(c Config) error {
	if err := c.Check(); err != nil {
		return err
	}
	close(sb.settings.Swap(settingsOf(c.withDefaults())).changed)
	return nil
}
