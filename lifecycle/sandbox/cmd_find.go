package sandbox

import (
	"path"
	"strconv"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/vfs"
)

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
