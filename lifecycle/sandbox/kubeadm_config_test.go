package sandbox

import (
	"strings"
	"testing"
)

const exampleConfig = `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
bootstrapTokens:
- token: "abcdef.0123456789abcdef"
  ttl: 2h0m0s
nodeRegistration:
  name: one
  taints: []
  kubeletExtraArgs:
  - {name: node-ip, value: "10.0.0.1"}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.34.4
networking: {podSubnet: 10.244.0.0/16}
controllerManager:
  extraArgs:
  - {name: node-cidr-mask-size, value: "25"}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 100
`

func TestKubeadmFileIsReadStrictly(t *testing.T) {
	k, err := parseKubeadm([]byte(exampleConfig))
	if err != nil {
		t.Fatal(err)
	}
	conf := k.cluster.withDefaults()
	if k.init == nil || k.init.NodeRegistration.Taints == nil || k.init.NodeRegistration.KubeletExtraArgs["node-ip"] != "10.0.0.1" {
		t.Errorf("init: %+v", k.init)
	}
	if conf.nodeMask() != 25 || conf.Networking.ServiceSubnet != "10.96.0.0/12" || conf.ImageRepository != "registry.k8s.io" || conf.wrong() != "" {
		t.Errorf("cluster: %+v: %s", conf, conf.wrong())
	}
	for text, want := range map[string]string{
		strings.Replace(exampleConfig, "podSubnet", "podsSubnet", 1):                    "field podsSubnet not found",
		strings.Replace(exampleConfig, "bootstrapTokens", "bootstrapToken", 1):          "field bootstrapToken not found",
		strings.Replace(exampleConfig, "v1beta4\nkind: Init", "v1beta2\nkind: Init", 1): "no kind \"InitConfiguration\" is registered",
		strings.Replace(exampleConfig, "InitConfiguration", "InitialConfiguration", 1):  "no kind \"InitialConfiguration\"",
	} {
		if _, err := parseKubeadm([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	k.cluster.Networking.PodSubnet = "10.0.0.0/30"
	if k.cluster.wrong() == "" {
		t.Error("a pod network without room for nodes is taken")
	}
}

func TestExtraArgsAsMap(t *testing.T) {
	text := strings.Replace(exampleConfig, "  - {name: node-cidr-mask-size, value: \"25\"}", "    node-cidr-mask-size: \"26\"", 1)
	k, err := parseKubeadm([]byte(text))
	if err != nil || k.cluster.nodeMask() != 26 {
		t.Errorf("mask %d, %v", k.cluster.nodeMask(), err)
	}
}
