package pages

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

const (
	// medianRuns is how many earlier operations a median is made of.
	medianRuns = 20
	// medianKept is how long it is good: it moves slowly.
	medianKept = time.Minute
)

// medians knows how long the phases of an operation usually take.
type medians struct {
	s    *commands.Services
	mu   sync.Mutex
	kept map[string]medianSet // by operation; what has expired is dropped
}

type medianSet struct {
	phases  map[string]time.Duration
	runs    int // of the phase that has most
	expires time.Time
}

func newMedians(s *commands.Services) *medians {
	return &medians{s: s, kept: map[string]medianSet{}}
}

// of gives the median of every phase that operations before op have run.
func (m *medians) of(ctx context.Context, op *lifecycle.Operation, provider string) (medianSet, error) {
	now := m.s.Now()
	m.mu.Lock()
	set, ok := m.kept[op.ID]
	m.mu.Unlock()
	if ok && now.Before(set.expires) {
		return set, nil
	}
	times, err := m.s.Store.PhaseTimes(ctx, op.Kind, provider, op.Number, medianRuns)
	if err != nil {
		return medianSet{}, err
	}
	set = medianSet{phases: map[string]time.Duration{}, expires: now.Add(medianKept)}
	for phase, all := range times {
		set.phases[phase] = median(all)
		set.runs = max(set.runs, len(all))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.kept, func(_ string, s medianSet) bool { return !now.Before(s.expires) })
	m.kept[op.ID] = set
	return set, nil
}

// median is the middle of all, the mean of the middle two, 0 of none.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(all))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
