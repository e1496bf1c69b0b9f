package phases

import (
	"slices"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// goodFacts are of a host that nothing is wrong with.
func goodFacts() lifecycle.HostFacts {
	return lifecycle.HostFacts{Hostname: "a", MachineID: "1", OS: "debian", OSVersion: "12", Arch: "amd64", CPUs: 2, MemoryMB: 4000,
		DiskMB: 40000, DiskFreeMB: 30000, Root: true, Systemd: true, DefaultNIC: "eth0",
		Addresses: []string{"lo 127.0.0.1/8", "eth0 10.0.0.11/24"}, Values: map[string]string{"clockSkewMs": "3"}}
}

func keys(problems []*lifecycle.Error) []string {
	var out []string
	for _, p := range problems {
		out = append(out, p.Text.Key)
	}
	return out
}

func TestHostProblems(t *testing.T) {
	s := sample(nil, 0)
	cases := map[string]struct {
		change func(*lifecycle.HostFacts)
		want   []string
	}{
		"nothing": {func(*lifecycle.HostFacts) {}, nil},
		"all at once": {func(f *lifecycle.HostFacts) {
			f.OS, f.Root, f.Systemd, f.Arch, f.CPUs, f.MemoryMB, f.DiskFreeMB = "haiku", false, false, "arm64", 1, 1000, 100
			f.Values["clockSkewMs"], f.Values["pkg.kubelet"] = "-2001", "1.33.1-1.1"
			f.Listening, f.DefaultNIC, f.Addresses = []int{2379, 8443}, "eth9", nil
		}, []string{"preflight.system", "preflight.root", "preflight.systemd", "preflight.arch", "preflight.cpu", "preflight.memory",
			"preflight.clock", "preflight.address.default", "preflight.disk", "preflight.ports", "preflight.package"}},
		"leftovers, whose ports are not told too": {func(f *lifecycle.HostFacts) {
			f.Leftovers, f.Listening = []string{"/etc/kubernetes/admin.conf"}, []int{6443}
		}, []string{"preflight.leftovers"}},
		"ours": {func(f *lifecycle.HostFacts) {
			f.Owner, f.Leftovers, f.Listening = s.Cluster.ID, []string{"/etc/kubernetes/admin.conf"}, []int{6443}
		}, nil},
		"another's":          {func(f *lifecycle.HostFacts) { f.Owner = "01OTHER" }, []string{"preflight.owner"}},
		"a like system":      {func(f *lifecycle.HostFacts) { f.OS, f.OSLike = "nova", "rhel fedora" }, nil},
		"the right packages": {func(f *lifecycle.HostFacts) { f.Values["pkg.kubelet"] = "1.34.4-1.1" }, nil},
		"a longer version":   {func(f *lifecycle.HostFacts) { f.Values["pkg.kubelet"] = "1.34.40-1.1" }, []string{"preflight.package"}},
	}
	for name, c := range cases {
		f := goodFacts()
		c.change(&f)
		got := hostProblems(surveyed{s.Node, f}, s.Cluster, Minimum{}.withDefaults())
		if !slices.Equal(keys(got), c.want) {
			t.Errorf("%s: %v, want %v", name, keys(got), c.want)
		}
		for _, p := range got {
			if p.Class != lifecycle.Blocked || p.Node != "cp1" || p.Next.Key != p.Text.Key+".next" {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}

func TestPortsByRole(t *testing.T) {
	spec := sample(nil, 0).Cluster.Spec
	all := []int{2379, 6443, 8443, 10250}
	if got := busyPorts(all, lifecycle.ControlPlane, spec); got != "2379, 6443, 8443, 10250" {
		t.Error(got)
	}
	if got := busyPorts(all, lifecycle.Worker, spec); got != "10250" {
		t.Error(got)
	}
}

func TestTogetherProblems(t *testing.T) {
	s := sample(nil, 0)
	a, b, c := goodFacts(), goodFacts(), goodFacts()
	c.Hostname, c.MachineID = "c", ""
	got := togetherProblems([]surveyed{{s.Nodes[0], a}, {s.Nodes[1], b}, {s.Nodes[2], c}})
	if !slices.Equal(keys(got), []string{"preflight.hostname", "preflight.machineid"}) || got[0].Node != "cp2" {
		t.Errorf("%v", got)
	}
}

func TestSpecProblems(t *testing.T) {
	cases := map[string]struct {
		change func(*lifecycle.ClusterSpec)
		want   []string
	}{
		"good":       {func(*lifecycle.ClusterSpec) {}, nil},
		"no network": {func(s *lifecycle.ClusterSpec) { s.PodCIDR, s.ServiceCIDR = "x", "fd00::/112" }, []string{"preflight.cidr.pods", "preflight.cidr.services"}},
		"overlap":    {func(s *lifecycle.ClusterSpec) { s.ServiceCIDR = "10.244.128.0/20" }, []string{"preflight.cidr.overlap"}},
		"small":      {func(s *lifecycle.ClusterSpec) { s.PodCIDR = "10.244.0.0/23" }, []string{"preflight.cidr.room"}},
		"many pods":  {func(s *lifecycle.ClusterSpec) { s.PodCIDR, s.PodsPerNode = "10.244.0.0/22", 250 }, []string{"preflight.cidr.room"}},
		"old":        {func(s *lifecycle.ClusterSpec) { s.Version = "v1.30.9" }, []string{"preflight.version"}},
		"inexact":    {func(s *lifecycle.ClusterSpec) { s.Version = "1.34" }, []string{"preflight.version"}},
		"no address": {func(s *lifecycle.ClusterSpec) { s.Endpoint.Kind = "first" }, []string{"preflight.endpoint.first"}},
		"even":       {func(s *lifecycle.ClusterSpec) { s.ControlPlanes = 2 }, []string{"preflight.quorum"}},
		"port":       {func(s *lifecycle.ClusterSpec) { s.Endpoint.Port = 6443 }, []string{"preflight.endpoint.port"}},
	}
	for name, c := range cases {
		s := sample(c.change, 0)
		if got := keys(specProblems(s.Cluster)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestNetworkProblems(t *testing.T) {
	s := sample(nil, 0)
	f := goodFacts()
	if got := networkProblems(surveyed{s.Node, f}, s.Cluster.Spec); got != nil {
		t.Error(got)
	}
	f.Addresses = []string{"eth0 10.244.3.1/24", "cni0 10.96.0.1/24"} // the second is made by software
	got := networkProblems(surveyed{s.Node, f}, s.Cluster.Spec)
	if !slices.Equal(keys(got), []string{"preflight.cidr.host", "preflight.vip.subnet"}) {
		t.Error(got)
	}
}

func TestPackageProblems(t *testing.T) {
	s := sample(nil, 0)
	offered := parseOffered("kubeadm 1.34.4-1.1\nkubeadm 1.33.1-1.1\nkubelet 1.34.4-1.1\nkubectl 1.34.4-1.1\ncontainerd 1.6.20~ds1-1\nhaproxy 2.6\nkeepalived 1:2.2\n")
	at := surveyed{s.Node, goodFacts()}
	if got := packageProblems(at, s.Cluster.Spec, offered); got != nil {
		t.Error(got)
	}
	delete(offered, "keepalived")
	offered["kubelet"], offered["containerd"] = []string{"1.34.3-1.1"}, nil
	got := packageProblems(at, s.Cluster.Spec, offered)
	if len(got) != 1 || got[0].Text.Args["packages"] != "kubelet 1.34.4, containerd, keepalived" {
		t.Error(got)
	}
}

func TestNewest(t *testing.T) {
	offered := []string{"1.34.10-1.1", "1.34.9-1.1", "1.35.0-1.1", "junk", "1.34.4-2.1"}
	for want, expected := range map[string]string{"1.34": "v1.34.10", "v1.34": "v1.34.10", "": "v1.35.0", "v1.34.4": "v1.34.4"} {
		if got, ok := newest(offered, want); !ok || got != expected {
			t.Errorf("%q: %s %v", want, got, ok)
		}
	}
	if _, ok := newest(offered, "1.33"); ok {
		t.Error("found what is not there")
	}
}

func TestNodeMask(t *testing.T) {
	for pods, want := range map[int]int{30: 24, 110: 24, 128: 24, 129: 23, 250: 23, 500: 22} {
		if got := nodeMask(pods); got != want {
			t.Errorf("%d pods: /%d, want /%d", pods, got, want)
		}
	}
}

func TestNodeAddress(t *testing.T) {
	f := goodFacts()
	f.Addresses = append(f.Addresses, "eth1 192.168.7.5/24")
	for nic, want := range map[string]string{"": "10.0.0.11", "eth1": "192.168.7.5"} {
		if got, ok := nodeAddress(f, nic); !ok || got.Prefix.Addr().String() != want {
			t.Errorf("%q: %v", nic, got)
		}
	}
	if _, ok := nodeAddress(f, "eth2"); ok {
		t.Error("an interface that is not there has an address")
	}
	if f.DefaultNIC = ""; f.DefaultNIC == "" { // an isolated network
		if got, ok := nodeAddress(f, ""); !ok || got.NIC != "eth0" {
			t.Error(got)
		}
	}
}

func TestConfigForm(t *testing.T) {
	for said, want := range map[string]string{
		"containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3": "containerd-v2.toml.tmpl",
		"containerd github.com/containerd/containerd v1.7.28 b98a3aa":                 "containerd-v2.toml.tmpl",
		"containerd containerd.io 1.7.28 b98a3aa":                                     "containerd-v2.toml.tmpl",
		"containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7":               "containerd-v3.toml.tmpl",
		"containerd github.com/containerd/containerd/v2 2.0.0~rc1":                    "containerd-v3.toml.tmpl",
	} {
		if got := configForm(said); got != want {
			t.Errorf("%s: %s", said, got)
		}
	}
}

func TestRouterID(t *testing.T) {
	for e, want := range map[lifecycle.EndpointSpec]int{{Address: "10.0.0.100"}: 100, {Address: "10.0.0.0"}: 1, {Address: "vip.example"}: 51,
		{Address: "10.0.0.100", RouterID: 7}: 7} {
		if got := routerID(e); got != want {
			t.Errorf("%v: %d", e, got)
		}
	}
}

func TestForced(t *testing.T) {
	for params, want := range map[string]bool{"": false, "{}": false, `{"force":true}`: true, `{"force":false}`: false, "x": false} {
		if got := forced(&lifecycle.Operation{Params: []byte(params)}); got != want {
			t.Errorf("%s: %v", params, got)
		}
	}
}

func TestQuote(t *testing.T) {
	for s, want := range map[string]string{"": "''", "a/b.c": "a/b.c", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "~": "'~'"} {
		if got := quote(s); got != want {
			t.Errorf("%q: %s", s, got)
		}
	}
}
