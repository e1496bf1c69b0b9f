package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// allReady asserts with kubectl that a cluster has n nodes, all Ready.
func (l *lab) allReady(cp, n int) {
	l.t.Helper()
	var out string
	drive.Eventually(l.t, 2*time.Minute, fmt.Sprintf("%d nodes Ready", n), func() bool {
		out = l.kubectl(cp, "get nodes --no-headers")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		ready := 0
		for _, line := range lines {
			if f := strings.Fields(line); len(f) > 1 && f[1] == "Ready" {
				ready++
			}
		}
		return ready == n && len(lines) == n
	})
	l.t.Logf("kubectl get nodes:\n%s", out)
}

const workload = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      tolerations: [{operator: Exists}]
      containers:
      - {name: c, image: "lab/busybox:1", command: [sh, -c, "mkdir /w; hostname > /w/index.html; exec httpd -f -p 80 -h /w"]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`

// scoped asserts with kubectl what the kubeconfig of a cluster manager may do.
func (l *lab) scoped(s *drive.Server, cluster string) {
	l.t.Helper()
	s.Chat("user add carol")
	s.Chat("project member default carol role=cluster-manager cluster=" + cluster)
	var told struct{ Scope, Kubeconfig string }
	out := s.Chat("--as", "carol", "--json", "cluster kubeconfig "+cluster)
	var m struct{ Data json.RawMessage }
	if err := errors.Join(json.Unmarshal([]byte(out), &m), json.Unmarshal(m.Data, &told)); err != nil || told.Scope != "cluster-manager" {
		l.t.Fatalf("carol is given %q (%v)", told.Scope, err)
	}
	l.mustSSH(1, "umask 077; cat > /root/carol.conf <<'Y'\n"+told.Kubeconfig+"\nY")
	defer l.mustSSH(1, "rm /root/carol.conf")
	carol := func(args string) int {
		_, code := l.ssh(1, "kubectl --kubeconfig /root/carol.conf "+args)
		return code
	}
	for _, may := range []string{"get nodes", "get pods -A", "cordon node2", "uncordon node2", "auth can-i create pods --subresource=eviction -n default"} {
		if carol(may) != 0 {
			l.t.Errorf("a cluster manager may not %s", may)
		}
	}
	for _, never := range []string{"get secrets -A", "-n kube-system create token default", "create namespace mine", "delete node node2",
		"auth can-i create pods -n kube-system", "auth can-i '*' '*'"} {
		if carol(never) == 0 {
			l.t.Errorf("a cluster manager may %s", never)
		}
	}
}

// works asserts that the cluster carries load: a Deployment rolls out, and a pod
// reaches its Service by name.
func (l *lab) works(cp int) {
	l.t.Helper()
	l.mustSSH(cp, "kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - <<'Y'\n"+workload+"\nY")
	l.kubectl(cp, "-n kube-system rollout status deploy/coredns --timeout=150s")
	l.kubectl(cp, "rollout status deploy/web --timeout=120s")
	pod := strings.Fields(l.kubectl(cp, "get pod -l app=web -o name"))[0]
	name := strings.TrimPrefix(pod, "pod/")
	drive.Eventually(l.t, time.Minute, "a pod reaches the service by its name", func() bool {
		out, code := l.ssh(cp, "kubectl --kubeconfig /etc/kubernetes/admin.conf exec "+name+" -- wget -qO- http://web.default.svc.cluster.local")
		return code == 0 && strings.HasPrefix(strings.TrimSpace(out), "web-")
	})
}

// trace is what a host looks like to somebody who wants to know whether a
// cluster was ever there. The package manager's own books (apt, dpkg, ucf) are
// left out: they remember what was installed, and that is their business.
const trace = `
echo "== packages"; dpkg-query -W -f '${Package} ${Version}\n' | sort
echo "== links"; ls /sys/class/net | sort
echo "== etc"; find /etc -xdev \( -type f -o -type l \) ! -path '/etc/ld.so.cache' ! -path '/etc/machine-id' ! -path '*/__pycache__/*' | sort | xargs -d '\n' sha256sum 2>/dev/null
echo "== var"; find /var/lib /opt /usr/local -xdev -mindepth 1 -maxdepth 2 ! -path '/var/lib/apt*' ! -path '/var/lib/dpkg*' ! -path '/var/lib/ucf*' ! -path '/var/lib/systemd*' ! -path '/opt/lab*' | sort
echo "== rules"; (iptables-save; ip6tables-save) 2>/dev/null | grep -E 'KUBE|FLANNEL|CNI' | sort
echo "== units"; systemctl list-units --all --no-legend --plain 'cox-*' 'kube*' 'containerd*' 'haproxy*' 'keepalived*' | awk '{print $1}' | sort
echo "== processes"; ps -eo comm= | grep -E 'kube|etcd|containerd|flannel|haproxy|keepalived|pause' | sort
echo "== mounts"; grep -E 'kubelet|containerd' /proc/mounts | sort
`

func (l *lab) traces() []string {
	l.t.Helper()
	out := make([]string, l.n)
	for i := range l.n {
		out[i] = l.mustSSH(i+1, trace)
	}
	return out
}

// cleanAs asserts that every host looks as it did before.
func (l *lab) cleanAs(before []string) {
	l.t.Helper()
	for i, after := range l.traces() {
		if d := difference(before[i], after); d != "" {
			l.t.Errorf("node%d is not as clean as before (- before, + now):\n%s", i+1, d)
		}
	}
}

// difference gives the lines that only one of two texts has.
func difference(a, b string) string {
	has := func(text string) map[string]bool {
		m := map[string]bool{}
		for _, line := range strings.Split(text, "\n") {
			m[line] = true
		}
		return m
	}
	inA, inB := has(a), has(b)
	var out []string
	for _, line := range strings.Split(a, "\n") {
		if !inB[line] {
			out = append(out, "- "+line)
		}
	}
	for _, line := range strings.Split(b, "\n") {
		if !inA[line] {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}

func TestDifference(t *testing.T) {
	if got := difference("a\nb", "b\nc"); got != "- a\n+ c" {
		t.Fatalf("got %q", got)
	}
}
