package sandbox

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// aptLists is where the package lists are when nobody says otherwise.
const aptLists = "/var/lib/apt/lists"

// fetchedList is the file that says that lists were fetched.
const fetchedList = "simulated_dists_bookworm_main_binary-amd64_Packages"

// commandsPackages are Debian's package tools.
func commandsPackages() map[string]func(*call) int {
	return map[string]func(*call) int{
		"apt-get": (*call).aptGet, "apt": (*call).aptGet, "apt-cache": (*call).aptCache, "apt-mark": (*call).aptMark,
		"dpkg": (*call).dpkg, "dpkg-query": (*call).dpkgQuery, "add-apt-repository": (*call).notPackaged, "gpg": (*call).notPackaged,
	}
}

func (c *call) notPackaged() int {
	return c.fail(127, "%s: command not found (simulated machines do not have it)", c.name())
}

// apt is what a call of apt-get was asked for.
type apt struct {
	o    options
	rest []string
}

func (c *call) apt() apt {
	o, rest := parseOptions(c.args[1:], "o", "option", "t", "target-release", "c", "config-file")
	return apt{o, rest}
}

// setting is the value of an option "-o Name=value"; names are of any case.
func (a apt) setting(name string) string {
	out := ""
	for _, kv := range append(a.o.all("o"), a.o.all("option")...) {
		k, v, _ := strings.Cut(kv, "=")
		if strings.EqualFold(k, name) {
			out = v
		}
	}
	return out
}

func (a apt) lists() string { return orElse(a.setting("Dir::State::lists"), aptLists) }

func (c *call) aptGet() int {
	a := c.apt()
	if len(a.rest) == 0 {
		return c.fail(1, "apt 2.6.1 (amd64, simulated)\nUsage: apt-get [options] command")
	}
	if c.user != rootUser {
		return c.fail(100, "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?")
	}
	switch a.rest[0] {
	case "update":
		return c.after("apt-get update", func() int { return c.aptUpdate(a) })
	case "install":
		return c.after("apt-get install", func() int { return c.alter(func(t *tx) error { return c.aptInstall(t, a) }) })
	case "remove", "purge", "autoremove":
		return c.alter(func(t *tx) error { return c.aptRemove(t, a) })
	case "clean", "autoclean":
		return 0
	}
	return c.fail(100, "E: Invalid operation %s (the sandbox does not know it)", a.rest[0])
}

func (c *call) aptUpdate(a apt) int {
	return c.alter(func(*tx) error {
		if err := c.m.write(file{name: path.Join(a.lists(), fetchedList), text: "# the simulated package sources\n"}); err != nil {
			return exit(100, "E: List directory %s/partial is missing. - Acquire (2: %s)", a.lists(), reason(err))
		}
		if !a.o.has("q") && !a.o.has("qq") {
			c.printf("Hit:1 http://deb.debian.org/debian bookworm InRelease (simulated)\nReading package lists... Done\n")
		}
		return nil
	})
}

// knows says which packages the sources have, by the lists that were fetched.
func (c *call) knows(a apt) bool {
	return a.setting("Dir::Etc::SourceList") != "/dev/null" && c.m.fs.Exists(path.Join(a.lists(), fetchedList))
}

func (c *call) aptCache() int {
	a := c.apt()
	return c.look(func() (string, error) {
		if len(a.rest) < 2 {
			return "", exit(1, "E: Invalid operation %s (the sandbox knows madison, policy and show)", strings.Join(a.rest, " "))
		}
		var out strings.Builder
		var bad error
		for _, name := range a.rest[1:] {
			versions := offered(name)
			if !c.knows(a) {
				versions = nil
			}
			switch a.rest[0] {
			case "madison":
				for _, p := range versions {
					fmt.Fprintf(&out, "%10s | %10s | %s\n", p.name, p.version, p.source)
				}
				if len(versions) == 0 {
					bad = exit(0, "N: Unable to locate package %s", name)
				}
			case "policy", "show":
				c.aptShow(&out, a.rest[0], name, versions)
			default:
				return "", exit(1, "E: Invalid operation %s (the sandbox does not know it)", a.rest[0])
			}
		}
		if a.o.has("q") {
			return out.String(), nil
		}
		return out.String(), bad
	})
}

func (c *call) aptShow(out *strings.Builder, what, name string, versions []repoPackage) {
	if what == "show" {
		for _, p := range versions {
			fmt.Fprintf(out, "Package: %s\nVersion: %s\nDepends: %s\nDescription: simulated\n\n", p.name, p.version, strings.Join(p.depends, ", "))
		}
		return
	}
	have, candidate := "(none)", "(none)"
	if row, ok := c.m.pkg(name); ok && row.installed() {
		have, candidate = row.Version, row.Version
	}
	if len(versions) > 0 {
		candidate = versions[0].version
	}
	fmt.Fprintf(out, "%s:\n  Installed: %s\n  Candidate: %s\n", name, have, candidate)
}

