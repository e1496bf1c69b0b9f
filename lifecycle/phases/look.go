package phases

import (
	"context"
	"sync"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// factsCache keeps the facts that one planning gathers, so that a plan of twenty
// stages asks every machine once.
type factsCache struct {
	mu    sync.Mutex
	asked map[string]*askedFacts
}

type askedFacts struct {
	done  chan struct{}
	facts lifecycle.HostFacts
	err   error
}

type cacheKey struct{}

// KeepFacts gives a context in which every machine is asked for its facts only
// once. It is for the making of a plan; an operation must always look again.
func KeepFacts(ctx context.Context) context.Context {
	return context.WithValue(ctx, cacheKey{}, &factsCache{asked: map[string]*askedFacts{}})
}

// facts asks node n.
func (k *kit) facts(ctx context.Context, s *lifecycle.State, n *lifecycle.Node) (lifecycle.HostFacts, error) {
	cache, ok := ctx.Value(cacheKey{}).(*factsCache)
	if !ok {
		return k.ask(ctx, s, n)
	}
	cache.mu.Lock()
	a, ok := cache.asked[n.Name]
	if !ok {
		a = &askedFacts{done: make(chan struct{})}
		cache.asked[n.Name] = a
	}
	cache.mu.Unlock()
	if !ok {
		a.facts, a.err = k.ask(ctx, s, n)
		close(a.done)
	}
	select {
	case <-a.done:
		return a.facts, a.err
	case <-ctx.Done():
		return lifecycle.HostFacts{}, ctx.Err()
	}
}

func (k *kit) ask(ctx context.Context, s *lifecycle.State, n *lifecycle.Node) (lifecycle.HostFacts, error) {
	h, err := k.enter(ctx, s, n)
	if err != nil {
		return lifecycle.HostFacts{}, err
	}
	defer h.Close()
	f, err := GatherFacts(ctx, h, s.Cluster.Spec.Endpoint.Port)
	return f, nodeError(err, n)
}

// decide makes a Need of a pure decision on the facts of the step's node. While
// a plan is made, a machine that does not exist yet or does not answer is
// unknown: preflight is the one to tell that.
func (k *kit) decide(ctx context.Context, s *lifecycle.State, done func(lifecycle.HostFacts) bool) (lifecycle.Need, error) {
	if s.Planning && s.Node.HostID == "" && s.Node.MachineID == "" {
		return lifecycle.Need{Kind: lifecycle.Unknown, Until: phaseMachines}, nil
	}
	f, err := k.facts(ctx, s, s.Node)
	switch {
	case err != nil && s.Planning:
		return lifecycle.Need{Kind: lifecycle.Unknown, Until: phasePreflight}, nil
	case err != nil:
		return lifecycle.Need{}, err
	case f.Owner == s.Cluster.ID && done(f):
		return lifecycle.Need{Kind: lifecycle.Satisfied}, nil
	}
	return lifecycle.Need{Kind: lifecycle.Needed}, nil
}

// on runs f for every node at the same time and gives what each found.
func on[T any](nodes []*lifecycle.Node, f func(*lifecycle.Node) T) []T {
	out := make([]T, len(nodes))
	var wg sync.WaitGroup
	for i, n := range nodes {
		wg.Go(func() { out[i] = f(n) })
	}
	wg.Wait()
	return out
}
