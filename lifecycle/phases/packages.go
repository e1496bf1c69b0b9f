package phases

import (
	"context"
	"path"
	"slices"
	"strconv"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/bundle"
)

func itoa(n int) string { return strconv.Itoa(n) }

// packagesScript is the software that a node needs.
type packagesScript struct {
	changing
	Version  string // "1.34.4"
	Minor    string // "v1.34"
	Mirror   string // "" = the sources that the host has
	Balancer bool   // haproxy and keepalived too
	Runtimes []string
	// of a bundle:
	Bundle   bool
	Done     string // mark of the bundle's binaries
	Files    []bundledPackage
	Binaries []placed
}

type bundledPackage struct{ Name, Path string }

type placed struct{ From, To string }

// packages installs containerd, kubeadm, kubelet and kubectl in exactly one
// version, and on control planes with a VIP what carries it, in one go.
type packages struct{ *kit }

// Name implements lifecycle.Phase.
func (p *packages) Name() string { return phasePackages }

// Check implements lifecycle.Phase.
func (p *packages) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	if fromBundle(s.Cluster) {
		b, err := p.bundleOf(ctx, s.Cluster)
		if err != nil {
			return lifecycle.Need{}, err
		}
		return p.decide(ctx, s, func(f lifecycle.HostFacts) bool {
			return f.Values["file./var/lib/coxswain/done/"+binariesMark(b, s)] != "" && carriesVIP(f, s)
		})
	}
	return p.decide(ctx, s, func(f lifecycle.HostFacts) bool { return packagesReady(f, s.Cluster.Spec.Version) && carriesVIP(f, s) })
}

// packagesReady compares what is installed with what is wanted.
func packagesReady(f lifecycle.HostFacts, version string) bool {
	for _, p := range []string{"kubelet", "kubeadm", "kubectl"} {
		if !isVersion(f.Values["pkg."+p], version) {
			return false
		}
	}
	return f.Values["pkg.containerd"] != "" || f.Values["pkg.containerd.io"] != ""
}

func carriesVIP(f lifecycle.HostFacts, s *lifecycle.State) bool {
	return !needsBalancer(s) || f.Values["pkg.haproxy"] != "" && f.Values["pkg.keepalived"] != ""
}

func needsBalancer(s *lifecycle.State) bool {
	return withVIP(s.Cluster) && s.Node.Role == lifecycle.ControlPlane
}

// Do implements lifecycle.Phase.
func (p *packages) Do(ctx context.Context, s *lifecycle.State) error {
	f, err := p.facts(ctx, s, s.Node)
	if err != nil {
		return err
	}
	fam, ok := familyOf(f)
	if !ok {
		return onNode(s.Node, unsupportedSystem(f))
	}
	d := packagesOf(s)
	if fromBundle(s.Cluster) {
		b, err := p.bundleOf(ctx, s.Cluster)
		if err != nil {
			return err
		}
		d.fill(b, s, f)
	}
	err = p.act(ctx, s, s.Node, job{label: "packages", script: fam.Packages(d)})
	return explain(err, lifecycle.Retryable, "packages.failed")
}

func packagesOf(s *lifecycle.State) packagesScript {
	spec := s.Cluster.Spec
	d := packagesScript{changing: change(s, "packages"), Version: bareVersion(spec.Version), Minor: minorOf(spec.Version),
		Balancer: needsBalancer(s)}
	if spec.Packages.Source == "mirror" {
		d.Mirror = spec.Packages.Mirror
	}
	return d
}

// ownPackages are never installed from a bundle's packages: it has them as
// binaries.
var ownPackages = []string{"kubelet", "kubeadm", "kubectl", "kubernetes-cni", "cri-tools", "containerd", "containerd.io", "runc",
	"containernetworking-plugins"}

// balancerPackages are installed only where a VIP is.
var balancerPackages = []string{"haproxy", "keepalived"}

// fill names the files of a bundle and where they go.
func (d *packagesScript) fill(b *bundle.Bundle, s *lifecycle.State, f lifecycle.HostFacts) {
	d.Bundle, d.Done = true, binariesMark(b, s)
	for _, file := range b.Select(s.Cluster.Spec.Version, f.Arch, b.OSFor(f), s.Node.Role) {
		switch file.Kind {
		case bundle.Binary, bundle.Runtime:
			d.Binaries = append(d.Binaries, placed{b.NodePath(file), "/usr/local/bin/" + path.Base(file.Path)})
		case bundle.CNI:
			d.Binaries = append(d.Binaries, placed{b.NodePath(file), "/opt/cni/bin/" + path.Base(file.Path)})
		case bundle.Packages:
			if name := file.Package.Name; !slices.Contains(ownPackages, name) && (d.Balancer || !slices.Contains(balancerPackages, name)) {
				d.Files = append(d.Files, bundledPackage{file.Package.Name, b.NodePath(file)})
			}
		}
	}
}

func binariesMark(b *bundle.Bundle, s *lifecycle.State) string {
	return "binaries-" + path.Base(b.NodeDir()) + "-" + s.Cluster.Spec.Version
}

// Undo implements lifecycle.Undoer.
func (p *packages) Undo(ctx context.Context, s *lifecycle.State) error {
	return p.takeBack(ctx, s, packagesPiece(s))
}

// undoPackages is what goes with the packages.
type undoPackages struct {
	changing
	Data []string // data directories of containerd
	Rpm  bool
}

func packagesPiece(s *lifecycle.State) piece {
	return piece{"packages", func(fam Family) string {
		return fam.PackagesUndo(undoPackages{changing: change(s, "packages"), Data: under(s, "containerd")})
	}}
}

// under gives the cluster's own data directory name, as a list that is empty
// when the defaults are used.
func under(s *lifecycle.State, name string) []string {
	if s.Cluster.Spec.DataPath == "" {
		return nil
	}
	return []string{path.Join(s.Cluster.Spec.DataPath, name)}
}
