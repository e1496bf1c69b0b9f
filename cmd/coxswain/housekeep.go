package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coxswain-ops/coxswain/config"
	"github.com/coxswain-ops/coxswain/store"
)

const (
	// housekeepEvery is how often what has expired is forgotten.
	housekeepEvery = time.Hour
	// housekeepLease is for how long one process purges while the others on the
	// same database leave it to it. A purge that takes longer only costs work.
	housekeepLease = 30 * time.Minute
)

// housekeeper forgets what has expired, and what was kept for long enough.
type housekeeper struct {
	store *store.Store
	owner string
	// keep is the retention in force, which a reload changes.
	keep func() config.RetentionConfig
	// count is told what was removed.
	count func(store.Purged)
	log   *slog.Logger
}

// run works every time that tick says so, and once at first, until ctx ends.
func (h housekeeper) run(ctx context.Context, tick <-chan time.Time) error {
	for {
		h.round(ctx, time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
		}
	}
}

// round tells what failed to the log: the next one tries again.
func (h housekeeper) round(ctx context.Context, now time.Time) {
	if err := h.store.PurgeExpired(ctx, now); err != nil && ctx.Err() == nil {
		h.log.Warn("forgetting what has expired", "error", err)
	}
	if err := h.purge(ctx, now); err != nil && ctx.Err() == nil {
		h.log.Warn("removing what was kept for long enough", "error", err)
	}
}

// purge removes what the retention no longer keeps, in one process at a time.
func (h housekeeper) purge(ctx context.Context, now time.Time) error {
	const lease = "housekeeping"
	mine, err := h.store.Hold(ctx, lease, h.owner, housekeepLease)
	if err != nil || !mine {
		return err
	}
	removed, err := h.store.Purge(ctx, retentionOf(h.keep()), now)
	h.count(removed)
	if removed.Any() {
		h.log.Info("removed what was kept for long enough", "events", removed.Events, "deliveries", removed.Deliveries,
			"log_lines", removed.LogLines, "audit", removed.Audit, "transcript", removed.Entries)
	}
	if err != nil {
		return err
	}
	return h.store.Release(ctx, lease, h.owner)
}

func retentionOf(c config.RetentionConfig) store.Retention {
	return store.Retention{Events: c.Events.Duration(), Deliveries: c.Deliveries.Duration(), Logs: c.Logs.Duration(),
		Audit: c.Audit.Duration(), Transcript: c.Transcript.Duration()}
}
