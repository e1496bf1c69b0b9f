package sandbox

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// commandsFiles are the commands that change files.
func commandsFiles() map[string]func(*call) int {
	return map[string]func(*call) int{
		"mkdir": (*call).mkdir, "rmdir": (*call).rmdir, "rm": (*call).rm, "mv": (*call).mv, "cp": (*call).cp, "ln": (*call).ln,
		"chmod": (*call).chmod, "chown": (*call).chown, "chgrp": (*call).chown, "touch": (*call).touch, "install": (*call).install,
		"truncate": (*call).truncate, "tee": (*call).tee, "dd": (*call).dd, "mktemp": (*call).mktemp,
	}
}

// onEach runs fn for each operand as one transaction; what fails does not keep
// the others from being done.
func (c *call) onEach(names []string, fn func(t *tx, name string) error) int {
	if len(names) == 0 {
		return c.fail(1, "%s: missing operand", c.name())
	}
	return c.do(func(t *tx) int {
		code := 0
		for _, name := range names {
			if err := fn(t, name); err != nil {
				code = max(code, c.ended(err))
			}
		}
		return code
	})
}

func (c *call) mkdir() int {
	f, err := c.flags("parents:p p verbose:v v mode:m= m=")
	if err != nil {
		return c.ended(err)
	}
	return c.onEach(f.rest, func(_ *tx, name string) error {
		mode, err := parseMode(f.value["m"], fs.ModeDir|0o777&^c.proc.maskOf())
		if err != nil {
			return exit(1, "mkdir: invalid mode '%s'", f.value["m"])
		}
		if f.has("p") {
			err = c.m.fs.MkdirAll(c.at(name), mode)
		} else {
			err = c.m.fs.Mkdir(c.at(name), mode)
		}
		if err != nil {
			return exit(1, "mkdir: cannot create directory '%s': %s", name, reason(err))
		}
		return nil
	})
}

func (c *call) rmdir() int {
	f, err := c.flags("p parents:p ignore-fail-on-non-empty:i")
	if err != nil {
		return c.ended(err)
	}
	return c.onEach(f.rest, func(_ *tx, name string) error {
		for at := c.at(name); at != "/"; at = path.Dir(at) {
			entries, err := c.m.fs.ReadDir(at)
			switch {
			case err != nil:
				return exit(1, "rmdir: failed to remove '%s': %s", name, reason(err))
			case len(entries) > 0 && f.has("i"):
				return nil
			case len(entries) > 0:
				return exit(1, "rmdir: failed to remove '%s': Directory not empty", name)
			}
			if err := c.m.fs.Remove(at); err != nil {
				return exit(1, "rmdir: failed to remove '%s': %s", name, reason(err))
			}
			if !f.has("p") {
				return nil
			}
		}
		return nil
	})
}

func (c *call) rm() int {
	f, err := c.flags("r R:r recursive:r f force:f v d")
	if err != nil {
		return c.ended(err)
	}
	if len(f.rest) == 0 && f.has("f") {
		return 0
	}
	return c.onEach(f.rest, func(t *tx, name string) error {
		at := c.at(name)
		i, err := c.m.fs.Stat(at, false)
		switch {
		case errors.Is(err, fs.ErrNotExist) && f.has("f"):
			return nil
		case err != nil:
			return exit(1, "rm: cannot remove '%s': %s", name, reason(err))
		case at == "/":
			return exit(1, "rm: it is dangerous to operate recursively on '/'\nrm: use --no-preserve-root to override this failsafe")
		case i.IsDir() && !f.has("r"):
			return exit(1, "rm: cannot remove '%s': Is a directory", name)
		}
		if err := c.m.fs.Remove(at); err != nil {
			return exit(1, "rm: cannot remove '%s': %s", name, reason(err))
		}
		c.m.lostImages(t, at)
		return nil
	})
}

// into splits sources from the target; when that is a directory, each source
// keeps its name in it.
func (c *call) into(f flagSet) (from []string, target func(string) string, err error) {
	if dir, ok := f.value["t"]; ok {
		return f.rest, func(s string) string { return path.Join(c.at(dir), path.Base(s)) }, nil
	}
	if len(f.rest) < 2 {
		if len(f.rest) == 0 {
			return nil, nil, exit(1, "%s: missing file operand", c.name())
		}
		return nil, nil, exit(1, "%s: missing destination file operand after '%s'", c.name(), f.rest[0])
	}
	from, to := f.rest[:len(f.rest)-1], f.rest[len(f.rest)-1]
	isDir := false
	c.read(func() {
		i, err := c.m.fs.Stat(c.at(to), !f.has("n"))
		isDir = err == nil && i.IsDir()
	})
	if isDir && !f.has("T") {
		return from, func(s string) string { return path.Join(c.at(to), path.Base(s)) }, nil
	}
	if len(from) > 1 {
		return nil, nil, exit(1, "%s: target '%s': Not a directory", c.name(), to)
	}
	return from, func(string) string { return c.at(to) }, nil
}

func (c *call) mv() int {
	f, err := c.flags("f force:f n no-clobber:N v T no-target-directory:T t= target-directory:t=")
	if err != nil {
		return c.ended(err)
	}
	_, keep := f.value["N"]
	if f.has("n") {
		keep = true
		delete(f.value, "n")
	}
	from, target, err := c.into(f)
	if err != nil {
		return c.ended(err)
	}
	return c.onEach(from, func(_ *tx, name string) error {
		to := target(name)
		src, err := c.m.fs.Stat(c.at(name), false)
		if err != nil {
			return exit(1, "mv: cannot stat '%s': %s", name, reason(err))
		}
		old, err := c.m.fs.Stat(to, false)
		switch {
		case err != nil:
		case keep:
			return nil
		case old.IsDir() && !src.IsDir():
			return exit(1, "mv: cannot overwrite directory '%s' with non-directory", to)
		case !old.IsDir() && src.IsDir():
			return exit(1, "mv: cannot overwrite non-directory '%s' with directory '%s'", to, name)
		}
		if src.IsDir() && strings.HasPrefix(to+"/", c.at(name)+"/") {
			return exit(1, "mv: cannot move '%s' to a subdirectory of itself, '%s'", name, to)
		}
		if err := c.m.fs.Rename(c.at(name), to); err != nil {
			return exit(1, "mv: cannot move '%s' to '%s': %s", name, to, reason(err))
		}
		return nil
	})
}

func (c *call) ln() int {
	f, err := c.flags("s symbolic:s f force:f n no-dereference:n T no-target-directory:T v r t= target-directory:t=")
	if err != nil {
		return c.ended(err)
	}
	if !f.has("s") {
		return c.fail(1, "ln: the sandbox knows no hard links")
	}
	if len(f.rest) == 1 {
		f.rest = append(f.rest, ".")
	}
	targets, link, err := c.into(f)
	if err != nil {
		return c.ended(err)
	}
	return c.onEach(targets, func(_ *tx, target string) error {
		name := link(target)
		if i, err := c.m.fs.Stat(name, false); err == nil && f.has("f") && !i.IsDir() {
			if err := c.m.fs.Remove(name); err != nil {
				return exit(1, "ln: cannot remove '%s': %s", name, reason(err))
			}
		}
		if err := c.m.fs.Symlink(target, name); err != nil {
			return exit(1, "ln: failed to create symbolic link '%s': %s", name, reason(err))
		}
		return nil
	})
}
