package sandbox

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// bare makes a machine as it comes from the provider.
func (l *lab) bare(name string) *machine {
	l.t.Helper()
	made, err := l.sb.CreateMachine(l.t.Context(), lifecycle.MachineSpec{Owner: "test", Name: name, CPUs: 2, MemoryMB: 4096, DiskMB: 20 << 10})
	if err != nil {
		l.t.Fatal(err)
	}
	l.sb.mu.Lock()
	defer l.sb.mu.Unlock()
	return l.sb.disks[made.ID]
}

// says compares what a script prints with what the real commands would.
func (l *lab) says(m *machine, text, want string) {
	l.t.Helper()
	if out, _ := l.run(m, text); strings.TrimSpace(out) != want {
		l.t.Errorf("%s:\n%s\nwant\n%s", text, out, want)
	}
}

func TestFiles(t *testing.T) {
	l := newLab(t)
	m := l.bare("one")
	for script, want := range map[string]string{
		"mkdir -p /a/b && mkdir /a/b":                     "mkdir: cannot create directory '/a/b': File exists",
		"mkdir /q/b":                                      "mkdir: cannot create directory '/q/b': No such file or directory",
		"mkdir /m && echo x >/m/f && rmdir /m":            "rmdir: failed to remove '/m': Directory not empty",
		"rm /nowhere":                                     "rm: cannot remove '/nowhere': No such file or directory",
		"rm -f /nowhere; echo $?":                         "0",
		"mkdir /d && rm /d":                               "rm: cannot remove '/d': Is a directory",
		"cd /home && echo hi >x && mv x y && cat y && ls": "hi\ny",
		"mkdir /t && echo 1 >/t/f && mkdir /u && mv /t/f /u && cat /u/f":      "1",
		"echo abc >/c1; chmod 640 /c1; cp -a /c1 /c2; stat -c '%a %s %U' /c2": "640 4 root",
		"ln -s /c1 /l1; cp -a /l1 /l2; readlink /l2; readlink /c1; echo $?":   "/c1\n1",
		"mkdir -p /r/s; echo 1 >/r/s/f; cp -a /r /r2; find /r2 -type f":       "/r2/s/f",
		"mkdir /r4; cp /r4 /r3": "cp: -r not specified; omitting directory '/r4'",
		"echo >/c3; chmod 640 /c3; chmod u+x,go-r /c3; stat -c %a /c3":                   "700",
		"echo >/c4; chmod what /c4":                                                      "chmod: invalid mode: 'what'",
		"ln -s /old /l3; ln -s /new /l3":                                                 "ln: failed to create symbolic link '/l3': File exists",
		"ln -s /old /l4; ln -sfn /new /l4; readlink /l4":                                 "/new",
		"d=$(mktemp -d) && [ -d \"$d\" ] && echo made":                                   "made",
		"printf 'a\\nb\\n' | tee /tee | wc -l; cat /tee":                                 "2\na\nb",
		"truncate -s 5 /z; stat -c %s /z":                                                "5",
		"cp -Z /c1 /c9":                                                                  "cp: unrecognized option '-Z' (the sandbox does not know it)",
		"printf 123456789 >/dd; printf XY | dd bs=2 seek=1 conv=notrunc of=/dd; cat /dd": "12XY56789",
		"printf abc >/dd2; printf Z | dd of=/dd2; cat /dd2":                              "Z",
	} {
		l.says(m, script, want)
	}
}

func TestUploadGoesOn(t *testing.T) {
	l := newLab(t)
	m := l.bare("one")
	long := strings.Repeat("0123456789abcdef", 3<<20/16)
	put := func(seek int, text string) {
		t.Helper()
		p := l.process(m)
		defer p.exited()
		c := l.call(p, strings.NewReader(text), "dd", "bs=1048576", fmt.Sprintf("seek=%d", seek), "conv=notrunc", "of=/up/part")
		if code := c.dd(); code != 0 {
			t.Fatalf("dd: %d", code)
		}
	}
	l.ok(m, "mkdir -p /up; : >/up/part")
	put(0, long[:1<<20+500])
	put(1, long[1<<20:]) // the last block was not whole
	if got := l.text(m, "/up/part"); got != long {
		t.Errorf("%d bytes, want %d", len(got), len(long))
	}
	l.ok(m, "cp /up/part /up/copy && printf x >>/up/copy")
	if a, b := l.text(m, "/up/part"), l.text(m, "/up/copy"); a != long || b != long+"x" {
		t.Errorf("a copy is not apart: %d %d", len(a), len(b))
	}
}

