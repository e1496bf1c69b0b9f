package sandbox

import (
	"slices"
	"strings"
)

// options are the options of a command line by name, without dashes, in order.
type options struct {
	names, values []string
}

// parseOptions splits options from operands: -f, --flag, --flag=v, and for the
// names in valued --flag v, -n v, -nv and -n=v. Short options that are not valued
// may be bundled. "--" ends options.
func parseOptions(args []string, valued ...string) (o options, rest []string) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			return o, append(rest, args[i+1:]...)
		}
		if len(a) < 2 || a[0] != '-' {
			rest = append(rest, a)
			continue
		}
		name, value, has := strings.Cut(strings.TrimLeft(a, "-"), "=")
		switch {
		case has:
			o.add(name, value)
		case slices.Contains(valued, name):
			if i+1 < len(args) {
				i++
				value = args[i]
			}
			o.add(name, value)
		case strings.HasPrefix(a, "--"):
			o.add(name, "")
		case slices.Contains(valued, name[:1]):
			o.add(name[:1], name[1:])
		default:
			o.short(name)
		}
	}
	return o, rest
}

// short takes bundled letters apart, and keeps the word as well: some commands
// have long options with one dash.
func (o *options) short(name string) {
	o.add(name, "")
	if len(name) == 1 {
		return
	}
	for _, letter := range name {
		o.add(string(letter), "")
	}
}

func (o *options) add(name, value string) {
	o.names = append(o.names, name)
	o.values = append(o.values, value)
}

// has reports whether an option was given.
func (o options) has(name string) bool { return slices.Contains(o.names, name) }

// get is the last value of an option, "" without one.
func (o options) get(name string) string {
	if all := o.all(name); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// all gives the values of an option that may come again.
func (o options) all(name string) []string {
	var out []string
	for i, n := range o.names {
		if n == name {
			out = append(out, o.values[i])
		}
	}
	return out
}
