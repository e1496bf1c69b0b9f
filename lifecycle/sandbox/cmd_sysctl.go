package sandbox

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// sysctl reads and writes the kernel's settings.
func (c *call) sysctl() int {
	f, err := c.flags("q quiet:q p load:p w write:w n values:n e ignore:e a all:a A system:S N names:N")
	if err != nil {
		return c.ended(err)
	}
	if f.has("a") || f.has("A") {
		return c.look(func() (string, error) { return c.m.allSettings("/proc/sys"), nil })
	}
	var sets []setting
	switch {
	case f.has("S"):
		c.read(func() { sets = c.m.systemSettings() })
	case f.has("p"):
		if sets, err = c.settingsIn(f.rest); err != nil {
			return c.ended(err)
		}
	case slices.ContainsFunc(f.rest, func(w string) bool { return strings.Contains(w, "=") }):
		for _, word := range f.rest {
			k, v, _ := strings.Cut(word, "=")
			sets = append(sets, setting{strings.TrimSpace(k), strings.TrimSpace(v)})
		}
	default:
		return c.sysctlShow(f)
	}
	return c.do(func(*tx) int {
		code := 0
		for _, s := range sets {
			if err := c.set(s, f); err != nil && !f.has("e") {
				code = c.ended(err)
			}
		}
		return code
	})
}

// setting is one line of a file of sysctl.
type setting struct{ key, value string }

func parseSettings(text string) []setting {
	var out []setting
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		k, v, ok := strings.Cut(line, "=")
		if ok && line[0] != '#' && line[0] != ';' {
			out = append(out, setting{strings.TrimPrefix(strings.TrimSpace(k), "-"), strings.TrimSpace(v)})
		}
	}
	return out
}

func (c *call) settingsIn(names []string) (out []setting, err error) {
	if len(names) == 0 {
		names = []string{"/etc/sysctl.conf"}
	}
	c.read(func() {
		for _, name := range names {
			text, rerr := c.m.fs.ReadFile(c.at(name))
			if rerr != nil {
				err = exit(255, "sysctl: cannot open \"%s\": %s", name, reason(rerr))
				return
			}
			out = append(out, parseSettings(string(text))...)
		}
	})
	return out, err
}

