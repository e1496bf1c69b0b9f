package sandbox

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/vfs"
)

// commandsPlaces are the commands that look at files.
func commandsPlaces() map[string]func(*call) int {
	return map[string]func(*call) int{
		"ls": (*call).ls, "stat": (*call).stat, "readlink": (*call).readlink, "realpath": (*call).realpath, "find": (*call).find,
		"du": (*call).du, "which": (*call).whichCommand, "file": (*call).fileKind,
	}
}

func (c *call) readlink() int {
	f, err := c.flags("f canonicalize:f e canonicalize-existing:e m canonicalize-missing:m n no-newline:n q s v")
	if err != nil {
		return c.ended(err)
	}
	if len(f.rest) == 0 {
		return c.fail(1, "readlink: missing operand")
	}
	return c.look(func() (string, error) {
		var out strings.Builder
		var bad error
		for _, name := range f.rest {
			to, err := c.target(name, f)
			if err != nil {
				bad = exit(1, "") // it says nothing
				continue
			}
			out.WriteString(to)
			if !f.has("n") {
				out.WriteString("\n")
			}
		}
		return out.String(), bad
	})
}

func (c *call) target(name string, f flagSet) (string, error) {
	at := c.at(name)
	if f.has("f") || f.has("e") || f.has("m") {
		real, err := c.m.fs.Real(at)
		switch {
		case err != nil && f.has("m"):
			return at, nil
		case err == nil && f.has("e") && !c.m.fs.Exists(real):
			err = fs.ErrNotExist
		}
		return real, err
	}
	i, err := c.m.fs.Stat(at, false)
	if err == nil && i.Mode()&fs.ModeSymlink == 0 {
		err = fs.ErrInvalid
	}
	if err != nil {
		return "", err
	}
	return i.Link, nil
}

func (c *call) realpath() int {
	f, err := c.flags("e m s q")
	if err != nil {
		return c.ended(err)
	}
	return c.look(func() (string, error) {
		out := ""
		for _, name := range f.rest {
			real, err := c.m.fs.Real(c.at(name))
			if err == nil && f.has("e") && !c.m.fs.Exists(real) {
				err = fs.ErrNotExist
			}
			if err != nil {
				return out, exit(1, "realpath: %s: No such file or directory", name)
			}
			out += real + "\n"
		}
		return out, nil
	})
}

func (c *call) whichCommand() int {
	return c.look(func() (string, error) {
		out, code := "", error(nil)
		for _, name := range c.args[1:] {
			if at, ok := c.m.which(name); ok {
				out += at + "\n"
			} else {
				code = exit(1, "")
			}
		}
		return out, code
	})
}

func kindName(i fs.FileInfo) string {
	switch {
	case i.IsDir():
		return "directory"
	case i.Mode()&fs.ModeSymlink != 0:
		return "symbolic link"
	case i.Mode()&fs.ModeSocket != 0:
		return "socket"
	case i.Size() == 0:
		return "regular empty file"
	}
	return "regular file"
}

func (c *call) fileKind() int {
	return c.look(func() (string, error) {
		out := ""
		for _, name := range c.args[1:] {
			i, err := c.m.fs.Stat(c.at(name), false)
			if err != nil {
				out += fmt.Sprintf("%s: cannot open `%s' (No such file or directory)\n", name, name)
				continue
			}
			out += name + ": " + kindName(i) + " (simulated)\n"
		}
		return out, nil
	})
}

// owner is the name of a number, by the first and third fields of a file.
func (m *machine) owner(id int, file string) string {
	for line := range strings.Lines(m.text(file)) {
		if w := strings.Split(line, ":"); len(w) > 2 && w[2] == strconv.Itoa(id) {
			return w[0]
		}
	}
	if id == 0 {
		return rootUser
	}
	return strconv.Itoa(id)
}

