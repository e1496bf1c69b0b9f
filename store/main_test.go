package store_test

import (
	"os"
	"testing"

	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv(victimEnv) != "" {
		os.Exit(victim())
	}
	os.Exit(pgtest.Main(m))
}
