package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"sync"
)

// PlanStep is one sentence of a plan.
type PlanStep struct {
	Phase string   `json:"phase"`
	Node  string   `json:"node,omitempty"`
	Need  NeedKind `json:"need"`
	Until string   `json:"until,omitempty"`
	Text  Text     `json:"text"`
}

// Plan is what an operation would do, made of the same Check and Describe that
// the engine will use.
type Plan struct {
	Kind     OperationKind `json:"kind"`
	Version  int           `json:"version"`
	Steps    []PlanStep    `json:"steps"`
	Problems []*Error      `json:"problems,omitempty"` // everything that blocks it, not only the first
	Hash     string        `json:"hash"`
}

// MakePlan walks the procedure over the cluster as it would be and asks every
// phase what is needed, the nodes of a stage at the same time. Problems are
// collected, not returned: the error is only for what prevented the planning.
func MakePlan(ctx context.Context, p Procedure, op *Operation, c *Cluster, nodes []*Node) (Plan, error) {
	plan := Plan{Kind: p.Kind, Version: p.Version}
	for _, stage := range p.stagesFor(c) {
		steps, found := planStage(ctx, stage, op, c, nodes)
		if err := ctx.Err(); err != nil {
			return plan, err
		}
		plan.Steps = append(plan.Steps, steps...)
		plan.Problems = append(plan.Problems, found...)
	}
	plan.Hash = PlanHash(p, c, nodes)
	return plan, nil
}

func planStage(ctx context.Context, stage Stage, op *Operation, c *Cluster, nodes []*Node) ([]PlanStep, []*Error) {
	over := targets(stage, nodes)
	steps, found := make([]PlanStep, len(over)), make([][]*Error, len(over))
	atOnce(stage.atOnce(), len(over), func(i int) {
		s := NewState(op, c, nodes, over[i], stage.Phase.Name(), 0, nil)
		need, err := checkBounded(ctx, stage.Phase, s)
		if err != nil {
			found[i] = problems(err, stage.Phase.Name(), over[i])
			need = Need{Kind: Unknown, Until: stage.Phase.Name()}
		}
		steps[i] = PlanStep{Phase: stage.Phase.Name(), Node: nodeName(over[i]),
			Need: need.Kind, Until: need.Until, Text: describe(stage.Phase, s)}
	})
	return steps, slices.Concat(found...)
}

// PlanHash is what a confirmation is bound to: kind, version, spec and the
// ordered steps; never timings, ages or what the hosts look like just now.
func PlanHash(p Procedure, c *Cluster, nodes []*Node) string {
	type step struct{ Phase, Node string }
	v := struct {
		Kind    OperationKind
		Version int
		Spec    ClusterSpec
		Steps   []step
	}{Kind: p.Kind, Version: p.Version, Spec: c.Spec}
	for _, stage := range p.stagesFor(c) {
		for _, n := range targets(stage, nodes) {
			v.Steps = append(v.Steps, step{stage.Phase.Name(), nodeName(n)})
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic("plan: " + err.Error()) // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func describe(p Phase, s *State) Text {
	if d, ok := p.(Describer); ok {
		return d.Describe(s)
	}
	return T("phase."+p.Name(), "node", nodeName(s.Node))
}

// problems flattens a joined error into one *Error per problem, each with where
// it was found.
func problems(err error, phase string, node *Node) []*Error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		var out []*Error
		for _, e := range joined.Unwrap() {
			out = append(out, problems(e, phase, node)...)
		}
		return out
	}
	e := *AsError(err)
	e.Phase = phase
	if e.Node == "" {
		e.Node = nodeName(node)
	}
	return []*Error{&e}
}

func nodeName(n *Node) string {
	if n == nil {
		return ""
	}
	return n.Name
}

// targets are the nodes a stage runs on; one nil node when it is for the cluster.
func targets(stage Stage, nodes []*Node) []*Node {
	if stage.Over == nil {
		return []*Node{nil}
	}
	return stage.Over(nodes)
}

// stagesFor leaves out the stages that do not concern the cluster.
func (p Procedure) stagesFor(c *Cluster) []Stage {
	var out []Stage
	for _, stage := range p.Stages {
		if stage.When == nil || stage.When(c) {
			out = append(out, stage)
		}
	}
	return out
}

func (s Stage) atOnce() int {
	if s.AtOnce > 0 {
		return s.AtOnce
	}
	return DefaultAtOnce
}

// atOnce calls do for 0…n-1, at most limit at the same time, and waits for all.
func atOnce(limit, n int, do func(i int)) {
	if limit == 1 || n == 1 {
		for i := range n {
			do(i)
		}
		return
	}
	slots := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}

// StageOutline is a stage as a card shows it.
type StageOutline struct {
	Phase   string
	Targets int // how many steps it has on this cluster
}

// For outlines the procedure as it is for one cluster.
func (p Procedure) For(c *Cluster, nodes []*Node) []StageOutline {
	var out []StageOutline
	for _, stage := range p.stagesFor(c) {
		if n := len(targets(stage, nodes)); n > 0 {
			out = append(out, StageOutline{Phase: stage.Phase.Name(), Targets: n})
		}
	}
	return out
}
