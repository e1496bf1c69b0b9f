package phases

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// surveyed is a node with its facts.
type surveyed struct {
	*lifecycle.Node
	facts lifecycle.HostFacts
}

// blocked makes a problem with the advice KEY.next, both with the same arguments.
func blocked(n *lifecycle.Node, key string, kv ...any) *lifecycle.Error {
	if n != nil {
		kv = append([]any{"node", n.Name}, kv...)
	}
	return onNode(n, lifecycle.Block(lifecycle.T(key, kv...), lifecycle.T(key+".next", kv...)))
}

func unsupportedSystem(f lifecycle.HostFacts) *lifecycle.Error {
	return blocked(&lifecycle.Node{Name: f.Hostname}, "preflight.system", "os", f.OSName)
}

// hostProblems is everything that keeps one machine from being a node.
func hostProblems(n surveyed, c *lifecycle.Cluster, m Minimum) []*lifecycle.Error {
	f, spec := n.facts, c.Spec
	var out []*lifecycle.Error
	say := func(bad bool, key string, kv ...any) {
		if bad {
			out = append(out, blocked(n.Node, key, kv...))
		}
	}
	_, known := familyOf(f)
	say(!known, "preflight.system", "os", f.OSName)
	say(!f.Root, "preflight.root")
	say(!f.Systemd, "preflight.systemd")
	say(spec.Arch != "" && f.Arch != spec.Arch, "preflight.arch", "arch", f.Arch, "want", spec.Arch)
	say(n.Role == lifecycle.ControlPlane && f.CPUs < m.ControlPlaneCPUs, "preflight.cpu", "cpus", f.CPUs, "want", m.ControlPlaneCPUs)
	say(f.MemoryMB < m.MemoryMB, "preflight.memory", "mb", f.MemoryMB, "want", m.MemoryMB)
	skew := number(f.Values["clockSkewMs"])
	say(skew > m.Skew.Milliseconds() || -skew > m.Skew.Milliseconds(), "preflight.clock", "ms", skew)
	if _, has := nodeAddress(f, spec.NIC); !has {
		out = append(out, noAddress(n.Node, spec.NIC))
	}
	switch {
	case f.Owner == c.ID: // begun earlier: what is there is ours
		return out
	case f.Owner != "":
		say(true, "preflight.owner", "cluster", orUnknown(f.Values["owner.name"]))
		return out
	}
	say(f.DiskFreeMB < m.DiskFreeMB, "preflight.disk", "mb", f.DiskFreeMB, "want", m.DiskFreeMB)
	say(len(f.Leftovers) > 0, "preflight.leftovers", "paths", strings.Join(f.Leftovers, ", "))
	if len(f.Leftovers) == 0 { // whose programs would be the ones that listen
		busy := busyPorts(f.Listening, n.Role, spec)
		say(busy != "", "preflight.ports", "ports", busy)
	}
	for _, p := range []string{"kubelet", "kubeadm", "kubectl"} {
		v := f.Values["pkg."+p]
		say(v != "" && !isVersion(v, spec.Version), "preflight.package", "package", p, "version", v, "want", spec.Version)
	}
	return out
}

func noAddress(n *lifecycle.Node, nic string) *lifecycle.Error {
	if nic == "" {
		return blocked(n, "preflight.address.default")
	}
	return blocked(n, "preflight.address", "nic", nic)
}

func orUnknown(s string) string {
	if s == "" {
		return "?"
	}
	return s
}

// busyPorts names the ports in use that a node of this role needs.
func busyPorts(listening []int, role lifecycle.NodeRole, spec lifecycle.ClusterSpec) string {
	need := []int{10250}
	if role == lifecycle.ControlPlane {
		need = slices.Clone(portsOfInterest)
		if spec.Endpoint.Kind == "vip" {
			need = append(need, spec.Endpoint.Port)
		}
	}
	var busy []string
	for _, p := range listening {
		if slices.Contains(need, p) {
			busy = append(busy, strconv.Itoa(p))
		}
	}
	return strings.Join(busy, ", ")
}

// isVersion reports whether a package's version is of Kubernetes version want.
func isVersion(pkg, want string) bool {
	return pkg == bareVersion(want) || strings.HasPrefix(pkg, bareVersion(want)+"-")
}

// togetherProblems is what is wrong only with the machines seen together.
func togetherProblems(nodes []surveyed) []*lifecycle.Error {
	var out []*lifecycle.Error
	names, ids := map[string]string{}, map[string]string{}
	for _, n := range nodes {
		if other, ok := names[n.facts.Hostname]; ok {
			out = append(out, blocked(n.Node, "preflight.hostname", "hostname", n.facts.Hostname, "other", other))
		} else {
			names[n.facts.Hostname] = n.Name
		}
		if other, ok := ids[n.facts.MachineID]; ok && n.facts.MachineID != "" {
			out = append(out, blocked(n.Node, "preflight.machineid", "other", other))
		} else {
			ids[n.facts.MachineID] = n.Name
		}
	}
	return out
}