func (l *lab) process(m *machine) *process {
	l.sb.mu.Lock()
	defer l.sb.mu.Unlock()
	return l.sb.newProcess(l.t.Context(), m, 0)
}

func (l *lab) call(p *process, in *strings.Reader, args ...string) *call {
	var out bytes.Buffer
	f := frame{ctx: l.t.Context(), dir: "/", env: func(string) string { return "" }, stdio: stdio{in, &out, &out}}
	return p.newCall(f, args)
}

func TestPackages(t *testing.T) {
	l := newLab(t)
	m := l.bare("one")
	l.refused(m, "apt-get -y -qq install kubelet", "E: Unable to locate package kubelet")
	l.says(m, "apt-cache madison kubeadm 2>/dev/null", "")
	l.says(m, "mkdir -p /tmp/l /tmp/c; apt-get -qq update -o Dir::State::lists=/tmp/l; apt-cache -q -o Dir::State::lists=/tmp/l madison kubeadm | while read -r a b v d; do echo $a $v; done; apt-cache -q madison kubeadm",
		"kubeadm 1.34.4-1.1\nkubeadm 1.33.13-1.1")
	l.ok(m, "dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' >/before")
	l.ok(m, "apt-get -qq update")
	l.refused(m, "apt-get -y install kubelet=1.35.0-*", "E: Version '1.35.0-*' for 'kubelet' was not found")
	l.ok(m, "apt-get -y -qq install --no-install-recommends -o Dpkg::Options::=--force-confold containerd runc kubelet=1.33.13-* kubeadm=1.33.13-* kubectl=1.33.13-* && apt-mark hold kubelet kubeadm kubectl")
	l.says(m, "kubelet --version; containerd --version; systemctl is-active containerd; systemctl is-enabled kubelet",
		"Kubernetes v1.33.13\ncontainerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3\nactive\nenabled")
	l.says(m, "dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\\n' kubelet nothing cri-tools conntrack 2>/dev/null",
		"hi  kubelet 1.33.13-1.1\nii  cri-tools 1.33.0-1.1\nii  conntrack 1:1.4.7-1+b2")
	l.refused(m, "apt-get -y install kubelet=1.34.4-1.1", "E: Held packages were changed")
	l.refused(m, "dpkg --purge conntrack", "kubelet depends on conntrack")
	l.ok(m, "ctr version")
	l.ok(m, "gone=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' | grep -vxFf /before | while read -r s p; do echo $p; done); dpkg --purge $gone")
	l.says(m, "dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' >/after; cmp() { [ \"$(cat $1)\" = \"$(cat $2)\" ] && echo same; }; cmp /before /after; [ -e /usr/bin/kubelet ] || echo gone; systemctl is-active containerd; find /opt /etc/kubernetes /etc/containerd 2>/dev/null",
		"same\ngone\ninactive\n/opt")
}

func TestLocalPackages(t *testing.T) {
	l := newLab(t)
	m := l.bare("one")
	l.refused(m, "apt-get -y install /b/socat_1.7.4.4-2_amd64.deb", "E: Unsupported file /b/socat_1.7.4.4-2_amd64.deb given on commandline")
	l.ok(m, "mkdir /b; echo x >/b/socat_1.7.4.4-2_amd64.deb; apt-get -y -qq install --no-download -o Dir::Etc::SourceList=/dev/null /b/socat_1.7.4.4-2_amd64.deb; command -v socat")
}

func TestBundleBinariesHaveTheirVersion(t *testing.T) {
	l := newLab(t)
	m := l.bare("one")
	l.ok(m, `for v in v1.34.4 v1.35.1; do
  mkdir -p /var/lib/coxswain/bundle/abc/bin/$v/amd64
  echo "the kubeadm of $v" >/var/lib/coxswain/bundle/abc/bin/$v/amd64/kubeadm
done
cp /var/lib/coxswain/bundle/abc/bin/v1.35.1/amd64/kubeadm /usr/local/bin/kubeadm
chmod 755 /usr/local/bin/kubeadm`)
	l.says(m, "kubeadm version -o short", "v1.35.1")
}

