package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coxswain-ops/coxswain/store"
)

// housekeepEvery is how often what has expired is forgotten.
const housekeepEvery = time.Hour

// housekeep forgets expired dialogues and link codes until ctx ends.
func housekeep(ctx context.Context, st *store.Store, log *slog.Logger) error {
	tick := time.NewTicker(housekeepEvery)
	defer tick.Stop()
	for {
		if err := st.PurgeExpired(ctx, time.Now()); err != nil && ctx.Err() == nil {
			log.Warn("forgetting what has expired", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
