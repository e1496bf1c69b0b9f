package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// none checks that there is nothing to claim.
func none(t testing.TB, f *Fixture) {
	t.Helper()
	if op := must[*lifecycle.Operation](t)(f.Store.Claim(Context(t), "idle", time.Minute)); op != nil {
		t.Fatalf("%s of cluster %s (%s) could be claimed", op.Label(), op.ClusterName, op.Status)
	}
}

func testClaimOrder(t *testing.T, f *Fixture) {
	s := f.Store
	none(t, f)
	c := seedClusters(t, s, "c1", "c2")
	a1 := seedOp(t, s, c[0], lifecycle.OpCreate)
	a2 := seedOp(t, s, c[0], lifecycle.OpDelete)
	b1 := seedOp(t, s, c[1], lifecycle.OpCreate)

	got := claim(t, s)
	if got.ID != a1.ID || got.Status != lifecycle.OpRunning || got.Fence != 1 || got.LeaseOwner != "worker" ||
		got.StartedAt.IsZero() || !got.LeaseUntil.After(got.StartedAt) {
		t.Fatalf("first claim: %+v", got)
	}
	same(t, "second", claim(t, s).ID, b1.ID) // a2 waits for a1
	none(t, f)
	end(t, s, got, lifecycle.OpFailed)
	same(t, "third", claim(t, s).ID, a2.ID)
	none(t, f)
}

func testClaimRace(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	const clusters, perCluster, workers = 20, 2, 20
	p := seedProject(t, s, "p")
	for i := range clusters {
		c := seedCluster(t, s, p.ID, fmt.Sprintf("c%d", i))
		for range perCluster {
			seedOp(t, s, c, lifecycle.OpCreate)
		}
	}
	var mu sync.Mutex
	claimed := map[string]int{}
	busy := map[string]string{}
	peer := f.Peer(time.Now) // half of the workers are another process
	work := func(s *store.Store, owner string) error {
		for {
			op, err := s.Claim(ctx, owner, time.Minute)
			if err != nil || op == nil {
				return err
			}
			mu.Lock()
			claimed[op.ID]++
			if b := busy[op.ClusterID]; b != "" {
				t.Errorf("%s and %s work on cluster %s", b, op.Label(), op.ClusterName)
			}
			busy[op.ClusterID] = op.Label()
			mu.Unlock()
			mu.Lock()
			delete(busy, op.ClusterID)
			mu.Unlock()
			op.Status = lifecycle.OpSucceeded
			if err := s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Operation: op}); err != nil {
				return err
			}
		}
	}
	atOnce(workers, func(i int) {
		if err := work([]*store.Store{s, peer}[i%2], fmt.Sprintf("w%d", i)); err != nil {
			t.Errorf("worker %d: %v", i, err)
		}
	})
	if err := work(s, "last"); err != nil { // what was behind when the others looked
		t.Fatal(err)
	}
	if len(claimed) != clusters*perCluster {
		t.Fatalf("%d of %d operations were claimed", len(claimed), clusters*perCluster)
	}
	for id, n := range claimed {
		if n != 1 {
			t.Errorf("operation %s was claimed %d times", id, n)
		}
	}
}

func testClaimLapsed(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	seedOp(t, s, seedClusters(t, s, "c")[0], lifecycle.OpCreate)
	first := must[*lifecycle.Operation](t)(s.Claim(ctx, "dead", -time.Second))
	must[lifecycle.OperationStatus](t)(s.SignalOperation(ctx, first.ID, lifecycle.Signals{Stop: true}))
	f.Store = f.Crash()
	s = f.Store
	second := claim(t, s)
	if second.ID != first.ID || second.Status != lifecycle.OpStopping || second.Fence != first.Fence+1 || !second.StartedAt.Equal(first.StartedAt) {
		t.Fatalf("after the lapse: %+v", second)
	}
	none(t, f)
	ok(t, s.TakeOver(ctx))
	third := claim(t, s)
	must[lifecycle.Signals](t)(s.Renew(ctx, fenceOf(third), 0)) // given back
	same(t, "given back", claim(t, s).ID, first.ID)
}

func testOneActive(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c")[0]
	var ended []*lifecycle.Operation
	for range 8 {
		seedOp(t, s, c, lifecycle.OpCreate)
		op := claim(t, s)
		end(t, s, op, lifecycle.OpFailed)
		ended = append(ended, op)
	}
	won := make([]bool, len(ended))
	atOnce(len(ended), func(i int) {
		_, err := s.SignalOperation(ctx, ended[i].ID, lifecycle.Signals{Undo: true})
		if err != nil && !errors.Is(err, lifecycle.ErrConflict) {
			t.Errorf("undo: %v", err)
		}
		won[i] = err == nil
	})
	n := 0
	for _, w := range won {
		if w {
			n++
		}
	}
	same(t, "active operations", n, 1)
}

