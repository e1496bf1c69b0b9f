package phases

import (
	"context"
	"path"
	"slices"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// placesOfKubernetes are asked for before anything else is changed, so that a
// delete knows which of them were there before.
var placesOfKubernetes = []string{"/etc/kubernetes", "/etc/cni", "/etc/cni/net.d", "/opt/cni", "/opt/cni/bin", "/opt/containerd",
	"/etc/containerd", "/run/containerd", "/run/flannel", "/run/kubernetes", "/var/lib/containerd", "/var/lib/kubelet",
	"/var/lib/etcd", "/var/lib/cni", "/var/log/pods", "/var/log/containers", "/var/log/kubernetes", "/usr/libexec/kubernetes",
	"/run/netns", "/run/xtables.lock", "/var/lib/haproxy", "/run/haproxy", "/run/haproxy.pid", "/run/haproxy-master.sock", "/run/adduser"}

// claim writes the cluster's marker, before anything else is changed on a host.
type claim struct{ *kit }

// Name implements lifecycle.Phase.
func (p *claim) Name() string { return phaseClaim }

// Check implements lifecycle.Phase.
func (p *claim) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	return p.decide(ctx, s, func(lifecycle.HostFacts) bool { return true })
}

type claimScript struct {
	Owner, Name string
	Places      []string
}

func claimOf(c *lifecycle.Cluster) claimScript {
	d := claimScript{c.ID, c.Name, slices.Clone(placesOfKubernetes)}
	if c.Spec.DataPath != "" {
		for _, name := range []string{"containerd", "kubelet", "etcd"} {
			d.Places = append(d.Places, path.Join(c.Spec.DataPath, name))
		}
	}
	return d
}

// Do implements lifecycle.Phase. It is a moment's work, so no unit runs it.
func (p *claim) Do(ctx context.Context, s *lifecycle.State) error {
	script := render("claim.sh.tmpl", claimOf(s.Cluster))
	return explain(p.briefly(ctx, s, "claim", script), lifecycle.Blocked, "claim.failed")
}

// Undo implements lifecycle.Undoer.
func (p *claim) Undo(ctx context.Context, s *lifecycle.State) error { return p.releaseNode(ctx, s) }

// briefly runs a script that changes something in a moment and may be repeated.
func (k *kit) briefly(ctx context.Context, s *lifecycle.State, label, script string) error {
	h, err := k.enter(ctx, s, s.Node)
	if err != nil {
		return err
	}
	defer h.Close()
	_, err = h.Run(ctx, script, remote.Options{Label: label, Timeout: time.Minute, Output: s.Log})
	return nodeError(err, s.Node)
}

// changing is what every script that changes a host starts from.
type changing struct {
	Owner string // cluster id, which the host's marker must have
	Group string // under which the changes are recorded
}

func change(s *lifecycle.State, group string) changing { return changing{s.Cluster.ID, group} }
