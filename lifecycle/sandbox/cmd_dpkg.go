package sandbox

import (
	"slices"
	"strings"
)

// aptRemove removes packages and what needs them.
func (c *call) aptRemove(t *tx, a apt) error {
	gone := map[string]bool{}
	for _, name := range a.rest[1:] {
		if len(offered(name)) == 0 && !c.m.has(name) {
			return exit(100, "E: Unable to locate package %s", name)
		}
		gone[name] = true
	}
	if a.rest[0] == "autoremove" {
		for _, row := range c.m.packages.rows {
			if row.Auto && len(c.m.needing(row.Name, gone)) == 0 {
				gone[row.Name] = true
			}
		}
	}
	for grew := true; grew; {
		grew = false
		for name := range gone {
			for _, other := range c.m.needing(name, gone) {
				gone[other], grew = true, true
			}
		}
	}
	for _, row := range c.m.pkgs() {
		if !gone[row.Name] {
			continue
		}
		if row.Held {
			return exit(100, "E: Held packages were changed and -y was used without --allow-change-held-packages.")
		}
		if _, err := c.m.removePackage(t, row, a.rest[0] == "purge" || a.o.has("purge")); err != nil {
			return exit(100, "E: Sub-process /usr/bin/dpkg returned an error code (1): %s", reason(err))
		}
		c.printf("Removing %s (%s) ... (simulated)\n", row.Name, row.Version)
	}
	c.sb.reconcile(t)
	return nil
}

// needing lists the installed packages that depend on one, without those that go.
func (m *machine) needing(name string, going map[string]bool) []string {
	var out []string
	for _, row := range m.packages.rows {
		if !row.installed() || going[row.Name] {
			continue
		}
		for _, p := range offered(row.Name) {
			if p.version == row.Version && slices.Contains(p.depends, name) {
				out = append(out, row.Name)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (c *call) aptMark() int {
	if len(c.args) < 2 {
		return c.fail(1, "E: No operation was given")
	}
	verb, names := c.args[1], c.args[2:]
	if strings.HasPrefix(verb, "show") {
		return c.look(func() (string, error) {
			out := ""
			for _, row := range c.m.pkgs() {
				if verb == "showhold" && row.Held || verb == "showauto" && row.Auto || verb == "showmanual" && !row.Auto {
					out += row.Name + "\n"
				}
			}
			return out, nil
		})
	}
	if err := c.mustBeRoot("E: apt-mark"); err != nil {
		return c.ended(err)
	}
	return c.alter(func(t *tx) error {
		for _, name := range names {
			row, ok := c.m.pkg(name)
			switch {
			case !ok && len(offered(name)) == 0:
				return exit(100, "E: Unable to locate package %s\nE: No packages found", name)
			case !ok:
				return exit(100, "E: Can't select installed nor candidate version from package '%s'", name)
			}
			if err := c.mark(t, row, verb); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *call) mark(t *tx, row packageRow, verb string) error {
	switch verb {
	case "hold":
		row.Held = true
		c.printf("%s set on hold.\n", row.Name)
	case "unhold":
		row.Held = false
		c.printf("Canceled hold on %s.\n", row.Name)
	case "auto", "manual":
		row.Auto = verb == "auto"
		c.printf("%s set to %s installed.\n", row.Name, map[bool]string{true: "automatically", false: "manually"}[row.Auto])
	default:
		return exit(1, "E: Invalid operation %s", verb)
	}
	put(t, c.m.packages, row.Name, row)
	return nil
}

func (c *call) dpkg() int {
	f, err := c.flags("purge:P P remove:r r configure:C install:i i a pending:a force-depends:F force-all:F list:l l s status:s print-architecture:A L listfiles:L version:V force-confold:o get-selections:g")
	if err != nil {
		return c.ended(err)
	}
	switch {
	case f.has("A"):
		c.printf("amd64\n")
		return 0
	case f.has("V"):
		c.printf("Debian 'dpkg' package management program version 1.21.22 (amd64, simulated).\n")
		return 0
	case f.has("l"), f.has("s"), f.has("L"), f.has("g"):
		return c.look(func() (string, error) { return c.dpkgLook(f) })
	}
	if c.user != rootUser {
		return c.fail(2, "dpkg: error: requested operation requires superuser privilege")
	}
	switch {
	case f.has("C"):
		return 0 // an installation here is whole or has not been
	case f.has("P"), f.has("r"):
		return c.alter(func(t *tx) error { return c.dpkgRemove(t, f) })
	case f.has("i"):
		return c.after("apt-get install", func() int { return c.alter(func(t *tx) error { return c.dpkgInstall(t, f) }) })
	}
	return c.fail(2, "dpkg: error: need an action option (the sandbox knows --purge, --remove, --configure, --install, -l, -s, -L)")
}

func (c *call) dpkgInstall(t *tx, f flagSet) error {
	for _, name := range f.rest {
		p, err := c.localDeb("./" + name)
		if strings.HasPrefix(name, "/") {
			p, err = c.localDeb(name)
		}
		if err != nil {
			return exit(1, "dpkg: error: cannot access archive '%s': No such file or directory", name)
		}
		if err := c.m.installPackage(t, p, false); err != nil {
			return exit(1, "dpkg: error processing archive %s (--install): %s", name, reason(err))
		}
		c.printf("Setting up %s (%s) ... (simulated)\n", p.name, p.version)
	}
	c.sb.reconcile(t)
	return nil
}

// dpkgRemove removes exactly what was named, and nothing when another package
// needs it.
func (c *call) dpkgRemove(t *tx, f flagSet) error {
	going := map[string]bool{}
	for _, name := range f.rest {
		going[name] = true
	}
	for _, name := range f.rest {
		if by := c.m.needing(name, going); len(by) > 0 && !f.has("F") {
			return exit(1, "dpkg: dependency problems prevent removal of %s:\n %s depends on %s.\n\ndpkg: error processing package %s (--purge):\n dependency problems - not removing\nErrors were encountered while processing:\n %s",
				name, by[0], name, name, name)
		}
	}
	for _, name := range f.rest {
		row, ok := c.m.pkg(name)
		if !ok || row.Status == "rc" && !f.has("P") {
			c.fail(0, "dpkg: warning: ignoring request to remove %s which isn't installed", name)
			continue
		}
		if _, ours := c.m.packages.rows[name]; !ours || len(row.Files) == 0 {
			return exit(1, "dpkg: error processing package %s (--purge):\n this is an essential package; it should not be removed", name)
		}
		c.printf("Removing %s (%s) ... (simulated)\n", row.Name, row.Version)
		warnings, err := c.m.removePackage(t, row, f.has("P"))
		if err != nil {
			return exit(1, "dpkg: error processing package %s (--purge): %s", name, reason(err))
		}
		for _, w := range warnings {
			c.fail(0, "%s", w)
		}
	}
	c.sb.reconcile(t)
	return nil
}
