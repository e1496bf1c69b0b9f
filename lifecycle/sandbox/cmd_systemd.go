package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// unitDirs are where unit files are looked for.
func unitDirs() []string { return []string{"/etc/systemd/system/", "/usr/lib/systemd/system/"} }

// unitName adds what people leave out.
func unitName(s string) string {
	for _, kind := range []string{".service", ".slice", ".target", ".socket", ".mount", ".timer", ".scope"} {
		if strings.HasSuffix(s, kind) {
			return s
		}
	}
	return s + ".service"
}

// hasUnitFile reports whether systemd would load a unit; sb.mu is held.
func (m *machine) hasUnitFile(name string) bool {
	return slices.ContainsFunc(unitDirs(), func(dir string) bool { return m.fs.Exists(dir + name) })
}

func systemctl(c *call) int {
	o, rest := parseOptions(c.args[1:], "p", "property", "signal", "s", "n")
	if len(rest) == 0 {
		return c.unsupported("")
	}
	verb, units := rest[0], rest[1:]
	for i := range units {
		units[i] = unitName(units[i])
	}
	switch verb {
	case "daemon-reload", "reset-failed", "daemon-reexec":
		return 0
	case "is-active":
		return c.eachUnit(o, units, 3, func(name string) (string, bool) {
			s := c.m.state(name)
			return s, s == active
		})
	case "is-enabled":
		return c.eachUnit(o, units, 1, c.enabledWord)
	case "is-failed":
		return c.eachUnit(o, units, 1, func(name string) (string, bool) { return c.m.state(name), false })
	case "show":
		return c.showUnits(o, units)
	case "status":
		return c.eachUnit(o, units, 3, func(name string) (string, bool) {
			s := c.m.state(name)
			return name + " (simulated): " + s, s == active
		})
	case "cat":
		return c.catUnits(units)
	case "kill":
		return c.killUnits(units)
	case "start", "restart", "reload", "try-restart", "reload-or-restart":
		return c.startServices(verb, units)
	case "stop":
		return c.stopServices(units)
	case "enable", "disable":
		return c.enable(verb == "enable", o.has("now"), units)
	}
	return c.unsupported(verb)
}

// eachUnit prints a word about each unit; none is the status when it fits none.
func (c *call) eachUnit(o options, units []string, none int, word func(string) (string, bool)) int {
	code := none
	for _, name := range units {
		var text string
		var yes bool
		c.read(func() { text, yes = word(name) })
		if !o.has("quiet") && !o.has("q") {
			c.printf("%s\n", text)
		}
		if yes {
			code = 0
		}
	}
	return code
}

// enabledWord says what is-enabled does; sb.mu is held.
func (c *call) enabledWord(name string) (string, bool) {
	switch u := c.m.units.rows[name]; {
	case u.Transient:
		return "transient", true
	case !c.m.hasUnitFile(name):
		return "not-found", false
	case u.Enabled:
		return "enabled", true
	}
	return "disabled", false
}

func (c *call) showUnits(o options, units []string) int {
	want := append(o.all("p"), o.all("property")...)
	var names []string
	for _, w := range want {
		names = append(names, strings.Split(w, ",")...)
	}
	if len(names) == 0 {
		names = []string{"Id", "LoadState", "ActiveState", "SubState", "UnitFileState"}
	}
	for i, name := range units {
		if i > 0 {
			c.printf("\n")
		}
		var values map[string]string
		c.read(func() { values = c.unitValues(name) })
		for _, n := range names {
			if o.has("value") {
				c.printf("%s\n", values[n])
				continue
			}
			c.printf("%s=%s\n", n, values[n])
		}
	}
	return 0
}

func (c *call) unitValues(name string) map[string]string {
	u := c.m.units.rows[name]
	v := map[string]string{"Id": name, "Names": name, "ActiveState": c.m.state(name), "SubState": "dead", "LoadState": "loaded", "MainPID": fmt.Sprint(u.PID), "Result": "success", "NRestarts": "0"}
	if v["ActiveState"] == active {
		v["SubState"] = "running"
	}
	if word, _ := c.enabledWord(name); word != "not-found" {
		v["UnitFileState"] = word
	} else {
		v["LoadState"] = word
	}
	return v
}

func (c *call) catUnits(units []string) int {
	code := 0
	for _, name := range units {
		text := ""
		c.read(func() {
			for _, dir := range unitDirs() {
				if t := c.m.text(dir + name); t != "" && text == "" {
					text = "# " + dir + name + "\n" + t
				}
			}
		})
		if text == "" {
			code = c.fail(1, "No files found for %s.", name)
		}
		c.printf("%s", text)
	}
	return code
}

// killUnits signals what runs. Nothing here goes on without its service.
func (c *call) killUnits(units []string) int {
	code := 0
	for _, name := range units {
		loaded := false
		c.read(func() {
			_, row := c.m.units.rows[name]
			loaded = row || c.m.hasUnitFile(name)
		})
		if !loaded {
			code = c.fail(1, "Failed to kill unit %s: Unit %s not loaded.", name, name)
		}
	}
	return code
}

func (c *call) startServices(verb string, units []string) int {
	starts := verb != "start"
	c.read(func() {
		starts = starts || slices.ContainsFunc(units, func(n string) bool { return c.m.state(n) != active })
	})
	if starts {
		delay := "systemctl start"
		if verb != "start" {
			delay = "systemctl restart"
		}
		if c.wait(delay) != nil {
			return stopped
		}
	}
	return c.do(func(t *tx) int {
		code := 0
		for _, name := range units {
			code = max(code, c.startService(t, name))
		}
		c.sb.reconcile(t)
		return code
	})
}

