package notifiers_test

import (
	"os"
	"testing"

	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
