package sandbox

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
)

const rootUser = "root"

// stopped is the status of a command that was ended from outside.
const stopped = 143

// call is one command that runs on a machine.
type call struct {
	ctx  context.Context
	sb   *Sandbox
	m    *machine
	args []string // the name first
	env  func(string) string
	dir  string
	user string
	in   io.Reader // never nil
	out  io.Writer
	err  io.Writer
	unit string // name of the transient unit that it runs in

	proc *process
	// outs and errs stand behind out and err. trace is its key in the unit's
	// record, "" outside of units, and kept what is recorded already.
	outs, errs *voice
	trace      string
	kept       *trace
	// looked: it has looked at more than its standard input.
	looked bool
}

// printf prints to standard output. A reader that went away is no error.
func (c *call) printf(format string, a ...any) { fmt.Fprintf(c.out, format, a...) }

// fail prints to standard error and gives the code. A line's end is added.
func (c *call) fail(code int, format string, a ...any) int {
	fmt.Fprintln(c.err, strings.TrimSuffix(fmt.Sprintf(format, a...), "\n"))
	return code
}

// do makes the command's change: fn runs with sb.mu held as one transaction, the
// ledger's line included. It is on disk before anybody outside can see anything
// of it (Sandbox.durable). What fn has changed stays, whatever its code. A
// command calls it once: should we be killed after it, the command has ended with
// fn's code.
func (c *call) do(fn func(t *tx) int) int {
	defer c.lock()()
	if c.ctx.Err() != nil || c.gone() {
		return stopped
	}
	t := c.sb.begin()
	defer c.sb.commit(t)
	code := fn(t)
	t.enter(Entry{Kind: EntryCommand, Machine: c.m.name, Owner: c.m.row().Owner, Command: blanked(c.args), Unit: c.unit, Code: code})
	if c.trace != "" {
		c.keep(t, code)
	}
	return code
}

// keep records in the unit that the command has ended with code, unless that is
// recorded just so.
func (c *call) keep(t *tx, code int) {
	tr := trace{Code: code, Out: c.outs.all(), Err: c.errs.all()}
	if k := c.kept; k != nil && k.Code == code && len(k.Out) == len(tr.Out) && len(k.Err) == len(tr.Err) {
		return
	}
	c.kept = &tr
	c.proc.run.keep(t, c.trace, tr)
}

// lock takes sb.mu and gives what lets go of it. What the command says meanwhile
// waits: it may go to a file of the machine.
func (c *call) lock() (unlock func()) {
	c.looked = true
	c.outs.hold()
	c.errs.hold()
	c.sb.mu.Lock()
	return func() {
		c.sb.mu.Unlock()
		c.outs.release()
		c.errs.release()
	}
}

// gone reports whether the machine was deleted under the command.
func (c *call) gone() bool { return c.sb.disks[c.m.id] != c.m }

// read looks at state, with sb.mu held.
func (c *call) read(fn func()) {
	defer c.lock()()
	fn()
}

// wait takes the time that something takes, outside of the lock.
func (c *call) wait(name string) error { return c.sb.wait(c.ctx, taking(name)) }

// bootstrapToken has the form of kubeadm's tokens; certKey that of its key.
func secretWord(w string) bool {
	return regexp.MustCompile(`^([a-z0-9]{6}\.[a-z0-9]{16}|[0-9a-f]{64})$`).MatchString(w)
}

// blanked is a command for the ledger: its words, without secrets, and not all of
// a script.
func blanked(args []string) string {
	words := make([]string, 0, len(args))
	for _, a := range args {
		if secretWord(a) {
			a = "***"
		}
		words = append(words, a)
	}
	text := strings.ReplaceAll(strings.Join(words, " "), "\n", " ")
	const most = 300
	if len(text) > most {
		text = text[:most]
	}
	return text
}
