package sandbox

import (
	"strings"
	"testing"
)

func TestKubectlChangesObjects(t *testing.T) {
	l := newLab(t)
	one := l.machine("one")
	l.cluster(one)
	k := "export KUBECONFIG=" + adminConf + "\nkubectl "
	manifest := "apply -f - <<'E'\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: {mine: x}}\ndata: {a: \"1\", b: \"2\"}\nE\n"
	for _, step := range []struct{ command, want string }{
		{manifest, "configmap/c created"},
		{manifest, "configmap/c unchanged"},
		{"annotate --overwrite configmap/c coxswain-manifest=sum", "configmap/c annotated"},
		{strings.Replace(manifest, "b: ", "z: ", 1), "configmap/c configured"},
		{"get configmap c -o jsonpath='{.data.b}{.data.z}{.metadata.annotations.coxswain-manifest}'", "2sum"},
		{"get cm/c --ignore-not-found -o yaml", "kind: ConfigMap"},
		{"get cm/none --ignore-not-found -o 'jsonpath={.metadata.name}'", ""},
		{"label node one zone=a", "node/one labeled"},
		{"get nodes -l zone=a -o name", "node/one"},
		{"label node one zone-", "node/one labeled"},
		{"get nodes -l zone=a", "No resources found"},
		{"cordon one", "node/one cordoned"},
		{"get node one", "Ready,SchedulingDisabled"},
		{"drain one --ignore-daemonsets", "node/one drained"},
		{"uncordon one", "node/one uncordoned"},
		{"get pods -A", "kube-apiserver-one"},
		{"get pods -n kube-system -o wide --no-headers", "Running"},
		{"get all -n kube-system", "daemonset.apps/kube-proxy"},
		{"get deploy -n kube-system", "coredns   2/2"},
		{"get ds -A -o custom-columns=NAME:.metadata.name,READY:.status.numberReady", "kube-proxy        1"},
		{"create deployment web --image=example.org/web", "deployment.apps/web created"},
		{"scale deployment web --replicas=3", "deployment.apps/web scaled"},
		{"rollout restart deployment/web", "deployment.apps/web restarted"},
		{"taint node one node-role.kubernetes.io/control-plane-", "node/one untainted"},
		{"rollout status deployment/web --timeout=5s", "successfully rolled out"},
		{"delete deployment web", `deployment.apps "web" deleted`},
		{"delete secret none --ignore-not-found", ""},
		{"wait --for=delete deployment/web --timeout=5s", "condition met"},
		{"patch cm c -p '{\"data\":{\"a\":null}}'", "configmap/c patched"},
		{"get cm c -o json", `"z": "2"`},
		{"cluster-info", "is running at https://" + l.ip(one) + ":6443"},
		{"version", "Server Version: v1.34.4"},
		{"logs -n kube-system etcd-one", "simulated"},
		{"config current-context", "kubernetes-admin@kubernetes"},
		{"auth can-i '*' '*'", "yes"},
		{"api-resources", "daemonsets"},
		{"describe node one", "simulated"},
	} {
		if out := l.ok(one, k+step.command); !strings.Contains(out, step.want) {
			t.Errorf("kubectl %s\ngot  %q\nwant %q", step.command, out, step.want)
		}
	}
	for command, why := range map[string]string{
		"get things":                         "doesn't have a resource type",
		"get pod none":                       `Error from server (NotFound): pods "none" not found`,
		"annotate cm c mine=y":               "--overwrite is false",
		"exec etcd-one -n kube-system -- ls": "simulates its pods",
		"delete namespace kube-system":       "Forbidden",
		"apply -f /nowhere.yaml":             "no such file",
		"fly":                                "unknown command",
		"get nodes --server=https://10.99.99.99:6443": "refused",
	} {
		l.refused(one, k+command, why)
	}
	l.refused(one, "sed s/certificate-authority-data:.*/certificate-authority-data:/ "+adminConf+" >/root/bad\nkubectl --kubeconfig /root/bad get nodes", "unknown authority")
}
