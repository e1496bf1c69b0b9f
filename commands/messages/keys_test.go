package messages

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// dynamicKeys are the keys that code puts together: the literal they begin with
// and what may follow it, nil where only the code that uses it can tell.
func dynamicKeys() map[string][]string {
	return map[string][]string{
		"phase.":      nil, // name of a phase
		"cmd.":        nil, // name of a command; commands.NewRegistry checks them
		"param.":      nil, // name of a parameter; commands.NewRegistry checks them
		"label.":      nil, // column or field of a reply
		"kind.":       {"user", "project", "credential", "host", "bundle", "cluster"},
		"role.":       {"manager", "cluster-manager", "viewer"},
		"lang.":       Languages(),
		"card.":       nil, // how an operation ended
		"event.":      nil, // kind and outcome of an operation
		"action.":     nil, // button of a card
		"remote.":     nil, // what was done over SSH
		"room.error.": nil,
		"op.stop.":    nil,
		"op.kind.":    names(lifecycle.OpCreate, lifecycle.OpDelete),
		"op.status.": names(lifecycle.OpQueued, lifecycle.OpRunning, lifecycle.OpStopping, lifecycle.OpUndoing, lifecycle.OpSucceeded,
			lifecycle.OpFailed, lifecycle.OpStopped, lifecycle.OpUndone, lifecycle.OpCancelled),
		"cluster.status.": names(lifecycle.ClusterPending, lifecycle.ClusterCreating, lifecycle.ClusterRunning, lifecycle.ClusterFailed,
			lifecycle.ClusterDeleting, lifecycle.ClusterDeleted),
		"host.status.":        names(lifecycle.HostUnchecked, lifecycle.HostReady, lifecycle.HostUnreachable, lifecycle.HostClaimed, lifecycle.HostDirty),
		"node.role.":          {"control-plane", "worker"},
		"page.spec.endpoint.": {"first", "vip", "external"},
		"help.kind.":          {"read", "change", "additive", "disruptive", "destructive"},
		"help.type.": {"name", "text", "secret", "file", "address", "cidr", "version", "list", "user", "project", "cluster", "host", "op",
			"bundle", "credential", "region"},
	}
}

func names[S ~string](values ...S) []string {
	var out []string
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

var keyForm = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*(\.[a-zA-Z0-9_-]+)+$`)
var prefixForm = regexp.MustCompile(`^[a-z][a-zA-Z0-9]*\.([a-zA-Z0-9_.-]+\.)?$`)

// sayers are the functions whose argument of that index is a key. Functions of
// a package that hand a parameter on to one of them are found and added.
var sayers = map[string]int{"T": 0, "Say": 0, "refuse": 0}

// TestEveryKeyInTheCodeIsThere reads the code for keys.
func TestEveryKeyInTheCodeIsThere(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	keys, dynamic := c.Keys("en"), dynamicKeys()
	for prefix, values := range dynamic {
		for _, v := range values {
			if !c.Has(prefix + v) {
				t.Errorf("%q is in no catalogue", prefix+v)
			}
		}
	}
	for _, e := range lifecycle.EventKinds {
		if !c.Has(e.SummaryKey) {
			t.Errorf("event %s: %q is in no catalogue", e.Name, e.SummaryKey)
		}
	}
	for _, use := range usedKeys(t, "../..", "lifecycle", "commands", "notifiers", "bot", "cmd", "store", "config") {
		switch {
		case keyForm.MatchString(use.key):
			if !c.Has(use.key) {
				t.Errorf("%s: %q is in no catalogue", use.at, use.key)
			}
		case prefixForm.MatchString(use.key):
			if _, listed := dynamic[use.key]; !listed {
				t.Errorf("%s: list the prefix %q with what follows it", use.at, use.key)
			}
			if !slices.ContainsFunc(keys, func(k string) bool { return strings.HasPrefix(k, use.key) }) {
				t.Errorf("%s: no key starts with %q", use.at, use.key)
			}
		}
	}
}

type keyUse struct {
	key string
	at  token.Position
}

func usedKeys(t *testing.T, root string, dirs ...string) []keyUse {
	t.Helper()
	fset := token.NewFileSet()
	packages := map[string][]*ast.File{}
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if d != nil && d.IsDir() && strings.HasSuffix(d.Name(), "test") {
				return fs.SkipDir // suites and fakes for tests
			}
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := goparser.ParseFile(fset, path, nil, goparser.SkipObjectResolution)
			if err == nil {
				packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var uses []keyUse
	for _, files := range packages {
		known := forwarders(files)
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				for _, lit := range keyLiterals(n, known) {
					text, err := strconv.Unquote(lit.Value)
					if err == nil {
						uses = append(uses, keyUse{text, fset.Position(lit.Pos())})
					}
				}
				return true
			})
		}
	}
	return uses
}

// keyLiterals gives the string literals of a node that stand where a key does.
func keyLiterals(n ast.Node, known map[string]int) []*ast.BasicLit {
	switch n := n.(type) {
	case *ast.CallExpr:
		if i, ok := known[calleeName(n)]; ok && i < len(n.Args) {
			return literals(n.Args[i])
		}
		// Catalogue.Say(lang, key, args)
		if calleeName(n) == "Say" && len(n.Args) == 3 {
			return literals(n.Args[1])
		}
	case *ast.KeyValueExpr:
		if name, ok := n.Key.(*ast.Ident); ok && (name.Name == "Key" || name.Name == "SummaryKey") {
			return literals(n.Value)
		}
	}
	return nil
}

// literals gives a literal, or the left end of "prefix."+name.
func literals(e ast.Expr) []*ast.BasicLit {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return []*ast.BasicLit{e}
		}
	case *ast.BinaryExpr:
		return literals(e.X)
	}
	return nil
}

func calleeName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// forwarders finds a package's functions that hand a parameter on as a key.
func forwarders(files []*ast.File) map[string]int {
	known := maps.Clone(sayers)
	for grown := true; grown; {
		grown = false
		for _, file := range files {
			for _, decl := range file.Decls {
				f, ok := decl.(*ast.FuncDecl)
				if !ok || f.Body == nil {
					continue
				}
				if _, done := known[f.Name.Name]; done {
					continue
				}
				if i, ok := forwards(f, known); ok {
					known[f.Name.Name], grown = i, true
				}
			}
		}
	}
	return known
}

func forwards(f *ast.FuncDecl, known map[string]int) (index int, ok bool) {
	params := map[string]int{}
	i := 0
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			params[name.Name] = i
			i++
		}
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		call, isCall := n.(*ast.CallExpr)
		if !isCall {
			return true
		}
		at, says := known[calleeName(call)]
		if !says || at >= len(call.Args) {
			return true
		}
		if name, isName := call.Args[at].(*ast.Ident); isName {
			if p, isParam := params[name.Name]; isParam {
				index, ok = p, true
			}
		}
		return true
	})
	return index, ok
}
