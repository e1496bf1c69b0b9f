package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"text/template"
)

func TestKubeadmRefusesWhatIsNotPrepared(t *testing.T) {
	l := newLab(t)
	m := l.machine("one")
	l.ok(m, "systemctl stop containerd; sysctl -q -w net.ipv4.ip_forward=0")
	l.refused(m, l.kubeadm("init", l.initFile(m)), "[ERROR CRI]")
	l.refused(m, l.kubeadm("init", l.initFile(m)), "ip_forward contents are not set to 1")
	l.refused(m, "kubectl get nodes", "localhost:8080 was refused")
}

// flannel is the manifest that phases apply.
func flannel(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	manifest, err := template.ParseFiles("../phases/scripts/flannel.yaml.tmpl")
	if err == nil {
		err = manifest.Execute(&b, map[string]string{"PodCIDR": "10.244.0.0/16", "Backend": "vxlan", "Interface": "", "Image": "example.org/flannel:1", "PluginImage": "example.org/plugin:1"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestClusterLives(t *testing.T) {
	l := newLab(t)
	one, two := l.machine("one"), l.machine("two")
	l.ok(one, l.kubeadm("init --upload-certs --skip-token-print", l.initFile(one)))
	k := "kubectl --kubeconfig " + adminConf + " "
	if out := l.ok(one, k+"get --raw /readyz"); out != "ok" {
		t.Errorf("readyz %q", out)
	}
	if out := l.ok(one, k+"get nodes --no-headers"); !strings.Contains(out, "NotReady") {
		t.Errorf("a node without a network is ready: %s", out)
	}
	l.refused(one, k+"wait --for=condition=Ready --timeout=200ms node/one", "timed out waiting")
	for _, word := range []string{"created", "unchanged"} {
		if out := l.ok(one, k+"apply -f - <<'E'\n"+flannel(t)+"E\n"); !strings.Contains(out, "daemonset.apps/kube-flannel-ds "+word+"\n") {
			t.Errorf("apply: %s", out)
		}
	}
	if out := l.ok(one, k+"wait --for=condition=Ready --timeout=5s node/one"); out != "node/one condition met\n" {
		t.Errorf("wait: %s", out)
	}
	endpoint := l.ip(one) + ":6443"
	for _, bad := range []struct{ token, pin, why string }{
		{"abcdef.ffffffffffffffff", l.pin(one), "could not find a JWS signature"},
		{goodToken, "sha256:" + strings.Repeat("0", 64), "are pinned"},
	} {
		l.refused(two, l.kubeadm("join", fmt.Sprintf(joinFile, bad.token, endpoint, bad.pin, "two")), bad.why)
	}
	l.refused(two, l.kubeadm("join", fmt.Sprintf(joinFile, goodToken, l.ip(two)+":6443", l.pin(one), "two")), "connection refused")
	l.ok(two, l.kubeadm("join", fmt.Sprintf(joinFile, goodToken, endpoint, l.pin(one), "two")))
	l.ok(one, k+"wait --for=condition=Ready --timeout=5s node/one node/two\n"+k+"-n kube-flannel rollout status --timeout=5s daemonset/kube-flannel-ds\n"+
		k+"-n kube-system rollout status --timeout=5s deployment/coredns")
	nodes, err := l.client(one).Nodes(t.Context())
	if err != nil || len(nodes) != 2 {
		t.Fatalf("nodes %v, %v", nodes, err)
	}
	if n := nodes[1]; n.Name != "two" || n.Role != "worker" || !n.Ready || n.InternalIP != l.ip(two) || n.Version != "v1.34.4" || n.MilliCPU != 2000 {
		t.Errorf("node %+v", n)
	}
	l.ok(two, "kubeadm reset -f")
	if out := l.ok(one, k+"get node two -o jsonpath='{.status.conditions[?(@.type==\"Ready\")].status}'"); out != "Unknown" {
		t.Errorf("a node that was reset is %q", out)
	}
	l.ok(two, l.kubeadm("join", fmt.Sprintf(joinFile, goodToken, endpoint, l.pin(one), "two")))
	l.ok(one, "kubeadm reset -f --skip-phases=remove-etcd-member")
	l.refused(one, k+"get nodes", "refused")
	if l.sb.clusters.rows["cluster-00001"].ID != "" {
		t.Error("a cluster without control planes is kept")
	}
}

func TestControlPlanesAreAdded(t *testing.T) {
	l := newLab(t)
	one, two := l.machine("one"), l.machine("two")
	l.cluster(one)
	k := "kubectl --kubeconfig " + adminConf + " "
	key := strings.Repeat("ab", 32)
	plane := func(key string) string {
		return l.kubeadm("join", fmt.Sprintf(joinFile, "fedcba.0123456789abcdef", l.ip(one)+":6443", l.pin(one), "two")+"controlPlane: {certificateKey: "+key+"}\n")
	}
	l.ok(one, "kubeadm --kubeconfig "+adminConf+" token create fedcba.0123456789abcdef --ttl 2h0m0s\n"+
		l.kubeadm("init phase upload-certs --upload-certs --skip-certificate-key-print", "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\ncertificateKey: "+key+"\n"))
	if out := l.ok(one, k+"-n kube-public get configmap cluster-info -o 'jsonpath={.data.jws-kubeconfig-fedcba}'"); out == "" {
		t.Error("the information of the cluster is not signed for the token")
	}
	l.refused(two, plane(strings.Repeat("cd", 32)), "message authentication failed")
	l.ok(two, plane(key))
	if out := l.ok(two, k+"--server=https://"+l.ip(two)+":6443 get --raw /readyz/etcd"); out != "ok" {
		t.Errorf("etcd of the second: %q", out)
	}
	l.ok(one, "kubeadm --kubeconfig "+adminConf+" token delete fedcba\n"+k+"-n kube-system delete secret kubeadm-certs --ignore-not-found")
	if out := l.ok(one, k+"-n kube-public get configmap cluster-info -o 'jsonpath={.data.jws-kubeconfig-fedcba}'"); out != "" {
		t.Errorf("signed for a token that is gone: %q", out)
	}
	l.ok(two, "systemctl stop kubelet")
	l.refused(one, k+"get nodes", "") // one of two is no majority
	l.ok(two, "systemctl start kubelet")
	l.ok(one, k+"get nodes")
	l.ok(two, "kubeadm reset -f")
	l.ok(one, k+"get nodes")
}

func TestTokenIsKept(t *testing.T) {
	l := newLab(t)
	one := l.machine("one")
	l.cluster(one)
	out := l.ok(one, "kubeadm token create --print-join-command")
	if !strings.HasPrefix(out, "kubeadm join "+l.ip(one)+":6443 --token ") || !strings.Contains(out, l.pin(one)) {
		t.Fatal(out)
	}
	two := l.machine("two")
	l.ok(two, out)
	if out := l.ok(one, "kubectl --kubeconfig "+adminConf+" get nodes -o name"); out != "node/one\nnode/two\n" {
		t.Error(out)
	}
	l.refused(one, "kubeadm token delete zzzzzz", "not found")
	if out := l.ok(one, "kubeadm token list"); !strings.Contains(out, goodToken) {
		t.Error(out)
	}
}
