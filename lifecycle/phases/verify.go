package phases

import (
	"context"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

type verifyScript struct {
	changing
	Nodes    []string
	Rollouts []setting // namespace, object
}

// verify waits until every node is Ready and what a cluster consists of runs,
// and saves how to reach it.
type verify struct{ *kit }

// Name implements lifecycle.Phase.
func (p *verify) Name() string { return phaseVerify }

// Check implements lifecycle.Phase. It is the last word about a cluster, so it is
// always spoken.
func (p *verify) Check(context.Context, *lifecycle.State) (lifecycle.Need, error) {
	return lifecycle.Need{Kind: lifecycle.Needed}, nil
}

// Do implements lifecycle.Phase.
func (p *verify) Do(ctx context.Context, s *lifecycle.State) error {
	secrets, err := recallSecrets(ctx, s)
	if err != nil {
		return err
	}
	err = p.act(ctx, s, s.Node, job{label: "verify", script: render("verify.sh.tmpl", verifyOf(s)), env: secrets.env()})
	if err != nil {
		return explain(err, lifecycle.Permanent, "verify.failed")
	}
	kubeconfig, err := p.read(ctx, s, s.Node, "admin.conf", "cat /etc/kubernetes/admin.conf\n")
	if err != nil {
		return err
	}
	if err := s.SaveKubeconfig(ctx, kubeconfig); err != nil {
		return err
	}
	s.Cluster.Version, s.Cluster.Endpoint = s.Cluster.Spec.Version, endpoint(s)
	return s.SaveCluster(ctx)
}

func verifyOf(s *lifecycle.State) verifyScript {
	d := verifyScript{changing: change(s, "kubernetes"), Rollouts: []setting{{"kube-flannel", "daemonset/kube-flannel-ds"},
		{"kube-system", "daemonset/kube-proxy"}, {"kube-system", "deployment/coredns"}}}
	if s.Cluster.Spec.NodeLocalDNS {
		d.Rollouts = append(d.Rollouts, setting{"kube-system", "daemonset/node-local-dns"})
	}
	for _, n := range append(lifecycle.ControlPlaneNodes(s.Nodes), lifecycle.WorkerNodes(s.Nodes)...) {
		d.Nodes = append(d.Nodes, n.Name)
	}
	return d
}
