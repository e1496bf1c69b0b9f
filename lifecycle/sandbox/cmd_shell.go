package sandbox

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/text"
)

// allCommands is every model of a command by its name.
func allCommands() map[string]func(*call) int {
	all := map[string]func(*call) int{}
	for name, tool := range text.Tools() {
		all[name] = textTool(name, tool)
	}
	for _, part := range []map[string]func(*call) int{commandsTools(), commandsCluster(), commandsCore()} {
		maps.Copy(all, part)
	}
	return all
}

// commandsCore are the commands about processes, time and services.
func commandsCore() map[string]func(*call) int {
	return map[string]func(*call) int{
		"sleep": sleep, "sync": syncFiles, "true": succeed, "false": failing, ":": succeed,
		"id": id, "whoami": whoami, "env": printEnv, "printenv": printEnv, "date": date, "uname": uname,
		"hostname": hostname, "nproc": nproc, "mktemp": mktemp, "kill": kill, "umask": umask, "uptime": uptime,
		"systemctl": systemctl, "systemd-run": systemdRun, "journalctl": journalctl, "logger": succeed,
		"sh": nil, "dash": nil, "bash": nil, "sudo": nil, "timeout": nil, "nohup": nil,
	}
}

// textTool makes a command of a text tool.
func textTool(name string, tool text.Tool) func(*call) int {
	return func(c *call) int {
		return tool(name, &text.Env{Args: c.args[1:], In: c.in, Out: c.out, Err: c.err, Open: func(file string) (io.Reader, error) {
			var r io.Reader
			var err error
			c.read(func() {
				if content, ok := c.m.processFile(absolute(c.dir, file)); ok {
					r = strings.NewReader(content)
					return
				}
				r, err = c.m.fs.Open(absolute(c.dir, file))
			})
			return r, err
		}})
	}
}

// pure reports whether a command gives the same again for the same input, as long
// as it does not look at anything.
func pure(args []string) bool {
	_, is := text.Tools()[path.Base(args[0])]
	return is
}

// shellBuiltins answers what onCall took from the interpreter.
func shellBuiltins() map[string]func(*call) int {
	return map[string]func(*call) int{"umask": umask, "kill": kill, "command": command, "type": command, "ulimit": succeed,
		"times": succeed, "hash": succeed, "pwd": pwd, "trap": succeed}
}

func succeed(*call) int { return 0 }
func failing(*call) int { return 1 }

// command finds a command as "command -v" does; without -v it is a builtin.
func command(c *call) int {
	code := 0
	for _, name := range c.args[1:] {
		if strings.HasPrefix(name, "-") {
			continue
		}
		at, ok := "", false
		c.read(func() { at, ok = c.m.lookPath(name, c.env("PATH"), c.dir) })
		switch {
		case ok:
			c.printf("%s\n", at)
		case slices.Contains([]string{"cd", "read", "printf", "echo", "test", "[", "set", "export", "umask", "kill", ":", "."}, name):
			c.printf("%s\n", name)
		default:
			code = 127
		}
	}
	return code
}

func pwd(c *call) int {
	c.printf("%s\n", c.dir)
	return 0
}

func sleep(c *call) int {
	var total time.Duration
	for _, a := range c.args[1:] {
		d, err := parseSleep(a)
		if err != nil {
			return c.fail(1, "sleep: invalid time interval '%s'", a)
		}
		total += d
	}
	c.looked = true
	if c.sb.wait(c.ctx, func(d delays) time.Duration { return d.paced(total) }) != nil {
		return stopped
	}
	return 0
}

