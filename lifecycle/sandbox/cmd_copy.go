package sandbox

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/vfs"
)

// copyChunk is how much of a long file is copied at a time, in bytes.
const copyChunk = 1 << 20

func (c *call) cp() int {
	f, err := c.flags("a archive:a r R:r recursive:r p preserve:p f force:f d n no-clobber:n v L dereference:L P:d no-dereference:d T no-target-directory:T t= target-directory:t= u reflink:u")
	if err != nil {
		return c.ended(err)
	}
	keepOld := f.has("n")
	delete(f.value, "n")
	from, target, err := c.into(f)
	if err != nil {
		return c.ended(err)
	}
	if f.has("a") {
		for _, letter := range []string{"r", "p", "d"} {
			f.value[letter] = ""
		}
	}
	return c.onEach(from, func(_ *tx, name string) error {
		to := target(name)
		if keepOld && c.m.fs.Exists(to) {
			return nil
		}
		return c.copyTree(c.at(name), to, f)
	})
}

func (c *call) copyTree(from, to string, f flagSet) error {
	links := f.has("d") || f.has("r") && !f.has("L")
	i, err := c.m.fs.Stat(from, !links)
	if err != nil {
		return exit(1, "cp: cannot stat '%s': %s", from, reason(err))
	}
	switch {
	case i.Mode()&fs.ModeSymlink != 0:
		return c.copyLink(i, to)
	case i.IsDir() && !f.has("r"):
		return exit(1, "cp: -r not specified; omitting directory '%s'", from)
	case i.IsDir():
		return c.copyDir(i, from, to, f)
	case i.Mode()&fs.ModeSocket != 0:
		return c.m.fs.Socket(to)
	}
	if from == to {
		return exit(1, "cp: '%s' and '%s' are the same file", from, to)
	}
	if old, err := c.m.fs.Stat(to, true); err == nil && old.IsDir() {
		return exit(1, "cp: cannot overwrite directory '%s' with non-directory", to)
	}
	if err := c.copyFile(from, to, i.Mode().Perm()&^c.proc.maskOf()); err != nil {
		return exit(1, "cp: cannot create regular file '%s': %s", to, reason(err))
	}
	return c.likeOld(i, to, f)
}

func (c *call) copyLink(i *vfs.Info, to string) error {
	if old, err := c.m.fs.Stat(to, false); err == nil && !old.IsDir() {
		if err := c.m.fs.Remove(to); err != nil {
			return exit(1, "cp: cannot remove '%s': %s", to, reason(err))
		}
	}
	if err := c.m.fs.Symlink(i.Link, to); err != nil {
		return exit(1, "cp: cannot create symbolic link '%s': %s", to, reason(err))
	}
	return nil
}

func (c *call) copyDir(i *vfs.Info, from, to string, f flagSet) error {
	if strings.HasPrefix(to+"/", from+"/") {
		return exit(1, "cp: cannot copy a directory, '%s', into itself, '%s'", from, to)
	}
	if err := c.m.fs.Mkdir(to, i.Mode().Perm()); err != nil && !errors.Is(err, fs.ErrExist) {
		return exit(1, "cp: cannot create directory '%s': %s", to, reason(err))
	}
	entries, err := c.m.fs.ReadDir(from)
	if err != nil {
		return exit(1, "cp: cannot access '%s': %s", from, reason(err))
	}
	for _, e := range entries {
		if err := c.copyTree(path.Join(from, e.Name()), path.Join(to, e.Name()), f); err != nil {
			return err
		}
	}
	return c.likeOld(i, to, f)
}

// likeOld gives a copy the mode and owner of its original.
func (c *call) likeOld(i *vfs.Info, to string, f flagSet) error {
	if !f.has("p") {
		return nil
	}
	return errors.Join(c.m.fs.Chmod(to, i.Mode()), c.m.fs.Chown(to, i.UID, i.GID))
}

