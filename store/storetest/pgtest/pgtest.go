package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds each step of the set-up.
const patience = 60 * time.Second

// shared is the binary's one server. It is state of the package because go test
// gives a test no other way to what its TestMain has set up.
var shared struct {
	sync.Mutex
	managed bool // Main runs and will stop it
	started bool
	server  *server
	err     error
	count   int
}

// Main runs a package's tests and stops the server, if one was started. Its
// result is for os.Exit.
func Main(m *testing.M) int {
	shared.Lock()
	shared.managed = true
	shared.Unlock()
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return code
	}
	if err := shared.server.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		return max(code, 1)
	}
	return code
}

// New makes an empty database and gives its connection string, a URL. The test
// fails, with what to install, when there is no PostgreSQL.
func New(tb testing.TB) string {
	tb.Helper()
	srv, number, err := acquire()
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	name := fmt.Sprintf("test_%d", number)
	admin(tb, srv, "CREATE DATABASE "+name)
	tb.Cleanup(func() { admin(tb, srv, "DROP DATABASE "+name+" WITH (FORCE)") })
	return srv.dsn(name)
}

// Disconnect cuts every connection to the database of a connection string, as a
// crash of all its clients would.
func Disconnect(tb testing.TB, dsn string) {
	tb.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	srv, _, err := acquire()
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	// The query waits until the server has let go of each of them.
	admin(tb, srv, "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '"+cfg.Database+"'")
}

func acquire() (*server, int, error) {
	shared.Lock()
	defer shared.Unlock()
	if !shared.managed {
		return nil, 0, fmt.Errorf("the package needs: func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }")
	}
	if !shared.started {
		shared.started = true
		shared.server, shared.err = start()
	}
	shared.count++
	return shared.server, shared.count, shared.err
}

func admin(tb testing.TB, srv *server, statement string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := pgx.Connect(ctx, srv.dsn("postgres"))
	if err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
	defer func() {
		if err := c.Close(ctx); err != nil {
			tb.Errorf("pgtest: %v", err)
		}
	}()
	if _, err := c.Exec(ctx, statement); err != nil {
		tb.Fatalf("pgtest: %v", err)
	}
}
