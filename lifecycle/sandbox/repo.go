package sandbox

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// The simulated package sources: what a Debian 12 and a Kubernetes repository
// have of what a node may need.

// repoPackage is one version of a package.
type repoPackage struct {
	name, version string
	depends       []string
	files         []file
	dirs          []string // that belong to it
	unit          string   // service, without .service
	started       bool     // by its installation
	source        string
}

// packageRow is an installed package, or one that left its configuration.
type packageRow struct {
	Name, Version, Arch string
	Status              string // "ii", "rc"
	Held, Auto          bool
	Files, Dirs, Units  []string
}

func (p packageRow) installed() bool { return p.Status == "ii" }

// basePackages are on every machine from the start.
func basePackages() []packageRow {
	var out []packageRow
	for word := range strings.FieldsSeq(`adduser=3.134 apt=2.6.1 base-files=12.4+deb12u10 base-passwd=3.6.1 bash=5.2.15-2+b8 bsdutils=1:2.38.1-5+deb12u3
		ca-certificates=20230311 coreutils=9.1-1 curl=7.88.1-10+deb12u12 dash=0.5.12-2 debconf=1.5.82 debianutils=5.7-0.5~deb12u1 diffutils=1:3.8-4
		dpkg=1.21.22 e2fsprogs=1.47.0-2 findutils=4.9.0-4 gpgv=2.2.40-1.1 grep=3.8-5 gzip=1.12-1 hostname=3.23+nmu1 init=1.65.2 iproute2=6.1.0-3
		iputils-ping=3:20221126-1 kmod=30+20221128-1 libc6=2.36-9+deb12u10 libsystemd0=252.36-1~deb12u1 linux-image-amd64=6.1.129-1 login=1:4.13+dfsg1-1+b1
		mount=2.38.1-5+deb12u3 openssh-server=1:9.2p1-2+deb12u5 passwd=1:4.13+dfsg1-1+b1 pciutils=1:3.9.0-4 procps=2:4.0.2-3 sed=4.9-1 sudo=1.9.13p3-1+deb12u1
		systemd=252.36-1~deb12u1 systemd-sysv=252.36-1~deb12u1 systemd-timesyncd=252.36-1~deb12u1 tar=1.34+dfsg-1.2+deb12u1 tzdata=2025b-0+deb12u1
		udev=252.36-1~deb12u1 util-linux=2.38.1-5+deb12u3`) {
		name, version, _ := strings.Cut(word, "=")
		out = append(out, packageRow{Name: name, Version: version, Arch: "amd64", Status: "ii"})
	}
	return out
}

// baseSystem puts on a new machine what services and time zones come with it.
func (m *machine) baseSystem(t *tx) error {
	files := []file{unitFile("systemd-timesyncd", "/usr/lib/systemd/systemd-timesyncd", "time-set.target"), unitFile("ssh", "/usr/sbin/sshd -D", "network.target"),
		{name: "/etc/systemd/timesyncd.conf", text: "[Time]\n"}, {name: "/etc/timezone", text: "Etc/UTC\n"}}
	for zone := range strings.FieldsSeq(`Africa/Cairo Africa/Johannesburg America/Chicago America/Los_Angeles America/New_York America/Sao_Paulo Asia/Chongqing Asia/Hong_Kong
		Asia/Kolkata Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Taipei Asia/Tokyo Asia/Urumqi Australia/Sydney Etc/GMT Europe/Berlin Europe/London Europe/Paris UTC`) {
		files = append(files, file{name: zones + zone, text: "TZif2 " + zone + "\n"})
	}
	for _, name := range []string{"systemd-timesyncd.service", "ssh.service"} {
		put(t, m.units, name, unitRow{Name: name, Active: active, Enabled: true, StartedAt: t.now})
	}
	return m.write(files...)
}

func programs(dir string, names ...string) []file {
	var out []file
	for _, n := range names {
		out = append(out, file{name: path.Join(dir, n), mode: 0o755, text: simulatedBinary})
	}
	return out
}

func unitFile(name, command, after string) file {
	return file{name: "/usr/lib/systemd/system/" + name + ".service", text: "# of a simulated package\n[Unit]\nDescription=" + name + "\nAfter=" + after +
		"\n\n[Service]\nExecStart=" + command + "\nRestart=always\n\n[Install]\nWantedBy=multi-user.target\n"}
}

