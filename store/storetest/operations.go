package storetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

func testOperations(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c1", "c2")
	op := &lifecycle.Operation{Kind: lifecycle.OpCreate, ProjectID: c[0].ProjectID, ClusterID: c[0].ID, ClusterName: "c1", Actor: "u", ActorName: "amy",
		Origin: json.RawMessage(`{"room":"r"}`), Cause: "m1", Params: json.RawMessage(`{"n":1}`), PlanHash: "h", Version: 3, CreatedAt: noon}
	ok(t, s.CreateOperation(ctx, op))
	second := seedOp(t, s, c[1], lifecycle.OpDelete)
	if op.Number != 1 || second.Number <= op.Number || op.Label() != "op-1" {
		t.Fatalf("numbers %d, %d", op.Number, second.Number)
	}
	wantErr(t, s.CreateOperation(ctx, &lifecycle.Operation{ClusterID: "none"}), lifecycle.ErrNotFound)

	s = f.Reopen()
	op.CreatedAt = stored(noon)
	if op.Status != lifecycle.OpQueued || op.Attempt != 1 {
		t.Fatalf("created as %s, attempt %d", op.Status, op.Attempt)
	}
	same(t, "operation", must[*lifecycle.Operation](t)(s.Operation(ctx, op.ID)), op)
	same(t, "by number", must[*lifecycle.Operation](t)(s.OperationByNumber(ctx, 1)), op)
	_, err := s.OperationByNumber(ctx, 99)
	wantErr(t, err, lifecycle.ErrNotFound)

	claimed := claim(t, s)
	end(t, s, claimed, lifecycle.OpSucceeded)
	for name, tc := range map[string]struct {
		filter commands.OperationFilter
		want   []int64
	}{
		"all":         {commands.OperationFilter{}, []int64{second.Number, 1}},
		"limit":       {commands.OperationFilter{Limit: 1}, []int64{second.Number}},
		"cluster":     {commands.OperationFilter{ClusterID: c[0].ID}, []int64{1}},
		"name":        {commands.OperationFilter{ClusterName: c[1].Name}, []int64{second.Number}},
		"actor":       {commands.OperationFilter{Actor: "nobody"}, nil},
		"in project":  {commands.OperationFilter{ProjectID: c[0].ProjectID, ClusterName: c[0].Name}, []int64{1}},
		"either":      {commands.OperationFilter{ProjectIDs: []string{}, ClusterIDs: []string{c[1].ID}}, []int64{second.Number}},
		"active":      {commands.OperationFilter{Active: true}, []int64{second.Number}},
		"project":     {commands.OperationFilter{ProjectIDs: []string{c[0].ProjectID}}, []int64{second.Number, 1}},
		"no projects": {commands.OperationFilter{ProjectIDs: []string{}}, nil},
	} {
		var got []int64
		for _, o := range must[[]lifecycle.Operation](t)(s.Operations(ctx, tc.filter)) {
			got = append(got, o.Number)
		}
		same(t, name, got, tc.want)
	}
}

func testOperationCause(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c")[0]
	op := lifecycle.Operation{Kind: lifecycle.OpCreate, ClusterID: c.ID, Cause: "m1"}
	first, again := op, op
	ok(t, s.CreateOperation(ctx, &first))
	s = f.Reopen()
	wantErr(t, s.CreateOperation(ctx, &again), lifecycle.ErrExists)
	op.Cause = "" // nobody's message: as many as are wanted
	none, another := op, op
	ok(t, s.CreateOperation(ctx, &none))
	ok(t, s.CreateOperation(ctx, &another))
}

