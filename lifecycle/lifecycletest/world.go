package lifecycletest

import (
	"context"
	"fmt"
	"sync"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// World is what an operation changes: facts that outlive the process, with a
// count of every change.
type World struct {
	mu    sync.Mutex
	facts map[string]bool
	made  map[string]int
	taken map[string]int
	death *Death
}

// NewWorld makes an empty world.
func NewWorld() *World {
	return &World{facts: map[string]bool{}, made: map[string]int{}, taken: map[string]int{}}
}

// Enter makes d the process that changes the world now.
func (w *World) Enter(d *Death) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.death = d
}

// Has looks at a fact.
func (w *World) Has(fact string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.facts[fact]
}

// Act makes a fact, with an edge before and after the change.
func (w *World) Act(fact string) error { return w.change(fact, true, w.made) }

// Undo takes a fact back, with an edge before and after the change.
func (w *World) Undo(fact string) error { return w.change(fact, false, w.taken) }

func (w *World) change(fact string, to bool, count map[string]int) error {
	w.mu.Lock()
	d := w.death
	w.mu.Unlock()
	if err := d.Edge("before effect " + fact); err != nil {
		return err
	}
	w.mu.Lock()
	if w.facts[fact] != to {
		w.facts[fact] = to
	}
	count[fact]++
	w.mu.Unlock()
	return d.Edge("after effect " + fact)
}

// Once reports every effect that did not happen exactly once.
func (w *World) Once(facts ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range facts {
		if w.made[f] != 1 {
			return fmt.Errorf("effect %s happened %d times", f, w.made[f])
		}
	}
	return nil
}

// Left gives the facts that hold.
func (w *World) Left() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for f, holds := range w.facts {
		if holds {
			out = append(out, f)
		}
	}
	return out
}

// Step is a phase that makes one fact per target.
type Step struct {
	World *World
	Phase string
	// Fails, if set, may fail a Do before it acts.
	Fails func(s *lifecycle.State) error
}

// Name implements lifecycle.Phase.
func (p *Step) Name() string { return p.Phase }

func (p *Step) fact(s *lifecycle.State) string {
	if s.Node == nil {
		return p.Phase
	}
	return p.Phase + "@" + s.Node.Name
}

// Check implements lifecycle.Phase.
func (p *Step) Check(_ context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	if p.World.Has(p.fact(s)) {
		return lifecycle.Need{Kind: lifecycle.Satisfied}, nil
	}
	return lifecycle.Need{Kind: lifecycle.Needed}, nil
}

// Do implements lifecycle.Phase.
func (p *Step) Do(ctx context.Context, s *lifecycle.State) error {
	if p.Fails != nil {
		if err := p.Fails(s); err != nil {
			return err
		}
	}
	s.Log("making " + p.fact(s))
	if err := s.Remember(ctx, "intent/"+p.fact(s), "yes", false); err != nil {
		return err
	}
	return p.World.Act(p.fact(s))
}

// Undo implements lifecycle.Undoer.
func (p *Step) Undo(_ context.Context, s *lifecycle.State) error {
	if !p.World.Has(p.fact(s)) {
		return nil
	}
	return p.World.Undo(p.fact(s))
}