// specProblems is what is wrong with the cluster that was asked for, whatever
// the machines are.
func specProblems(c *lifecycle.Cluster) []*lifecycle.Error {
	spec := c.Spec
	var out []*lifecycle.Error
	say := func(bad bool, key string, kv ...any) {
		if bad {
			out = append(out, blocked(nil, key, kv...))
		}
	}
	pods, errPods := netip.ParsePrefix(spec.PodCIDR)
	services, errServices := netip.ParsePrefix(spec.ServiceCIDR)
	say(errPods != nil || !pods.Addr().Is4(), "preflight.cidr.pods", "cidr", spec.PodCIDR)
	say(errServices != nil || !services.Addr().Is4(), "preflight.cidr.services", "cidr", spec.ServiceCIDR)
	if errPods == nil && errServices == nil {
		say(pods.Overlaps(services), "preflight.cidr.overlap", "pods", spec.PodCIDR, "services", spec.ServiceCIDR)
		room := roomFor(pods, spec.PodsPerNode)
		say(room < spec.ControlPlanes+spec.Workers, "preflight.cidr.room", "cidr", spec.PodCIDR, "room", room,
			"nodes", spec.ControlPlanes+spec.Workers)
	}
	v, ok := parseVersion(spec.Version)
	say(!ok || v.patch < 0 || v.compare(version{1, 31, 0}) < 0, "preflight.version", "version", spec.Version)
	say(spec.ControlPlanes > 1 && spec.Endpoint.Kind == "first", "preflight.endpoint.first", "count", spec.ControlPlanes)
	say(spec.ControlPlanes%2 == 0, "preflight.quorum", "count", spec.ControlPlanes)
	say(spec.Endpoint.Kind == "vip" && slices.Contains(portsOfInterest, spec.Endpoint.Port), "preflight.endpoint.port",
		"port", spec.Endpoint.Port)
	return out
}

// networkProblems holds the cluster's networks and its VIP against the networks
// of a machine.
func networkProblems(n surveyed, spec lifecycle.ClusterSpec) []*lifecycle.Error {
	var out []*lifecycle.Error
	for _, cidr := range []string{spec.PodCIDR, spec.ServiceCIDR} {
		p, err := netip.ParsePrefix(cidr)
		if err != nil {
			continue
		}
		for _, a := range addressesOf(n.facts) {
			if p.Overlaps(a.Prefix) {
				out = append(out, blocked(n.Node, "preflight.cidr.host", "cidr", cidr, "nic", a.NIC, "network", a.Prefix.Masked().String()))
			}
		}
	}
	if spec.Endpoint.Kind == "vip" && n.Role == lifecycle.ControlPlane {
		if _, ok := subnetOf(n.facts, vipInterface(spec), spec.Endpoint.Address); !ok {
			out = append(out, blocked(n.Node, "preflight.vip.subnet", "address", spec.Endpoint.Address))
		}
	}
	return out
}

// vipInterface is the interface that was asked for, "" for whichever fits.
func vipInterface(spec lifecycle.ClusterSpec) string {
	if spec.Endpoint.Interface != "" {
		return spec.Endpoint.Interface
	}
	return spec.NIC
}

// packageProblems is what the package sources of a machine lack.
func packageProblems(n surveyed, spec lifecycle.ClusterSpec, offered map[string][]string) []*lifecycle.Error {
	var missing []string
	for _, p := range []string{"kubeadm", "kubelet", "kubectl"} {
		ok := slices.ContainsFunc(offered[p], func(v string) bool { return isVersion(v, spec.Version) })
		if !ok && !isVersion(n.facts.Values["pkg."+p], spec.Version) {
			missing = append(missing, p+" "+bareVersion(spec.Version))
		}
	}
	lacks := func(names ...string) bool {
		return !slices.ContainsFunc(names, func(p string) bool { return len(offered[p]) > 0 || n.facts.Values["pkg."+p] != "" })
	}
	if lacks("containerd", "containerd.io") {
		missing = append(missing, "containerd")
	}
	if spec.Endpoint.Kind == "vip" && n.Role == lifecycle.ControlPlane {
		for _, p := range []string{"haproxy", "keepalived"} {
			if lacks(p) {
				missing = append(missing, p)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return []*lifecycle.Error{blocked(n.Node, "preflight.packages", "packages", strings.Join(missing, ", "))}
}