func testRenew(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	op := seedOp(t, s, seedClusters(t, s, "c")[0], lifecycle.OpCreate)
	_, err := s.Renew(ctx, fenceOf(op), time.Minute)
	wantErr(t, err, lifecycle.ErrFenced) // nobody has claimed it
	got := must[*lifecycle.Operation](t)(s.Claim(ctx, "w", -time.Second))
	same(t, "signals", must[lifecycle.Signals](t)(s.Renew(ctx, fenceOf(got), time.Minute)), lifecycle.Signals{})
	none(t, f) // the lease was extended in time
	must[lifecycle.OperationStatus](t)(s.SignalOperation(ctx, op.ID, lifecycle.Signals{Stop: true}))
	must[lifecycle.OperationStatus](t)(s.SignalOperation(ctx, op.ID, lifecycle.Signals{Undo: true, Now: true}))
	s = f.Reopen()
	same(t, "signals", must[lifecycle.Signals](t)(s.Renew(ctx, fenceOf(got), time.Minute)), lifecycle.Signals{Stop: true, Undo: true, Now: true})
	end(t, s, got, lifecycle.OpStopped)
	must[lifecycle.Signals](t)(s.Renew(ctx, fenceOf(got), time.Minute)) // a late heartbeat is no harm
	same(t, "status", must[*lifecycle.Operation](t)(s.Operation(ctx, op.ID)).Status, lifecycle.OpStopped)
}

func testSignals(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c")[0]
	running, queued := seedOp(t, s, c, lifecycle.OpCreate), seedOp(t, s, c, lifecycle.OpDelete)
	claim(t, s)
	signal := func(id string, sig lifecycle.Signals) lifecycle.OperationStatus {
		t.Helper()
		return must[lifecycle.OperationStatus](t)(s.SignalOperation(ctx, id, sig))
	}
	same(t, "queued", signal(queued.ID, lifecycle.Signals{Stop: true}), lifecycle.OpCancelled)
	same(t, "running", signal(running.ID, lifecycle.Signals{Stop: true}), lifecycle.OpStopping)
	same(t, "again", signal(running.ID, lifecycle.Signals{Now: true}), lifecycle.OpStopping)
	s = f.Reopen()
	got := must[*lifecycle.Operation](t)(s.Operation(ctx, queued.ID))
	if got.Status != lifecycle.OpCancelled || got.EndedAt.IsZero() {
		t.Fatalf("cancelled: %+v", got)
	}
	for _, sig := range []lifecycle.Signals{{Stop: true}, {Stop: true, Undo: true}} {
		status, err := s.SignalOperation(ctx, queued.ID, sig)
		wantErr(t, err, lifecycle.ErrConflict)
		same(t, "status told", status, lifecycle.OpCancelled)
	}
	_, err := s.SignalOperation(ctx, "none", lifecycle.Signals{Stop: true})
	wantErr(t, err, lifecycle.ErrNotFound)
}

func testUndoEnded(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c")[0]
	seedOp(t, s, c, lifecycle.OpCreate)
	op := claim(t, s)
	end(t, s, op, lifecycle.OpFailed)
	_, err := s.SignalOperation(ctx, op.ID, lifecycle.Signals{Stop: true})
	wantErr(t, err, lifecycle.ErrConflict)
	seedOp(t, s, c, lifecycle.OpDelete)
	second := claim(t, s)
	_, err = s.SignalOperation(ctx, op.ID, lifecycle.Signals{Undo: true})
	wantErr(t, err, lifecycle.ErrConflict) // the second is at work
	end(t, s, second, lifecycle.OpStopped)
	same(t, "status", must[lifecycle.OperationStatus](t)(s.SignalOperation(ctx, op.ID, lifecycle.Signals{Undo: true})), lifecycle.OpUndoing)

	f.Store = f.Reopen()
	s = f.Store
	wantErr(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Operation: op}), lifecycle.ErrFenced) // whoever had it before
	got := claim(t, s)
	if got.ID != op.ID || got.Status != lifecycle.OpUndoing || got.StartedAt.IsZero() || !got.EndedAt.IsZero() {
		t.Fatalf("claimed %+v", got)
	}
	same(t, "signals", must[lifecycle.Signals](t)(s.Renew(ctx, fenceOf(got), time.Minute)), lifecycle.Signals{Undo: true})
	none(t, f)
	end(t, s, got, lifecycle.OpUndone)
	_, err = s.SignalOperation(ctx, op.ID, lifecycle.Signals{Undo: true})
	wantErr(t, err, lifecycle.ErrConflict)
}

