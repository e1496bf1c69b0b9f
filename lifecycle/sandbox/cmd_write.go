package sandbox

import (
	"io"
	"path"
	"strconv"
	"strings"
)

func (c *call) touch() int {
	f, err := c.flags("c no-create:c a m")
	if err != nil {
		return c.ended(err)
	}
	return c.onEach(f.rest, func(_ *tx, name string) error {
		at := c.at(name)
		if c.m.fs.Exists(at) {
			err = c.m.fs.Touch(at)
		} else if !f.has("c") {
			err = c.m.fs.WriteFile(at, nil, 0o666&^c.proc.maskOf())
		}
		if err != nil {
			return exit(1, "touch: cannot touch '%s': %s", name, reason(err))
		}
		return nil
	})
}

func (c *call) truncate() int {
	f, err := c.flags("s= size:s= c no-create:c")
	if err != nil {
		return c.ended(err)
	}
	size, err := parseSize(f.value["s"])
	if err != nil {
		return c.fail(1, "truncate: Invalid number: '%s'", f.value["s"])
	}
	return c.onEach(f.rest, func(_ *tx, name string) error {
		at := c.at(name)
		var made error
		if !c.m.fs.Exists(at) {
			if f.has("c") {
				return nil
			}
			made = c.m.fs.WriteFile(at, nil, 0o666&^c.proc.maskOf())
		}
		if made == nil {
			made = c.m.fs.Truncate(at, size)
		}
		if made != nil {
			return exit(1, "truncate: cannot open '%s' for writing: %s", name, reason(made))
		}
		return nil
	})
}

// parseSize reads "512", "4K", "1MiB".
func parseSize(s string) (int64, error) {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "B"), "i")
	shift := 0
	if i := strings.IndexAny(s, "KkMG"); i >= 0 && i == len(s)-1 {
		shift = map[byte]int{'K': 10, 'k': 10, 'M': 20, 'G': 30}[s[i]]
		s = s[:i]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, strconv.ErrSyntax
	}
	return n << shift, nil
}

func (c *call) mktemp() int {
	f, err := c.flags("d directory:d q t p= tmpdir:p=")
	if err != nil {
		return c.ended(err)
	}
	template, dir := "tmp.XXXXXXXXXX", orElse(f.value["p"], "/tmp")
	if len(f.rest) > 0 {
		template = f.rest[0]
		if !f.has("t") && !f.has("p") {
			template, dir = c.at(template), "/"
		}
	}
	bare := strings.TrimRight(template, "X")
	if len(template)-len(bare) < 3 {
		return c.fail(1, "mktemp: too few X's in template '%s'", template)
	}
	return c.alter(func(*tx) error {
		name := path.Join(dir, bare+randomHex(8)[:min(16, len(template)-len(bare))])
		var err error
		if f.has("d") {
			err = c.m.fs.Mkdir(name, 0o700)
		} else {
			err = c.m.fs.WriteFile(name, nil, 0o600)
		}
		if err != nil {
			return exit(1, "mktemp: failed to create file via template '%s': %s", template, reason(err))
		}
		c.printf("%s\n", name)
		return nil
	})
}

// tee copies standard input to files and on.
func (c *call) tee() int {
	f, err := c.flags("a append:a i")
	if err != nil {
		return c.ended(err)
	}
	all, err := io.ReadAll(c.in)
	if err != nil {
		return c.fail(1, "tee: read error")
	}
	return c.do(func(*tx) int {
		c.printf("%s", all)
		code := 0
		for _, name := range f.rest {
			at := c.at(name)
			if f.has("a") && c.m.fs.Exists(at) {
				err = c.m.fs.Append(at, all)
			} else {
				err = c.m.fs.WriteFile(at, all, 0o666&^c.proc.maskOf())
			}
			if err != nil {
				code = c.fail(1, "tee: %s: %s", name, reason(err))
			}
		}
		return code
	})
}