func TestImages(t *testing.T) {
	l := newLab(t)
	m := l.machine("one")
	l.ok(m, "mkdir -p /img")
	l.sb.change(func(*tx) {
		for name, content := range map[string]map[string]string{
			"docker.tar": {"manifest.json": `[{"Config":"c.json","RepoTags":["registry.k8s.io/pause:3.10.1","busybox:1"],"Layers":[]}]`, "layer.tar": strings.Repeat("x", 70000)},
			"oci.tar":    {"index.json": `{"manifests":[{"digest":"sha256:ab","annotations":{"io.containerd.image.name":"ghcr.io/flannel-io/flannel:v0.28.4"}}]}`},
			"none.tar":   {"a": "b"},
		} {
			if err := m.write(file{name: "/img/" + name, text: archiveOf(t, content)}); err != nil {
				t.Error(err)
			}
		}
	})
	l.refused(m, "ctr -n k8s.io images import /img/missing.tar", "ctr: open /img/missing.tar: no such file or directory")
	l.refused(m, "ctr -n k8s.io images import /img/none.tar", "unrecognized image format")
	l.says(m, "for a in /img/docker.tar /img/oci.tar; do ctr -n k8s.io images import $a >/dev/null; done; ctr -n k8s.io images ls -q; ctr images ls -q",
		"docker.io/library/busybox:1\nghcr.io/flannel-io/flannel:v0.28.4\nregistry.k8s.io/pause:3.10.1")
	l.says(m, "ctr -n k8s.io images rm busybox:1", `ctr: image "busybox:1": not found`)
	l.ok(m, "kubeadm config images pull --kubernetes-version v1.34.4 && kubeadm config images list --kubernetes-version v1.34.4 >/l && ctr -n k8s.io images ls -q >/have && [ \"$(grep -xFf /l /have | wc -l)\" = 7 ]")
	l.says(m, "systemctl stop containerd; rm -rf /var/lib/containerd; systemctl start containerd; ctr -n k8s.io images ls -q", "")
	l.refused(m, "systemctl stop containerd; ctr -n k8s.io images ls -q", "ctr: failed to dial")
}

