package phases

import (
	"context"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

type joinConfig struct {
	nodeConfig
	Endpoint, CAHash string
	ControlPlane     bool
}

// join makes a machine a member: control planes one at a time with etcd healthy
// before each, workers at the same time.
type join struct {
	*kit
	name string
}

// Name implements lifecycle.Phase.
func (p *join) Name() string { return p.name }

// Check implements lifecycle.Phase.
func (p *join) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	return p.decide(ctx, s, func(f lifecycle.HostFacts) bool {
		return f.Values["file./var/lib/coxswain/done/join"] != "" && f.Values["file./etc/kubernetes/kubelet.conf"] != "" &&
			f.Values["unit.kubelet"] == "active"
	})
}

// Do implements lifecycle.Phase.
func (p *join) Do(ctx context.Context, s *lifecycle.State) error {
	plane := s.Node.Role == lifecycle.ControlPlane
	secrets, err := p.freshJoinSecrets(ctx, s)
	if err != nil {
		return err
	}
	hash, err := p.ready(ctx, s, secrets)
	if err != nil {
		return err
	}
	d := kubeadmScript{changing: change(s, "kubernetes"), Audit: plane && s.Cluster.Spec.AuditLog, EtcdDir: etcdDir(s),
		Config: render("kubeadm-join.yaml.tmpl", joinConfig{nodeOf(s), endpoint(s), hash, plane})}
	err = p.act(ctx, s, s.Node, job{label: "kubeadm join", script: render("join.sh.tmpl", d), env: secrets.env()})
	return explain(err, lifecycle.Retryable, "join.failed")
}

// Undo implements lifecycle.Undoer.
func (p *join) Undo(ctx context.Context, s *lifecycle.State) error {
	return p.takeBack(ctx, s, resetPiece(s))
}

type readyScript struct{ Members []string }

// ready waits until the cluster takes the token and, for a control plane, until
// every member of etcd that is there is healthy: one more makes a cluster of
// two, which stands only as long as both do. It gives the pin of the cluster's
// authority.
func (p *join) ready(ctx context.Context, s *lifecycle.State, j joinSecrets) (string, error) {
	first := lifecycle.ControlPlaneNodes(s.Nodes)[0]
	h, err := p.enter(ctx, s, first)
	if err != nil {
		return "", err
	}
	defer h.Close()
	res, err := h.Run(ctx, render("join-ready.sh.tmpl", readyOf(s)), remote.Options{Label: "join readiness", Env: j.env()})
	if err != nil {
		return "", explain(nodeError(err, first), lifecycle.Retryable, "join.unready")
	}
	pin, err := hashOf(res.Stdout)
	if err != nil {
		return "", onNode(first, lifecycle.Fail(lifecycle.T("join.authority", "node", first.Name), err))
	}
	return pin, nil
}

func readyOf(s *lifecycle.State) readyScript {
	var d readyScript
	if s.Node.Role != lifecycle.ControlPlane {
		return d
	}
	for _, n := range lifecycle.ControlPlaneNodes(s.Nodes) {
		if n.Index < s.Node.Index {
			d.Members = append(d.Members, n.Address)
		}
	}
	return d
}
