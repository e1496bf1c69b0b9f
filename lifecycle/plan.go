package lifecycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
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
// phase what is needed. Problems are collected, not returned: the error is only
// for what prevented the planning itself.
func MakePlan(ctx context.Context, p Procedure, op *Operation, c *Cluster, nodes []*Node) (Plan, error) {
	plan := Plan{Kind: p.Kind, Version: p.Version}
	for _, stage := range p.Stages {
		if stage.When != nil && !stage.When(c) {
			continue
		}
		for _, node := range targets(stage, nodes) {
			if err := ctx.Err(); err != nil {
				return plan, err
			}
			s := &State{Operation: op, Cluster: c, Nodes: nodes, Node: node, Planning: true,
				Log: func(string) {}, phase: stage.Phase.Name()}
			need, err := stage.Phase.Check(ctx, s)
			if err != nil {
				plan.Problems = append(plan.Problems, problems(err, stage.Phase.Name(), node)...)
				need = Need{Kind: Unknown, Until: stage.Phase.Name()}
			}
			plan.Steps = append(plan.Steps, PlanStep{Phase: stage.Phase.Name(), Node: nodeName(node),
				Need: need.Kind, Until: need.Until, Text: describe(stage.Phase, s)})
		}
	}
	plan.Hash = plan.hash(c.Spec)
	return plan, nil
}

// hash covers kind, spec, ordered steps and versions; never timings or ages.
func (p Plan) hash(spec ClusterSpec) string {
	type step struct{ Phase, Node string }
	v := struct {
		Kind    OperationKind
		Version int
		Spec    ClusterSpec
		Steps   []step
	}{Kind: p.Kind, Version: p.Version, Spec: spec}
	for _, s := range p.Steps {
		v.Steps = append(v.Steps, step{s.Phase, s.Node})
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