func (c *call) stat() int {
	f, err := c.flags("c= format:c= printf= L dereference:L t f")
	if err != nil {
		return c.ended(err)
	}
	if len(f.rest) == 0 {
		return c.fail(1, "stat: missing operand")
	}
	format, newline := f.value["c"], "\n"
	if p, ok := f.value["printf"]; ok {
		format, newline = strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(p), ""
	}
	if format == "" {
		format = "  File: %n\n  Size: %s\t%F\nAccess: (%a/%A)  Uid: (%u/%U)   Gid: (%g/%G)\nModify: %y"
	}
	return c.look(func() (string, error) {
		out := ""
		for _, name := range f.rest {
			i, err := c.m.fs.Stat(c.at(name), f.has("L"))
			if err != nil {
				return out, exit(1, "stat: cannot statx '%s': %s", name, reason(err))
			}
			out += c.m.statText(format, name, i) + newline
		}
		return out, nil
	})
}

func (m *machine) statText(format, name string, i *vfs.Info) string {
	return strings.NewReplacer("%%", "%", "%n", name, "%s", strconv.FormatInt(i.Size(), 10), "%a", fmt.Sprintf("%o", i.Mode().Perm()),
		"%A", modeText(i), "%u", strconv.Itoa(i.UID), "%g", strconv.Itoa(i.GID), "%U", m.owner(i.UID, "/etc/passwd"), "%G", m.owner(i.GID, "/etc/group"),
		"%F", kindName(i), "%Y", strconv.FormatInt(i.ModTime().Unix(), 10), "%y", i.ModTime().UTC().Format("2006-01-02 15:04:05.000000000 -0700"),
		"%h", "1", "%N", "'"+name+"'", "%i", "1", "%b", strconv.FormatInt((i.Size()+511)/512, 10), "%B", "512").Replace(format)
}

func modeText(i fs.FileInfo) string {
	kind := "-"
	switch {
	case i.IsDir():
		kind = "d"
	case i.Mode()&fs.ModeSymlink != 0:
		kind = "l"
	case i.Mode()&fs.ModeSocket != 0:
		kind = "s"
	}
	return kind + i.Mode().Perm().String()[1:]
}

func (c *call) ls() int {
	f, err := c.flags("1 a all:a A almost-all:A l d directory:d h t r R n p F color:p")
	if err != nil {
		return c.ended(err)
	}
	if len(f.rest) == 0 {
		f.rest = []string{"."}
	}
	return c.look(func() (string, error) {
		var out strings.Builder
		var bad error
		for _, name := range f.rest {
			i, err := c.m.fs.Stat(c.at(name), !f.has("l"))
			switch {
			case err != nil:
				bad = exit(2, "ls: cannot access '%s': %s", name, reason(err))
			case !i.IsDir() || f.has("d"):
				out.WriteString(c.m.lsLine(name, i, f))
			default:
				c.lsDir(&out, name, f)
			}
		}
		return out.String(), bad
	})
}

func (c *call) lsDir(out *strings.Builder, name string, f flagSet) {
	if len(f.rest) > 1 {
		fmt.Fprintf(out, "%s:\n", name)
	}
	entries, err := c.m.fs.ReadDir(c.at(name))
	if err != nil {
		return // it was there a moment ago, under the same lock
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") || f.has("a") || f.has("A") {
			out.WriteString(c.m.lsLine(e.Name(), e, f))
		}
	}
}

func (m *machine) lsLine(name string, i *vfs.Info, f flagSet) string {
	if !f.has("l") {
		return name + "\n"
	}
	if i.Link != "" {
		name += " -> " + i.Link
	}
	return fmt.Sprintf("%s 1 %s %s %8d %s %s\n", modeText(i), m.owner(i.UID, "/etc/passwd"), m.owner(i.GID, "/etc/group"), i.Size(),
		i.ModTime().UTC().Format("Jan _2 15:04"), name)
}

