package storetest

import (
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

func testWaiting(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	same(t, "empty", must[store.Waiting](t)(s.Waiting(ctx)), store.Waiting{Operations: map[store.OperationState]int{},
		Clusters: map[store.ClusterState]int{}, Deliveries: map[string]store.Queue{}})
	for _, c := range seedClusters(t, s, "a", "b", "c", "d") {
		seedOp(t, s, c, lifecycle.OpCreate)
	}
	claim(t, s)
	end(t, s, claim(t, s), lifecycle.OpFailed)
	seedEvent(t, s, "e1")
	seedEvent(t, s, "e2")
	ok(t, s.Route(ctx, "e1", []notifiers.Delivery{{Lane: notifiers.LaneNormal, To: ops}}))
	ok(t, s.Enqueue(ctx, notifiers.Delivery{Lane: notifiers.LaneReply, To: bot.Address{Account: "wecom:hq", Room: "r"}, Message: &bot.Message{}}))
	for _, id := range []string{"1", "2", "3"} {
		must[bool](t)(s.Accept(ctx, bot.Inbound{ID: id, From: ops, At: noon}, "w", time.Minute))
	}
	ok(t, s.DoneInbound(ctx, ops.Account, "2"))
	w := must[store.Waiting](t)(f.Reopen().Waiting(ctx))
	same(t, "operations", w.Operations, map[store.OperationState]int{{Kind: lifecycle.OpCreate, Status: lifecycle.OpQueued}: 2, {Kind: lifecycle.OpCreate, Status: lifecycle.OpRunning}: 1})
	same(t, "clusters", w.Clusters, map[store.ClusterState]int{{Provider: "hosts", Status: lifecycle.ClusterPending}: 4})
	same(t, "events", w.Events, 1)
	for name, got := range map[string][2]int{"inbound": {w.Inbound.Count, 2}, ops.Account: {w.Deliveries[ops.Account].Count, 1}, "wecom:hq": {w.Deliveries["wecom:hq"].Count, 1}} {
		if got[0] != got[1] {
			t.Errorf("%s: %d wait, want %d", name, got[0], got[1])
		}
	}
	for name, oldest := range map[string]time.Duration{"inbound": w.Inbound.Oldest, "deliveries": w.Deliveries[ops.Account].Oldest} {
		if oldest < 0 || oldest > 10*time.Minute {
			t.Errorf("%s: the oldest waits for %s", name, oldest)
		}
	}
}
