package sandbox

import (
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// kubeadmInit makes the first control plane of a new cluster.
func (c *call) kubeadmInit(o options) int {
	port, err := c.sb.freePort()
	if err != nil {
		return c.fail(1, "%v", err)
	}
	var id string
	code := c.do(func(t *tx) int {
		var code int
		id, code = c.initCluster(t, o, port)
		if code == 0 {
			if err := c.sb.serveClusterLocked(id); err != nil {
				c.sb.log.Error("sandbox API", "cluster", id, "err", err)
			}
		}
		return code
	})
	return code
}

func (c *call) initCluster(t *tx, o options, port int) (string, int) {
	k, ok := c.kubeadmFile(o)
	if !ok {
		return "", 1
	}
	if k.init == nil {
		k.init = &initConfiguration{}
	}
	conf := k.cluster.withDefaults()
	if conf.KubernetesVersion == "" {
		conf.KubernetesVersion = c.m.binaryVersion("kubeadm")
	}
	conf.KubernetesVersion = "v" + strings.TrimPrefix(conf.KubernetesVersion, "v")
	if code := c.initPreflight(t, k, conf, o); code != 0 {
		return "", code
	}
	row, err := c.newCluster(t, k, conf, port)
	if err == nil {
		put(t, c.sb.clusters, row.ID, row)
		err = c.becomeFirst(t, row, k, o)
	}
	if err != nil {
		fmt.Fprintf(c.err, "error execution phase: %v\n", err)
		return "", 1
	}
	c.initSaid(o)
	return row.ID, 0
}

func (c *call) initPreflight(t *tx, k kubeadmConfig, conf clusterConfiguration, o options) int {
	c.printf("[init] Using Kubernetes version: %s\n[preflight] Running pre-flight checks\n", conf.KubernetesVersion)
	var p problems
	c.preflightNode(&p)
	c.preflightPlane(&p, conf.Etcd.Local.DataDir)
	if have := c.m.binaryVersion("kubeadm"); minorOf(conf.KubernetesVersion) > minorOf(have) {
		p.add("KubernetesVersion", "this version of kubeadm only supports deploying clusters with the control plane version >= 1.%d.0. Current version: %s", minorOf(have)-1, conf.KubernetesVersion)
	}
	if have := c.m.binaryVersion("kubelet"); minorOf(have) > minorOf(conf.KubernetesVersion) {
		p.add("KubeletVersion", "the kubelet version is higher than the control plane version: %s > %s", have, conf.KubernetesVersion)
	}
	if c.preflightFailed(p, o) {
		return 1
	}
	c.printf("[preflight] Pulling images required for setting up a Kubernetes cluster\n")
	if !c.needImages(t, imagesOf(conf.KubernetesVersion, k.cluster.ImageRepository), k.init.NodeRegistration.ImagePullPolicy) {
		return 1
	}
	if missing := c.m.missingVolume(conf.APIServer.ExtraVolumes); missing != "" {
		fmt.Fprintf(c.err, "error execution phase wait-control-plane: failed while waiting for the control plane to start: kube-apiserver check failed: hostPath %s does not exist\n", missing)
		return 1
	}
	return 0
}

// newCluster makes the identity of a cluster: its authorities and addresses.
func (c *call) newCluster(t *tx, k kubeadmConfig, conf clusterConfiguration, port int) (clusterRow, error) {
	address := k.init.LocalAPIEndpoint.AdvertiseAddress
	if address == "" {
		address = c.m.row().IP
	}
	if !slices.Contains(c.m.addresses(), address) {
		return clusterRow{}, fmt.Errorf("advertiseAddress %s is not an address of this machine", address)
	}
	n := c.sb.counters.rows["cluster"] + 1
	put(t, c.sb.counters, "cluster", n)
	row := clusterRow{ID: fmt.Sprintf("cluster-%05d", n), Name: conf.ClusterName, Version: conf.KubernetesVersion, Endpoint: conf.ControlPlaneEndpoint,
		Stable: conf.ControlPlaneEndpoint != "", Port: port, Domain: conf.Networking.DNSDomain, PodCIDR: conf.Networking.PodSubnet,
		Service: conf.Networking.ServiceSubnet, NodeMask: conf.nodeMask(), Repository: conf.ImageRepository, EtcdDir: conf.Etcd.Local.DataDir, CreatedAt: t.now, Etcd: []string{c.m.id}}
	if row.Endpoint == "" {
		row.Endpoint = hostPort(address, apiServerPort)
	}
	if !strings.Contains(row.Endpoint, ":") {
		row.Endpoint = hostPort(row.Endpoint, apiServerPort)
	}
	host, _ := hostOf(row.Endpoint)
	row.SANs = append([]string{"localhost", localhost, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + row.Domain,
		c.m.hostname(), address, c.m.row().IP, host, serviceIP(row.Service, 1)}, conf.APIServer.CertSANs...)
	var err error
	for ca, name := range map[*pair]string{&row.CA: "kubernetes", &row.EtcdCA: "etcd-ca", &row.FrontCA: "front-proxy-ca", &row.SA: "service-accounts"} {
		if *ca, err = newCA(name, t.now); err != nil {
			return row, err
		}
	}
	row.Serving, err = row.CA.issue(pkix.Name{CommonName: "kube-apiserver"}, row.SANs, t.now)
	return row, err
}

// becomeFirst makes the machine the first member.
func (c *call) becomeFirst(t *tx, row clusterRow, k kubeadmConfig, o options) error {
	cl := c.sb.cluster(row.ID)
	if err := c.becomeNode(t, cl, k.init.NodeRegistration, true); err != nil {
		return err
	}
	if err := cl.seed(t); err != nil {
		return err
	}
	tokens := k.init.BootstrapTokens
	for _, token := range tokens {
		if err := cl.addToken(t, token.Token, token.TTL); err != nil {
			return err
		}
	}
	if o.has("upload-certs") {
		key := k.init.CertificateKey
		if key == "" {
			key = randomHex(32)
		}
		cl.keepCerts(t, key)
	}
	c.sb.reconcile(t)
	return nil
}

// keepCerts puts the control plane's certificates into the cluster, encrypted
// with key, from where other control planes take them.
func (cl *cluster) keepCerts(t *tx, key string) {
	row := cl.row()
	row.CertKey = keySum(key)
	put(t, cl.sb.clusters, row.ID, row)
	cl.store(t, kindOf("Secret"), "kube-system", "kubeadm-certs", object{"metadata": object{"name": "kubeadm-certs", "namespace": "kube-system"}, "type": "Opaque"})
}

func keySum(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// becomeNode writes the files of a node and enters it into the cluster.
func (c *call) becomeNode(t *tx, cl *cluster, reg nodeRegistration, plane bool) error {
	row := cl.row()
	name := reg.Name
	if name == "" {
		name = strings.ToLower(c.m.hostname())
	}
	if old, taken := cl.nodes.rows[name]; taken && cl.machineOf(old) != nil {
		return fmt.Errorf("a Node with name %q and status \"Ready\" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node", name)
	}
	conf, err := row.CA.issue(pkix.Name{CommonName: "system:node:" + name, Organization: []string{"system:nodes"}}, []string{name, c.m.row().IP}, t.now)
	if err != nil {
		return err
	}
	server := "https://" + row.Endpoint
	if err := c.m.write(append(c.m.kubeletFiles(row, name, conf, server), file{name: "/etc/kubernetes/pki/ca.crt", text: row.CA.Cert})...); err != nil {
		return err
	}
	role := roleWorker
	if plane {
		role = roleControl
		if err := c.planeFiles(t, row, server); err != nil {
			return err
		}
	}
	put(t, c.m.values, valueCluster, row.ID)
	put(t, c.m.values, valueNode, name)
	put(t, c.m.values, valueRole, role)
	put(t, cl.nodes, name, nodeRow{Name: name, Machine: c.m.id, ControlPlane: plane, JoinedAt: t.now, Index: cl.nextIndex()})
	cl.store(t, kindOf("Node"), "", name, nodeObject(name, c.m, plane, reg.Taints))
	c.startKubelet(t)
	c.m.proxyRules(t)
	return nil
}

func (cl *cluster) nextIndex() int {
	taken := map[int]bool{}
	for _, n := range cl.nodes.rows {
		taken[n.Index] = true
	}
	for i := 0; ; i++ {
		if !taken[i] {
			return i
		}
	}
}

func (c *call) startKubelet(t *tx) {
	u := c.m.units.rows["kubelet.service"]
	u.Name, u.Active, u.StartedAt = "kubelet.service", active, t.now
	put(t, c.m.units, u.Name, u)
}

// planeFiles writes certificates, kubeconfigs, manifests and etcd's data.
func (c *call) planeFiles(t *tx, row clusterRow, server string) error {
	files, err := planeSecrets(row, server, c.m.row().IP, t)
	if err != nil {
		return err
	}
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"} {
		files = append(files, file{name: manifestDir + name + ".yaml", mode: 0o600, text: staticPod(name, row)})
	}
	files = append(files, file{name: row.EtcdDir + "/member/snap/db", mode: 0o600, text: "simulated etcd data of " + row.ID + "\n"},
		file{name: row.EtcdDir + "/member/wal/0.wal", mode: 0o600, text: "simulated\n"})
	if err := c.m.write(files...); err != nil {
		return err
	}
	return errors.Join(c.m.fs.Chmod(row.EtcdDir, 0o700), c.m.dirs("/var/log/pods", "/var/log/containers"))
}

func planeSecrets(row clusterRow, server, ip string, t *tx) ([]file, error) {
	saPub, err := publicPEM(row.SA.Key)
	if err != nil {
		return nil, err
	}
	const pki = "/etc/kubernetes/pki/"
	files := []file{{name: pki + "sa.pub", text: saPub}, {name: pki + "sa.key", text: row.SA.Key, mode: 0o600}}
	keep := func(name string, p pair) {
		files = append(files, file{name: pki + name + ".crt", text: p.Cert}, file{name: pki + name + ".key", text: p.Key, mode: 0o600})
	}
	keep("ca", row.CA)
	keep("etcd/ca", row.EtcdCA)
	keep("front-proxy-ca", row.FrontCA)
	keep("apiserver", row.Serving)
	for name, by := range map[string]struct {
		ca      pair
		subject pkix.Name
	}{
		"apiserver-kubelet-client": {row.CA, pkix.Name{CommonName: "kube-apiserver-kubelet-client", Organization: []string{"kubeadm:cluster-admins"}}},
		"apiserver-etcd-client":    {row.EtcdCA, pkix.Name{CommonName: "kube-apiserver-etcd-client"}},
		"front-proxy-client":       {row.FrontCA, pkix.Name{CommonName: "front-proxy-client"}},
		"etcd/server":              {row.EtcdCA, pkix.Name{CommonName: "etcd-server"}},
		"etcd/peer":                {row.EtcdCA, pkix.Name{CommonName: "etcd-peer"}},
		"etcd/healthcheck-client":  {row.EtcdCA, pkix.Name{CommonName: "kube-etcd-healthcheck-client"}},
	} {
		p, err := by.ca.issue(by.subject, []string{"localhost", localhost, ip}, t.now)
		if err != nil {
			return nil, err
		}
		keep(name, p)
	}
	for name, subject := range map[string]pkix.Name{
		"admin":              {CommonName: "kubernetes-admin", Organization: []string{"kubeadm:cluster-admins"}},
		"super-admin":        {CommonName: "kubernetes-super-admin", Organization: []string{"system:masters"}},
		"controller-manager": {CommonName: "system:kube-controller-manager"},
		"scheduler":          {CommonName: "system:kube-scheduler"},
	} {
		p, err := row.CA.issue(subject, nil, t.now)
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: "/etc/kubernetes/" + name + ".conf", mode: 0o600, text: kubeconfig(row.Name, server, row.CA.Cert, subject.CommonName, p)})
	}
	return files, nil
}