func (c *call) copyFile(from, to string, mode fs.FileMode) error {
	r, err := c.m.fs.Open(from)
	if err != nil {
		return err
	}
	if err := c.m.fs.WriteFile(to, nil, mode); err != nil {
		return err
	}
	buf := make([]byte, copyChunk)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := c.m.fs.Append(to, append([]byte(nil), buf[:n]...)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *call) install() int {
	f, err := c.flags("d directory:d D m= mode:m= o= owner:o= g= group:g= p v t= target-directory:t= T no-target-directory:T")
	if err != nil {
		return c.ended(err)
	}
	mode, err := parseMode(f.value["m"], 0o755)
	if err != nil {
		return c.fail(1, "install: invalid mode '%s'", f.value["m"])
	}
	if f.has("d") {
		return c.onEach(f.rest, func(_ *tx, name string) error {
			return errors.Join(c.m.fs.MkdirAll(c.at(name), mode), c.m.fs.Chmod(c.at(name), mode))
		})
	}
	from, target, err := c.into(f)
	if err != nil {
		return c.ended(err)
	}
	return c.onEach(from, func(_ *tx, name string) error {
		to := target(name)
		if f.has("D") {
			if err := c.m.fs.MkdirAll(path.Dir(to), 0o755); err != nil {
				return exit(1, "install: cannot create directory '%s': %s", path.Dir(to), reason(err))
			}
		}
		if err := c.copyFile(c.at(name), to, mode); err != nil {
			return exit(1, "install: cannot install '%s' to '%s': %s", name, to, reason(err))
		}
		return c.m.fs.Chmod(to, mode)
	})
}

// dd writes standard input, or the file if, into the file of. It goes a part at
// a time, each durable by itself, so that an upload that is cut off keeps what
// has come.
func (c *call) dd() int {
	word := map[string]string{"bs": "512", "seek": "0"}
	for _, a := range c.args[1:] {
		k, v, _ := strings.Cut(a, "=")
		word[k] = v
	}
	bs, err := parseSize(word["bs"])
	seek, err2 := strconv.ParseInt(word["seek"], 10, 64)
	if err != nil || err2 != nil || bs == 0 || seek < 0 {
		return c.fail(1, "dd: invalid number in '%s'", strings.Join(c.args[1:], " "))
	}
	in := c.in
	if name, ok := word["if"]; ok {
		if in, err = c.open(name); err != nil {
			return c.fail(1, "dd: failed to open '%s': %s", name, reason(err))
		}
	}
	if count, ok := word["count"]; ok {
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			return c.fail(1, "dd: invalid number: '%s'", count)
		}
		in = io.LimitReader(in, n*bs)
	}
	if word["of"] == "" {
		if _, err := io.Copy(c.out, in); err != nil {
			return c.fail(1, "dd: error writing 'standard output': Broken pipe")
		}
		return 0
	}
	return c.ddInto(in, c.at(word["of"]), seek*bs, strings.Contains(word["conv"], "notrunc"))
}

// open reads a file of the machine as it is now.
func (c *call) open(name string) (io.Reader, error) {
	if name == "/dev/zero" {
		return zeros{}, nil
	}
	var r io.Reader
	var err error
	c.read(func() { r, err = c.m.fs.Open(c.at(name)) })
	return r, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (c *call) ddInto(in io.Reader, at string, offset int64, keepRest bool) int {
	var rest *io.SectionReader // what was there, of which the end may stay
	if code := c.do(func(*tx) int {
		if !c.m.fs.Exists(at) {
			if err := c.m.fs.WriteFile(at, nil, 0o666&^c.proc.maskOf()); err != nil {
				return c.fail(1, "dd: failed to open '%s': %s", at, reason(err))
			}
		}
		old, err := c.m.fs.Open(at)
		if err == nil {
			if keepRest {
				rest = old
			}
			err = c.m.fs.Truncate(at, offset)
		}
		if err != nil {
			return c.fail(1, "dd: failed to truncate '%s': %s", at, reason(err))
		}
		return 0
	}); code != 0 {
		return code
	}
	buf, total := make([]byte, 4*copyChunk), offset
	for {
		n, err := io.ReadFull(in, buf)
		total += int64(n)
		if code := c.ddPart(at, buf[:n]); code != 0 {
			return code
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return c.fail(1, "dd: error reading 'standard input': Input/output error")
		}
	}
	for rest != nil && total < rest.Size() {
		n, err := rest.ReadAt(buf[:min(int64(len(buf)), rest.Size()-total)], total)
		if n == 0 {
			return c.fail(1, "dd: error writing '%s': %v", at, err)
		}
		total += int64(n)
		if code := c.ddPart(at, buf[:n]); code != 0 {
			return code
		}
	}
	return 0
}

func (c *call) ddPart(at string, part []byte) int {
	if len(part) == 0 {
		return 0
	}
	part = append([]byte(nil), part...) // the tree keeps it
	return c.do(func(*tx) int {
		if err := c.m.fs.Append(at, part); err != nil {
			return c.fail(1, "dd: error writing '%s': %s", at, reason(err))
		}
		return 0
	})
}
