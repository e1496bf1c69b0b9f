package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/kube"
)

// lab is a sandbox of a test, without delays.
type lab struct {
	t  *testing.T
	sb *Sandbox
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{t: t}
	l.open(t.TempDir())
	return l
}

func (l *lab) open(dir string) {
	l.t.Helper()
	sb, err := New(Config{Dir: dir, NoDelay: true})
	if err != nil {
		l.t.Fatal(err)
	}
	l.sb = sb
	l.t.Cleanup(func() {
		if err := sb.Close(); err != nil {
			l.t.Error(err)
		}
	})
}

// machine makes a machine and prepares it for Kubernetes.
func (l *lab) machine(name string) *machine {
	l.t.Helper()
	made, err := l.sb.CreateMachine(l.t.Context(), lifecycle.MachineSpec{Owner: "test", Name: name, CPUs: 2, MemoryMB: 4096, DiskMB: 20 << 10})
	if err != nil {
		l.t.Fatal(err)
	}
	l.sb.mu.Lock()
	m := l.sb.disks[made.ID]
	l.sb.mu.Unlock()
	l.ok(m, prepare)
	return m
}

const prepare = `set -e
swapoff -a
modprobe overlay
modprobe br_netfilter
printf 'net.ipv4.ip_forward = 1\nnet.bridge.bridge-nf-call-iptables = 1\n' >/etc/sysctl.d/k8s.conf
sysctl -q -p /etc/sysctl.d/k8s.conf
apt-get -qq update
apt-get -y -qq install --no-install-recommends containerd kubelet kubeadm kubectl conntrack
systemctl enable --now containerd
`

// run gives what a script prints on both ends, and its status.
func (l *lab) run(m *machine, text string, env ...string) (string, int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 20*time.Second)
	defer cancel()
	var out bytes.Buffer
	l.sb.mu.Lock()
	p := l.sb.newProcess(ctx, m, 0)
	l.sb.mu.Unlock()
	defer p.exited()
	code := p.interpret(ctx, script{name: "sh", text: text, env: append(environment(rootUser), env...), dir: "/root"}, stdio{strings.NewReader(""), &out, &out})
	return out.String(), code
}

// ok is run for what must succeed.
func (l *lab) ok(m *machine, text string, env ...string) string {
	l.t.Helper()
	out, code := l.run(m, text, env...)
	if code != 0 {
		l.t.Fatalf("%s: exit %d\n%s", text, code, out)
	}
	return out
}

// refused is run for what must fail and say why.
func (l *lab) refused(m *machine, text, why string) {
	l.t.Helper()
	out, code := l.run(m, text)
	if code == 0 || !strings.Contains(out, why) {
		l.t.Errorf("%s: exit %d, want one that says %q:\n%s", text, code, why, out)
	}
}

func (l *lab) text(m *machine, name string) string {
	l.sb.mu.Lock()
	defer l.sb.mu.Unlock()
	return m.text(name)
}

// dial reaches simulated addresses as an outsider.
func (l *lab) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port := hostOf(addr)
	l.sb.mu.Lock()
	at, err := l.sb.route(nil, host, port)
	l.sb.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, network, at)
}

func (l *lab) client(m *machine) *kube.Client {
	l.t.Helper()
	c, err := kube.New([]byte(l.text(m, adminConf)), l.dial)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

func (l *lab) ip(m *machine) string {
	l.sb.mu.Lock()
	defer l.sb.mu.Unlock()
	return m.row().IP
}

func (l *lab) initFile(m *machine) string {
	return strings.NewReplacer("10.0.0.1", l.ip(m), "kubernetesVersion:", "controlPlaneEndpoint: "+l.ip(m)+":6443\nkubernetesVersion:").Replace(exampleConfig)
}

const (
	joinFile = `apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken: {token: %q, apiServerEndpoint: %q, caCertHashes: [%q]}
nodeRegistration: {name: %s, imagePullPolicy: IfNotPresent}
`
	goodToken = "abcdef.0123456789abcdef"
	// network is a pod network as far as the sandbox looks at it.
	network = `apiVersion: v1
kind: Namespace
metadata: {name: kube-flannel}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-flannel-ds, namespace: kube-flannel}
spec:
  selector: {matchLabels: {app: flannel}}
  template:
    metadata: {labels: {app: flannel}}
    spec:
      hostNetwork: true
      tolerations: [{operator: Exists, effect: NoSchedule}]
      containers: [{name: kube-flannel, image: "example.org/flannel:1"}]
      volumes: [{name: cni, hostPath: {path: /etc/cni/net.d}}]
`
)

func (l *lab) kubeadm(verb, file string) string {
	return fmt.Sprintf("cat >/run/kubeadm.yaml <<'E'\n%sE\nkubeadm %s --config /run/kubeadm.yaml", file, verb)
}

// cluster makes a cluster of one control plane that is ready.
func (l *lab) cluster(m *machine) {
	l.t.Helper()
	l.ok(m, l.kubeadm("init --upload-certs --skip-token-print", l.initFile(m)))
	l.ok(m, "export KUBECONFIG="+adminConf+"\nkubectl apply -f - <<'E'\n"+network+"E\nkubectl wait --for=condition=Ready --timeout=10s node/one")
}

func (l *lab) pin(m *machine) string {
	l.t.Helper()
	hash, err := caHash(l.text(m, "/etc/kubernetes/pki/ca.crt"))
	if err != nil {
		l.t.Fatal(err)
	}
	return hash
}
