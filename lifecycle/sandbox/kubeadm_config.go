package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kubeadmConfig is what a file for kubeadm, or its flags, ask for.
type kubeadmConfig struct {
	init    *initConfiguration
	join    *joinConfiguration
	cluster clusterConfiguration
}

const kubeadmVersion = "kubeadm.k8s.io/v1beta4"

// kubeadmFile reads --config, or the flags in its place. What is wrong with it
// has been said when it is not ok.
func (c *call) kubeadmFile(o options) (kubeadmConfig, bool) {
	name := o.get("config")
	if name == "" {
		k := c.kubeadmFlags(o)
		return k, c.kubeadmValid(k)
	}
	if name = c.at(name); !c.m.fs.Exists(name) {
		fmt.Fprintf(c.err, "error: unable to read config from %q: open %s: no such file or directory\n", name, name)
		return kubeadmConfig{}, false
	}
	k, err := parseKubeadm([]byte(c.m.text(name)))
	if err != nil {
		fmt.Fprintf(c.err, "error: unable to parse configuration file %q: %v\n", name, err)
		return k, false
	}
	return k, c.kubeadmValid(k)
}

func (c *call) kubeadmValid(k kubeadmConfig) bool {
	if text := k.cluster.wrong(); text != "" {
		fmt.Fprintln(c.err, text)
		return false
	}
	return true
}

// parseKubeadm reads the documents of a configuration file.
func parseKubeadm(text []byte) (kubeadmConfig, error) {
	var k kubeadmConfig
	d := yaml.NewDecoder(newReader(text))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if isEOF(err) {
			return k, nil
		}
		if err != nil {
			return k, err
		}
		if err := k.add(&doc); err != nil {
			return k, err
		}
	}
}

// add takes one document over.
func (k *kubeadmConfig) add(doc *yaml.Node) error {
	var meta typeMeta
	if err := doc.Decode(&meta); err != nil {
		return err
	}
	if strings.HasPrefix(meta.APIVersion, "kubelet.config.k8s.io/") || strings.HasPrefix(meta.APIVersion, "kubeproxy.config.k8s.io/") {
		return nil // kubelet and kube-proxy are not simulated that far
	}
	if meta.APIVersion != kubeadmVersion {
		return fmt.Errorf("no kind %q is registered for version %q", meta.Kind, meta.APIVersion)
	}
	switch meta.Kind {
	case "InitConfiguration":
		k.init = &initConfiguration{}
		return strictly(doc, k.init)
	case "ClusterConfiguration":
		return strictly(doc, &k.cluster)
	case "JoinConfiguration":
		k.join = &joinConfiguration{}
		return strictly(doc, k.join)
	case "ResetConfiguration", "UpgradeConfiguration":
		return nil
	}
	return fmt.Errorf("no kind %q is registered for version %q", meta.Kind, meta.APIVersion)
}

// strictly decodes a document that has no field too many.
func strictly(doc *yaml.Node, into any) error {
	text, err := yaml.Marshal(doc)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		var wrong *yaml.TypeError
		if errors.As(err, &wrong) {
			return fmt.Errorf("strict decoding error: %s", strings.Join(wrong.Errors, ", "))
		}
		return err
	}
	return nil
}

// kubeadmValued are the flags of kubeadm that take a value.
func kubeadmValued() []string {
	return []string{"kubeconfig", "config", "kubernetes-version", "image-repository", "cri-socket", "ttl", "ignore-preflight-errors", "skip-phases", "node-name", "token",
		"certificate-key", "pod-network-cidr", "service-cidr", "service-dns-domain", "control-plane-endpoint", "apiserver-advertise-address", "apiserver-cert-extra-sans",
		"discovery-token-ca-cert-hash", "discovery-token", "output", "o", "v", "cert-dir", "description", "usages", "groups", "rootfs", "patches", "token-ttl", "feature-gates"}
}

// kubeadmFlags makes of flags what a file would say.
func (c *call) kubeadmFlags(o options) kubeadmConfig {
	var k kubeadmConfig
	reg := nodeRegistration{Name: o.get("node-name"), CRISocket: o.get("cri-socket")}
	at := localEndpoint{AdvertiseAddress: o.get("apiserver-advertise-address")}
	k.cluster.KubernetesVersion, k.cluster.ImageRepository, k.cluster.ControlPlaneEndpoint = o.get("kubernetes-version"), o.get("image-repository"), o.get("control-plane-endpoint")
	k.cluster.Networking = networking{o.get("service-cidr"), o.get("pod-network-cidr"), o.get("service-dns-domain")}
	if sans := o.get("apiserver-cert-extra-sans"); sans != "" {
		k.cluster.APIServer.CertSANs = strings.Split(sans, ",")
	}
	k.init = &initConfiguration{NodeRegistration: reg, LocalAPIEndpoint: at, CertificateKey: o.get("certificate-key")}
	token := o.get("token")
	k.init.BootstrapTokens = []bootstrapToken{{Token: token, TTL: o.get("token-ttl")}}
	if token == "" {
		k.init.BootstrapTokens[0].Token = newToken()
	}
	k.join = &joinConfiguration{NodeRegistration: reg}
	k.join.Discovery.BootstrapToken = tokenDiscovery{Token: token, APIServerEndpoint: c.joinEndpoint(), CACertHashes: o.all("discovery-token-ca-cert-hash"),
		UnsafeSkipCAVerification: o.has("discovery-token-unsafe-skip-ca-verification")}
	if o.has("control-plane") {
		k.join.ControlPlane = &joinControlPlane{at, o.get("certificate-key")}
	}
	return k
}

// joinEndpoint is the address after "kubeadm join".
func (c *call) joinEndpoint() string {
	_, rest := parseOptions(c.args[1:], kubeadmValued()...)
	if len(rest) > 1 && rest[0] == "join" {
		return rest[1]
	}
	return ""
}
