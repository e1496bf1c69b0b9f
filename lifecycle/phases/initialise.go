package phases

import (
	"context"
	"net/netip"
	"path"
	"slices"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// joinTTL is how long what nodes join with is good for, as kubeadm says it.
const joinTTL = "2h0m0s"

type kubeadmScript struct {
	changing
	Config  string // with $COX_TOKEN and $COX_CERT_KEY, which the host's shell fills in
	Audit   bool
	EtcdDir string
}

// nodeConfig is what a node's own part of a kubeadm configuration has.
type nodeConfig struct {
	Name, Address string
	NoTaint       bool // pods may run on the control planes: there are no workers
	KubeletArgs   []setting
}

type initConfig struct {
	nodeConfig
	TTL, ClusterName, Version, Endpoint, Repository string
	DNSDomain, PodCIDR, ServiceCIDR                 string
	SANs                                            []string
	Audit                                           bool
	NodeMask, PodsPerNode                           int
	EtcdDir, DNSAddress, ProxyMode                  string
	CgroupV1                                        bool
}

// initialise makes the first control plane.
type initialise struct{ *kit }

// Name implements lifecycle.Phase.
func (p *initialise) Name() string { return phaseInit }

// Check implements lifecycle.Phase: kubeadm has ended well and the API answers.
func (p *initialise) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	need, err := p.decide(ctx, s, func(f lifecycle.HostFacts) bool {
		return f.Values["file./var/lib/coxswain/done/init"] != "" && f.Values["file./etc/kubernetes/admin.conf"] != "" &&
			f.Values["unit.kubelet"] == "active"
	})
	if err != nil || need.Kind != lifecycle.Satisfied {
		return need, err
	}
	if _, err := p.read(ctx, s, s.Node, "kubectl get --raw /readyz", pathLine+kubectl+"get --raw /readyz >/dev/null\n"); err != nil {
		return lifecycle.Need{Kind: lifecycle.Needed}, nil // Do waits for it
	}
	return need, nil
}

// kubectl as the administrator, on a control plane.
const kubectl = "kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=15s "

// Do implements lifecycle.Phase.
func (p *initialise) Do(ctx context.Context, s *lifecycle.State) error {
	f, err := p.facts(ctx, s, s.Node)
	if err != nil {
		return err
	}
	secrets, err := p.newJoinSecrets(ctx, s)
	if err != nil {
		return err
	}
	d := kubeadmScript{changing: change(s, "kubernetes"), Audit: s.Cluster.Spec.AuditLog, EtcdDir: etcdDir(s),
		Config: render("kubeadm-init.yaml.tmpl", initOf(s, f))}
	err = p.act(ctx, s, s.Node, job{label: "kubeadm init", script: render("init.sh.tmpl", d), env: secrets.env()})
	return explain(err, lifecycle.Permanent, "init.failed")
}

// Undo implements lifecycle.Undoer.
func (p *initialise) Undo(ctx context.Context, s *lifecycle.State) error {
	return p.takeBack(ctx, s, resetPiece(s))
}

func initOf(s *lifecycle.State, f lifecycle.HostFacts) initConfig {
	spec := s.Cluster.Spec
	d := initConfig{nodeConfig: nodeOf(s), TTL: joinTTL, ClusterName: s.Cluster.Name, Version: spec.Version,
		Endpoint: endpoint(s), Repository: spec.Packages.ImageRepository, DNSDomain: orDefault(spec.DNSDomain, "cluster.local"),
		PodCIDR: spec.PodCIDR, ServiceCIDR: spec.ServiceCIDR, SANs: sansOf(s), Audit: spec.AuditLog,
		PodsPerNode: podsPerNode(spec), NodeMask: nodeMask(podsPerNode(spec)), EtcdDir: etcdDir(s),
		ProxyMode: orDefault(spec.ProxyMode, "iptables")}
	if spec.NodeLocalDNS && spec.ProxyMode == "ipvs" { // ipvs cannot take the service's address over
		d.DNSAddress = localDNS
	}
	v, ok := parseVersion(spec.Version)
	d.CgroupV1 = ok && v.compare(version{1, 35, 0}) >= 0 && f.Values["cgroup"] == "v1"
	return d
}

// nodeOf is the own part of the step's node.
func nodeOf(s *lifecycle.State) nodeConfig {
	n := nodeConfig{Name: s.Node.Name, Address: s.Node.Address, KubeletArgs: []setting{{"node-ip", s.Node.Address}}}
	n.NoTaint = s.Node.Role == lifecycle.ControlPlane && s.Cluster.Spec.Workers == 0
	if s.Cluster.Spec.DataPath != "" {
		n.KubeletArgs = append(n.KubeletArgs, setting{"root-dir", path.Join(s.Cluster.Spec.DataPath, "kubelet")})
	}
	return n
}

// sansOf are the names that the API servers' certificates are good for.
func sansOf(s *lifecycle.State) []string {
	out := []string{"127.0.0.1", "localhost"}
	if a := s.Cluster.Spec.Endpoint.Address; a != "" {
		out = append(out, a)
	}
	for _, n := range lifecycle.ControlPlaneNodes(s.Nodes) {
		out = append(out, n.Address)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func etcdDir(s *lifecycle.State) string {
	if s.Cluster.Spec.DataPath == "" {
		return "/var/lib/etcd"
	}
	return path.Join(s.Cluster.Spec.DataPath, "etcd")
}

func podsPerNode(spec lifecycle.ClusterSpec) int { return orDefault(spec.PodsPerNode, 110) }

func orDefault[T comparable](v, d T) T {
	def(&v, d)
	return v
}

// dnsAddress is the tenth address of the service network, as kubeadm has it.
func dnsAddress(spec lifecycle.ClusterSpec) string {
	p, err := netip.ParsePrefix(spec.ServiceCIDR)
	if err != nil {
		return ""
	}
	return nth(p, 10).String()
}
