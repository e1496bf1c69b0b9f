package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// certsLife is how long kubeadm-certs stays, as kubeadm has it.
const certsLife = 2 * time.Hour

// kubeadmJoin makes the machine a member of a cluster.
func (c *call) kubeadmJoin(o options) int {
	return c.do(func(t *tx) int {
		k, ok := c.kubeadmFile(o)
		if !ok {
			return 1
		}
		if k.join == nil {
			fmt.Fprintln(c.err, "no JoinConfiguration kind was found in the YAML file")
			return 1
		}
		c.printf("[preflight] Running pre-flight checks\n")
		var p problems
		c.preflightNode(&p)
		if k.join.ControlPlane != nil {
			c.preflightPlane(&p, "/var/lib/etcd")
		}
		if c.m.fs.Exists("/etc/kubernetes/pki/ca.crt") {
			p.add("FileAvailable--etc-kubernetes-pki-ca.crt", "/etc/kubernetes/pki/ca.crt already exists")
		}
		if c.preflightFailed(p, o) {
			return 1
		}
		cl, err := c.discover(k.join)
		if err == nil && k.join.ControlPlane != nil {
			err = c.mayControl(t, cl, k.join)
		}
		if err == nil {
			err = c.enter(t, cl, k.join)
		}
		if err != nil {
			fmt.Fprintf(c.err, "error execution phase preflight: %v\nTo see the stack trace of this error execute with --v=5 or higher\n", err)
			return 1
		}
		c.joinSaid(k.join)
		return 0
	})
}

// discover finds the cluster and makes sure of it, as the bootstrap token and
// the pins allow.
func (c *call) discover(j *joinConfiguration) (*cluster, error) {
	b := j.Discovery.BootstrapToken
	host, port := hostOf(b.APIServerEndpoint)
	addr, err := c.sb.route(c.m, host, port)
	if err != nil {
		return nil, fmt.Errorf("couldn't validate the identity of the API Server: failed to request the cluster-info ConfigMap: Get \"https://%s/api/v1/namespaces/kube-public/configmaps/cluster-info\": %w", b.APIServerEndpoint, err)
	}
	cl := c.sb.clusterAt(addr)
	if cl == nil || !cl.up() {
		return nil, fmt.Errorf("couldn't validate the identity of the API Server: %s does not answer", b.APIServerEndpoint)
	}
	id, secret, _ := strings.Cut(b.Token, ".")
	token, known := cl.tokens.rows[id]
	if !known || token.Secret != secret || !token.Expires.IsZero() && c.sb.now().After(token.Expires) {
		return nil, fmt.Errorf("couldn't validate the identity of the API Server: could not find a JWS signature in the cluster-info ConfigMap for token ID %q", id)
	}
	hash, err := caHash(cl.row().CA.Cert)
	if err != nil {
		return nil, err
	}
	if !b.UnsafeSkipCAVerification && !slices.Contains(b.CACertHashes, hash) {
		return nil, fmt.Errorf("couldn't validate the identity of the API Server: cluster CA found in cluster-info ConfigMap is invalid: none of the public keys %q are pinned", hash)
	}
	return cl, nil
}

// clusterAt finds the cluster whose API is at a loopback address.
func (sb *Sandbox) clusterAt(addr string) *cluster {
	for id, row := range sb.clusters.rows {
		if hostPort(localhost, row.Port) == addr {
			return sb.cluster(id)
		}
	}
	return nil
}

// mayControl checks what a further control plane needs.
func (c *call) mayControl(t *tx, cl *cluster, j *joinConfiguration) error {
	row := cl.row()
	if !row.Stable {
		return fmt.Errorf("one or more conditions for hosting a new control plane instance is not satisfied: unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address")
	}
	certs, there := cl.load(kindOf("Secret"), "kube-system", "kubeadm-certs")
	if !there || t.now.Sub(certs.created()) > certsLife {
		return fmt.Errorf("error downloading certs: error downloading the secret: Secret \"kubeadm-certs\" was not found in the \"kube-system\" Namespace. This Secret might have expired")
	}
	if keySum(j.ControlPlane.CertificateKey) != row.CertKey {
		return fmt.Errorf("error downloading certs: error decoding secret data with provided key: cipher: message authentication failed")
	}
	for _, id := range row.Etcd {
		if m := c.sb.disks[id]; m == nil || !m.controlPlaneRuns() {
			return fmt.Errorf("etcd cluster is not healthy: failed to dial endpoint of member %s: context deadline exceeded", id)
		}
	}
	return nil
}