func testCheckpoint(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c")[0]
	hosts := seedHosts(t, s, "h1", "h2")
	ok(t, s.ClaimHosts(ctx, c.ID, []string{hosts[0].ID}))
	seedOp(t, s, c, lifecycle.OpCreate)
	op := claim(t, s)
	c.Status, c.Version, c.Endpoint, c.Spec.Workers = lifecycle.ClusterRunning, "v1.34.4", "192.0.2.1:6443", 7
	op.Stage, op.StartedAt = "init", noon
	op.Error = lifecycle.Block(lifecycle.T("e.one", "port", 6443), lifecycle.T("e.next"))
	op.Errors = []*lifecycle.Error{op.Error, {Class: lifecycle.Retryable, Text: lifecycle.T("e.two"), Node: "n", Command: "c", ExitCode: 3, Output: "o"}}
	step := lifecycle.Step{OperationID: op.ID, Seq: 1, Phase: "init", Node: "n1", Status: lifecycle.StepRunning, Attempt: 1, Acted: true, StartedAt: noon}
	other := lifecycle.Step{OperationID: op.ID, Seq: 2, Phase: "verify", Status: lifecycle.StepPending}
	node := &lifecycle.Node{Name: "n1", Role: lifecycle.ControlPlane, Status: "preparing"}
	ok(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Operation: op, Cluster: c, Nodes: []*lifecycle.Node{node},
		Steps: []lifecycle.Step{step, other}, Values: []lifecycle.Value{{Key: "k", Value: "v"}}, Kubeconfig: "kc",
		Events: []lifecycle.Event{{Name: "e1", Text: lifecycle.T("t")}, {ID: "given", Name: "e2", At: noon}}}))
	step.Status, step.EndedAt, step.Error = lifecycle.StepFailed, noon, lifecycle.Fail(lifecycle.T("s"), nil)
	node.Status = "ready"
	ok(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Steps: []lifecycle.Step{step}, Nodes: []*lifecycle.Node{node}, ReleaseHosts: lifecycle.HostReady,
		DirtyHosts: []string{hosts[0].ID}}))

	s = f.Crash()
	got := must[*lifecycle.Operation](t)(s.Operation(ctx, op.ID))
	if got.Stage != "init" || !got.StartedAt.Equal(stored(noon)) || got.Status != lifecycle.OpRunning || got.LeaseOwner != "worker" {
		t.Fatalf("operation: %+v", got)
	}
	op.Error.Text.Args["port"] = int64(6443)
	same(t, "error", got.Error, op.Error)
	same(t, "errors", got.Errors, op.Errors)
	cluster := must[*lifecycle.Cluster](t)(s.Cluster(ctx, c.ID))
	same(t, "spec", cluster.Spec, c.Spec)
	if cluster.Status != lifecycle.ClusterRunning || cluster.Version != "v1.34.4" || cluster.Endpoint != c.Endpoint {
		t.Fatalf("cluster: %+v", cluster)
	}
	step.StartedAt, step.EndedAt = stored(noon), stored(noon)
	same(t, "steps", must[[]lifecycle.Step](t)(s.Steps(ctx, op.ID)), []lifecycle.Step{step, other})
	node.ClusterID = c.ID
	same(t, "nodes", must[[]*lifecycle.Node](t)(s.Nodes(ctx, c.ID)), []*lifecycle.Node{node})
	same(t, "kubeconfig", must[string](t)(s.Kubeconfig(ctx, c.ID)), "kc")
	released := must[*lifecycle.Host](t)(s.HostByID(ctx, hosts[0].ID))
	if released.Status != lifecycle.HostDirty || released.ClusterID != "" {
		t.Fatalf("released host: %+v", released)
	}
	same(t, "another's host", must[*lifecycle.Host](t)(s.HostByID(ctx, hosts[1].ID)).Status, lifecycle.HostReady)
	events := must[[]lifecycle.Event](t)(s.UnroutedEvents(ctx, 10))
	if len(events) != 2 || events[0].Name != "e1" || events[0].ID == "" || events[0].At.IsZero() || events[1].ID != "given" {
		t.Fatalf("events: %+v", events)
	}
}

