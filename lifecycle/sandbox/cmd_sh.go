package sandbox

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/text"
)

// shells are the commands that run other commands. They are no commands of their
// own for the ledger and for a unit's record.
func shells() map[string]func(*process, frame, []string) int {
	return map[string]func(*process, frame, []string) int{"sh": sh, "dash": sh, "bash": sh, "sudo": sudo, "timeout": timeout, "nohup": nohup, "env": env}
}

// sh is the shell: "sh -s", "sh -c TEXT NAME ARG…", "sh FILE ARG…".
func sh(p *process, f frame, args []string) int {
	s := script{name: args[0], env: f.exported(), dir: f.dir}
	rest := args[1:]
	inline, stdin := false, false
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' && rest[0] != "--" {
		for _, letter := range rest[0][1:] {
			switch letter {
			case 'c':
				inline = true
			case 's':
				stdin = true
			case 'l', 'i':
			default:
				s.params = append(s.params, "-"+string(letter))
			}
		}
		rest = rest[1:]
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	switch {
	case inline && len(rest) == 0:
		fmt.Fprintf(f.err, "%s: 0: -c requires an argument\n", args[0])
		return 2
	case inline:
		s.text, rest = rest[0], rest[1:]
		if len(rest) > 0 {
			s.name, rest = rest[0], rest[1:]
		}
	case (stdin || len(rest) == 0) && f.in == nil:
	case stdin || len(rest) == 0:
		all, err := io.ReadAll(f.in)
		if err != nil {
			return stopped
		}
		s.text = string(all)
	default:
		content, err := p.content(absolute(f.dir, rest[0]))
		if err != nil {
			fmt.Fprintf(f.err, "%s: 0: cannot open %s: %s\n", args[0], rest[0], text.Reason(err))
			return 2
		}
		all, err := io.ReadAll(content)
		if err != nil {
			return stopped
		}
		s.text, s.name, rest = string(all), rest[0], rest[1:]
	}
	s.params = append(append(s.params, "--"), rest...)
	return p.interpret(f.ctx, s, f.stdio)
}

// runScript runs a program that is a script.
func (p *process) runScript(c *call, at, text string) int {
	env := append(environment(c.user), "PATH="+c.env("PATH"))
	return p.interpret(c.ctx, script{name: at, text: text, env: env, dir: c.dir, params: append([]string{"--"}, c.args[1:]...)}, stdio{c.in, c.out, c.err})
}

// sudo runs the rest as root, which everybody is here.
func sudo(p *process, f frame, args []string) int {
	rest := args[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		word := rest[0]
		rest = rest[1:]
		if word == "--" {
			break
		}
		if (word == "-p" || word == "-u") && len(rest) > 0 {
			rest = rest[1:]
		}
	}
	return launchRest(p, f, "sudo", rest)
}

func launchRest(p *process, f frame, name string, rest []string) int {
	if len(rest) == 0 {
		fmt.Fprintf(f.err, "%s: a command is missing\n", name)
		return 1
	}
	return p.launch(f, rest)
}

func nohup(p *process, f frame, args []string) int { return launchRest(p, f, "nohup", args[1:]) }

// timeout runs the rest for a bounded time: "timeout 5s COMMAND".
func timeout(p *process, f frame, args []string) int {
	rest := args[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		word := rest[0]
		rest = rest[1:]
		if (word == "-k" || word == "-s") && len(rest) > 0 {
			rest = rest[1:]
		}
	}
	if len(rest) == 0 {
		return launchRest(p, f, "timeout", nil)
	}
	d, err := parseSleep(rest[0])
	if err != nil {
		fmt.Fprintf(f.err, "timeout: invalid time interval '%s'\n", rest[0])
		return 125
	}
	outer := f.ctx
	var cancel context.CancelFunc
	f.ctx, cancel = context.WithTimeout(outer, max(d, time.Millisecond))
	defer cancel()
	code := launchRest(p, f, "timeout", rest[1:])
	if f.ctx.Err() != nil && outer.Err() == nil {
		return 124
	}
	return code
}

// env runs a command with changed variables, or prints what there are.
func env(p *process, f frame, args []string) int {
	vars := f.exported()
	rest := args[1:]
	for len(rest) > 0 {
		word := rest[0]
		if name, _, is := strings.Cut(word, "="); is {
			vars = slices.DeleteFunc(vars, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
			vars = append(vars, word)
		} else if word == "-i" {
			vars = nil
		} else {
			break
		}
		rest = rest[1:]
	}
	if len(rest) == 0 {
		for _, kv := range vars {
			fmt.Fprintln(f.out, kv)
		}
		return 0
	}
	return p.launch(f.with(vars), rest)
}

// with is the frame with other variables.
func (f frame) with(vars []string) frame {
	f.exported = func() []string { return vars }
	f.env = func(name string) string {
		for _, kv := range slices.Backward(vars) {
			if v, ok := strings.CutPrefix(kv, name+"="); ok {
				return v
			}
		}
		return ""
	}
	return f
}
