package lifecycletest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// engine opens a fresh database and opens it again.
type engine struct {
	name string
	open func(t *testing.T) (reopen func() *store.Store)
}

func engines() []engine {
	return []engine{{"sqlite", openSQLite}, {"postgres", openPostgres}}
}

func keyRing(t *testing.T) *store.KeyRing {
	t.Helper()
	key, err := store.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := store.ParseKeyRing(key)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func openSQLite(t *testing.T) func() *store.Store {
	return reopener(t, store.Config{Path: filepath.Join(t.TempDir(), "test.db"), Keys: keyRing(t)})
}

func openPostgres(t *testing.T) func() *store.Store {
	return reopener(t, store.Config{DSN: pgtest.New(t), Keys: keyRing(t)})
}

func reopener(t *testing.T, c store.Config) func() *store.Store {
	var now *store.Store
	closeNow := func() {
		if now != nil {
			if err := now.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(closeNow)
	return func() *store.Store {
		closeNow()
		st, err := store.Open(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		now = st
		return st
	}
}

// bench is one world, one database and one queued operation.
type bench struct {
	t      *testing.T
	reopen func() *store.Store
	store  *store.Store
	world  *World
	op     *lifecycle.Operation
}

func newBench(t *testing.T, e engine) *bench {
	t.Helper()
	b := &bench{t: t, reopen: e.open(t), world: NewWorld()}
	b.store = b.reopen()
	ctx := context.Background()
	p := &lifecycle.Project{Name: "default"}
	check(t, b.store.SaveProject(ctx, p))
	c := &lifecycle.Cluster{ProjectID: p.ID, Name: "demo", Source: "created", Status: lifecycle.ClusterPending}
	nodes := []*lifecycle.Node{{Name: "m1", Role: lifecycle.ControlPlane, Status: "planned"}, {Name: "w1", Role: lifecycle.Worker, Status: "planned"}}
	check(t, b.store.CreateCluster(ctx, c, nodes))
	b.op = &lifecycle.Operation{Kind: lifecycle.OpCreate, ProjectID: p.ID, ClusterID: c.ID, ClusterName: c.Name,
		Actor: "u", Cause: "test/1", Status: lifecycle.OpQueued, Attempt: 1, CreatedAt: time.Now()}
	check(t, b.store.CreateOperation(ctx, b.op))
	return b
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) procedure(fails func(*lifecycle.State) error) lifecycle.Procedure {
	return lifecycle.Procedure{Kind: lifecycle.OpCreate, Version: 1, Stages: []lifecycle.Stage{
		{Phase: &Step{World: b.world, Phase: "one"}, Over: lifecycle.EveryNode, AtOnce: 1},
		{Phase: &Step{World: b.world, Phase: "two"}},
		{Phase: &Step{World: b.world, Phase: "three", Fails: fails}, Over: lifecycle.Workers},
	}}
}

var effects = []string{"one@m1", "one@w1", "two", "three@w1"}

// live runs the engine in a process that dies at edge at (0: never) until the
// operation has ended or the process has died. It gives the edges passed.
func (b *bench) live(at int, p lifecycle.Procedure) *Death {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	d := NewDeath(at, cancel)
	b.world.Enter(d)
	wake, unsubscribe := b.store.Subscribe(store.Operations)
	defer unsubscribe()
	r := lifecycle.NewRunner(&Store{b.store, d}, lifecycle.RunnerConfig{Owner: fmt.Sprint("p", at), Alone: true, Lease: 10 * time.Second,
		Procedures: []lifecycle.Procedure{p}, Wake: wake, Poll: 5 * time.Millisecond,
		Retry: lifecycle.RetryPolicy{Attempts: 3, First: time.Millisecond, Most: time.Millisecond}})
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil && !b.status().Ended() {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	cancel()
	check(b.t, <-done)
	return d
}

func (b *bench) status() lifecycle.OperationStatus {
	b.t.Helper()
	op, err := b.store.Operation(context.Background(), b.op.ID)
	check(b.t, err)
	return op.Status
}

// TestEveryEdge kills the process at every persisted edge of an operation, opens
// the database again and lets a new process go on: the operation succeeds, and no
// effect happens twice.
func TestEveryEdge(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			whole := newBench(t, e)
			edges := whole.live(0, whole.procedure(nil)).Edges()
			// the runner goes on looking for work: its last claims find none
			t.Logf("%d edges", edges)
			for at := 1; at <= edges; at++ {
				b := newBench(t, e)
				d := b.live(at, b.procedure(nil))
				b.store = b.reopen()
				b.live(0, b.procedure(nil))
				if got := b.status(); got != lifecycle.OpSucceeded {
					t.Errorf("edge %d (%s): the operation is %s", at, d.Last(), got)
				}
				if err := b.world.Once(effects...); err != nil {
					t.Errorf("edge %d (%s): %v", at, d.Last(), err)
				}
				b.told(at, d)
			}
		})
	}
}

// told asserts that the end was told once: state and event were one transaction.
func (b *bench) told(at int, d *Death) {
	b.t.Helper()
	events, err := b.store.UnroutedEvents(context.Background(), 1000)
	check(b.t, err)
	count := map[string]int{}
	for _, e := range events {
		count[e.Name]++
	}
	if count["operation.started"] != 1 || count["operation.stage"] != 3 || count["cluster.create.succeeded"] != 1 {
		b.t.Errorf("edge %d (%s): events %v", at, d.Last(), count)
	}
}

// TestEveryEdgeOfUndo fails the last stage, asks for an undo and kills the process
// at every edge of it: nothing is left behind.
func TestEveryEdgeOfUndo(t *testing.T) {
	broken := func(*lifecycle.State) error { return lifecycle.Fail(lifecycle.T("error.internal"), nil) }
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			whole := newBench(t, e)
			whole.failThenUndo(broken)
			edges := whole.live(0, whole.procedure(broken)).Edges()
			for at := 1; at <= edges; at++ {
				b := newBench(t, e)
				b.failThenUndo(broken)
				d := b.live(at, b.procedure(broken))
				b.store = b.reopen()
				b.live(0, b.procedure(broken))
				if got := b.status(); got != lifecycle.OpUndone {
					t.Errorf("edge %d (%s): the operation is %s", at, d.Last(), got)
				}
				if left := b.world.Left(); len(left) > 0 {
					t.Errorf("edge %d (%s): left behind: %v", at, d.Last(), left)
				}
			}
		})
	}
}

func (b *bench) failThenUndo(broken func(*lifecycle.State) error) {
	b.t.Helper()
	b.live(0, b.procedure(broken))
	if got := b.status(); got != lifecycle.OpFailed {
		b.t.Fatalf("the operation is %s, want failed", got)
	}
	_, err := b.store.SignalOperation(context.Background(), b.op.ID, lifecycle.Signals{Stop: true, Undo: true})
	check(b.t, err)
}
