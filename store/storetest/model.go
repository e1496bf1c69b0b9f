package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// modelOp is what the model knows of an operation.
type modelOp struct {
	op      *lifecycle.Operation
	status  lifecycle.OperationStatus
	fence   int64
	claimed bool // the lease is good
	retried bool
	undo    bool // was asked for
}

// claimModel is the queue as the contract tells it, without a database.
type claimModel struct {
	t        *testing.T
	s        *store.Store
	clusters []*lifecycle.Cluster
	ops      []*modelOp      // by number
	gone     map[string]bool // clusters that were never begun with
}

// ready is the operation that the next claim must give, or nil.
func (m *claimModel) ready() *modelOp {
	taken := map[string]bool{} // clusters with something active
	for _, o := range m.ops {
		if o.status.Active() {
			taken[o.op.ClusterID] = true
		}
	}
	for _, o := range m.ops {
		switch {
		case o.status.Active() && !o.claimed:
			return o
		case o.status == lifecycle.OpQueued && !taken[o.op.ClusterID]:
			return o
		}
	}
	return nil
}

func (m *claimModel) with(rt *rapid.T, status func(*modelOp) bool) *modelOp {
	var fit []*modelOp
	for _, o := range m.ops {
		if status(o) {
			fit = append(fit, o)
		}
	}
	if len(fit) == 0 {
		rt.Skip("none")
	}
	return rapid.SampledFrom(fit).Draw(rt, "operation")
}

func (m *claimModel) create(rt *rapid.T) {
	c := rapid.SampledFrom(m.clusters).Draw(rt, "cluster")
	op := seedOp(m.t, m.s, c, lifecycle.OpCreate)
	m.ops = append(m.ops, &modelOp{op: op, status: lifecycle.OpQueued})
}

func (m *claimModel) claim(rt *rapid.T) {
	want := m.ready()
	got, err := m.s.Claim(Context(m.t), "w", time.Hour)
	if err != nil {
		rt.Fatal(err)
	}
	if want == nil || got == nil {
		if got != nil || want != nil {
			rt.Fatalf("claimed %v, want %v", got, want)
		}
		return
	}
	if got.ID != want.op.ID {
		rt.Fatalf("claimed %s, want %s", got.Label(), want.op.Label())
	}
	if want.status == lifecycle.OpQueued {
		want.status = lifecycle.OpRunning
	}
	if got.Status != want.status || got.Fence <= want.fence {
		rt.Fatalf("claimed as %s with fence %d; want %s after %d", got.Status, got.Fence, want.status, want.fence)
	}
	want.claimed, want.fence = true, got.Fence
}

func (m *claimModel) giveBack(rt *rapid.T) {
	o := m.with(rt, func(o *modelOp) bool { return o.claimed })
	if _, err := m.s.Renew(Context(m.t), lifecycle.Fence{OperationID: o.op.ID, Token: o.fence}, 0); err != nil {
		rt.Fatal(err)
	}
	o.claimed = false
}

func (m *claimModel) finish(rt *rapid.T) {
	o := m.with(rt, func(o *modelOp) bool { return o.claimed })
	op := *o.op
	op.Status = rapid.SampledFrom([]lifecycle.OperationStatus{lifecycle.OpSucceeded, lifecycle.OpFailed, lifecycle.OpStopped}).Draw(rt, "end")
	err := m.s.Checkpoint(Context(m.t), lifecycle.Fence{OperationID: op.ID, Token: o.fence}, lifecycle.Checkpoint{Operation: &op})
	if o.undo && op.Status == lifecycle.OpSucceeded {
		if !errors.Is(err, lifecycle.ErrUndoAsked) {
			rt.Fatalf("%s succeeded, but was to be undone: %v", op.Label(), err)
		}
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	o.status, o.claimed = op.Status, false
}

// alone reports whether nothing but o was ever to be done with its cluster.
func (m *claimModel) alone(o *modelOp) bool {
	for _, other := range m.ops {
		if other != o && other.op.ClusterID == o.op.ClusterID && other.status != lifecycle.OpCancelled {
			return false
		}
	}
	return true
}

func (m *claimModel) stop(rt *rapid.T) {
	o := m.with(rt, func(o *modelOp) bool { return !o.status.Ended() })
	got, err := m.s.SignalOperation(Context(m.t), o.op.ID, lifecycle.Signals{Stop: true})
	if err != nil {
		rt.Fatal(err)
	}
	switch o.status {
	case lifecycle.OpQueued:
		o.status = lifecycle.OpCancelled
		if o.retried {
			o.status = lifecycle.OpStopped
		} else if m.alone(o) {
			m.gone[o.op.ClusterID] = true
		}
	case lifecycle.OpRunning:
		o.status = lifecycle.OpStopping
	}
	if got != o.status {
		rt.Fatalf("stopped to %s, want %s", got, o.status)
	}
}

// undo and retry must be refused exactly where the contract says so.
func (m *claimModel) undo(rt *rapid.T) {
	o := m.with(rt, func(o *modelOp) bool { return o.status == lifecycle.OpFailed || o.status == lifecycle.OpStopped })
	free := !m.gone[o.op.ClusterID]
	for _, other := range m.ops {
		free = free && (other.op.ClusterID != o.op.ClusterID || !other.status.Active())
	}
	_, err := m.s.SignalOperation(Context(m.t), o.op.ID, lifecycle.Signals{Undo: true})
	if (err == nil) != free {
		rt.Fatalf("undo of %s with a free cluster %v: %v", o.op.Label(), free, err)
	}
	if free {
		o.status, o.undo = lifecycle.OpUndoing, true
	}
}

func (m *claimModel) retry(rt *rapid.T) {
	o := m.with(rt, func(o *modelOp) bool { return o.status.Ended() })
	may := o.status == lifecycle.OpFailed || o.status == lifecycle.OpStopped
	for _, other := range m.ops {
		may = may && (other.op.ClusterID != o.op.ClusterID || other.op.Number <= o.op.Number || other.status == lifecycle.OpCancelled)
	}
	err := m.s.RetryOperation(Context(m.t), o.op.ID, "", "")
	if (err == nil) != may {
		rt.Fatalf("retry of %s (%s), allowed %v: %v", o.op.Label(), o.status, may, err)
	}
	if may {
		o.status, o.retried, o.undo = lifecycle.OpQueued, true, false
	}
}

func testClaimModel(t *testing.T, f *Fixture) {
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m := &claimModel{t: t, s: f.Store, gone: map[string]bool{}}
		p := seedProject(t, f.Store, fmt.Sprintf("run-%d", run))
		for i := range 3 {
			m.clusters = append(m.clusters, seedCluster(t, f.Store, p.ID, fmt.Sprintf("c%d", i)))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"create": m.create, "claim": m.claim, "give back": m.giveBack, "finish": m.finish,
			"stop": m.stop, "undo": m.undo, "retry": m.retry,
		})
		m.drain(rt)
	})
}

// drain ends everything, so that the next run finds an empty queue.
func (m *claimModel) drain(rt *rapid.T) {
	for _, c := range m.clusters {
		if _, err := m.s.CancelQueued(Context(m.t), c.ID); err != nil {
			rt.Fatal(err)
		}
	}
	if err := m.s.TakeOver(Context(m.t)); err != nil {
		rt.Fatal(err)
	}
	for {
		op, err := m.s.Claim(Context(m.t), "drain", time.Hour)
		if err != nil {
			rt.Fatal(err)
		}
		if op == nil {
			return
		}
		end(m.t, m.s, op, lifecycle.OpFailed)
	}
}