func parseSleep(s string) (time.Duration, error) {
	unit := time.Second
	if n := len(s); n > 0 {
		if u, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[s[n-1]]; ok {
			unit, s = u, s[:n-1]
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	return time.Duration(v * float64(unit)), err
}

// syncFiles waits for the disk, as a real sync does.
func syncFiles(c *call) int {
	code := 0
	for _, name := range c.args[1:] {
		var there bool
		c.read(func() { there = c.m.fs.Exists(absolute(c.dir, name)) })
		if !strings.HasPrefix(name, "-") && !there {
			code = c.fail(1, "sync: error opening '%s': No such file or directory", name)
		}
	}
	if c.sb.durable() != nil {
		return 1
	}
	return code
}

func id(c *call) int {
	uid := "0"
	if c.user != rootUser {
		uid = "1000"
	}
	switch o, _ := parseOptions(c.args[1:]); {
	case o.has("u") && o.has("n"), o.has("un"):
		c.printf("%s\n", c.user)
	case o.has("u"), o.has("g"):
		c.printf("%s\n", uid)
	default:
		c.printf("uid=%s(%s) gid=%[1]s(%[2]s) groups=%[1]s(%[2]s)\n", uid, c.user)
	}
	return 0
}

func whoami(c *call) int {
	c.printf("%s\n", c.user)
	return 0
}

func printEnv(c *call) int {
	if len(c.args) > 1 {
		v := c.env(c.args[1])
		if v == "" {
			return 1
		}
		c.printf("%s\n", v)
		return 0
	}
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "PWD"} {
		if v := c.env(name); v != "" {
			c.printf("%s=%s\n", name, v)
		}
	}
	return 0
}

func date(c *call) int {
	var now time.Time
	c.read(func() { now = c.sb.now() })
	format := ""
	for _, a := range c.args[1:] {
		switch {
		case strings.HasPrefix(a, "+"):
			format = a[1:]
		case a == "-u" || a == "--utc":
		default:
			return c.fail(1, "date: %s: the sandbox does not know it", a)
		}
	}
	now = now.UTC()
	if format == "" {
		c.printf("%s\n", now.Format("Mon Jan _2 15:04:05 UTC 2006"))
		return 0
	}
	c.printf("%s\n", strings.NewReplacer("%%", "%", "%s", strconv.FormatInt(now.Unix(), 10), "%3N", now.Format(".000")[1:], "%N", now.Format(".000000000")[1:],
		"%F", now.Format(time.DateOnly), "%T", now.Format(time.TimeOnly), "%Y", now.Format("2006"), "%m", now.Format("01"), "%d", now.Format("02"),
		"%H", now.Format("15"), "%M", now.Format("04"), "%S", now.Format("05"), "%Z", "UTC", "%z", "+0000").Replace(format))
	return 0
}

func uname(c *call) int {
	fields := map[rune]string{'s': "Linux", 'n': "", 'r': kernelVersion, 'v': "#1 SMP PREEMPT_DYNAMIC Debian (simulated)", 'm': "x86_64", 'o': "GNU/Linux"}
	c.read(func() { fields['n'] = c.m.hostname() })
	want := strings.TrimPrefix(strings.Join(c.args[1:], ""), "-")
	want = strings.ReplaceAll(want, "-", "")
	if want == "" {
		want = "s"
	}
	if strings.Contains(want, "a") {
		want = "snrvmo"
	}
	var out []string
	for _, letter := range "snrvmo" {
		if strings.ContainsRune(want, letter) {
			out = append(out, fields[letter])
		}
	}
	c.printf("%s\n", strings.Join(out, " "))
	return 0
}

func hostname(c *call) int {
	var name, ip string
	c.read(func() { name, ip = c.m.hostname(), c.m.row().IP })
	if len(c.args) > 1 && (c.args[1] == "-I" || c.args[1] == "-i") {
		name = ip
	}
	c.printf("%s\n", name)
	return 0
}

func nproc(c *call) int {
	n := 0
	c.read(func() { n = c.m.row().CPUs })
	c.printf("%d\n", n)
	return 0
}

func uptime(c *call) int {
	c.printf(" up 1 day, load average: 0.00, 0.00, 0.00 (simulated)\n")
	return 0
}

func mktemp(c *call) int {
	o, rest := parseOptions(c.args[1:], "p", "tmpdir")
	template := "tmp.XXXXXXXXXX"
	if len(rest) > 0 {
		template = rest[0]
	}
	if !path.IsAbs(template) {
		dir := o.get("p")
		if dir == "" {
			dir = "/tmp"
		}
		template = path.Join(dir, template)
	}
	stem := strings.TrimRight(template, "X")
	name := stem + randomHex(16)[:max(3, len(template)-len(stem))]
	return c.alter(func(*tx) error {
		var err error
		if o.has("d") {
			err = c.m.fs.Mkdir(name, 0o700)
		} else {
			err = c.m.fs.WriteFile(name, nil, 0o600)
		}
		if err != nil {
			return exit(1, "mktemp: failed to create '%s': %s", name, reason(err))
		}
		c.printf("%s\n", name)
		return nil
	})
}

// kill ends a group of processes: "kill -TERM -PID". There is nobody who could
// refuse a signal.
func kill(c *call) int {
	args := c.args[1:]
	probe := len(args) > 0 && args[0] == "-0"
	if len(args) > 1 && regexp.MustCompile(`^-([A-Z]+|[0-9]+)$`).MatchString(args[0]) {
		args = args[1:]
	} else if len(args) > 2 && args[0] == "-s" {
		args = args[2:]
	}
	code := 0
	for _, a := range args {
		pid, err := strconv.Atoi(strings.TrimPrefix(a, "-"))
		if err != nil {
			continue // "--"
		}
		var p *process
		c.read(func() { p = c.sb.procs[procID{c.m.id, pid}] })
		switch {
		case p == nil:
			code = c.fail(1, "sh: 1: kill: No such process")
		case !probe:
			p.cancel()
		}
	}
	return code
}

func umask(c *call) int {
	if len(c.args) < 2 {
		c.printf("%04o\n", uint32(c.proc.maskOf()))
		return 0
	}
	mask, err := strconv.ParseUint(c.args[1], 8, 12)
	if err != nil {
		return c.fail(1, "sh: 1: umask: Illegal mode: %s", c.args[1])
	}
	c.proc.setMask(fs.FileMode(mask))
	return 0
}

// unsupported says that a command is known but not what it was asked for.
func (c *call) unsupported(what string) int {
	return c.fail(2, "%s: %s: the sandbox does not know it", c.args[0], fmt.Sprintf("%q", what))
}
