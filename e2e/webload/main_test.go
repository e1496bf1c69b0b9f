package webload

import (
	"fmt"
	"os"
	"testing"

	"github.com/coxswain-ops/coxswain/e2e/drive"
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
	if program, err = drive.Program(dir, "../../cmd/coxswain"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
