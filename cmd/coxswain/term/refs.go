package term

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/coxswain-ops/coxswain/bot/room"
)

// Contents reads what a command names as NAME=@FILE or NAME=@- and sends it
// along. NAME=@@WORD is the plain value @WORD.
type Contents struct {
	Stdin  io.Reader // nil: standard input is not ours to read
	Upload func(ctx context.Context, content io.Reader) (id string, err error)
}

// ContentError is a content that cannot be sent; Key and File put it into words.
type ContentError struct {
	Key  string
	File string
	Err  error
}

// Error is the log's wording.
func (e *ContentError) Error() string { return fmt.Sprintf("%s %s: %v", e.Key, e.File, e.Err) }

// Unwrap gives the cause.
func (e *ContentError) Unwrap() error { return e.Err }

// Join makes one line of the arguments of a shell, which has taken the quotes
// away already. A single argument is a line as somebody typed it.
func Join(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = quote(a)
	}
	return strings.Join(out, " ")
}

// quote quotes a value that would fall apart; in NAME=VALUE only the value.
func quote(arg string) string {
	if arg != "" && !strings.ContainsAny(arg, " \t\n\r\"'\\　") {
		return arg
	}
	name, value := "", arg
	if i := strings.IndexAny(arg, "=＝"); i > 0 && !strings.ContainsAny(arg[:i], " \t\n\"'\\　") {
		_, size := utf8.DecodeRuneInString(arg[i:])
		name, value = arg[:i+size], arg[i+size:]
	}
	if strings.HasPrefix(value, "@") {
		name, value = name+"@", value[1:] // the mark of a content stands before the quotes
	}
	return name + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// place finds NAME=@WHAT and --NAME @WHAT: what stands before WHAT, then WHAT,
// quoted or not. It begins at a space, so that an @ inside a value is content.
var place = regexp.MustCompile(`(^|[\s　])((?:--)?([^\s　=＝"']+)[=＝]|--([^\s　=＝"']+)[\s　]+)@("(?:[^"\\]|\\.)*"|'[^']*'|[^\s　]+)`)

// Resolve replaces each content in line by a reference @:NAME and gives the
// contents. A file that cannot be read is a *ContentError; nothing was sent
// then, other than uploads that the server forgets by itself.
func (c Contents) Resolve(ctx context.Context, line string) (string, map[string]room.PostRef, error) {
	refs := map[string]room.PostRef{}
	var broken error
	text := place.ReplaceAllStringFunc(line, func(m string) string {
		part := place.FindStringSubmatch(m)
		what := unquote(part[5])
		switch {
		case broken != nil || strings.HasPrefix(what, ":"): // a reference already
			return m
		case strings.HasPrefix(what, "@"):
			return part[1] + part[2] + part[5] // one @ less
		}
		ref, err := c.read(ctx, what)
		if err != nil {
			broken = err
			return m
		}
		name := freeName(refs, part[3]+part[4])
		refs[name] = ref
		return part[1] + part[2] + "@:" + name
	})
	return text, refs, broken
}

var unescape = regexp.MustCompile(`\\(["\\])`)

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return unescape.ReplaceAllString(s[1:len(s)-1], "$1")
	}
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return s[1 : len(s)-1]
	}
	return s
}

var plainName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]{0,40}$`)

// freeName names a reference after the option that it is for.
func freeName(refs map[string]room.PostRef, option string) string {
	base := strings.TrimLeft(option, "-")
	if !plainName.MatchString(base) {
		base = "file"
	}
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		if _, taken := refs[name]; !taken {
			return name
		}
	}
}

// read gives a small content inline and uploads a larger one.
func (c Contents) read(ctx context.Context, what string) (room.PostRef, error) {
	from, name := c.Stdin, ""
	if what != "-" {
		f, err := os.Open(fromHome(what))
		if err != nil {
			return room.PostRef{}, fileError(what, err)
		}
		defer f.Close()
		from, name = f, filepath.Base(what)
	} else if from == nil {
		return room.PostRef{}, &ContentError{Key: "term.error.stdin", File: what, Err: errors.ErrUnsupported}
	}
	head, err := io.ReadAll(io.LimitReader(from, room.MaxInline+1))
	if err != nil {
		return room.PostRef{}, fileError(what, err)
	}
	if len(head) <= room.MaxInline {
		return room.PostRef{Inline: head, Name: name}, nil
	}
	id, err := c.Upload(ctx, io.MultiReader(bytes.NewReader(head), from))
	return room.PostRef{Upload: id, Name: name}, err
}

// fromHome reads ~/ as the shell would, had it stood at the start of a word.
func fromHome(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	home, err := os.UserHomeDir()
	if !ok || err != nil {
		return path
	}
	return filepath.Join(home, rest)
}

func fileError(file string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	key := "term.error.file"
	if errors.Is(err, fs.ErrNotExist) {
		key = "term.error.no-file"
	}
	return &ContentError{Key: key, File: file, Err: err}
}
