package archtest

import (
	"go/ast"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

func ruleFor(pkg string) (rule, bool) {
	for _, r := range rules() {
		if matchesAny(r.packages, pkg) {
			return r, true
		}
	}
	return rule{}, false
}

// allowed reports whether pkg may import the house package other under r.
func (r rule) allowed(pkg, other string) bool {
	if slices.Contains(anybody(), other) && !r.stdlibOnly {
		return true
	}
	for _, may := range r.may {
		if may == "." {
			may = pkg + "/..."
		}
		if matches(may, other) {
			return true
		}
	}
	return false
}

// problem says what is wrong with one import of a file, or "".
func problem(s source, imported string) string {
	r, ok := ruleFor(s.pkg)
	if !ok {
		return "no rule says what this package may import; add one to rules_test.go"
	}
	other, inHouse := house(imported)
	switch {
	case inHouse && strings.HasSuffix(path.Base(other), "test"):
		if !strings.Contains(s.pkg, "test") {
			return "suites and fakes are imported by tests only"
		}
	case inHouse && !r.allowed(s.pkg, other):
		return r.why
	case !inHouse && !standard(imported) && r.stdlibOnly:
		return "only the standard library: " + r.why
	}
	for _, h := range homes() {
		if (imported == h.library || strings.HasPrefix(imported, h.library+"/")) && !matchesAny(h.only, s.pkg) &&
			!strings.HasSuffix(path.Base(s.pkg), "test") {
			return h.why
		}
	}
	return ""
}

func TestImports(t *testing.T) {
	for _, s := range tree(t) {
		if s.test {
			continue
		}
		for _, imported := range s.imports {
			if why := problem(s, imported); why != "" {
				t.Errorf("%s must not import %s: %s", s.path, imported, why)
			}
		}
	}
}

// TestRulesBite proves the rules on imports that must be refused or allowed.
func TestRulesBite(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		allowed       bool
	}{
		{"bot", "context", true},
		{"bot", "golang.org/x/text/width", false},
		{"bot", module + "/lifecycle", false},
		{"bot", module + "/commands/access", false},
		{"lifecycle", module + "/bot", false},
		{"lifecycle/phases", module + "/lifecycle/remote", true},
		{"lifecycle/phases", module + "/lifecycle/sandbox", false},
		{"lifecycle/remote", module + "/lifecycle/kube", false},
		{"lifecycle/sandbox", module + "/lifecycle/sandbox/internal/vfs", true},
		{"lifecycle/sandbox/internal/vfs", module + "/lifecycle/phases", false},
		{"bot/slack", module + "/bot", true},
		{"bot/slack", module + "/bot/wecom", false},
		{"bot/slack", module + "/commands", false},
		{"bot/slack", module + "/config/value", true},
		{"bot/slack", module + "/bot/bottest", false},
		{"commands", module + "/commands/access", true},
		{"commands", module + "/store", false},
		{"commands", module + "/bot/room", false},
		{"commands", "database/sql", false},
		{"notifiers", module + "/commands", false},
		{"store", module + "/commands", true},
		{"store", module + "/config", false},
		{"store/storetest", module + "/commands", true},
		{"store/storetest/pgtest", "github.com/jackc/pgx/v5", true},
		{"store/migrations", module + "/commands", false},
		{"config", module + "/lifecycle/sandbox", true},
		{"config", module + "/commands", false},
		{"config", "github.com/spf13/cobra", false},
		{"cmd/coxswain", module + "/store", true},
		{"elsewhere", "context", false},
	} {
		why := problem(source{pkg: c.pkg}, c.imported)
		if (why == "") != c.allowed {
			t.Errorf("%s importing %s: allowed should be %v, the rules say %q", c.pkg, c.imported, c.allowed, why)
		}
	}
}

func TestEveryRuleHasAReason(t *testing.T) {
	for _, r := range rules() {
		if r.why == "" {
			t.Errorf("the rule for %v gives no reason", r.packages)
		}
	}
	for _, h := range homes() {
		if h.why == "" {
			t.Errorf("the rule for %s gives no reason", h.library)
		}
	}
}

func TestTopLevelFolders(t *testing.T) {
	top, err := root()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Fatal(err)
	}
	made := []string{"bin", "data", "dist", "node_modules"} // as .gitignore says
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") || slices.Contains(made, e.Name()) {
			continue
		}
		if !slices.Contains(topLevel(), e.Name()) {
			t.Errorf("the folder %s/ is not one of the house's: %v", e.Name(), topLevel())
		}
	}
}

func TestEveryPackageExplainsItself(t *testing.T) {
	documented, seen := map[string]bool{}, map[string]bool{}
	for _, s := range tree(t) {
		seen[s.pkg] = true
		if path.Base(s.path) == "doc.go" {
			documented[s.pkg] = s.ast.Doc != nil
		} else if s.ast.Doc != nil && !s.test {
			t.Errorf("%s: the package comment belongs into doc.go", s.path)
		}
	}
	for pkg := range seen {
		if !documented[pkg] {
			t.Errorf("%s has no doc.go with a package comment: what it is, how to add one more, what it must never do", pkg)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, s := range tree(t) {
		if s.lines > longestFile {
			t.Errorf("%s has %d lines, more than %d: it does more than one thing", s.path, s.lines, longestFile)
		}
	}
}

func TestNoInit(t *testing.T) {
	for _, s := range tree(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init(): registration is a visible line in cmd/coxswain/app.go", s.path)
			}
		}
	}
}

// TestNoSleepInTests finds waiting for time instead of for what should happen.
func TestNoSleepInTests(t *testing.T) {
	for _, s := range tree(t) {
		if !s.test {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if !ok || call.Sel.Name != "Sleep" {
				return true
			}
			if x, ok := call.X.(*ast.Ident); ok && x.Name == "time" && !usesSynctest(s) {
				t.Errorf("%s sleeps: wait for a signal or a condition, or use testing/synctest", s.path)
			}
			return true
		})
	}
}

// usesSynctest: inside a bubble a sleep takes no time and is exact.
func usesSynctest(s source) bool { return slices.Contains(s.imports, "testing/synctest") }
