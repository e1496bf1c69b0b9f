package phases

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

// Scripts for Debian call only what doc.go lists, because the sandbox has a model
// of each of these and of nothing else.
func TestScriptsCallOnlyWhatIsListed(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, ok := strings.Cut(string(doc), "# External commands")
	if !ok {
		t.Fatal("doc.go has no list of commands")
	}
	listed := regexp.MustCompile(`[a-z][a-z0-9_-]*`).FindAllString(list, -1)
	for name, text := range scripts() {
		if strings.Contains(name, "rhel") || strings.Contains(name, "openeuler") || strings.Contains(name, "kylin") || strings.Contains(name, "yum") {
			continue
		}
		for _, c := range commandsOf(t, name, text) {
			if !slices.Contains(listed, c) {
				t.Errorf("%s calls %s, which doc.go does not list", name, c)
			}
		}
	}
}

// builtins of a POSIX shell that scripts may use.
var builtins = []string{"set", "export", "umask", "echo", "printf", "[", "read", "return", "exit", "continue", "break", ":", "command", "shift", "cd"}

// commandsOf gives the names that a script calls and that are neither builtins
// nor functions of its own.
func commandsOf(t *testing.T, name, text string) []string {
	t.Helper()
	f, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(text), name)
	if err != nil {
		t.Fatal(err)
	}
	var called, own []string
	syntax.Walk(f, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.FuncDecl:
			own = append(own, n.Name.Value)
		case *syntax.CallExpr:
			if len(n.Args) > 0 && n.Args[0].Lit() != "" {
				called = append(called, n.Args[0].Lit())
			}
		}
		return true
	})
	return slices.DeleteFunc(called, func(c string) bool { return slices.Contains(builtins, c) || slices.Contains(own, c) })
}