func testCheckpointFenced(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c")[0]
	op := seedOp(t, s, c, lifecycle.OpCreate)
	full := func() lifecycle.Checkpoint {
		changed := *c
		changed.Status = lifecycle.ClusterRunning
		return lifecycle.Checkpoint{Operation: op, Cluster: &changed, Kubeconfig: "kc", Values: []lifecycle.Value{{Key: "k", Value: "v"}},
			Nodes: []*lifecycle.Node{{Name: "n"}}, Steps: []lifecycle.Step{{Seq: 1}}, Events: []lifecycle.Event{{Name: "e"}}}
	}
	line := []lifecycle.LogLine{{Line: "l"}}
	wantErr(t, s.Checkpoint(ctx, fenceOf(op), full()), lifecycle.ErrFenced) // never claimed
	first := claim(t, s)
	ok(t, s.TakeOver(ctx))
	second := claim(t, s)
	if second.ID != first.ID || second.Fence <= first.Fence {
		t.Fatalf("fence %d after %d", second.Fence, first.Fence)
	}
	wantErr(t, s.Checkpoint(ctx, fenceOf(first), full()), lifecycle.ErrFenced)
	wantErr(t, s.AppendLog(ctx, fenceOf(first), line), lifecycle.ErrFenced)
	_, err := s.Renew(ctx, fenceOf(first), time.Minute)
	wantErr(t, err, lifecycle.ErrFenced)
	wantErr(t, s.Checkpoint(ctx, lifecycle.Fence{OperationID: "none", Token: 1}, full()), lifecycle.ErrFenced)

	s = f.Reopen()
	same(t, "cluster", must[*lifecycle.Cluster](t)(s.Cluster(ctx, c.ID)).Status, lifecycle.ClusterPending)
	same(t, "nodes", len(must[[]*lifecycle.Node](t)(s.Nodes(ctx, c.ID))), 0)
	same(t, "steps", len(must[[]lifecycle.Step](t)(s.Steps(ctx, op.ID))), 0)
	same(t, "events", len(must[[]lifecycle.Event](t)(s.UnroutedEvents(ctx, 9))), 0)
	same(t, "log", len(must[[]lifecycle.LogLine](t)(s.Log(ctx, op.ID, commands.LogFilter{}))), 0)
	same(t, "value", must[string](t)(s.OperationValue(ctx, op.ID, "k")), "")
	ok(t, s.Checkpoint(ctx, fenceOf(second), full()))
}

func testCheckpointKeepsStop(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	seedOp(t, s, seedClusters(t, s, "c")[0], lifecycle.OpCreate)
	op := claim(t, s)
	must[lifecycle.OperationStatus](t)(s.SignalOperation(ctx, op.ID, lifecycle.Signals{Stop: true}))
	op.Stage = "next"
	ok(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Operation: op})) // says running
	got := must[*lifecycle.Operation](t)(s.Operation(ctx, op.ID))
	if got.Status != lifecycle.OpStopping || got.Stage != "next" {
		t.Fatalf("status %s at %q", got.Status, got.Stage)
	}
	end(t, s, op, lifecycle.OpStopped)
	same(t, "ended", must[*lifecycle.Operation](t)(s.Operation(ctx, op.ID)).Status, lifecycle.OpStopped)
}

// testDeletedStaysDeleted: what waits for a deleted cluster is cancelled, deletes
// too, and nobody who comes late gives it another status.
func testDeletedStaysDeleted(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c")[0]
	seedOp(t, s, c, lifecycle.OpCreate)
	op := claim(t, s)
	end(t, s, op, lifecycle.OpFailed)
	seedOp(t, s, c, lifecycle.OpDelete)
	second, behind := claim(t, s), seedOp(t, s, c, lifecycle.OpDelete)
	gone := *c
	gone.Status, second.Status = lifecycle.ClusterDeleted, lifecycle.OpSucceeded
	ok(t, s.Checkpoint(ctx, fenceOf(second), lifecycle.Checkpoint{Operation: second, Cluster: &gone, CancelQueued: true}))
	s = f.Reopen()
	same(t, "behind", must[*lifecycle.Operation](t)(s.Operation(ctx, behind.ID)).Status, lifecycle.OpCancelled)
	_, err := s.SignalOperation(ctx, op.ID, lifecycle.Signals{Undo: true})
	wantErr(t, err, lifecycle.ErrGone)
	ok(t, s.CreateCluster(ctx, &lifecycle.Cluster{ProjectID: c.ProjectID, Name: c.Name, Status: lifecycle.ClusterPending}, nil)) // its name is free
	late := *c
	late.Status = lifecycle.ClusterFailed
	ok(t, s.Checkpoint(ctx, fenceOf(second), lifecycle.Checkpoint{Cluster: &late}))
	same(t, "cluster", must[*lifecycle.Cluster](t)(s.Cluster(ctx, c.ID)).Status, lifecycle.ClusterDeleted)
}