func staticPod(name string, row clusterRow) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n  namespace: kube-system\n  labels: {component: %[1]s, tier: control-plane}\nspec:\n  hostNetwork: true\n  containers:\n  - name: %[1]s\n    image: %s\n",
		name, imageNamed(name, row))
}

// imageNamed finds the image of a component.
func imageNamed(name string, row clusterRow) string {
	for _, ref := range imagesOf(row.Version, row.Repository) {
		if strings.Contains(ref, "/"+name+":") {
			return ref
		}
	}
	return name
}

func (c *call) initSaid(o options) {
	c.printf("[certs] Using certificateDir folder \"/etc/kubernetes/pki\"\n[kubeconfig] Using kubeconfig folder \"/etc/kubernetes\"\n[etcd] Creating static Pod manifest for local etcd in \"/etc/kubernetes/manifests\"\n" +
		"[control-plane] Using manifest folder \"/etc/kubernetes/manifests\"\n[kubelet-start] Starting the kubelet\n[wait-control-plane] Waiting for the kubelet to boot up the control plane as static Pods\n" +
		"[upload-config] Storing the configuration used in ConfigMap \"kubeadm-config\" in the \"kube-system\" Namespace\n")
	if o.has("upload-certs") {
		c.printf("[upload-certs] Storing the certificates in Secret \"kubeadm-certs\" in the \"kube-system\" Namespace\n")
	}
	c.printf("[addons] Applied essential addon: CoreDNS\n[addons] Applied essential addon: kube-proxy\n\nYour Kubernetes control-plane has initialized successfully! (simulated)\n")
}