func testRetry(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c")[0]
	seedOp(t, s, c, lifecycle.OpCreate)
	op := claim(t, s)
	wantErr(t, s.RetryOperation(ctx, op.ID, "", ""), lifecycle.ErrConflict)
	must[lifecycle.OperationStatus](t)(s.SignalOperation(ctx, op.ID, lifecycle.Signals{Stop: true}))
	op.Stage, op.Error = "here", lifecycle.Fail(lifecycle.T("x"), nil)
	op.Errors = []*lifecycle.Error{op.Error}
	ok(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Steps: []lifecycle.Step{{Seq: 1, Phase: "p", Status: lifecycle.StepDone}}}))
	end(t, s, op, lifecycle.OpFailed)
	s = f.Reopen()
	ok(t, s.RetryOperation(ctx, op.ID, "", ""))
	wantErr(t, s.RetryOperation(ctx, op.ID, "", ""), lifecycle.ErrConflict)
	wantErr(t, s.RetryOperation(ctx, "none", "", ""), lifecycle.ErrNotFound)
	wantErr(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Operation: op}), lifecycle.ErrFenced)
	again := claim(t, s)
	if again.ID != op.ID || again.Attempt != 2 || again.Error != nil || again.Errors != nil || again.Stage != "" || !again.EndedAt.IsZero() {
		t.Fatalf("retried: %+v", again)
	}
	same(t, "signals", must[lifecycle.Signals](t)(s.Renew(ctx, fenceOf(again), time.Minute)), lifecycle.Signals{})
	same(t, "steps", len(must[[]lifecycle.Step](t)(s.Steps(ctx, op.ID))), 1)
	end(t, s, again, lifecycle.OpStopped)
	seedOp(t, s, c, lifecycle.OpDelete)
	wantErr(t, s.RetryOperation(ctx, op.ID, "", ""), lifecycle.ErrConflict) // not the newest any more
}

// testOutOfTheQueue: what had worked before is stopped as it was, and can be
// retried or undone; a create that never began frees its name and its hosts.
func testOutOfTheQueue(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c", "new")
	signal := func(id string, sig lifecycle.Signals) lifecycle.OperationStatus {
		t.Helper()
		return must[lifecycle.OperationStatus](t)(s.SignalOperation(ctx, id, sig))
	}
	seedOp(t, s, c[0], lifecycle.OpCreate)
	op := claim(t, s)
	end(t, s, op, lifecycle.OpFailed)
	ok(t, s.RetryOperation(ctx, op.ID, "other", "local as other"))
	got := must[*lifecycle.Operation](t)(s.Operation(ctx, op.ID))
	if got.Actor != "other" || got.ActorName != "local as other" {
		t.Fatalf("retried by other: %+v", got)
	}
	same(t, "retried", signal(op.ID, lifecycle.Signals{Stop: true}), lifecycle.OpStopped)
	ok(t, s.RetryOperation(ctx, op.ID, "", ""))
	same(t, "kept", must[*lifecycle.Operation](t)(s.Operation(ctx, op.ID)).Actor, "other")
	for _, o := range must[[]lifecycle.Operation](t)(s.CancelQueued(ctx, c[0].ID)) {
		same(t, "made way", o.Status, lifecycle.OpStopped)
	}
	del := seedOp(t, s, c[0], lifecycle.OpDelete)
	wantErr(t, s.RetryOperation(ctx, op.ID, "", ""), lifecycle.ErrConflict)
	same(t, "delete", signal(del.ID, lifecycle.Signals{Stop: true}), lifecycle.OpCancelled)
	ok(t, s.RetryOperation(ctx, op.ID, "", "")) // a cancelled one does not count
	same(t, "undone", signal(op.ID, lifecycle.Signals{Stop: true, Undo: true}), lifecycle.OpUndoing)
	same(t, "cluster", must[*lifecycle.Cluster](t)(s.Cluster(ctx, c[0].ID)).Status, lifecycle.ClusterPending)

	h := seedHosts(t, s, "h1")[0]
	ok(t, s.ClaimHosts(ctx, c[1].ID, []string{h.ID}))
	first := seedOp(t, s, c[1], lifecycle.OpCreate)
	same(t, "never began", signal(first.ID, lifecycle.Signals{Stop: true}), lifecycle.OpCancelled)
	s = f.Reopen()
	same(t, "its cluster", must[*lifecycle.Cluster](t)(s.Cluster(ctx, c[1].ID)).Status, lifecycle.ClusterDeleted)
	free := must[*lifecycle.Host](t)(s.HostByID(ctx, h.ID))
	if free.Status != lifecycle.HostReady || free.ClusterID != "" {
		t.Fatalf("its host: %+v", free)
	}
}

func testCancelQueued(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c1", "c2")
	running := seedOp(t, s, c[0], lifecycle.OpCreate)
	claim(t, s)
	q1, q2 := seedOp(t, s, c[0], lifecycle.OpCreate), seedOp(t, s, c[0], lifecycle.OpDelete)
	elsewhere := seedOp(t, s, c[1], lifecycle.OpCreate)
	got := must[[]lifecycle.Operation](t)(s.CancelQueued(ctx, c[0].ID))
	if len(got) != 2 || got[0].ID != q1.ID || got[1].ID != q2.ID || got[0].Status != lifecycle.OpCancelled {
		t.Fatalf("cancelled: %+v", got)
	}
	s = f.Reopen()
	same(t, "running", must[*lifecycle.Operation](t)(s.Operation(ctx, running.ID)).Status, lifecycle.OpRunning)
	same(t, "elsewhere", must[*lifecycle.Operation](t)(s.Operation(ctx, elsewhere.ID)).Status, lifecycle.OpQueued)
	same(t, "none left", len(must[[]lifecycle.Operation](t)(s.CancelQueued(ctx, c[0].ID))), 0)
}
