package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

// BenchmarkOperations is the engine's traffic: a claim, a step with its event,
// and the end. PostgreSQL's server runs without fsync here, SQLite with.
func BenchmarkOperations(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			s := openStore(b, engines(b)[engine])
			ctx := b.Context()
			queueOperations(b, s, b.N)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := workOne(ctx, s); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

// queueOperations queues n operations, each on a cluster of its own.
func queueOperations(b *testing.B, s *store.Store, n int) {
	b.Helper()
	err := s.WithTx(b.Context(), func(ctx context.Context) error {
		if err := s.SaveProject(ctx, &lifecycle.Project{ID: "p", Name: "p"}); err != nil {
			return err
		}
		for i := range n {
			c := &lifecycle.Cluster{ProjectID: "p", Name: fmt.Sprint("c", i), Status: lifecycle.ClusterPending}
			if err := s.CreateCluster(ctx, c, nil); err != nil {
				return err
			}
			if err := s.CreateOperation(ctx, &lifecycle.Operation{Kind: lifecycle.OpCreate, ClusterID: c.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func workOne(ctx context.Context, s *store.Store) error {
	op, err := s.Claim(ctx, "w", time.Minute)
	if err != nil || op == nil {
		return err
	}
	f := lifecycle.Fence{OperationID: op.ID, Token: op.Fence}
	step := lifecycle.Step{Seq: 1, Phase: "p", Node: "n", Status: lifecycle.StepDone}
	err = s.Checkpoint(ctx, f, lifecycle.Checkpoint{Steps: []lifecycle.Step{step}, Events: []lifecycle.Event{{Name: "operation.stage"}}})
	if err != nil {
		return err
	}
	op.Status = lifecycle.OpSucceeded
	return s.Checkpoint(ctx, f, lifecycle.Checkpoint{Operation: op})
}

// BenchmarkAccept is how many messages a second are accepted durably by many
// receivers at once.
func BenchmarkAccept(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		b.Run(engine, func(b *testing.B) {
			s := openStore(b, engines(b)[engine])
			var n atomic.Int64
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					in := bot.Inbound{ID: fmt.Sprint("m", n.Add(1)), From: bot.Address{Account: "a", Room: "r"}, Text: "cluster list"}
					if fresh, err := s.Accept(b.Context(), in, "me", time.Minute); err != nil || !fresh {
						b.Errorf("accept: %v %v", fresh, err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "accepts/s")
		})
	}
}
