package phases

import (
	"net/netip"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// interfaceAddress is one IPv4 address of a machine.
type interfaceAddress struct {
	NIC    string
	Prefix netip.Prefix // address and length
}

// addressesOf reads the facts' addresses; loopback and what we or container
// runtimes make is left out.
func addressesOf(f lifecycle.HostFacts) []interfaceAddress {
	var out []interfaceAddress
	for _, a := range f.Addresses {
		nic, cidr, _ := strings.Cut(a, " ")
		p, err := netip.ParsePrefix(cidr)
		if err != nil || p.Addr().IsLoopback() || isMade(nic) {
			continue
		}
		out = append(out, interfaceAddress{nic, p})
	}
	return out
}

// isMade tells interfaces that software makes, which never carry a node's address.
func isMade(nic string) bool {
	for _, p := range []string{"cni", "flannel", "docker", "veth", "kube-ipvs", "nodelocaldns", "virbr", "br-"} {
		if strings.HasPrefix(nic, p) {
			return true
		}
	}
	return false
}

// nodeAddress is the address that a node uses among its kind: the one of the
// interface nic, or of the default route's. ok is false when there is none.
func nodeAddress(f lifecycle.HostFacts, nic string) (interfaceAddress, bool) {
	if nic == "" {
		nic = f.DefaultNIC
	}
	all := addressesOf(f)
	for _, a := range all {
		if a.NIC == nic {
			return a, true
		}
	}
	if nic == "" && len(all) > 0 { // no default route, as on isolated networks
		return all[0], true
	}
	return interfaceAddress{}, false
}

// subnetOf is the interface that reaches addr directly.
func subnetOf(f lifecycle.HostFacts, nic, addr string) (interfaceAddress, bool) {
	want, err := netip.ParseAddr(addr)
	if err != nil {
		return interfaceAddress{}, false
	}
	for _, a := range addressesOf(f) {
		if (nic == "" || a.NIC == nic) && a.Prefix.Masked().Contains(want) && a.Prefix.Bits() < 32 {
			return a, true
		}
	}
	return interfaceAddress{}, false
}

// nodeMask is the length of the pod network of one node: twice the addresses
// that its pods need, so that a new pod does not get the address of one that has
// just gone, and never less than a /24 has.
func nodeMask(podsPerNode int) int {
	mask := 24
	for mask > 16 && 1<<(32-mask) < 2*podsPerNode {
		mask--
	}
	return mask
}

// roomFor is how many nodes a pod network has room for.
func roomFor(podCIDR netip.Prefix, podsPerNode int) int {
	bits := nodeMask(podsPerNode) - podCIDR.Bits()
	if bits < 0 {
		return 0
	}
	return 1 << min(bits, 16)
}

// nth is the n-th address of a network: the tenth of the service network is the
// cluster's DNS.
func nth(p netip.Prefix, n int) netip.Addr {
	a := p.Masked().Addr()
	for range n {
		a = a.Next()
	}
	return a
}