func (c *call) enter(t *tx, cl *cluster, j *joinConfiguration) error {
	row := cl.row()
	plane := j.ControlPlane != nil
	images := []string{imageNamed("kube-proxy", row), imageNamed("pause", row)}
	if plane {
		images = imagesOf(row.Version, row.Repository)
	}
	if !c.needImages(t, images, j.NodeRegistration.ImagePullPolicy) {
		return fmt.Errorf("images are missing")
	}
	if have := c.m.binaryVersion("kubelet"); minorOf(have) > minorOf(row.Version) {
		return fmt.Errorf("kubelet %s is newer than the control plane %s", have, row.Version)
	}
	if err := c.becomeNode(t, cl, j.NodeRegistration, plane); err != nil {
		return err
	}
	if plane {
		row.Etcd = append(slices.Clone(row.Etcd), c.m.id)
		put(t, c.sb.clusters, row.ID, row)
	}
	c.sb.reconcile(t)
	return nil
}

func (c *call) joinSaid(j *joinConfiguration) {
	c.printf("[preflight] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...\n[kubelet-start] Writing kubelet configuration to file \"/var/lib/kubelet/config.yaml\"\n" +
		"[kubelet-start] Starting the kubelet\n[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap\n")
	if j.ControlPlane != nil {
		c.printf("[etcd] Announced new etcd member joining to the existing etcd cluster\n[mark-control-plane] Marking the node as control-plane\n")
	}
	c.printf("\nThis node has joined the cluster (simulated)\n")
}

// kubeadmReset undoes init and join on this machine.
func (c *call) kubeadmReset(o options) int {
	if !o.has("f") {
		fmt.Fprintln(c.err, "[reset] Are you sure you want to proceed? [y/N]: error execution phase preflight: aborted reset operation")
		return 1
	}
	return c.do(func(t *tx) int {
		c.printf("[reset] Stopping the kubelet service\n")
		keepEtcd := strings.Contains(o.get("skip-phases"), "remove-etcd-member")
		etcdDir := "/var/lib/etcd"
		if cl := c.m.clusterOf(); cl != nil {
			if keepEtcd {
				c.printf("[reset] Skipping phase remove-etcd-member\n")
			}
			etcdDir = cl.row().EtcdDir
		}
		c.m.leave(t, keepEtcd)
		if err := c.resetFiles(etcdDir); err != nil {
			return c.fail(1, "error execution phase cleanup-node: %v", err)
		}
		if u, ok := c.m.units.rows["kubelet.service"]; ok {
			u.Active = inactive
			put(t, c.m.units, u.Name, u)
		}
		c.sb.reconcile(t)
		c.printf("[reset] Deleting contents of directories: [/etc/kubernetes/manifests /var/lib/kubelet /etc/kubernetes/pki]\n" +
			"The reset process does not perform cleanup of CNI plugin configuration,\nnetwork filtering rules and kubeconfig files.\n")
		return 0
	})
}

// resetFiles empties what kubeadm empties; the directories stay.
func (c *call) resetFiles(etcdDir string) error {
	for _, dir := range []string{"/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/var/lib/kubelet", etcdDir} {
		entries, err := c.m.fs.ReadDir(dir)
		if err != nil {
			continue // it is not there
		}
		for _, e := range entries {
			if err := c.m.remove(dir + "/" + e.Name()); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"admin", "super-admin", "kubelet", "bootstrap-kubelet", "controller-manager", "scheduler"} {
		if err := c.m.remove("/etc/kubernetes/" + name + ".conf"); err != nil {
			return err
		}
	}
	return nil
}
