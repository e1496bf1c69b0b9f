package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

func TestProbe(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	server, err := store.Probe(ctx, pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	if server.Version == "" || time.Since(server.Clock).Abs() > time.Minute {
		t.Errorf("the server says %+v", server)
	}
	for _, dsn := range []string{"postgres://u:hunter2@127.0.0.1:1/x?sslmode=disable", "postgres://u:hunter2@%zz"} {
		if _, err := store.Probe(ctx, dsn); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a probe of nobody says %v", err)
		}
	}
}
