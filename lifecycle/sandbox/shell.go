package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// stdio is what a shell reads and writes.
type stdio struct {
	in       io.Reader // nil is empty
	out, err io.Writer
}

// script is a text that a shell is to run.
type script struct {
	name   string // $0
	text   string
	params []string // options of set first, then "--" and $1 …
	env    []string
	dir    string
}

// interpret runs a script to its end and gives its status.
func (p *process) interpret(ctx context.Context, s script, io stdio) int {
	parsed, err := parse(s)
	if err != nil {
		fmt.Fprintf(io.err, "%s: %v\n", s.name, err)
		return 2
	}
	renamePID(parsed)
	runner, err := p.runner(s, io)
	if err != nil {
		fmt.Fprintf(io.err, "%s: %v\n", s.name, err)
		return 2
	}
	return exitCode(runner.Run(ctx, parsed), io.err)
}

// parse reads a script as Debian's sh would: what only bash knows is an error. The
// interpreter itself wants to have "export" parsed as bash's.
func parse(s script) (*syntax.File, error) {
	if _, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(s.text), s.name); err != nil {
		return nil, err
	}
	return syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(s.text), s.name)
}

func exitCode(err error, complain io.Writer) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return stopped
	}
	fmt.Fprintf(complain, "sh: %v\n", err)
	return 2
}

// renamePID has "$$" mean the simulated process: the interpreter would put in our
// own.
func renamePID(f *syntax.File) {
	syntax.Walk(f, func(n syntax.Node) bool {
		if e, ok := n.(*syntax.ParamExp); ok && e.Param != nil && e.Param.Value == "$" {
			e.Param.Value = pidVariable
		}
		return true
	})
}

func (p *process) runner(s script, io stdio) (*interp.Runner, error) {
	env := append(slices.Clone(s.env), pidVariable+"="+strconv.Itoa(p.pid))
	r, err := interp.New(
		interp.Env(expand.ListEnviron(env...)),
		interp.Dir("/"),
		interp.StdIO(io.in, io.out, io.err),
		interp.Params(s.params...),
		interp.CallHandler(p.onCall),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return p.onExec }),
		interp.OpenHandler(p.onOpen),
		interp.StatHandler(p.onStat),
		interp.AccessHandler(p.onAccess),
		interp.ReadDirHandler2(p.onReadDir),
	)
	if err != nil {
		return nil, err
	}
	if s.dir != "" {
		r.Dir = s.dir // interp.Dir would look for it on our own disk
	}
	return r, nil
}

// ours marks a builtin of the interpreter that is answered here: those look at
// the real machine.
const ours = "\x00"

// onCall sends builtins that would look at the real machine to onExec.
func (p *process) onCall(_ context.Context, args []string) ([]string, error) {
	switch args[0] {
	case "umask", "kill", "type", "ulimit", "times", "hash", "pwd", "trap":
		if args[0] == "trap" && (len(args) < 3 || strings.Join(args[2:], " ") == "EXIT" || strings.Join(args[2:], " ") == "0") {
			return trapExit(args), nil
		}
		return append([]string{ours + args[0]}, args[1:]...), nil
	case "command":
		if len(args) > 1 && strings.HasPrefix(args[1], "-") {
			return append([]string{ours + args[0]}, args[1:]...), nil
		}
	}
	return args, nil
}

// trapExit says EXIT where POSIX lets people say 0.
func trapExit(args []string) []string {
	out := slices.Clone(args)
	if n := len(out); n > 2 && out[n-1] == "0" {
		out[n-1] = "EXIT"
	}
	return out
}

// onExec runs everything that is not the shell's own.
func (p *process) onExec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	code := p.launch(frameOf(ctx, hc), args)
	if err := ctx.Err(); err != nil {
		return err
	}
	if code != 0 {
		return interp.ExitStatus(code)
	}
	return nil
}

// frame is what a command inherits from the shell that starts it.
type frame struct {
	ctx      context.Context
	dir      string
	env      func(string) string
	exported func() []string
	stdio
}