// walk calls fn for a path and everything below it, parents first.
func (c *call) walk(at string, depth int, fn func(at string, i *vfs.Info, depth int)) error {
	i, err := c.m.fs.Stat(at, false)
	if err != nil {
		return err
	}
	fn(at, i, depth)
	if !i.IsDir() {
		return nil
	}
	for _, name := range c.m.names(at) {
		if err := c.walk(path.Join(at, name), depth+1, fn); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) du() int {
	f, err := c.flags("s summarize:s k h human-readable:h b bytes:b m a x apparent-size:A")
	if err != nil {
		return c.ended(err)
	}
	if len(f.rest) == 0 {
		f.rest = []string{"."}
	}
	return c.look(func() (string, error) {
		out := ""
		for _, name := range f.rest {
			var total int64
			err := c.walk(c.at(name), 0, func(_ string, i *vfs.Info, _ int) {
				if f.has("b") {
					total += i.Size()
				} else {
					total += (i.Size() + 4095) / 4096 * 4096
				}
			})
			if err != nil {
				return out, exit(1, "du: cannot access '%s': %s", name, reason(err))
			}
			out += sizeText(total, f) + "\t" + name + "\n"
		}
		return out, nil
	})
}

// sizeText is bytes in the unit that was asked for; KiB when none was.
func sizeText(n int64, f flagSet) string {
	switch {
	case f.has("b"):
		return strconv.FormatInt(n, 10)
	case f.has("m"):
		return strconv.FormatInt((n+1<<20-1)>>20, 10)
	case f.has("h"):
		for _, unit := range []string{"", "K", "M"} {
			if n < 1024 {
				return strconv.FormatInt(n, 10) + unit
			}
			n = (n + 1023) / 1024
		}
		return strconv.FormatInt(n, 10) + "G"
	}
	return strconv.FormatInt((n+1023)/1024, 10)
}

// wanted is what find was asked for.
type wanted struct {
	name, path, kind   string
	maxDepth, minDepth int
	remove, zero       bool
}

func (c *call) find() int {
	var roots []string
	args := c.args[1:]
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		roots, args = append(roots, args[0]), args[1:]
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	w, err := findTests(args)
	if err != nil {
		return c.ended(err)
	}
	var out []string
	search := func() error {
		for _, root := range roots {
			err := c.walk(c.at(root), 0, func(at string, i *vfs.Info, depth int) {
				shown := root + strings.TrimPrefix(at, c.at(root))
				if w.fits(shown, i, depth) {
					out = append(out, shown)
				}
			})
			if err != nil {
				return exit(1, "find: '%s': %s", root, reason(err))
			}
		}
		return nil
	}
	if w.remove {
		return c.alter(func(*tx) error {
			err := search()
			for i := len(out) - 1; i >= 0; i-- {
				if err := c.m.remove(c.at(out[i])); err != nil {
					return exit(1, "find: cannot delete '%s': %s", out[i], reason(err))
				}
			}
			return err
		})
	}
	return c.look(func() (string, error) {
		end := "\n"
		if w.zero {
			end = "\x00"
		}
		err := search()
		if len(out) == 0 {
			return "", err
		}
		return strings.Join(out, end) + end, err
	})
}

func findTests(args []string) (wanted, error) {
	w := wanted{maxDepth: 1 << 20}
	for i := 0; i < len(args); i++ {
		value := ""
		if i+1 < len(args) {
			value = args[i+1]
		}
		switch args[i] {
		case "-name":
			w.name = value
		case "-path", "-wholename":
			w.path = value
		case "-type":
			w.kind = value
		case "-maxdepth", "-mindepth":
			n, err := strconv.Atoi(value)
			if err != nil {
				return w, exit(1, "find: Expected a positive decimal integer argument to %s, but got '%s'", args[i], value)
			}
			if args[i] == "-maxdepth" {
				w.maxDepth = n
			} else {
				w.minDepth = n
			}
		case "-print", "-xdev", "-mount", "-depth":
			continue
		case "-print0":
			w.zero = true
			continue
		case "-delete":
			w.remove = true
			continue
		default:
			return w, exit(1, "find: unknown predicate '%s' (the sandbox does not know it)", args[i])
		}
		i++
	}
	return w, nil
}

func (w wanted) fits(at string, i *vfs.Info, depth int) bool {
	kind := map[string]string{"directory": "d", "symbolic link": "l", "socket": "s"}[kindName(i)]
	if kind == "" {
		kind = "f"
	}
	return depth >= w.minDepth && depth <= w.maxDepth && globs(w.name, path.Base(at)) && globs(strings.ReplaceAll(w.path, "/", "\x01"), strings.ReplaceAll(at, "/", "\x01")) &&
		(w.kind == "" || strings.Contains(w.kind, kind))
}

// globs reports whether a name fits a pattern of the shell; an empty one takes all.
func globs(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return pattern == "" || err == nil && ok
}