// systemSettings are those that hold after a boot, in their order.
func (m *machine) systemSettings() []setting {
	files := map[string]string{} // a name hides the same one further back
	for _, dir := range []string{"/usr/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d"} {
		for _, name := range m.names(dir) {
			if strings.HasSuffix(name, ".conf") {
				files[name] = path.Join(dir, name)
			}
		}
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []setting
	for _, name := range names {
		out = append(out, parseSettings(m.text(files[name]))...)
	}
	return append(out, parseSettings(m.text("/etc/sysctl.conf"))...)
}

// dotted is a key as sysctl prints it.
func dotted(key string) string {
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '/' {
		return strings.ReplaceAll(key, "/", ".")
	}
	return key
}

func (c *call) set(s setting, f flagSet) error {
	if !c.m.fs.Exists(sysctlFile(s.key)) {
		return exit(255, "sysctl: cannot stat %s: No such file or directory", sysctlFile(s.key))
	}
	if c.user != rootUser {
		return exit(255, "sysctl: permission denied on key \"%s\"", dotted(s.key))
	}
	if err := c.m.fs.WriteFile(sysctlFile(s.key), []byte(s.value+"\n"), 0o644); err != nil {
		return exit(255, "sysctl: setting key \"%s\": %s", dotted(s.key), reason(err))
	}
	if !f.has("q") {
		c.printf("%s = %s\n", dotted(s.key), s.value)
	}
	return nil
}

func (c *call) sysctlShow(f flagSet) int {
	return c.look(func() (string, error) {
		out := ""
		for _, key := range f.rest {
			text, err := c.m.fs.ReadFile(sysctlFile(key))
			if err != nil {
				return out, exit(255, "sysctl: cannot stat %s: No such file or directory", sysctlFile(key))
			}
			value := strings.TrimSpace(string(text))
			if f.has("n") {
				out += value + "\n"
			} else {
				out += fmt.Sprintf("%s = %s\n", dotted(key), value)
			}
		}
		return out, nil
	})
}

func (m *machine) allSettings(dir string) string {
	entries, err := m.fs.ReadDir(dir)
	if err != nil {
		return ""
	}
	out := ""
	for _, e := range entries {
		at := path.Join(dir, e.Name())
		if e.IsDir() {
			out += m.allSettings(at)
			continue
		}
		out += fmt.Sprintf("%s = %s\n", dotted(strings.TrimPrefix(at, "/proc/sys/")), strings.TrimSpace(m.text(at)))
	}
	return out
}

const zones = "/usr/share/zoneinfo/"

func (m *machine) timeZone() string {
	if i, err := m.fs.Stat("/etc/localtime", false); err == nil && strings.Contains(i.Link, "zoneinfo/") {
		_, zone, _ := strings.Cut(i.Link, "zoneinfo/")
		return zone
	}
	return "Etc/UTC"
}

func (c *call) timedatectl() int {
	o, rest := parseOptions(c.args[1:], "p", "property")
	verb := strings.Join(rest[:min(1, len(rest))], "")
	switch verb {
	case "", "status":
		return c.look(func() (string, error) {
			now := c.sb.now().UTC().Format("Mon 2006-01-02 15:04:05")
			return fmt.Sprintf("           Universal time: %s UTC\n                Time zone: %s\nSystem clock synchronized: yes\n              NTP service: active (simulated)\n", now, c.m.timeZone()), nil
		})
	case "show":
		return c.look(func() (string, error) {
			all := [][2]string{{"Timezone", c.m.timeZone()}, {"LocalRTC", "no"}, {"CanNTP", "yes"}, {"NTP", "yes"}, {"NTPSynchronized", "yes"}}
			out := ""
			for _, kv := range all {
				if p := orElse(o.get("p"), o.get("property")); p != "" && p != kv[0] {
					continue
				}
				if o.has("value") {
					out += kv[1] + "\n"
				} else {
					out += kv[0] + "=" + kv[1] + "\n"
				}
			}
			return out, nil
		})
	case "set-timezone":
		return c.setTimeZone(rest[1:])
	case "set-ntp", "list-timezones":
		return 0
	}
	return c.fail(1, "Unknown command verb %s.", verb)
}

func (c *call) setTimeZone(words []string) int {
	if err := c.mustBeRoot("Failed to set time zone"); err != nil {
		return c.ended(err)
	}
	return c.alter(func(*tx) error {
		if len(words) == 0 || !c.m.fs.Exists(zones+words[0]) {
			return exit(1, "Failed to set time zone: Invalid or not installed time zone '%s'", strings.Join(words, ""))
		}
		if err := c.m.remove("/etc/localtime"); err != nil {
			return err
		}
		return c.m.fs.Symlink(zones+words[0], "/etc/localtime")
	})
}

func (c *call) hostnamectl() int {
	_, rest := parseOptions(c.args[1:])
	words := append(rest, "", "")
	name := words[1]
	switch words[0] {
	case "", "status":
		return c.look(func() (string, error) {
			return fmt.Sprintf(" Static hostname: %s\n  Virtualization: simulated\nOperating System: Debian GNU/Linux 12 (bookworm)\n          Kernel: Linux %s\n    Architecture: x86-64\n", c.m.hostname(), kernelVersion), nil
		})
	case "hostname", "set-hostname":
		if name == "" {
			return c.look(func() (string, error) { return c.m.hostname() + "\n", nil })
		}
		if err := c.mustBeRoot("Could not set static hostname"); err != nil {
			return c.ended(err)
		}
		return c.alter(func(*tx) error {
			return c.m.write(file{name: "/etc/hostname", text: name + "\n"}, file{name: "/proc/sys/kernel/hostname", text: name + "\n"})
		})
	}
	return c.fail(1, "Unknown command verb %s.", words[0])
}
