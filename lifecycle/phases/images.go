package phases

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/bundle"
)

// imageLists keeps what kubeadm answers about a version: the same on every host
// and for ever.
type imageLists struct {
	mu   sync.Mutex
	byOf map[string][]string
}

// imageList asks the kubeadm of a node which images its version uses.
func (k *kit) imageList(ctx context.Context, s *lifecycle.State, n *lifecycle.Node) ([]string, error) {
	spec := s.Cluster.Spec
	key := spec.Version + " " + spec.Packages.ImageRepository
	k.images.mu.Lock()
	list := k.images.byOf[key]
	k.images.mu.Unlock()
	if list != nil {
		return list, nil
	}
	script := pathLine + "kubeadm config images list --kubernetes-version " + quote(spec.Version)
	if spec.Packages.ImageRepository != "" {
		script += " --image-repository " + quote(spec.Packages.ImageRepository)
	}
	out, err := k.read(ctx, s, n, "kubeadm config images list", script+" 2>/dev/null\n")
	if err != nil {
		return nil, explain(err, lifecycle.Permanent, "images.list")
	}
	list = strings.Fields(out)
	k.images.mu.Lock()
	defer k.images.mu.Unlock()
	if k.images.byOf == nil {
		k.images.byOf = map[string][]string{}
	}
	k.images.byOf[key] = list
	return list, nil
}

type imagesScript struct {
	changing
	Version, Repository string
	Archives            []string // paths on the host, quoted; none = pull
}

// images brings the container images onto a node before they are needed.
type images struct{ *kit }

// Name implements lifecycle.Phase.
func (p *images) Name() string { return phaseImages }

// Timeout implements lifecycle.Timed.
func (p *images) Timeout() time.Duration { return 40 * time.Minute }

// Check implements lifecycle.Phase.
func (p *images) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	need, err := p.decide(ctx, s, func(f lifecycle.HostFacts) bool { return f.Values["unit.containerd"] == "active" })
	if err != nil || need.Kind != lifecycle.Satisfied {
		return need, err
	}
	want, err := p.imageList(ctx, s, s.Node)
	if err != nil {
		return need, err
	}
	out, err := p.read(ctx, s, s.Node, "ctr images ls", pathLine+"ctr -n k8s.io images ls -q\n")
	if err != nil {
		return need, err
	}
	if p.offline(s) {
		want = append(slices.Clone(want), flannelImage, flannelPluginImage)
	}
	have := strings.Fields(out)
	for _, i := range neededBy(s.Node.Role, want) {
		if !slices.Contains(have, i) {
			return lifecycle.Need{Kind: lifecycle.Needed}, nil
		}
	}
	return need, nil
}

// neededBy leaves out what only control planes run.
func neededBy(role lifecycle.NodeRole, list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(i string) bool {
		if role == lifecycle.ControlPlane {
			return false
		}
		return strings.Contains(i, "/kube-apiserver:") || strings.Contains(i, "/kube-controller-manager:") ||
			strings.Contains(i, "/kube-scheduler:") || strings.Contains(i, "/etcd:")
	})
}

// offline reports whether nothing will be pulled.
func (p *images) offline(s *lifecycle.State) bool {
	return fromBundle(s.Cluster) || s.Cluster.Spec.Packages.Images != ""
}

// Do implements lifecycle.Phase.
func (p *images) Do(ctx context.Context, s *lifecycle.State) error {
	spec := s.Cluster.Spec
	d := imagesScript{changing: change(s, "images"), Version: spec.Version, Repository: spec.Packages.ImageRepository}
	switch {
	case fromBundle(s.Cluster):
		archives, err := p.bundled(ctx, s)
		if err != nil {
			return err
		}
		d.Archives = archives
	case spec.Packages.Images != "":
		d.Archives = []string{quote(spec.Packages.Images)}
	}
	err := p.act(ctx, s, s.Node, job{label: "images", script: render("images.sh.tmpl", d)})
	return explain(err, lifecycle.Retryable, "images.failed")
}

func (p *images) bundled(ctx context.Context, s *lifecycle.State) ([]string, error) {
	b, err := p.bundleOf(ctx, s.Cluster)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range b.Select(s.Cluster.Spec.Version, s.Cluster.Spec.Arch, "", s.Node.Role) {
		if f.Kind == bundle.Images {
			out = append(out, quote(b.NodePath(f)))
		}
	}
	return out, nil
}

// Undo implements lifecycle.Undoer.
func (p *images) Undo(ctx context.Context, s *lifecycle.State) error {
	return p.takeBack(ctx, s, imagesPiece(s))
}

func imagesPiece(s *lifecycle.State) piece {
	return piece{"images", func(Family) string { return render("images-undo.sh.tmpl", change(s, "images")) }}
}