// testUndoBeforeSuccess: an operation that somebody was told will be undone does
// not succeed.
func testUndoBeforeSuccess(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	seedOp(t, s, seedClusters(t, s, "c")[0], lifecycle.OpCreate)
	op := claim(t, s)
	must[lifecycle.OperationStatus](t)(s.SignalOperation(ctx, op.ID, lifecycle.Signals{Undo: true}))
	done := *op
	done.Status = lifecycle.OpSucceeded
	wantErr(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Operation: &done}), lifecycle.ErrUndoAsked)
	s = f.Reopen()
	got := must[*lifecycle.Operation](t)(s.Operation(ctx, op.ID))
	same(t, "status", got.Status, lifecycle.OpStopping)
	same(t, "signals", got.Signals, lifecycle.Signals{Stop: true, Undo: true})
	end(t, s, op, lifecycle.OpUndone)
	done.Fence = 0
	wantErr(t, s.Checkpoint(ctx, fenceOf(&done), lifecycle.Checkpoint{Operation: &done}), lifecycle.ErrFenced)
}

func testCheckpointCancels(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c", "other")
	seedOp(t, s, c[0], lifecycle.OpCreate)
	behind := seedOp(t, s, c[0], lifecycle.OpCreate)
	del := seedOp(t, s, c[0], lifecycle.OpDelete)
	elsewhere := seedOp(t, s, c[1], lifecycle.OpCreate)
	op := claim(t, s)
	op.Status = lifecycle.OpFailed
	ok(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Operation: op, CancelQueued: true, Events: []lifecycle.Event{{Name: "failed"}}}))
	s = f.Reopen()
	for id, want := range map[string]lifecycle.OperationStatus{behind.ID: lifecycle.OpCancelled, del.ID: lifecycle.OpQueued, elsewhere.ID: lifecycle.OpQueued} {
		same(t, id, must[*lifecycle.Operation](t)(s.Operation(ctx, id)).Status, want)
	}
	events := must[[]lifecycle.Event](t)(s.UnroutedEvents(ctx, 9))
	if len(events) != 2 || events[0].Name != "failed" || events[1].OperationID != behind.ID || events[1].Name != "operation.cancelled" {
		t.Fatalf("events: %+v", events)
	}
}

func testCheckpointAtomic(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c", "other")
	seedOp(t, s, c[0], lifecycle.OpCreate)
	op := claim(t, s)
	ok(t, s.AppendEvents(ctx, lifecycle.Event{ID: "twice", Name: "e"}))
	op.Stage = "late"
	bad := lifecycle.Checkpoint{Operation: op, Steps: []lifecycle.Step{{Seq: 1}}, Events: []lifecycle.Event{{ID: "twice"}}}
	wantErr(t, s.Checkpoint(ctx, fenceOf(op), bad), lifecycle.ErrExists)
	wantErr(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Cluster: c[1]}), lifecycle.ErrConflict)
	s = f.Reopen()
	same(t, "stage", must[*lifecycle.Operation](t)(s.Operation(ctx, op.ID)).Stage, "")
	same(t, "steps", len(must[[]lifecycle.Step](t)(s.Steps(ctx, op.ID))), 0)
}

