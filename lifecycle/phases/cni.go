package phases

import (
	"context"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// The images of flannel, by the names that its makers give them.
const (
	flannelImage       = "ghcr.io/flannel-io/flannel:v0.28.4"
	flannelPluginImage = "ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel1"
)

type flannelManifest struct {
	PodCIDR, Backend, Interface, Image, PluginImage string
}

type applyScript struct {
	changing
	Manifest, Sum string
	Object        string // whose annotation says which manifest it is of
}

// cni brings the pod network: flannel over VXLAN or by the hosts' own routes.
type cni struct{ *kit }

// Name implements lifecycle.Phase.
func (p *cni) Name() string { return phaseCNI }

const flannelObject = "-n kube-flannel daemonset/kube-flannel-ds"

// Check implements lifecycle.Phase.
func (p *cni) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	return p.applied(ctx, s, flannelObject, flannelOf(s.Cluster.Spec))
}

// Do implements lifecycle.Phase.
func (p *cni) Do(ctx context.Context, s *lifecycle.State) error {
	return explain(p.apply(ctx, s, "flannel", flannelObject, flannelOf(s.Cluster.Spec)), lifecycle.Retryable, "cni.failed")
}

func flannelOf(spec lifecycle.ClusterSpec) string {
	d := flannelManifest{PodCIDR: spec.PodCIDR, Backend: orDefault(spec.CNIMode, "vxlan"), Interface: spec.NIC,
		Image: flannelImage, PluginImage: flannelPluginImage}
	return render("flannel.yaml.tmpl", d)
}

// applied looks whether a manifest is the one that was last applied.
func (k *kit) applied(ctx context.Context, s *lifecycle.State, object, manifest string) (lifecycle.Need, error) {
	need, err := k.decide(ctx, s, func(f lifecycle.HostFacts) bool { return f.Values["file./etc/kubernetes/admin.conf"] != "" })
	if err != nil || need.Kind != lifecycle.Satisfied {
		return need, err
	}
	out, err := k.read(ctx, s, s.Node, "kubectl get", pathLine+kubectl+"get "+object+
		" --ignore-not-found -o 'jsonpath={.metadata.annotations.coxswain-manifest}'\n")
	if err != nil {
		return need, explain(err, lifecycle.Retryable, "api.unanswered")
	}
	if strings.TrimSpace(out) != sum(manifest) {
		need.Kind = lifecycle.Needed
	}
	return need, nil
}

func (k *kit) apply(ctx context.Context, s *lifecycle.State, label, object, manifest string) error {
	d := applyScript{change(s, "kubernetes"), manifest, sum(manifest), object}
	return k.act(ctx, s, s.Node, job{label: label, script: render("apply.sh.tmpl", d)})
}
