package sandbox

import (
	"net/netip"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// The kinds of kubeadm.k8s.io/v1beta4 with all their fields, because kubeadm
// tells what it does not know; few of the fields mean anything here.

type typeMeta struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
}

type initConfiguration struct {
	typeMeta         `yaml:",inline"`
	BootstrapTokens  []bootstrapToken `yaml:"bootstrapTokens"`
	DryRun           bool             `yaml:"dryRun"`
	NodeRegistration nodeRegistration `yaml:"nodeRegistration"`
	LocalAPIEndpoint localEndpoint    `yaml:"localAPIEndpoint"`
	CertificateKey   string           `yaml:"certificateKey"`
	SkipPhases       []string         `yaml:"skipPhases"`
	Patches          map[string]any   `yaml:"patches"`
	Timeouts         map[string]any   `yaml:"timeouts"`
}

type bootstrapToken struct {
	Token       string   `yaml:"token"`
	Description string   `yaml:"description"`
	TTL         string   `yaml:"ttl"`
	Expires     string   `yaml:"expires"`
	Usages      []string `yaml:"usages"`
	Groups      []string `yaml:"groups"`
}

type localEndpoint struct {
	AdvertiseAddress string `yaml:"advertiseAddress"`
	BindPort         int    `yaml:"bindPort"`
}

type nodeRegistration struct {
	Name                  string            `yaml:"name"`
	CRISocket             string            `yaml:"criSocket"`
	Taints                *[]map[string]any `yaml:"taints"`
	KubeletExtraArgs      extraArgs         `yaml:"kubeletExtraArgs"`
	IgnorePreflightErrors []string          `yaml:"ignorePreflightErrors"`
	ImagePullPolicy       string            `yaml:"imagePullPolicy"`
	ImagePullSerial       *bool             `yaml:"imagePullSerial"`
}

type joinConfiguration struct {
	typeMeta         `yaml:",inline"`
	DryRun           bool             `yaml:"dryRun"`
	NodeRegistration nodeRegistration `yaml:"nodeRegistration"`
	CACertPath       string           `yaml:"caCertPath"`
	Discovery        struct {
		BootstrapToken    tokenDiscovery `yaml:"bootstrapToken"`
		File              map[string]any `yaml:"file"`
		TLSBootstrapToken string         `yaml:"tlsBootstrapToken"`
	} `yaml:"discovery"`
	ControlPlane *joinControlPlane `yaml:"controlPlane"`
	SkipPhases   []string          `yaml:"skipPhases"`
	Patches      map[string]any    `yaml:"patches"`
	Timeouts     map[string]any    `yaml:"timeouts"`
}

type tokenDiscovery struct {
	Token                    string   `yaml:"token"`
	APIServerEndpoint        string   `yaml:"apiServerEndpoint"`
	CACertHashes             []string `yaml:"caCertHashes"`
	UnsafeSkipCAVerification bool     `yaml:"unsafeSkipCAVerification"`
}

type joinControlPlane struct {
	LocalAPIEndpoint localEndpoint `yaml:"localAPIEndpoint"`
	CertificateKey   string        `yaml:"certificateKey"`
}

type clusterConfiguration struct {
	typeMeta                    `yaml:",inline"`
	Etcd                        etcdConfiguration `yaml:"etcd"`
	Networking                  networking        `yaml:"networking"`
	KubernetesVersion           string            `yaml:"kubernetesVersion"`
	ControlPlaneEndpoint        string            `yaml:"controlPlaneEndpoint"`
	APIServer                   component         `yaml:"apiServer"`
	ControllerManager           component         `yaml:"controllerManager"`
	Scheduler                   component         `yaml:"scheduler"`
	DNS                         map[string]any    `yaml:"dns"`
	Proxy                       map[string]any    `yaml:"proxy"`
	CertificatesDir             string            `yaml:"certificatesDir"`
	ImageRepository             string            `yaml:"imageRepository"`
	FeatureGates                map[string]bool   `yaml:"featureGates"`
	ClusterName                 string            `yaml:"clusterName"`
	EncryptionAlgorithm         string            `yaml:"encryptionAlgorithm"`
	CertificateValidityPeriod   string            `yaml:"certificateValidityPeriod"`
	CACertificateValidityPeriod string            `yaml:"caCertificateValidityPeriod"`
}