func frameOf(ctx context.Context, hc interp.HandlerContext) frame {
	f := frame{ctx: ctx, dir: hc.Dir, stdio: stdio{hc.Stdin, hc.Stdout, hc.Stderr}}
	f.env = func(name string) string { return hc.Env.Get(name).String() }
	f.exported = func() []string { return exported(hc.Env) }
	return f
}

// newCall is a command that is started from f.
func (p *process) newCall(f frame, args []string) *call {
	c := &call{ctx: f.ctx, sb: p.m.sb, m: p.m, args: args, env: f.env, dir: f.dir, user: p.user, in: f.in, proc: p,
		outs: &voice{to: f.out}, errs: &voice{to: f.err}}
	c.out, c.err = c.outs, c.errs
	if c.in == nil {
		c.in = strings.NewReader("")
	}
	if p.run != nil {
		c.unit = p.run.id.name
	}
	return c
}

// exported gives the environment that a command of the shell inherits.
func exported(env expand.Environ) []string {
	var out []string
	env.Each(func(name string, v expand.Variable) bool {
		if v.Exported && v.IsSet() && name != pidVariable {
			out = append(out, name+"="+v.String())
		}
		return true
	})
	slices.Sort(out)
	return out
}

// launch runs one command and gives its status.
func (p *process) launch(f frame, args []string) int {
	name, builtin := strings.CutPrefix(args[0], ours)
	args = append([]string{name}, args[1:]...)
	if nested, ok := shells()[path.Base(name)]; ok && !builtin {
		return nested(p, f, args)
	}
	c := p.newCall(f, args)
	if p.run == nil {
		return p.command(c, builtin)
	}
	c.trace = p.run.key(append([]string{"exec"}, args...)...)
	c.outs.keeps, c.errs.keeps = true, true
	code, known := p.recalled(c)
	if !known {
		code = p.command(c, builtin)
		p.remember(c, code)
	}
	if c.ctx.Err() == nil {
		c.errs.flush()
		c.outs.flush()
	}
	return code
}

// recalled gives what the command did when it ran before.
func (p *process) recalled(c *call) (code int, known bool) {
	c.sb.mu.Lock()
	tr, known := p.run.recall(c.trace)
	c.sb.mu.Unlock()
	if !known {
		return 0, false
	}
	c.printf("%s", tr.Out)
	fmt.Fprintf(c.err, "%s", tr.Err)
	return tr.Code, true
}

// remember records how a command of a unit has ended, unless it was cut off. What
// only works on its standard input can be run again.
func (p *process) remember(c *call, code int) {
	if c.ctx.Err() != nil || !c.looked {
		return
	}
	c.sb.change(func(t *tx) { c.keep(t, code) })
}

// command finds the model of a command and runs it.
func (p *process) command(c *call, builtin bool) int {
	if builtin {
		return shellBuiltins()[c.args[0]](c)
	}
	model, code := p.find(c)
	if model == nil {
		return code
	}
	return c.struck(func() int { return model(c) })
}

// find looks for a command as a shell does, and for its model by its name.
func (p *process) find(c *call) (func(*call) int, int) {
	name := c.args[0]
	base := path.Base(name)
	model := c.sb.commands[base]
	var at, text string
	var found bool
	c.read(func() {
		if at, found = c.m.lookPath(name, c.env("PATH"), c.dir); found && model == nil {
			text = c.m.scriptAt(at)
		}
	})
	switch {
	case found && model != nil:
		c.looked = !pure(c.args)
		return model, 0
	case text != "":
		return func(c *call) int { return p.runScript(c, at, text) }, 0
	case model != nil:
		return nil, c.fail(127, "sh: 1: %s: not found", name)
	}
	c.sb.change(func(t *tx) {
		t.enter(Entry{Kind: EntryUnknown, Machine: c.m.name, Owner: c.m.row().Owner, Command: blanked(c.args), Unit: c.unit, Code: 127})
	})
	return nil, c.fail(127, "sh: 1: %s: not found (the sandbox does not know it)", name)
}
