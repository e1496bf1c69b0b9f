package text

import "strings"

// flags are a tool's single-letter options and its operands.
type flags struct {
	set  map[byte]string
	rest []string
	bad  string
}

// parse splits bundled single-letter options from operands. valued letters take
// the rest of their word or the next word. long maps "--name" to a letter.
func parse(args []string, known, valued string, long map[string]byte) flags {
	f := flags{set: map[byte]string{}}
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			f.rest = append(f.rest, args[i+1:]...)
			return f
		case strings.HasPrefix(a, "--"):
			name, value, _ := strings.Cut(a, "=")
			letter, ok := long[name]
			if !ok {
				f.bad = a
				return f
			}
			f.add(letter, value)
		case len(a) > 1 && a[0] == '-':
			i = f.letters(args, i, known, valued)
			if f.bad != "" {
				return f
			}
		default:
			f.rest = append(f.rest, a)
		}
	}
	return f
}

func (f *flags) letters(args []string, i int, known, valued string) int {
	a := args[i]
	for j := 1; j < len(a); j++ {
		letter := a[j]
		if strings.IndexByte(valued, letter) >= 0 {
			switch {
			case j+1 < len(a):
				f.add(letter, a[j+1:])
			case i+1 < len(args):
				i++
				f.add(letter, args[i])
			default:
				f.bad = a
			}
			return i
		}
		if strings.IndexByte(known, letter) < 0 {
			f.bad = a
			return i
		}
		f.add(letter, "")
	}
	return i
}

func (f *flags) add(letter byte, value string) {
	if old, ok := f.set[letter]; ok && value != "" && old != "" {
		value = old + "\n" + value // several -e
	}
	f.set[letter] = value
}

func (f *flags) has(letter byte) bool { _, ok := f.set[letter]; return ok }

// oldCount turns "-5" into "-n 5".
func oldCount(args []string) []string {
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0][1] >= '0' && args[0][1] <= '9' {
		return append([]string{"-n", args[0][1:]}, args[1:]...)
	}
	return args
}
