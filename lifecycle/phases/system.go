package phases

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Files of ours whose sums are among the facts.
const (
	fileModules    = "/etc/modules-load.d/coxswain.conf"
	fileSysctl     = "/etc/sysctl.d/99-coxswain.conf"
	fileContainerd = "/etc/containerd/config.toml"
	fileHAProxy    = "/etc/haproxy/haproxy.cfg"
	fileKeepalived = "/etc/keepalived/keepalived.conf"
)

var watchedFiles = []string{fileModules, fileSysctl, fileContainerd, fileHAProxy, fileKeepalived}

// setting is a key and its value.
type setting struct{ Key, Value string }

// systemScript is what a machine's system is told.
type systemScript struct {
	changing
	Modules        []string
	Sysctls        []setting
	KubeletSysctls []string // set by kubelet; we only keep what they were
	DataPath       string   // made here, so that it goes last
	TimeZone       string
	NTP            []string
	Ports          []string // firewalld
	Sources        []string
	Debian         bool
	SELinux        bool
	Firewalld      bool
}

// system prepares the operating system: swap, modules, sysctl, and where asked
// for time zone, NTP, SELinux and firewalld.
type system struct{ *kit }

// Name implements lifecycle.Phase.
func (p *system) Name() string { return phaseSystem }

// Check implements lifecycle.Phase.
func (p *system) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	return p.decide(ctx, s, func(f lifecycle.HostFacts) bool { return systemReady(f, systemOf(s)) })
}

// systemReady compares the facts with what is wanted.
func systemReady(f lifecycle.HostFacts, want systemScript) bool {
	v := f.Values
	return !f.SwapOn && v["ipForward"] == "1" && v["bridgeNF"] == "1" && v["selinux"] != "1" &&
		v["sha."+fileModules] == sum(lines(want.Modules)) && v["sha."+fileSysctl] == sum(sysctlLines(want.Sysctls)) &&
		(want.TimeZone == "" || strings.HasSuffix(v["localtime"], "/zoneinfo/"+want.TimeZone)) && len(want.NTP) == 0 &&
		v["unit.firewalld"] != "active"
}

// Do implements lifecycle.Phase.
func (p *system) Do(ctx context.Context, s *lifecycle.State) error {
	f, err := p.facts(ctx, s, s.Node)
	if err != nil {
		return err
	}
	fam, ok := familyOf(f)
	if !ok {
		return onNode(s.Node, unsupportedSystem(f))
	}
	err = p.act(ctx, s, s.Node, job{label: "system", script: fam.System(systemOf(s))})
	return explain(err, lifecycle.Permanent, "os.failed")
}

// Undo implements lifecycle.Undoer.
func (p *system) Undo(ctx context.Context, s *lifecycle.State) error {
	return p.takeBack(ctx, s, piece{"system", func(fam Family) string { return fam.SystemUndo(change(s, "os")) }})
}

// systemOf is what the system of the step's node should be.
func systemOf(s *lifecycle.State) systemScript {
	spec := s.Cluster.Spec
	d := systemScript{changing: change(s, "os"), Modules: []string{"overlay", "br_netfilter"},
		Sysctls: []setting{{"net/ipv4/ip_forward", "1"}, {"net/bridge/bridge-nf-call-iptables", "1"},
			{"net/bridge/bridge-nf-call-ip6tables", "1"}},
		KubeletSysctls: []string{"vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"},
		DataPath:       cleanPath(spec.DataPath), TimeZone: spec.TimeZone, NTP: spec.NTPServers}
	if spec.ProxyMode == "ipvs" {
		d.Modules = append(d.Modules, "ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "nf_conntrack")
	}
	d.Ports, d.Sources = firewallOf(s)
	return d
}

// firewallOf is what firewalld must let through: the node's ports from anywhere,
// and everything among nodes and pods.
func firewallOf(s *lifecycle.State) (ports, sources []string) {
	ports = []string{"10250/tcp", "30000-32767/tcp", "30000-32767/udp"}
	if s.Node.Role == lifecycle.ControlPlane {
		ports = append(ports, "6443/tcp")
		if withVIP(s.Cluster) {
			ports = append(ports, itoa(s.Cluster.Spec.Endpoint.Port)+"/tcp")
		}
	}
	sources = []string{s.Cluster.Spec.PodCIDR}
	for _, n := range s.Nodes {
		if n.Address != "" && n.Name != s.Node.Name {
			sources = append(sources, n.Address)
		}
	}
	slices.Sort(sources)
	return ports, sources
}

// cleanPath leaves out what scripts would stumble over: a slash at the end.
func cleanPath(p string) string {
	if p == "" {
		return ""
	}
	return path.Clean(p)
}

func lines(l []string) string { return strings.Join(l, "\n") + "\n" }

func sysctlLines(l []setting) string {
	var b strings.Builder
	for _, kv := range l {
		b.WriteString(kv.Key + " = " + kv.Value + "\n")
	}
	return b.String()
}

// sum is the sha256 of a file's content, as the facts have it.
func sum(content string) string {
	h := sha256.Sum256([]byte(content))
	return hex.EncodeToString(h[:])
}
