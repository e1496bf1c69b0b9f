package pgtest_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func connect(t *testing.T, dsn string) (*pgx.Conn, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.WithoutCancel(ctx)) }) //nolint:errcheck // it may be cut already
	return c, ctx
}

func TestDatabasesAreApart(t *testing.T) {
	a, ctx := connect(t, pgtest.New(t))
	b, _ := connect(t, pgtest.New(t))
	if _, err := a.Exec(ctx, "CREATE TABLE x (y BIGINT)"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Exec(ctx, "SELECT * FROM x"); err == nil {
		t.Fatal("one test sees another's table")
	}
}

func TestDisconnectCutsEveryConnection(t *testing.T) {
	dsn := pgtest.New(t)
	a, ctx := connect(t, dsn)
	other, _ := connect(t, pgtest.New(t))
	pgtest.Disconnect(t, dsn)
	if err := a.Ping(ctx); err == nil {
		t.Error("the connection lives on")
	}
	if err := other.Ping(ctx); err != nil {
		t.Errorf("another database's connection was cut: %v", err)
	}
	connect(t, dsn) // and new ones are welcome
}
