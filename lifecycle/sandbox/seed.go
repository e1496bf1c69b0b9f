package sandbox

import (
	"fmt"
	"net/netip"

	"go.yaml.in/yaml/v3"
)

// seed stores what a new cluster has.
func (cl *cluster) seed(t *tx) error {
	row := cl.row()
	for _, ns := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
		cl.store(t, kindOf("Namespace"), "", ns, object{"metadata": object{"name": ns, "labels": object{"kubernetes.io/metadata.name": ns}}, "status": object{"phase": "Active"}})
	}
	manifest := fmt.Sprintf(seedManifest, imageNamed("kube-proxy", row), imageNamed("coredns", row), serviceIP(row.Service, 10), serviceIP(row.Service, 1),
		row.Version, row.Endpoint, row.Name, row.PodCIDR, row.Service, row.Domain, row.Repository)
	objects, err := parseManifest([]byte(manifest))
	if err != nil {
		return err
	}
	for _, o := range objects {
		r, ok := findKind(o.str("apiVersion"), o.str("kind"))
		if !ok {
			return fmt.Errorf("seed: unknown kind %s", o.str("kind"))
		}
		cl.store(t, r, o.namespace(), o.name(), o)
	}
	return nil
}

// serviceIP is the n-th address of the network of services.
func serviceIP(cidr string, n int) string {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return ""
	}
	a := p.Masked().Addr()
	for range n {
		a = a.Next()
	}
	return a.String()
}

// parseManifest reads the documents of a YAML or JSON manifest; lists are opened.
func parseManifest(text []byte) ([]object, error) {
	var out []object
	d := yaml.NewDecoder(newReader(text))
	for {
		var o map[string]any
		err := d.Decode(&o)
		if isEOF(err) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if len(o) == 0 {
			continue
		}
		doc := object(o)
		if doc.str("kind") == "List" {
			out = append(out, doc.list("items")...)
			continue
		}
		out = append(out, doc)
	}
}

const seedManifest = `
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-proxy, namespace: kube-system, labels: {k8s-app: kube-proxy}}
spec:
  selector: {matchLabels: {k8s-app: kube-proxy}}
  template:
    metadata: {labels: {k8s-app: kube-proxy}}
    spec:
      hostNetwork: true
      priorityClassName: system-node-critical
      tolerations: [{operator: Exists}]
      containers: [{name: kube-proxy, image: "%s"}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec:
  replicas: 2
  selector: {matchLabels: {k8s-app: kube-dns}}
  template:
    metadata: {labels: {k8s-app: kube-dns}}
    spec:
      priorityClassName: system-cluster-critical
      tolerations: [{key: CriticalAddonsOnly, operator: Exists}, {key: node-role.kubernetes.io/control-plane, effect: NoSchedule}]
      containers: [{name: coredns, image: "%s"}]
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {clusterIP: %s, selector: {k8s-app: kube-dns}, ports: [{name: dns, port: 53, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: kubernetes, namespace: default, labels: {component: apiserver, provider: kubernetes}}
spec: {clusterIP: %s, ports: [{name: https, port: 443, protocol: TCP}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kubeadm-config, namespace: kube-system}
data:
  ClusterConfiguration: |
    apiVersion: kubeadm.k8s.io/v1beta4
    kind: ClusterConfiguration
    kubernetesVersion: %s
    controlPlaneEndpoint: %s
    clusterName: %s
    networking: {podSubnet: "%s", serviceSubnet: "%s", dnsDomain: %s}
    imageRepository: %s
---
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data: {Corefile: ".:53 {\n    kubernetes\n}\n"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: default}
`
