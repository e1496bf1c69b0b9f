package webload

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the built program. It is state of the package because go test gives
// a test no other way to what its TestMain has set up.
var program string

// TestMain is also the beginning of a crowd, which is this binary once more.
func TestMain(m *testing.M) {
	if os.Getenv(crowdEnv) != "" {
		os.Exit(beCrowd(os.Stdin, os.Stdout))
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "webload")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "coxswain")
	cmd := exec.Command("go", "build", "-o", program, "../../cmd/coxswain")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
