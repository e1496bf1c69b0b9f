package rooms

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

var update = flag.Bool("update", false, "write the golden files anew")

// program is the built program. It is state of the package because go test gives
// a test no other way to what its TestMain has set up.
var program string

// atOnce is how many tests run side by side, whatever the number of cores: they
// wait for the rates of rooms, not for the processor.
const atOnce = "64"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "rooms")
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
