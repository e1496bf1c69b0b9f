package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/coxswain-ops/coxswain"

// source is one Go file of the tree.
type source struct {
	path    string // below the root, with slashes
	pkg     string // its folder
	test    bool
	imports []string
	ast     *ast.File
	lines   int
}

// parsed is the tree, read once for all the tests.
var parsed = sync.OnceValues(parse)

// tree gives every Go file of the module.
func tree(t *testing.T) []source {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// root is the module's folder.
func root() (string, error) {
	dir, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return "", fmt.Errorf("this test must lie two folders below the module: %w", err)
	}
	return dir, nil
}

// parse reads every Go file of the module, but of no module inside it.
func parse() ([]source, error) {
	top, err := root()
	if err != nil {
		return nil, err
	}
	var out []source
	err = filepath.WalkDir(top, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if p != top && skipped(p, e.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		s, err := read(top, p)
		out = append(out, s)
		return err
	})
	return out, err
}

func skipped(p, name string) bool {
	if strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "node_modules", "bin", "data", "dist"}, name) {
		return true
	}
	_, err := os.Stat(filepath.Join(p, "go.mod"))
	return err == nil
}

func read(top, p string) (source, error) {
	rel, err := filepath.Rel(top, p)
	if err != nil {
		return source{}, err
	}
	rel = filepath.ToSlash(rel)
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, p, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	s := source{path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), ast: f,
		lines: files.File(f.FileStart).LineCount()}
	for _, i := range f.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return s, err
		}
		s.imports = append(s.imports, name)
	}
	return s, nil
}

// house gives an import as a path below the module.
func house(imported string) (string, bool) { return strings.CutPrefix(imported, module+"/") }

// standard reports whether an import is of the standard library.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// matches reports whether a package path fits a pattern: each * stands for one
// part of it, a trailing ... for anything below.
func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		depth := strings.Count(base, "/") + 1
		parts := strings.Split(pkg, "/")
		return len(parts) > depth && matches(base, strings.Join(parts[:depth], "/"))
	}
	ok, err := path.Match(pattern, pkg)
	return err == nil && ok
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, pkg) })
}
