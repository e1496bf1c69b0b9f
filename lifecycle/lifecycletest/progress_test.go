package lifecycletest

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// TestALongStageTellsThatItGetsFurther: once for each step that ends seconds after
// rooms were last told, and not for those that follow at once.
func TestALongStageTellsThatItGetsFurther(t *testing.T) {
	b := newBench(t, engines()[0]) // SQLite; the store plays no part in it
	var passed atomic.Int64
	p := b.procedure(nil)
	slow := func(*lifecycle.State) error { passed.Add(int64(6 * time.Second)); return nil }
	p.Stages[0].Phase.(*Step).Fails = slow
	began := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	b.world.Enter(NewDeath(0, cancel))
	wake, off := b.store.Subscribe(store.Operations)
	defer off()
	r := lifecycle.NewRunner(b.store, lifecycle.RunnerConfig{Owner: "a", Alone: true, Lease: 30 * time.Second, Procedures: []lifecycle.Procedure{p},
		Wake: wake, Poll: 10 * time.Millisecond, Now: func() time.Time { return began.Add(time.Duration(passed.Load())) }})
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	b.until(lifecycle.OpSucceeded)
	cancel()
	check(t, <-done)
	events, err := b.store.UnroutedEvents(context.Background(), 100)
	check(t, err)
	count := map[string]int{}
	for _, e := range events {
		count[e.Name]++
	}
	if count["operation.progress"] != 2 || count["operation.stage"] != 3 {
		t.Errorf("told of %v", count)
	}
}
