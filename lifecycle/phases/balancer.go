package phases

import (
	"context"
	"net/netip"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// balancer sets haproxy and keepalived up on the control planes: the VIP moves
// to one of them that lives, and from there connections go to every API server
// that is ready.
type balancer struct{ *kit }

type endpointScript struct {
	changing
	HAProxy, Keepalived string
}

type haproxyConfig struct {
	Cluster string
	Port    int
	Servers []server
}

type server struct{ Name, Address string }

type keepalivedConfig struct {
	Cluster, Name, Interface, Address, VIP string
	RouterID, Priority, Prefix             int
	Peers                                  []string
}

// Name implements lifecycle.Phase.
func (p *balancer) Name() string { return phaseEndpoint }

// Check implements lifecycle.Phase.
func (p *balancer) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	return p.decide(ctx, s, func(f lifecycle.HostFacts) bool {
		d, ok := balancerOf(s, f)
		v := f.Values
		return ok && v["sha."+fileHAProxy] == sum(d.HAProxy) && v["sha."+fileKeepalived] == sum(d.Keepalived) &&
			v["unit.haproxy"] == "active" && v["unit.keepalived"] == "active"
	})
}

// Do implements lifecycle.Phase.
func (p *balancer) Do(ctx context.Context, s *lifecycle.State) error {
	f, err := p.facts(ctx, s, s.Node)
	if err != nil {
		return err
	}
	d, ok := balancerOf(s, f)
	if !ok {
		return blocked(s.Node, "preflight.vip.subnet", "address", s.Cluster.Spec.Endpoint.Address)
	}
	err = p.act(ctx, s, s.Node, job{label: "endpoint", script: render("endpoint.sh.tmpl", d)})
	return explain(err, lifecycle.Permanent, "endpoint.failed")
}

// Undo implements lifecycle.Undoer.
func (p *balancer) Undo(ctx context.Context, s *lifecycle.State) error {
	return p.takeBack(ctx, s, endpointPiece(s))
}

func endpointPiece(s *lifecycle.State) piece {
	return piece{"endpoint", func(Family) string { return render("endpoint-undo.sh.tmpl", change(s, "endpoint")) }}
}

// balancerOf is the configuration of the step's node; ok is false when no
// interface of its reaches the VIP.
func balancerOf(s *lifecycle.State, f lifecycle.HostFacts) (d endpointScript, ok bool) {
	spec, planes := s.Cluster.Spec, lifecycle.ControlPlaneNodes(s.Nodes)
	at, ok := subnetOf(f, vipInterface(spec), spec.Endpoint.Address)
	if !ok {
		return d, false
	}
	ha := haproxyConfig{Cluster: s.Cluster.Name, Port: spec.Endpoint.Port}
	ka := keepalivedConfig{Cluster: s.Cluster.Name, Name: s.Node.Name, Interface: at.NIC, Address: at.Prefix.Addr().String(),
		VIP: spec.Endpoint.Address, Prefix: at.Prefix.Bits(), RouterID: routerID(spec.Endpoint), Priority: 150 - s.Node.Index}
	for _, n := range planes {
		ha.Servers = append(ha.Servers, server{n.Name, n.Address})
		if n.Name != s.Node.Name {
			ka.Peers = append(ka.Peers, n.Address)
		}
	}
	return endpointScript{change(s, "endpoint"), render("haproxy.cfg.tmpl", ha), render("keepalived.conf.tmpl", ka)}, true
}

// routerID is the one asked for, else the last byte of the address.
func routerID(e lifecycle.EndpointSpec) int {
	if e.RouterID != 0 {
		return e.RouterID
	}
	a, err := netip.ParseAddr(e.Address)
	if err != nil || !a.Is4() {
		return 51
	}
	return max(1, int(a.As4()[3]))
}

// endpoint is how nodes and clients reach the API servers.
func endpoint(s *lifecycle.State) string {
	e := s.Cluster.Spec.Endpoint
	if e.Kind == "first" {
		return lifecycle.ControlPlaneNodes(s.Nodes)[0].Address + ":6443"
	}
	return e.Address + ":" + itoa(e.Port)
}