func testValues(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	seedOp(t, s, seedClusters(t, s, "c")[0], lifecycle.OpCreate)
	op := claim(t, s)
	save := func(v ...lifecycle.Value) {
		t.Helper()
		ok(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Values: v}))
	}
	save(lifecycle.Value{Key: "task", Value: "t1"}, lifecycle.Value{Key: "token", Value: "s3cret", Secret: true})
	s = f.Reopen()
	same(t, "value", must[string](t)(s.OperationValue(ctx, op.ID, "task")), "t1")
	same(t, "secret", must[string](t)(s.OperationSecret(ctx, op.ID, "token")), "s3cret")
	same(t, "secret as value", must[string](t)(s.OperationValue(ctx, op.ID, "token")), "")
	same(t, "value as secret", must[string](t)(s.OperationSecret(ctx, op.ID, "task")), "")
	same(t, "nothing", must[string](t)(s.OperationValue(ctx, op.ID, "none")), "")
	save(lifecycle.Value{Key: "task", Value: "t2"})
	same(t, "replaced", must[string](t)(s.OperationValue(ctx, op.ID, "task")), "t2")
}

func testLog(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	seedOp(t, s, seedClusters(t, s, "c")[0], lifecycle.OpCreate)
	op := claim(t, s)
	remark := lifecycle.T("log.again", "problem", map[string]any{"key": "join.failed", "args": map[string]any{"code": int64(1)}})
	ok(t, s.AppendLog(ctx, fenceOf(op), []lifecycle.LogLine{{Phase: "p1", Node: "n1", At: noon, Line: "Pulling 100%_done"}, {Phase: "p2", Node: "n1", Line: "two", Text: remark}}))
	var many []lifecycle.LogLine
	for range 450 { // more than one statement takes
		many = append(many, lifecycle.LogLine{Phase: "p2", Node: "n2", Line: "more"})
	}
	ok(t, s.AppendLog(ctx, fenceOf(op), many))
	ok(t, s.AppendLog(ctx, fenceOf(op), nil))
	s = f.Reopen()
	all := must[[]lifecycle.LogLine](t)(s.Log(ctx, op.ID, commands.LogFilter{}))
	same(t, "lines", len(all), 452)
	for i, l := range all {
		same(t, "seq", l.Seq, int64(i+1))
	}
	same(t, "first", all[0], lifecycle.LogLine{Seq: 1, Phase: "p1", Node: "n1", At: stored(noon), Line: "Pulling 100%_done"})
	same(t, "remark", all[1].Text, remark)
	for name, c := range map[string]struct {
		filter commands.LogFilter
		first  int64
		count  int
	}{
		"phase":    {commands.LogFilter{Phase: "p1"}, 1, 1},
		"node":     {commands.LogFilter{Node: "n1"}, 1, 2},
		"contains": {commands.LogFilter{Contains: "PULLING 100%_"}, 1, 1},
		"wildcard": {commands.LogFilter{Contains: "p_lling"}, 0, 0},
		"after":    {commands.LogFilter{After: 450}, 451, 2},
		"head":     {commands.LogFilter{Limit: 3}, 1, 3},
		"tail":     {commands.LogFilter{Limit: 3, Tail: true}, 450, 3},
		"none":     {commands.LogFilter{Node: "n9"}, 0, 0},
	} {
		got := must[[]lifecycle.LogLine](t)(s.Log(ctx, op.ID, c.filter))
		same(t, name, len(got), c.count)
		if c.count > 0 {
			same(t, name, got[0].Seq, c.first)
		}
	}
}

func testWholeNumbers(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	ok(t, s.AppendEvents(ctx, lifecycle.Event{Name: "e", Text: lifecycle.T("k", "n", 1000000, "f", 1.5, "list", []int{3}), Data: json.RawMessage(`{"n":1000000}`)}))
	s = f.Reopen()
	e := must[[]lifecycle.Event](t)(s.UnroutedEvents(ctx, 1))[0]
	same(t, "args", e.Text.Args, map[string]any{"n": int64(1000000), "f": 1.5, "list": []any{int64(3)}})
	same(t, "data", string(e.Data), `{"n":1000000}`)
}
