package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

func (c *call) dpkgLook(f flagSet) (string, error) {
	var out strings.Builder
	if f.has("l") {
		out.WriteString("Desired=Unknown/Install/Remove/Purge/Hold\n||/ Name Version Architecture Description\n")
	}
	names := f.rest
	if len(names) == 0 {
		for _, row := range c.m.pkgs() {
			names = append(names, row.Name)
		}
	}
	for _, name := range names {
		row, ok := c.m.pkg(name)
		if !ok {
			return out.String(), exit(1, "dpkg-query: no packages found matching %s", name)
		}
		switch {
		case f.has("l"):
			fmt.Fprintf(&out, "%s  %s %s %s simulated\n", row.abbreviation(), row.Name, row.Version, row.Arch)
		case f.has("g"):
			fmt.Fprintf(&out, "%s\t%s\n", row.Name, row.selection())
		case f.has("L"):
			out.WriteString(strings.Join(append(slices.Clone(row.Dirs), row.Files...), "\n") + "\n")
		default:
			fmt.Fprintf(&out, "Package: %s\nStatus: %s\nArchitecture: %s\nVersion: %s\n", row.Name, row.statusWords(), row.Arch, row.Version)
		}
	}
	return out.String(), nil
}

// abbreviation is "ii", "hi" or "rc", as dpkg shows a package's state.
func (p packageRow) abbreviation() string {
	if p.Held && p.installed() {
		return "hi"
	}
	return p.Status
}

func (p packageRow) selection() string {
	switch p.abbreviation() {
	case "hi":
		return "hold"
	case "rc":
		return "deinstall"
	}
	return "install"
}

func (p packageRow) statusWords() string {
	if p.installed() {
		return p.selection() + " ok installed"
	}
	return "deinstall ok config-files"
}

func (c *call) dpkgQuery() int {
	f, err := c.flags("W show:W f= showformat:f= l list:l s status:s L listfiles:L")
	if err != nil {
		return c.ended(err)
	}
	if !f.has("W") {
		return c.look(func() (string, error) { return c.dpkgLook(f) })
	}
	format, given := f.value["f"]
	if !given {
		format = "${binary:Package}\t${Version}\n"
	}
	return c.look(func() (string, error) {
		var out strings.Builder
		var bad []string
		patterns := f.rest
		if len(patterns) == 0 {
			patterns = []string{"*"}
		}
		for _, pattern := range patterns {
			n := 0
			for _, row := range c.m.pkgs() {
				if globs(pattern, row.Name) {
					out.WriteString(row.format(format))
					n++
				}
			}
			if n == 0 {
				bad = append(bad, "dpkg-query: no packages found matching "+pattern)
			}
		}
		if len(bad) > 0 {
			return out.String(), exit(1, "%s", strings.Join(bad, "\n"))
		}
		return out.String(), nil
	})
}

func (p packageRow) format(format string) string {
	status := "not-installed"
	if p.installed() {
		status = "installed"
	} else if p.Status == "rc" {
		status = "config-files"
	}
	return strings.NewReplacer(`\n`, "\n", `\t`, "\t", "${db:Status-Abbrev}", p.abbreviation()+" ", "${db:Status-Status}", status, "${Package}", p.Name,
		"${binary:Package}", p.Name, "${Version}", p.Version, "${Architecture}", p.Arch, "${Status}", p.statusWords(), "${Installed-Size}", "1024").Replace(format)
}