type etcdConfiguration struct {
	Local struct {
		DataDir         string           `yaml:"dataDir"`
		ImageRepository string           `yaml:"imageRepository"`
		ImageTag        string           `yaml:"imageTag"`
		ExtraArgs       extraArgs        `yaml:"extraArgs"`
		ExtraEnvs       []map[string]any `yaml:"extraEnvs"`
		ServerCertSANs  []string         `yaml:"serverCertSANs"`
		PeerCertSANs    []string         `yaml:"peerCertSANs"`
	} `yaml:"local"`
	External map[string]any `yaml:"external"`
}

type networking struct {
	ServiceSubnet string `yaml:"serviceSubnet"`
	PodSubnet     string `yaml:"podSubnet"`
	DNSDomain     string `yaml:"dnsDomain"`
}

type component struct {
	ExtraArgs    extraArgs        `yaml:"extraArgs"`
	ExtraVolumes []extraVolume    `yaml:"extraVolumes"`
	ExtraEnvs    []map[string]any `yaml:"extraEnvs"`
	CertSANs     []string         `yaml:"certSANs"`
}

type extraVolume struct {
	Name      string `yaml:"name"`
	HostPath  string `yaml:"hostPath"`
	MountPath string `yaml:"mountPath"`
	ReadOnly  bool   `yaml:"readOnly"`
	PathType  string `yaml:"pathType"`
}

// extraArgs are a component's flags: a list of names and values in v1beta4, a
// map before it.
type extraArgs map[string]string

// UnmarshalYAML implements yaml.Unmarshaler.
func (e *extraArgs) UnmarshalYAML(n *yaml.Node) error {
	*e = extraArgs{}
	if n.Kind == yaml.MappingNode {
		var all map[string]string
		if err := n.Decode(&all); err != nil {
			return err
		}
		*e = all
		return nil
	}
	var all []struct {
		Name  string `yaml:"name"`
		Value string `yaml:"value"`
	}
	if err := n.Decode(&all); err != nil {
		return err
	}
	for _, a := range all {
		(*e)[a.Name] = a.Value
	}
	return nil
}

// withDefaults fills in what kubeadm would.
func (c clusterConfiguration) withDefaults() clusterConfiguration {
	for field, preset := range map[*string]string{&c.ClusterName: "kubernetes", &c.Networking.DNSDomain: "cluster.local", &c.Networking.ServiceSubnet: "10.96.0.0/12",
		&c.ImageRepository: "registry.k8s.io", &c.Etcd.Local.DataDir: "/var/lib/etcd", &c.CertificatesDir: "/etc/kubernetes/pki"} {
		if *field == "" {
			*field = preset
		}
	}
	return c
}

// nodeMask is the size of a node's part of the pods' network, in bits.
func (c clusterConfiguration) nodeMask() int {
	if bits, err := strconv.Atoi(c.ControllerManager.ExtraArgs["node-cidr-mask-size"]); err == nil {
		return bits
	}
	return 24
}

// wrong says what kubeadm would refuse, "" for nothing.
func (c clusterConfiguration) wrong() string {
	for field, cidr := range map[string]string{"networking.podSubnet": c.Networking.PodSubnet, "networking.serviceSubnet": c.Networking.ServiceSubnet} {
		p, err := netip.ParsePrefix(cidr)
		if cidr != "" && err != nil {
			return field + ": Invalid value: \"" + cidr + "\": couldn't parse subnet"
		}
		if field == "networking.podSubnet" && cidr != "" && (c.nodeMask() < p.Bits() || c.nodeMask()-p.Bits() > 16) {
			return field + ": Invalid value: \"" + cidr + "\": the size of pod subnet with mask " + strconv.Itoa(p.Bits()) + " does not fit node-cidr-mask-size " + strconv.Itoa(c.nodeMask())
		}
	}
	if len(c.Etcd.External) > 0 {
		return "etcd.external: the sandbox simulates stacked etcd only"
	}
	return ""
}
