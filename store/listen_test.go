package store_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

// running runs a store until the test ends.
func running(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

func await(t *testing.T, what string, wake <-chan struct{}) {
	t.Helper()
	select {
	case <-wake:
	case <-time.After(30 * time.Second):
		t.Fatal("not woken: " + what)
	}
}

func TestWakeupsReachOtherProcesses(t *testing.T) {
	c := store.Config{DSN: pgtest.New(t), Keys: testKeys(t)}
	a, b := openStore(t, c), openStore(t, c)
	running(t, a)
	heard, cancel := b.Subscribe(store.Events)
	defer cancel()
	running(t, b)
	await(t, "it listens", heard)

	event := lifecycle.Event{Name: "e"}
	if err := a.AppendEvents(storetest.Context(t), event); err != nil {
		t.Fatal(err)
	}
	await(t, "another process's commit", heard)

	pgtest.Disconnect(t, c.DSN)
	await(t, "it listens again", heard)
	if err := a.AppendEvents(storetest.Context(t), event); err != nil {
		t.Fatal(err)
	}
	await(t, "a commit after the cut", heard)
	pgtest.Disconnect(t, c.DSN)
	if events, err := b.UnroutedEvents(storetest.Context(t), 9); err != nil || len(events) != 2 {
		t.Fatalf("a read after the cut: %v %v", events, err)
	}
}

func TestRunEndsWithoutLeaks(t *testing.T) {
	for engine, c := range engines(t) {
		t.Run(engine, func(t *testing.T) {
			ignore := goleak.IgnoreCurrent()
			t.Run("run", func(t *testing.T) {
				s := openStore(t, c)
				heard, cancel := s.Subscribe(store.Events)
				defer cancel()
				running(t, s)
				if engine == "postgres" {
					await(t, "it listens", heard)
				}
			})
			goleak.VerifyNone(t, ignore)
		})
	}
}

// TestLeasesGoByTheDatabasesClock: on PostgreSQL a process whose clock is wrong
// neither steals an operation nor keeps it for ever.
func TestLeasesGoByTheDatabasesClock(t *testing.T) {
	ctx := storetest.Context(t)
	f := postgresFixture(t)
	cluster := &lifecycle.Cluster{ProjectID: "p", Name: "c", Status: lifecycle.ClusterPending}
	op := &lifecycle.Operation{Kind: lifecycle.OpCreate}
	err := f.Store.WithTx(ctx, func(ctx context.Context) error {
		if err := f.Store.SaveProject(ctx, &lifecycle.Project{ID: "p", Name: "p"}); err != nil {
			return err
		}
		if err := f.Store.CreateCluster(ctx, cluster, nil); err != nil {
			return err
		}
		op.ClusterID = cluster.ID
		return f.Store.CreateOperation(ctx, op)
	})
	if err != nil {
		t.Fatal(err)
	}
	late := f.Peer(func() time.Time { return time.Now().Add(-10 * time.Hour) })
	early := f.Peer(func() time.Time { return time.Now().Add(10 * time.Hour) })
	if got, err := late.Claim(ctx, "late", time.Hour); err != nil || got == nil {
		t.Fatalf("first claim: %v %v", got, err)
	}
	if got, err := early.Claim(ctx, "early", time.Hour); err != nil || got != nil {
		t.Fatalf("stolen: %v %v", got, err)
	}
}
