package sandbox

import (
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// parseMode reads a mode in octal or as of "u=rw,go+r"; old is what a symbolic
// one changes, and what an empty one means.
func parseMode(s string, old fs.FileMode) (fs.FileMode, error) {
	if s == "" {
		return old, nil
	}
	if n, err := strconv.ParseUint(s, 8, 32); err == nil && n <= 0o7777 {
		return fs.FileMode(n), nil
	}
	mode := old
	for clause := range strings.SplitSeq(s, ",") {
		i := strings.IndexAny(clause, "+-=")
		if i < 0 || strings.Trim(clause[:i], "ugoa") != "" || strings.Trim(clause[i+1:], "rwxX") != "" {
			return 0, strconv.ErrSyntax
		}
		mode = oneMode(mode, clause[:i], clause[i], clause[i+1:])
	}
	return mode, nil
}

func oneMode(mode fs.FileMode, who string, how byte, what string) fs.FileMode {
	var mask, bits fs.FileMode
	if who == "" || strings.Contains(who, "a") {
		who = "ugo"
	}
	for _, w := range who {
		mask |= map[rune]fs.FileMode{'u': 0o700, 'g': 0o070, 'o': 0o007}[w]
	}
	for _, b := range what {
		if b == 'X' && !mode.IsDir() && mode&0o111 == 0 {
			continue
		}
		bits |= map[rune]fs.FileMode{'r': 0o444, 'w': 0o222, 'x': 0o111, 'X': 0o111}[b]
	}
	switch how {
	case '+':
		return mode | bits&mask
	case '-':
		return mode &^ (bits & mask)
	}
	return mode&^mask | bits&mask
}

// below calls fn for a path and, when deep, for everything in it.
func (c *call) below(at string, deep bool, fn func(at string, i fs.FileInfo) error) error {
	i, err := c.m.fs.Stat(at, !deep)
	if err != nil {
		return err
	}
	if i.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	if err := fn(at, i); err != nil || !deep || !i.IsDir() {
		return err
	}
	var errs []error
	for _, name := range c.m.names(at) {
		errs = append(errs, c.below(path.Join(at, name), true, fn))
	}
	return errors.Join(errs...)
}

func (c *call) chmod() int {
	// a mode may look like an option: "-x"
	for i, a := range c.args[1:] {
		if len(a) > 1 && a[0] == '-' && strings.Trim(a[1:], "rwx") == "" {
			c.args[i+1] = "a" + a
		}
	}
	f, err := c.flags("R recursive:R f v c")
	if err != nil {
		return c.ended(err)
	}
	if len(f.rest) < 2 {
		return c.fail(1, "chmod: missing operand")
	}
	want := f.rest[0]
	if _, err := parseMode(want, 0); err != nil {
		return c.fail(1, "chmod: invalid mode: '%s'", want)
	}
	return c.onEach(f.rest[1:], func(_ *tx, name string) error {
		err := c.below(c.at(name), f.has("R"), func(at string, i fs.FileInfo) error {
			mode, err := parseMode(want, i.Mode())
			if err != nil {
				return err
			}
			return c.m.fs.Chmod(at, mode)
		})
		if err != nil {
			return exit(1, "chmod: cannot access '%s': %s", name, reason(err))
		}
		return nil
	})
}

// ids reads "user:group" by /etc/passwd and /etc/group; -1 leaves a part alone.
func (c *call) ids(owner string) (uid, gid int, err error) {
	user, group, _ := strings.Cut(strings.ReplaceAll(owner, ".", ":"), ":")
	if c.name() == "chgrp" {
		user, group = "", owner
	}
	if uid, err = c.m.id3(user, "/etc/passwd"); err != nil {
		return 0, 0, exit(1, "%s: invalid user: '%s'", c.name(), owner)
	}
	if gid, err = c.m.id3(group, "/etc/group"); err != nil {
		return 0, 0, exit(1, "%s: invalid group: '%s'", c.name(), owner)
	}
	return uid, gid, nil
}

// id3 finds the number of a name: the third field of its line.
func (m *machine) id3(name, file string) (int, error) {
	if name == "" {
		return -1, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 {
		return n, nil
	}
	for line := range strings.Lines(m.text(file)) {
		if w := strings.Split(line, ":"); len(w) > 2 && w[0] == name {
			return strconv.Atoi(w[2])
		}
	}
	if name == rootUser {
		return 0, nil
	}
	return 0, strconv.ErrSyntax
}

func (c *call) chown() int {
	f, err := c.flags("R recursive:R f v c h no-dereference:h")
	if err != nil {
		return c.ended(err)
	}
	if len(f.rest) < 2 {
		return c.fail(1, "%s: missing operand", c.name())
	}
	return c.onEach(f.rest[1:], func(_ *tx, name string) error {
		uid, gid, err := c.ids(f.rest[0])
		if err != nil {
			return err
		}
		if err := c.mustBeRoot(c.name() + ": changing ownership of '" + name + "'"); err != nil {
			return err
		}
		if err := c.below(c.at(name), f.has("R"), func(at string, _ fs.FileInfo) error { return c.m.fs.Chown(at, uid, gid) }); err != nil {
			return exit(1, "%s: cannot access '%s': %s", c.name(), name, reason(err))
		}
		return nil
	})
}
