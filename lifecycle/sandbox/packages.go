package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// installPackage unpacks and configures a package: configuration that is there
// stays, and its service is enabled and started as the package does.
func (m *machine) installPackage(t *tx, p repoPackage, auto bool) error {
	old, had := m.packages.rows[p.name]
	row := packageRow{Name: p.name, Version: p.version, Arch: "amd64", Status: "ii", Auto: auto && (!had || old.Auto), Held: had && old.Held}
	doc := "/usr/share/doc/" + p.name
	for _, f := range append(p.files, file{name: doc + "/copyright", text: "simulated\n"}) {
		row.Files = append(row.Files, f.name)
		if strings.HasPrefix(f.name, "/etc/") && m.fs.Exists(f.name) {
			continue // --force-confold
		}
		if err := m.write(f); err != nil {
			return err
		}
	}
	row.Dirs = append(slices.Clone(p.dirs), doc)
	if err := m.dirs(row.Dirs...); err != nil {
		return err
	}
	if p.unit != "" {
		row.Units = []string{p.unit + ".service"}
		if err := m.packageUnit(t, p, had && old.installed()); err != nil {
			return err
		}
	}
	put(t, m.packages, p.name, row)
	return nil
}

func (m *machine) packageUnit(t *tx, p repoPackage, upgrade bool) error {
	name := p.unit + ".service"
	u, known := m.units.rows[name]
	if known && upgrade {
		return nil
	}
	u.Name, u.Enabled, u.Active = name, true, orElse(u.Active, inactive)
	if p.started && u.Active != active && m.configProblem(name) == "" {
		u.Active, u.StartedAt = active, t.now
	}
	put(t, m.units, name, u)
	if u.Active != active {
		return nil
	}
	return m.serviceFiles(name, true)
}

// configProblem is why a service would not start with its configuration as it
// is; "" when it would.
func (m *machine) configProblem(unit string) string {
	switch unit {
	case "haproxy.service":
		if wrong := parseHAProxy(m.text(haproxyConfig)).wrong; wrong != "" {
			return fmt.Sprintf(wrong, haproxyConfig)
		}
		if !m.fs.Exists(haproxyConfig) {
			return "Cannot open configuration file/directory " + haproxyConfig + " : No such file or directory"
		}
	case "keepalived.service":
		if strings.TrimSpace(m.text(keepalivedConfig)) == "" {
			return "ConditionFileNotEmpty=" + keepalivedConfig + " was not met"
		}
	}
	return ""
}

// removePackage takes a package's files away. Its configuration goes with purge
// only; directories go when they are empty.
func (m *machine) removePackage(t *tx, row packageRow, purge bool) (warnings []string, err error) {
	for _, unit := range row.Units {
		if !m.fs.Exists("/etc/systemd/system/" + unit) {
			drop(t, m.units, unit)
			if err := m.serviceFiles(unit, false); err != nil {
				return nil, err
			}
		}
	}
	var kept []string
	for _, name := range row.Files {
		if !purge && strings.HasPrefix(name, "/etc/") {
			kept = append(kept, name)
			continue
		}
		if err := m.remove(name); err != nil {
			return nil, err
		}
	}
	for i := len(row.Dirs) - 1; i >= 0; i-- {
		dir := row.Dirs[i]
		entries, err := m.fs.ReadDir(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) || m.ownedByOther(dir, row.Name):
		case err == nil && len(entries) == 0:
			if err := m.remove(dir); err != nil {
				return nil, err
			}
		default:
			warnings = append(warnings, fmt.Sprintf("dpkg: warning: while removing %s, directory '%s' not empty so not removed", row.Name, dir))
		}
	}
	if len(kept) > 0 {
		row.Status, row.Files, row.Units = "rc", kept, nil
		put(t, m.packages, row.Name, row)
		return warnings, nil
	}
	drop(t, m.packages, row.Name)
	return warnings, nil
}

func (m *machine) ownedByOther(dir, name string) bool {
	for _, row := range m.packages.rows {
		if row.Name != name && row.installed() && slices.Contains(row.Dirs, dir) {
			return true
		}
	}
	return false
}