// startService starts one service; sb.mu is held.
func (c *call) startService(t *tx, name string) int {
	u := c.m.units.rows[name]
	if !u.Transient && !c.m.hasUnitFile(name) {
		return c.fail(5, "Failed to start %s: Unit %s not found.", name, name)
	}
	if why := c.m.configProblem(name); why != "" {
		return c.cannotStart(t, name, why)
	}
	if u.Name == "" || u.Active != active {
		u.Name, u.Active, u.StartedAt = name, active, t.now
		put(t, c.m.units, name, u)
	}
	if err := c.m.serviceFiles(name, true); err != nil {
		return c.fail(1, "Job for %s failed: %v", name, err)
	}
	return 0
}

// cannotStart is what comes of starting a service that refuses its configuration:
// it does not run afterwards, whatever it was before.
func (c *call) cannotStart(t *tx, name, why string) int {
	if u := c.m.units.rows[name]; u.Active == active {
		u.Active, u.EndedAt = inactive, t.now
		put(t, c.m.units, name, u)
	}
	if strings.HasPrefix(why, "Condition") {
		return 0 // systemd passes over it
	}
	return c.fail(1, "Job for %s failed because the control process exited with error code. %s", name, why)
}

// serviceFiles does what a service leaves in the file system while it runs.
func (m *machine) serviceFiles(name string, runs bool) error {
	if name != "containerd.service" {
		return nil
	}
	if !runs {
		return m.remove(containerdSocket)
	}
	if err := m.dirs("/var/lib/containerd/io.containerd.content.v1.content", "/run/containerd"); err != nil || m.fs.Exists(containerdSocket) {
		return err
	}
	return m.fs.Socket(containerdSocket)
}

func (c *call) stopServices(units []string) int {
	var waits []<-chan struct{}
	code := c.do(func(t *tx) int {
		code := 0
		for _, name := range units {
			n, done := c.stopService(t, name)
			code = max(code, n)
			if done != nil && (c.proc.run == nil || c.proc.run.done != done) {
				waits = append(waits, done)
			}
		}
		c.sb.reconcile(t)
		return code
	})
	for _, done := range waits {
		awaited(c.ctx, done)
	}
	return code
}

func (c *call) stopService(t *tx, name string) (int, <-chan struct{}) {
	if done := c.sb.stopUnit(t, c.m, name); done != nil {
		return 0, done
	}
	u, row := c.m.units.rows[name]
	if !row && !c.m.hasUnitFile(name) {
		return c.fail(5, "Failed to stop %s: Unit %s not loaded.", name, name), nil
	}
	if u.Active == active {
		u.Active, u.EndedAt = inactive, t.now
		put(t, c.m.units, name, u)
	}
	if err := c.m.serviceFiles(name, false); err != nil {
		return c.fail(1, "Job for %s failed: %v", name, err), nil
	}
	return 0, nil
}

// enable sets whether services start at boot, and with --now whether they run.
func (c *call) enable(on, now bool, units []string) int {
	if now && on {
		if c.wait("systemctl start") != nil {
			return stopped
		}
	}
	return c.do(func(t *tx) int {
		code := 0
		for _, name := range units {
			code = max(code, c.enableUnit(t, on, now, name))
		}
		c.sb.reconcile(t)
		return code
	})
}

func (c *call) enableUnit(t *tx, on, now bool, name string) int {
	if !c.m.hasUnitFile(name) {
		return c.fail(1, "Failed to %s unit: Unit file %s does not exist.", map[bool]string{true: "enable", false: "disable"}[on], name)
	}
	u := c.m.units.rows[name]
	if u.Name == "" {
		u.Name, u.Active = name, inactive
	}
	link := "/etc/systemd/system/multi-user.target.wants/" + name
	if on != u.Enabled {
		u.Enabled = on
		put(t, c.m.units, name, u)
		if on {
			fmt.Fprintf(c.err, "Created symlink %s.\n", link)
		} else {
			fmt.Fprintf(c.err, "Removed \"%s\".\n", link)
		}
	}
	if !now {
		return 0
	}
	if on {
		return c.startService(t, name)
	}
	code, _ := c.stopService(t, name)
	return code
}

// systemdRun starts a transient unit, which lives on without the session.
func systemdRun(c *call) int {
	var name string
	rest := c.args[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		if v, ok := strings.CutPrefix(rest[0], "--unit="); ok {
			name = unitName(v)
		}
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return c.fail(1, "Command line to execute required.")
	}
	return c.do(func(t *tx) int {
		if name == "" {
			c.sb.lastPID++
			name = fmt.Sprintf("run-%d.service", c.sb.lastPID)
		}
		if _, taken := c.m.units.rows[name]; taken || c.m.hasUnitFile(name) {
			return c.fail(1, "Failed to start transient service unit: Unit %s was already loaded or has a fragment file.", name)
		}
		if _, ok := c.m.lookPath(rest[0], defaultPath, "/"); !ok {
			return c.fail(1, "Failed to find executable %s: No such file or directory", rest[0])
		}
		c.sb.startUnit(t, c.m, name, rest)
		return 0
	})
}

func journalctl(c *call) int {
	c.printf("-- No entries (simulated) --\n")
	return 0
}
