package gateways

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/coxswain-ops/coxswain/e2e/drive"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

// program is the built program. It is state of the package because go test gives
// a test no other way to what its TestMain has set up.
var program string

// atOnce is how many tests run side by side, whatever the number of cores: most of
// their time they wait for rates and connections.
const atOnce = "8"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "gateways")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if program, err = drive.Program(dir, "../../cmd/coxswain"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return pgtest.Main(m)
}