func archiveOf(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSystem(t *testing.T) {
	l := newLab(t)
	m := l.bare("one")
	for _, step := range [][2]string{
		{"swapoff -a; cat /proc/swaps | wc -l; swapon -a; cat /proc/swaps | wc -l", "1\n2"},
		{"[ -d /proc/sys/net/bridge ] || echo none; modprobe br_netfilter; cat /proc/sys/net/bridge/bridge-nf-call-iptables", "none\n1"},
		{"printf 'net/ipv4/ip_forward = 1\\n# no\\nvm.swappiness=10\\n' >/s.conf; sysctl -q -p /s.conf; sysctl -n net.ipv4.ip_forward vm/swappiness", "1\n10"},
		{"sysctl -w net.none=1", "sysctl: cannot stat /proc/sys/net/none: No such file or directory"},
		{"modprobe nothing", "modprobe: FATAL: Module nothing not found in directory /lib/modules/" + kernelVersion},
		{"modprobe -r br_netfilter; [ -d /proc/sys/net/bridge ] || echo none", "none"},
		{"hostnamectl set-hostname two; hostname; uname -n", "two\ntwo"},
		{"timedatectl set-timezone Mars/Base", "Failed to set time zone: Invalid or not installed time zone 'Mars/Base'"},
		{"timedatectl set-timezone Asia/Shanghai; timedatectl show -p Timezone --value; readlink /etc/localtime", "Asia/Shanghai\n/usr/share/zoneinfo/Asia/Shanghai"},
		{"systemctl restart systemd-timesyncd && systemctl is-active systemd-timesyncd", "active"},
		{"mount | head -n 1; umount -l /nowhere; echo $?", "/dev/vda1 on / type ext4 (rw,relatime)\numount: /nowhere: not mounted.\n32"},
		{"df -Pk /var/lib | while read -r _ size _ free _; do [ \"$free\" -gt 1000000 ] 2>/dev/null && echo $size; done", "20971520"},
	} {
		l.says(m, step[0], step[1])
	}
}

func TestNetwork(t *testing.T) {
	l := newLab(t)
	m, other := l.bare("one"), l.bare("two")
	ip := l.ip(m)
	for _, step := range [][2]string{
		{"ip -o -4 addr show | while read -r _ nic _ a _; do echo $nic $a; done", "lo 127.0.0.1/8\neth0 " + ip + "/16"},
		{"ip -4 route show default", "default via 10.77.0.1 dev eth0"},
		{"ip route add 10.5.0.0/24 via " + l.ip(other) + "; ip -4 route show | grep -o ^10.5.0; ip route del 10.5.0.0/24 via " + l.ip(other) + "; ip -4 route show | grep -c ^10.5", "10.5.0\n0"},
		{"ss -Hltn | while read -r _ _ _ a _; do echo ${a##*:}; done", "22"},
		{"ping -c 1 -W 1 two >/dev/null && echo yes; ping -c 1 -W 1 10.77.0.100 >/dev/null || echo no", "yes\nno"},
		{"getent hosts two", fmt.Sprintf("%-15s two", l.ip(other))},
		{"ip link del cni0", `Cannot find device "cni0"`},
		{"curl -fsSL https://example.org/x", "curl: (6) Could not resolve host: example.org (a simulated machine has no network but that of the sandbox)"},
	} {
		l.says(m, step[0], step[1])
	}
}

const haproxyText = `defaults
  mode tcp
  timeout connect 5s
frontend kube-apiserver
  bind *:8443
  default_backend kube-apiserver
backend kube-apiserver
  balance roundrobin
  server one %s:6443
`

const keepalivedText = `vrrp_script haproxy {
  script "/usr/bin/pgrep -x haproxy"
}
vrrp_instance kubernetes {
  virtual_router_id 100
  priority %d
  virtual_ipaddress {
    10.77.0.100/16 dev eth0
  }
  track_script {
    haproxy
  }
}
`

func TestSharedAddress(t *testing.T) {
	l := newLab(t)
	one, two := l.machine("one"), l.machine("two")
	for i, m := range []*machine{one, two} {
		l.ok(m, "apt-get -y -qq install haproxy keepalived")
		l.ok(m, fmt.Sprintf("cat >/etc/haproxy/haproxy.cfg <<'E'\n"+haproxyText+"E\ncat >/etc/keepalived/keepalived.conf <<'E'\n"+keepalivedText+"E\nhaproxy -c -q -f /etc/haproxy/haproxy.cfg && systemctl restart haproxy keepalived",
			l.ip(one), 150-i))
	}
	holds := func(m *machine, want string) {
		t.Helper()
		l.says(m, "ip -o -4 addr show | grep -c 10.77.0.100", want)
	}
	holds(one, "1")
	holds(two, "0")
	l.cluster(one)
	l.says(two, "curl -ks -o /dev/null https://10.77.0.100:8443/readyz && echo reached", "reached")
	l.says(two, "ss -Hltn | grep -c :8443", "1")
	l.ok(one, "systemctl stop haproxy")
	holds(one, "0")
	holds(two, "1")
	l.says(one, "curl -ks -o /dev/null https://10.77.0.100:8443/readyz && echo reached", "reached")
	l.ok(one, "systemctl stop kubelet")
	l.refused(two, "curl -k https://10.77.0.100:8443/readyz", "curl: (7) Failed to connect")
	l.refused(two, "echo 'nonsense here' >>/etc/haproxy/haproxy.cfg; haproxy -c -q -f /etc/haproxy/haproxy.cfg", "unknown keyword 'nonsense'")
	l.refused(two, "systemctl restart haproxy", "unknown keyword 'nonsense'")
}

func TestPacketFilterOutlivesTheNode(t *testing.T) {
	l := newLab(t)
	m := l.machine("one")
	l.cluster(m)
	l.ok(m, "kubeadm reset -f && iptables-save >/r && grep -q KUBE- /r")
	l.ok(m, "grep -v -e KUBE- /r | iptables-restore && iptables-save >/r && ! grep -q KUBE- /r")
	l.refused(m, "printf '*filter\\n-A NONE -j ACCEPT\\nCOMMIT\\n' | iptables-restore", "line 2 failed")
}
