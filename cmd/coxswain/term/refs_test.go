package term

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJoinKeepsWordsTogether(t *testing.T) {
	for want, args := range map[string][]string{
		`cluster list`:                      {"cluster list"},
		`user create bob name="Bob Smith"`:  {"user", "create", "bob", "name=Bob Smith"},
		`say "it's \"so\""`:                 {"say", `it's "so"`},
		`x path="C:\\a b"`:                  {"x", `path=C:\a b`},
		`x key=@"my key" --file @"a b"`:     {"x", "key=@my key", "--file", "@a b"},
		`集群 创建 a 说明＝"一　二" ""`:               {"集群", "创建", "a", "说明＝一　二", ""},
		`op logs op-1 contains="a=b c" n=2`: {"op", "logs", "op-1", "contains=a=b c", "n=2"},
	} {
		if got := Join(args); got != want {
			t.Errorf("Join(%q)\n got %s\nwant %s", args, got, want)
		}
	}
}

func TestResolveFindsOnlyContents(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Contents{Stdin: strings.NewReader("in")}
	for line, want := range map[string]string{
		"a key=@" + file:                     "a key=@:key",
		"a key＝@" + file + " x":              "a key＝@:key x",
		"a 文件=@" + file:                      "a 文件=@:file",
		"a --key @" + file:                   "a --key @:key",
		"a --key=@" + file:                   "a --key=@:key",
		`a key=@"` + file + `"`:              "a key=@:key",
		"a x=@" + file + " 集=@" + file:       "a x=@:x 集=@:file",
		"a x=@" + file + " --x @" + file:     "a x=@:x --x @:x-2",
		"mail=me@host @bob grant user=@@bob": "mail=me@host @bob grant user=@bob",
		"a key=@:key":                        "a key=@:key",
		`say "x=@` + file + `"`:              `say "x=@` + file + `"`,
	} {
		got, refs, err := c.Resolve(t.Context(), line)
		if err != nil || got != want {
			t.Errorf("Resolve(%s)\n got %s %v\nwant %s", line, got, err, want)
		}
		for name, r := range refs {
			if string(r.Inline) != "content" || r.Name != "f" {
				t.Errorf("%s: %s is %+v", line, name, r)
			}
		}
	}
}

func TestResolveWithoutStdin(t *testing.T) {
	var wrong *ContentError
	if _, _, err := (Contents{}).Resolve(t.Context(), "x=@-"); !errors.As(err, &wrong) || wrong.Key != "term.error.stdin" {
		t.Error(err)
	}
}

func TestResolveUploadThatFails(t *testing.T) {
	full := errors.New("no space left")
	c := Contents{Stdin: io.LimitReader(zeros{}, 1<<20), Upload: func(context.Context, io.Reader) (string, error) { return "", full }}
	if _, _, err := c.Resolve(t.Context(), "x=@-"); !errors.Is(err, full) {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
