package store_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

func TestPostgres(t *testing.T) { storetest.Run(t, postgresFixture) }

func postgresFixture(t *testing.T) *storetest.Fixture {
	c := store.Config{DSN: pgtest.New(t), Keys: testKeys(t)}
	s := openStore(t, c)
	return &storetest.Fixture{
		Store: s,
		Reopen: func() *store.Store {
			closeStore(t, s)
			s = openStore(t, c)
			return s
		},
		// A killed process's connections are cut; the server rolls back.
		Crash: func() *store.Store {
			pgtest.Disconnect(t, c.DSN)
			s = openStore(t, c)
			return s
		},
		Peer: func(clock func() time.Time) *store.Store {
			peer := c
			peer.Clock = clock
			return openStore(t, peer)
		},
		Raw: func() []byte { return dump(t, c.DSN) },
	}
}

// dump is the content of every table, as text.
func dump(t testing.TB, dsn string) []byte {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	var text string
	if err := db.QueryRow(`SELECT CAST(schema_to_xml('public', true, false, '') AS TEXT)`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return []byte(text)
}

// TestATransactionThatStandsStillIsEnded: a process that is paused or cut off in the
// middle of one must not hold the others up for longer than a few seconds.
func TestATransactionThatStandsStillIsEnded(t *testing.T) {
	t.Parallel()
	c := store.Config{DSN: pgtest.New(t), Keys: testKeys(t)}
	paused, other := openStore(t, c), openStore(t, c)
	begun, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- paused.WithTx(context.Background(), func(ctx context.Context) error {
			_, err := paused.Hold(ctx, "what both want", "paused", time.Hour)
			close(begun)
			<-goOn
			return err
		})
	}()
	<-begun
	began := time.Now()
	got, err := other.Hold(t.Context(), "what both want", "other", time.Hour)
	if took := time.Since(began); err != nil || !got || took > 40*time.Second {
		t.Errorf("after %s: %v, %v", took, got, err)
	}
	close(goOn)
	if err := <-ended; err == nil {
		t.Error("what was ended is said to be committed")
	}
}
