package phases

import (
	"context"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// localDNS is the address on which every node's own cache listens.
const localDNS = "169.254.20.10"

const localDNSImage = "registry.k8s.io/dns/k8s-dns-node-cache:1.26.4"

const localDNSObject = "-n kube-system daemonset/node-local-dns"

type localDNSManifest struct {
	Image, Local, Bind, LocalIPs string
	Zones                        []dnsZone
}

type dnsZone struct {
	Zone     string
	Cache    int    // seconds
	Upstream string // "" = the cluster's DNS
	Health   bool
}

// addons brings what the spec asks for beside the cluster itself: so far the
// DNS cache of each node. Rendered and compared with goldens only.
type addons struct{ *kit }

// Name implements lifecycle.Phase.
func (p *addons) Name() string { return phaseAddons }

// Check implements lifecycle.Phase.
func (p *addons) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	return p.applied(ctx, s, localDNSObject, localDNSOf(s.Cluster.Spec))
}

// Do implements lifecycle.Phase.
func (p *addons) Do(ctx context.Context, s *lifecycle.State) error {
	return explain(p.apply(ctx, s, "node-local-dns", localDNSObject, localDNSOf(s.Cluster.Spec)), lifecycle.Retryable, "addons.failed")
}

// localDNSOf renders the cache. With iptables it takes the address of the DNS
// service over on each node; with ipvs it cannot, and kubelet is told its own.
func localDNSOf(spec lifecycle.ClusterSpec) string {
	d := localDNSManifest{Image: localDNSImage, Local: localDNS, Bind: localDNS + " " + dnsAddress(spec),
		LocalIPs: localDNS + "," + dnsAddress(spec)}
	if spec.ProxyMode == "ipvs" {
		d.Bind, d.LocalIPs = localDNS, localDNS
	}
	d.Zones = []dnsZone{{Zone: orDefault(spec.DNSDomain, "cluster.local"), Cache: 30, Health: true},
		{Zone: "in-addr.arpa", Cache: 30}, {Zone: "ip6.arpa", Cache: 30},
		{Zone: ".", Cache: 30, Upstream: "__PILLAR__UPSTREAM__SERVERS__"}}
	return render("nodelocaldns.yaml.tmpl", d)
}
