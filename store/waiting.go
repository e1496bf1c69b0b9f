package store

import (
	"context"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Queue is what waits somewhere.
type Queue struct {
	Count  int
	Oldest time.Duration // age of the oldest, 0 without any
}

// OperationState is where operations stand.
type OperationState struct {
	Kind   lifecycle.OperationKind
	Status lifecycle.OperationStatus
}

// ClusterState is where clusters stand.
type ClusterState struct {
	Provider string
	Status   lifecycle.ClusterStatus
}

// Waiting is what is not over, for measurements.
type Waiting struct {
	Operations map[OperationState]int // those that are not over
	Clusters   map[ClusterState]int   // those that are not deleted
	Inbound    Queue
	Events     int              // not routed
	Deliveries map[string]Queue // pending, by account
}

// Waiting counts what is not over. Its questions are answered from the indexes of
// such rows: it costs as much as there is waiting.
func (s *Store) Waiting(ctx context.Context) (Waiting, error) {
	w := Waiting{Operations: map[OperationState]int{}, Clusters: map[ClusterState]int{}, Deliveries: map[string]Queue{}}
	c := s.read(ctx)
	type pair struct {
		a, b   string
		n      int
		oldest time.Time
	}
	groups := func(query string, add func(pair)) error {
		rows, err := list(ctx, c, func(p *pair) []any { return []any{&p.a, &p.b, &p.n, at(&p.oldest)} }, query)
		for _, p := range rows {
			add(p)
		}
		return err
	}
	now := s.now()
	queue := func(p pair) Queue {
		if p.n == 0 {
			return Queue{}
		}
		return Queue{Count: p.n, Oldest: max(0, now.Sub(p.oldest))}
	}
	for _, q := range []struct {
		query string
		add   func(pair)
	}{
		{`SELECT kind, status, COUNT(*), 0 FROM operations WHERE status IN ` + openStatuses + ` GROUP BY kind, status`,
			func(p pair) {
				w.Operations[OperationState{lifecycle.OperationKind(p.a), lifecycle.OperationStatus(p.b)}] = p.n
			}},
		{`SELECT provider, status, COUNT(*), 0 FROM clusters WHERE status <> 'deleted' GROUP BY provider, status`,
			func(p pair) { w.Clusters[ClusterState{p.a, lifecycle.ClusterStatus(p.b)}] = p.n }},
		{`SELECT '', '', COUNT(*), COALESCE(MIN(accepted_at), 0) FROM inbound WHERE done = 0`, func(p pair) { w.Inbound = queue(p) }},
		{`SELECT '', '', COUNT(*), 0 FROM events WHERE routed = 0`, func(p pair) { w.Events = p.n }},
		{`SELECT account, '', COUNT(*), MIN(created_at) FROM deliveries WHERE status = 'pending' GROUP BY account`,
			func(p pair) { w.Deliveries[p.a] = queue(p) }},
	} {
		if err := groups(q.query, q.add); err != nil {
			return w, err
		}
	}
	return w, nil
}
