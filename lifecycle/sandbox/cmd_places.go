package sandbox

import (
	"fmt"
	"io/fs"
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