const debian = "http://deb.debian.org/debian bookworm/main amd64 Packages"

// repository is everything that the simulated sources have, newest versions first.
func repository() []repoPackage {
	all := []repoPackage{
		{name: "containerd", version: "1.6.20~ds1-1+deb12u3", depends: []string{"runc"}, unit: "containerd", started: true, dirs: []string{"/etc/containerd"},
			files: append(programs("/usr/bin", "containerd", "containerd-shim-runc-v1", "containerd-shim-runc-v2", "ctr"),
				unitFile("containerd", "/usr/bin/containerd", "network.target local-fs.target"),
				file{name: "/etc/containerd/config.toml", text: debianContainerd})},
		{name: "runc", version: "1.1.5+ds1-1+deb12u1", depends: []string{"libseccomp2"}, files: programs("/usr/sbin", "runc")},
		{name: "libseccomp2", version: "2.5.4-1+deb12u1"},
		{name: "haproxy", version: "2.6.12-1+deb12u3", depends: []string{"liblua5.3-0"}, unit: "haproxy", started: true, dirs: []string{"/etc/haproxy", "/etc/haproxy/errors", "/var/lib/haproxy"},
			files: append(programs("/usr/sbin", "haproxy"), unitFile("haproxy", "/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg", "network-online.target"),
				file{name: "/etc/default/haproxy", text: "# Defaults file for HAProxy\n"},
				file{name: haproxyConfig, text: debianHAProxy})},
		{name: "liblua5.3-0", version: "5.3.6-2"},
		{name: "keepalived", version: "1:2.2.7-1+b2", depends: []string{"ipvsadm", "libnl-3-200", "libnl-genl-3-200"}, unit: "keepalived", dirs: []string{"/etc/keepalived"},
			files: append(programs("/usr/sbin", "keepalived"), unitFile("keepalived", "/usr/sbin/keepalived --dont-fork", "network-online.target"),
				file{name: "/etc/default/keepalived", text: "# Options for keepalived\n"})},
		{name: "ipvsadm", version: "1:1.31-1+b1", files: programs("/usr/sbin", "ipvsadm", "ipvsadm-save", "ipvsadm-restore")},
		{name: "libnl-3-200", version: "3.7.0-0.2+b1"},
		{name: "libnl-genl-3-200", version: "3.7.0-0.2+b1"},
		{name: "conntrack", version: "1:1.4.7-1+b2", depends: []string{"libnetfilter-conntrack3"}, files: programs("/usr/sbin", "conntrack")},
		{name: "libnetfilter-conntrack3", version: "1.0.9-3"},
		{name: "socat", version: "1.7.4.4-2", files: programs("/usr/bin", "socat")},
		{name: "ethtool", version: "1:6.1-1", files: programs("/usr/sbin", "ethtool")},
		{name: "ebtables", version: "2.0.11-5", depends: []string{"iptables"}, files: programs("/usr/sbin", "ebtables-legacy")},
		{name: "iptables", version: "1.8.9-2", depends: []string{"libxtables12"}, files: programs("/usr/sbin", "iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore")},
		{name: "libxtables12", version: "1.8.9-2"},
		{name: "ipset", version: "7.17-1", files: programs("/usr/sbin", "ipset")},
		{name: "iproute2", version: "6.1.0-3"}, {name: "mount", version: "2.38.1-5+deb12u3"}, {name: "util-linux", version: "2.38.1-5+deb12u3"},
		{name: "chrony", version: "4.3-2+deb12u1", unit: "chrony", started: true, dirs: []string{"/etc/chrony", "/etc/chrony/sources.d"},
			files: append(programs("/usr/sbin", "chronyd"), unitFile("chrony", "/usr/sbin/chronyd", "network.target"), file{name: "/etc/chrony/chrony.conf", text: "pool 2.debian.pool.ntp.org iburst\nsourcedir /etc/chrony/sources.d\n"})},
		{name: "jq", version: "1.6-2.1", files: programs("/usr/bin", "jq")}, {name: "nfs-common", version: "1:2.6.2-4", files: programs("/usr/sbin", "mount.nfs")},
	}
	for i := range all {
		all[i].source = debian
	}
	return append(all, kubernetesPackages()...)
}