// aptInstall installs packages of the sources and of local files.
func (c *call) aptInstall(t *tx, a apt) error {
	var wish []repoPackage
	for _, word := range a.rest[1:] {
		p, err := c.aptWish(a, word)
		if err != nil {
			return err
		}
		wish = append(wish, p)
	}
	todo, err := c.aptPlan(a, wish)
	if err != nil {
		return err
	}
	if !a.o.has("y") && !a.o.has("yes") && !a.o.has("assume-yes") && len(todo) > len(wish) {
		return exit(1, "Do you want to continue? [Y/n] Abort.")
	}
	for _, p := range todo {
		asked := slices.ContainsFunc(wish, func(w repoPackage) bool { return w.name == p.name })
		if err := c.m.installPackage(t, p, !asked); err != nil {
			return exit(100, "dpkg: error processing package %s (--configure): %s\nE: Sub-process /usr/bin/dpkg returned an error code (1)", p.name, reason(err))
		}
		if !a.o.has("qq") {
			c.printf("Setting up %s (%s) ... (simulated)\n", p.name, p.version)
		}
	}
	c.sb.reconcile(t)
	return nil
}

// aptWish finds what one word of the command line names.
func (c *call) aptWish(a apt, word string) (repoPackage, error) {
	if strings.HasSuffix(word, ".deb") && strings.Contains(word, "/") {
		return c.localDeb(word)
	}
	name, version, exact := strings.Cut(word, "=")
	name, _, _ = strings.Cut(name, ":")
	var versions []repoPackage
	if c.knows(a) {
		versions = offered(name)
	}
	if len(versions) == 0 {
		if row, ok := c.m.pkg(name); ok && row.installed() && !exact {
			return repoPackage{name: name, version: row.Version}, nil
		}
		return repoPackage{}, exit(100, "E: Unable to locate package %s", name)
	}
	if !exact {
		return versions[0], nil
	}
	for _, p := range versions {
		if globs(version, p.version) {
			return p, nil
		}
	}
	return repoPackage{}, exit(100, "E: Version '%s' for '%s' was not found", version, name)
}

// localDeb takes a package file by its name: what is inside is not looked at.
func (c *call) localDeb(word string) (repoPackage, error) {
	i, err := c.m.fs.Stat(c.at(word), true)
	if err != nil || i.IsDir() {
		return repoPackage{}, exit(100, "E: Unsupported file %s given on commandline", word)
	}
	parts := strings.Split(strings.TrimSuffix(path.Base(word), ".deb"), "_")
	if len(parts) < 2 {
		return repoPackage{}, exit(100, "E: Invalid archive member header in %s (the sandbox wants NAME_VERSION_ARCH.deb)", word)
	}
	p := repoPackage{name: parts[0], source: word}
	if known := offered(p.name); len(known) > 0 {
		p = known[0]
		p.depends = nil // those of the file are not known, and it came with them
	}
	p.version = strings.ReplaceAll(parts[1], "%3a", ":")
	return p, nil
}

// aptPlan adds what the wished packages need and leaves out what is there;
// packages come after what they need.
func (c *call) aptPlan(a apt, wish []repoPackage) ([]repoPackage, error) {
	var todo []repoPackage
	planned := map[string]bool{}
	var add func(p repoPackage) error
	add = func(p repoPackage) error {
		if planned[p.name] {
			return nil
		}
		planned[p.name] = true
		row, there := c.m.pkg(p.name)
		if there && row.installed() && row.Version == p.version {
			return nil
		}
		if there && row.installed() && row.Held && !a.o.has("allow-change-held-packages") {
			return exit(100, "E: Held packages were changed and -y was used without --allow-change-held-packages.")
		}
		for _, name := range p.depends {
			if c.m.has(name) || slices.ContainsFunc(wish, func(w repoPackage) bool { return w.name == name }) && !planned[name] {
				continue
			}
			if err := add(newestFor(name, p)); err != nil {
				return err
			}
		}
		todo = append(todo, p)
		return nil
	}
	for _, p := range wish {
		if err := add(p); err != nil {
			return nil, err
		}
	}
	return todo, nil
}

// newestFor is the package that satisfies a dependency: of the same source if
// that has it.
func newestFor(name string, of repoPackage) repoPackage {
	all := offered(name)
	for _, p := range all {
		if p.source == of.source {
			return p
		}
	}
	if len(all) == 0 {
		return repoPackage{name: name, version: "0"}
	}
	return all[0]
}
