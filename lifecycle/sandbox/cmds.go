package sandbox

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/text"
)

// commandsTools are the commands about files, packages, the network, the system
// and the container runtime.
func commandsTools() map[string]func(*call) int {
	all := map[string]func(*call) int{}
	for _, group := range []map[string]func(*call) int{commandsFiles(), commandsPlaces(), commandsPackages(), commandsLook(), commandsNetwork(), commandsSystem(), commandsRuntime()} {
		maps.Copy(all, group)
	}
	return all
}

// exitError is how a command ends that could not do what it should.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

// exit makes the error that ends a command with code and says why; the text is
// without the command's name.
func exit(code int, format string, args ...any) error {
	return &exitError{code, fmt.Sprintf(format, args...)}
}

// ended complains about err as the command does, and gives the exit status.
func (c *call) ended(err error) int {
	if err == nil {
		return 0
	}
	code := 1
	var e *exitError
	if errors.As(err, &e) {
		code = e.code
	}
	if err.Error() == "" {
		return code
	}
	return c.fail(code, "%s", err)
}

// alter runs fn as one transaction. Its error ends the command.
func (c *call) alter(fn func(t *tx) error) int {
	return c.do(func(t *tx) int { return c.ended(fn(t)) })
}

// look runs fn, which changes nothing, and prints the text it gives.
func (c *call) look(fn func() (string, error)) int {
	var out string
	var err error
	c.read(func() { out, err = fn() })
	if out != "" {
		c.printf("%s", out)
	}
	return c.ended(err)
}

// mustBeRoot ends commands of other users as the kernel does.
func (c *call) mustBeRoot(what string) error {
	if c.user == rootUser {
		return nil
	}
	return exit(1, "%s: Operation not permitted", what)
}

// name is what the command was called by.
func (c *call) name() string { return path.Base(c.args[0]) }

// at is a file name as the machine's tree has it.
func (c *call) at(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", c.dir, name)
}

// flagSet is what a command was given: options by their letter, and operands.
type flagSet struct {
	value map[string]string
	rest  []string
}

func (f flagSet) has(letter string) bool { _, ok := f.value[letter]; return ok }

// flags reads options as the coreutils do, letters in one word included. spec
// names them: "r" "mode:m=" "m=" say that --mode is -m, and takes a value.
func (c *call) flags(spec string) (flagSet, error) {
	long, valued := map[string]string{}, map[string]bool{}
	for word := range strings.FieldsSeq(spec) {
		word, takes := strings.CutSuffix(word, "=")
		name, letter, aliased := strings.Cut(word, ":")
		if !aliased {
			letter = name
		}
		long[name] = letter
		valued[letter] = valued[letter] || takes
	}
	f := flagSet{value: map[string]string{}}
	args := c.args[1:]
	for i := 0; i < len(args); i++ {
		a := args[i]
		var used int
		var err error
		switch {
		case a == "--":
			f.rest = append(f.rest, args[i+1:]...)
			return f, nil
		case strings.HasPrefix(a, "--"):
			used, err = f.long(c.name(), args[i:], long, valued)
		case len(a) > 1 && a[0] == '-':
			used, err = f.letters(c.name(), args[i:], long, valued)
		default:
			f.rest = append(f.rest, a)
		}
		if err != nil {
			return f, err
		}
		i += used
	}
	return f, nil
}

func unknownOption(command, option string) error {
	return exit(1, "%s: unrecognized option '%s' (the sandbox does not know it)", command, option)
}

// long takes one long option and gives how many more words it has used.
func (f *flagSet) long(command string, args []string, long map[string]string, valued map[string]bool) (int, error) {
	name, value, given := strings.Cut(strings.TrimPrefix(args[0], "--"), "=")
	letter, ok := long[name]
	switch {
	case !ok:
		return 0, unknownOption(command, args[0])
	case !valued[letter] || given:
		f.value[letter] = value
		return 0, nil
	case len(args) < 2:
		return 0, exit(1, "%s: option '--%s' requires an argument", command, name)
	}
	f.value[letter] = args[1]
	return 1, nil
}

// letters takes one word of letters and gives how many more words it has used.
func (f *flagSet) letters(command string, args []string, long map[string]string, valued map[string]bool) (int, error) {
	word := args[0][1:]
	for j := range len(word) {
		letter := word[j : j+1]
		if _, ok := long[letter]; !ok && !valued[letter] {
			return 0, unknownOption(command, "-"+letter)
		}
		switch {
		case !valued[letter]:
			f.value[letter] = ""
			continue
		case j+1 < len(word):
			f.value[letter] = word[j+1:]
			return 0, nil
		case len(args) < 2:
			return 0, exit(1, "%s: option requires an argument -- '%s'", command, letter)
		}
		f.value[letter] = args[1]
		return 1, nil
	}
	return 0, nil
}

// reason is an error of the file system in the words of the C library.
func reason(err error) string { return text.Reason(err) }