// kubernetesPackages are those of the Kubernetes project's own sources.
func kubernetesPackages() []repoPackage {
	var all []repoPackage
	for _, v := range kubernetesVersions() {
		minor := "v1." + strconv.Itoa(minorOf(v))
		at := "https://pkgs.k8s.io/core:/stable:/" + minor + "/deb  Packages"
		own := map[string]string{"kubernetes-cni": "1.7.1-1.1", "cri-tools": "1.34.0-1.1"}
		if minor == "v1.33" {
			own = map[string]string{"kubernetes-cni": "1.6.0-1.1", "cri-tools": "1.33.0-1.1"}
		}
		all = append(all,
			repoPackage{name: "kubelet", version: v + "-1.1", unit: "kubelet", source: at, dirs: []string{"/etc/kubernetes", "/etc/kubernetes/manifests", "/var/lib/kubelet"},
				depends: []string{"conntrack", "ebtables", "ethtool", "iproute2", "iptables", "kubernetes-cni", "mount", "socat", "util-linux"},
				files: append(programs("/usr/bin", "kubelet"), unitFile("kubelet", "/usr/bin/kubelet", "network-online.target"),
					file{name: "/etc/default/kubelet", text: "KUBELET_EXTRA_ARGS=\n"})},
			repoPackage{name: "kubeadm", version: v + "-1.1", depends: []string{"cri-tools"}, source: at, dirs: []string{"/usr/lib/systemd/system/kubelet.service.d"},
				files: append(programs("/usr/bin", "kubeadm"), file{name: "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
					text: "# of a simulated package\n[Service]\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n"})},
			repoPackage{name: "kubectl", version: v + "-1.1", source: at, files: programs("/usr/bin", "kubectl")},
			repoPackage{name: "cri-tools", version: own["cri-tools"], source: at, files: programs("/usr/bin", "crictl")},
			repoPackage{name: "kubernetes-cni", version: own["kubernetes-cni"], source: at, dirs: []string{"/opt/cni", "/opt/cni/bin", "/etc/cni", "/etc/cni/net.d"},
				files: programs("/opt/cni/bin", "bandwidth", "bridge", "dhcp", "firewall", "host-device", "host-local", "ipvlan", "loopback", "macvlan", "portmap", "ptp", "sbr", "static", "tuning", "vlan", "vrf")})
	}
	return all
}

// offered lists the versions of a package in the sources, newest first.
func offered(name string) []repoPackage {
	var out []repoPackage
	for _, p := range repository() {
		if p.name == name {
			out = append(out, p)
		}
	}
	return out
}

// packagedPrograms are those that come with a package and not with the system:
// they can be run only when their file is there.
func packagedPrograms() []string {
	out := []string{"kubeadm", "kubectl", "kubelet"} // also from bundles
	for _, p := range repository() {
		for _, f := range p.files {
			if f.text == simulatedBinary && !strings.HasPrefix(f.name, "/opt/") {
				out = append(out, path.Base(f.name))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pkg finds an installed package, or one that has left its configuration.
func (m *machine) pkg(name string) (packageRow, bool) {
	if row, ok := m.packages.rows[name]; ok {
		return row, true
	}
	for _, row := range basePackages() {
		if row.Name == name {
			return row, true
		}
	}
	return packageRow{}, false
}

// pkgs lists all packages that dpkg knows, by name.
func (m *machine) pkgs() []packageRow {
	var out []packageRow
	for _, row := range basePackages() {
		if _, ours := m.packages.rows[row.Name]; !ours {
			out = append(out, row)
		}
	}
	for _, row := range m.packages.rows {
		out = append(out, row)
	}
	slices.SortFunc(out, func(a, b packageRow) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// has reports whether a package is installed.
func (m *machine) has(pkg string) bool {
	row, ok := m.pkg(pkg)
	return ok && row.installed()
}

const debianContainerd = `version = 2

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "/usr/lib/cni"
      conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.internal.v1.opt"]
    path = "/var/lib/containerd"
`

const debianHAProxy = `global
	log /dev/log	local0
	chroot /var/lib/haproxy
	user haproxy
	group haproxy
	daemon

defaults
	log	global
	mode	http
	option	httplog
	timeout connect 5000
	timeout client  50000
	timeout server  50000
`
