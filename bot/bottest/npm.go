package bottest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// NPM gives node and the folder of the vendors' npm packages, e2e/npm. The test is
// skipped where node is missing, or a package (make setup installs both).
func NPM(tb testing.TB, pkg string) (node, dir string) {
	tb.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		tb.Skip("node is not installed (make setup): nothing is compared with the vendor's own client")
	}
	dir = filepath.Join(root(tb), "e2e", "npm")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", filepath.FromSlash(pkg))); err != nil {
		tb.Skipf("e2e/npm/node_modules has no %s (make setup): nothing is compared with the vendor's own client", pkg)
	}
	return node, dir
}

// root is the module's, found from the package's folder.
func root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
	}
	return dir
}
