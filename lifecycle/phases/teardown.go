package phases

import (
	"context"
	"encoding/json"
	"path"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// piece is one part of cleaning a host: the same script for an undo as for a
// delete.
type piece struct {
	label  string
	script func(Family) string
}

// takeBack runs pieces on the step's node, if it still carries our marker. A
// machine that we have made is not cleaned: it goes as a whole.
func (k *kit) takeBack(ctx context.Context, s *lifecycle.State, pieces ...piece) error {
	if k.madeMachines(s.Cluster) {
		return nil
	}
	f, err := k.facts(ctx, s, s.Node)
	if err != nil || f.Owner != s.Cluster.ID {
		return err
	}
	fam, ok := familyOf(f)
	if !ok {
		return onNode(s.Node, unsupportedSystem(f))
	}
	scripts := make([]string, len(pieces))
	for i, p := range pieces {
		scripts[i] = p.script(fam)
	}
	err = k.act(ctx, s, s.Node, job{label: "undo " + pieces[0].label, script: sequence(scripts...),
		env: map[string]string{"COX_UNIT": s.UnitName()}})
	return explain(err, lifecycle.Retryable, "teardown.failed", "what", pieces[0].label)
}

type resetScript struct {
	changing
	Data   []string // data path of the cluster
	Peers  []string // addresses of the other nodes
	HostGW bool
	IPVS   bool
}

func resetPiece(s *lifecycle.State) piece {
	spec := s.Cluster.Spec
	d := resetScript{changing: change(s, "kubernetes"), HostGW: spec.CNIMode == "host-gw", IPVS: spec.ProxyMode == "ipvs"}
	if spec.DataPath != "" {
		d.Data = []string{path.Clean(spec.DataPath)}
	}
	for _, n := range s.Nodes {
		if n.Name != s.Node.Name && n.Address != "" {
			d.Peers = append(d.Peers, n.Address)
		}
	}
	d.HostGW = d.HostGW && len(d.Peers) > 0
	return piece{"kubernetes", func(Family) string { return render("reset.sh.tmpl", d) }}
}

// forced reports whether the delete may leave out hosts that do not answer.
func forced(op *lifecycle.Operation) bool {
	var p struct {
		Force bool `json:"force"`
	}
	return len(op.Params) > 0 && json.Unmarshal(op.Params, &p) == nil && p.Force
}

// cleanable decides what a delete has to do on a host: nothing when our marker is
// not there, because it goes last.
func (k *kit) cleanable(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	f, err := k.facts(ctx, s, s.Node)
	switch {
	case err != nil && ctx.Err() != nil:
		return lifecycle.Need{}, err
	case err != nil && forced(s.Operation):
		s.Remark(lifecycle.T("log.leftout", "node", s.Node.Name))
		if s.Planning || s.Node.HostID == "" {
			return lifecycle.Need{Kind: lifecycle.Satisfied}, nil
		}
		s.Node.Status = lifecycle.NodeLeft
		return lifecycle.Need{Kind: lifecycle.Satisfied}, s.SaveNode(ctx, s.Node)
	case err != nil:
		e := blocked(s.Node, "delete.unreachable")
		e.Err = err
		return lifecycle.Need{}, e
	case f.Owner != s.Cluster.ID:
		return lifecycle.Need{Kind: lifecycle.Satisfied}, nil
	}
	return lifecycle.Need{Kind: lifecycle.Needed}, nil
}

// reset takes a host out of Kubernetes: pods, networks, rules, data.
type reset struct{ *kit }

// Name implements lifecycle.Phase.
func (p *reset) Name() string { return phaseReset }

// Check implements lifecycle.Phase.
func (p *reset) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	return p.cleanable(ctx, s)
}

// Do implements lifecycle.Phase.
func (p *reset) Do(ctx context.Context, s *lifecycle.State) error {
	return p.takeBack(ctx, s, resetPiece(s))
}

// clean takes away what was installed and puts back what was changed, in the
// reverse order of a create.
type clean struct{ *kit }

// Name implements lifecycle.Phase.
func (p *clean) Name() string { return phaseClean }

// Check implements lifecycle.Phase.
func (p *clean) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	return p.cleanable(ctx, s)
}

// Do implements lifecycle.Phase.
func (p *clean) Do(ctx context.Context, s *lifecycle.State) error {
	return p.takeBack(ctx, s, endpointPiece(s), imagesPiece(s), runtimePiece(s), packagesPiece(s),
		piece{"system", func(fam Family) string { return fam.SystemUndo(change(s, "os")) }})
}

// release takes the marker off a host that is as it was before.
type release struct{ *kit }

// Name implements lifecycle.Phase.
func (p *release) Name() string { return phaseRelease }

// Check implements lifecycle.Phase.
func (p *release) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	return p.cleanable(ctx, s)
}

// Do implements lifecycle.Phase.
func (p *release) Do(ctx context.Context, s *lifecycle.State) error { return p.releaseNode(ctx, s) }

func (k *kit) releaseNode(ctx context.Context, s *lifecycle.State) error {
	if k.madeMachines(s.Cluster) {
		return nil
	}
	script := render("release.sh.tmpl", claimScript{Owner: s.Cluster.ID})
	return explain(k.briefly(ctx, s, "release", script), lifecycle.Retryable, "teardown.failed", "what", "marker")
}
