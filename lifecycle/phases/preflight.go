package phases

import (
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// preflight looks at everything that could make the operation fail later, and
// tells all of it at once. As "inspect" it looks at machines that the operation
// itself has made.
type preflight struct {
	*kit
	name string
}

// Name implements lifecycle.Phase.
func (p *preflight) Name() string { return p.name }

// Check implements lifecycle.Phase: its error joins every problem.
func (p *preflight) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	if p.name == phaseInspect && s.Planning {
		return lifecycle.Need{Kind: lifecycle.Unknown, Until: phaseMachines}, nil
	}
	var errs []error
	if p.name == phasePreflight {
		errs = asErrors(specProblems(s.Cluster))
	}
	if p.name == phaseInspect || !p.madeMachines(s.Cluster) {
		errs = append(errs, p.survey(ctx, s)...)
	}
	if err := errors.Join(errs...); err != nil {
		return lifecycle.Need{}, err
	}
	return lifecycle.Need{Kind: lifecycle.Satisfied}, nil
}

// Do implements lifecycle.Phase. There is nothing to do: what Check finds, a
// person mends.
func (p *preflight) Do(ctx context.Context, s *lifecycle.State) error {
	_, err := p.Check(ctx, s)
	return err
}

// found is what the survey of one machine gave.
type found struct {
	surveyed
	problems []error
	ok       bool
}

// survey asks all machines at the same time and gives every problem, in the
// order of the nodes.
func (p *preflight) survey(ctx context.Context, s *lifecycle.State) []error {
	all := on(s.Nodes, func(n *lifecycle.Node) found { return p.one(ctx, s, n) })
	var errs []error
	var nodes []surveyed
	for _, f := range all {
		errs = append(errs, f.problems...)
		if f.ok {
			nodes = append(nodes, f.surveyed)
		}
	}
	errs = append(errs, asErrors(togetherProblems(nodes))...)
	if len(nodes) > 0 && withVIP(s.Cluster) {
		errs = append(errs, p.vipProblem(ctx, s, nodes)...)
	}
	return errs
}

func (p *preflight) one(ctx context.Context, s *lifecycle.State, n *lifecycle.Node) found {
	f, err := p.facts(ctx, s, n)
	if err != nil {
		return found{problems: []error{err}}
	}
	at := surveyed{n, f}
	problems := hostProblems(at, s.Cluster, p.Minimum)
	problems = append(problems, networkProblems(at, s.Cluster.Spec)...)
	errs := asErrors(problems)
	if _, known := familyOf(f); known && f.Owner == "" {
		errs = append(errs, p.software(ctx, s, at)...)
	}
	return found{surveyed: at, problems: errs, ok: true}
}

// software looks whether what must be installed can be had.
func (p *preflight) software(ctx context.Context, s *lifecycle.State, n surveyed) []error {
	switch s.Cluster.Spec.Packages.Source {
	case "bundle":
		return p.inBundle(ctx, s, n)
	case "mirror": // is first asked by the hosts when they install
		return nil
	}
	h, err := p.enter(ctx, s, n.Node)
	if err != nil {
		return []error{err}
	}
	defer h.Close()
	offered, err := offeredVersions(ctx, h, n.facts)
	if err != nil {
		return []error{nodeError(err, n.Node)}
	}
	return asErrors(packageProblems(n, s.Cluster.Spec, offered))
}

func (p *preflight) inBundle(ctx context.Context, s *lifecycle.State, n surveyed) []error {
	b, err := p.bundleOf(ctx, s.Cluster)
	if err != nil {
		return []error{err}
	}
	if err := b.Supports(s.Cluster.Spec.Version, n.facts.Arch, b.OSFor(n.facts)); err != nil {
		return []error{nodeError(err, n.Node)}
	}
	return nil
}

// vipProblem looks whether somebody has the address already. It is asked from
// one control plane, and not when a machine of this cluster may have it.
func (p *preflight) vipProblem(ctx context.Context, s *lifecycle.State, nodes []surveyed) []error {
	for _, n := range nodes {
		if n.facts.Owner == s.Cluster.ID {
			return nil
		}
	}
	n := nodes[0].Node
	h, err := p.enter(ctx, s, n)
	if err != nil {
		return []error{err}
	}
	defer h.Close()
	script := "export PATH=/usr/sbin:/usr/bin:/sbin:/bin\nif ping -c 1 -W 1 " + quote(s.Cluster.Spec.Endpoint.Address) +
		" >/dev/null 2>&1; then echo taken; fi\n"
	res, err := h.Run(ctx, script, remote.Options{Label: "ping", Timeout: 10 * time.Second})
	if err != nil {
		return []error{nodeError(err, n)}
	}
	if res.Stdout != "" {
		return []error{blocked(nil, "preflight.vip.taken", "address", s.Cluster.Spec.Endpoint.Address)}
	}
	return nil
}

func asErrors(problems []*lifecycle.Error) []error {
	out := make([]error, len(problems))
	for i, p := range problems {
		out[i] = p
	}
	return out
}
