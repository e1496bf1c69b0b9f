package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	apiServerPort = 6443
	localhost     = "127.0.0.1"
	manifestDir   = "/etc/kubernetes/manifests/"
	adminConf     = "/etc/kubernetes/admin.conf"
)

// What a machine keeps about its membership, in its values.
const (
	valueCluster = "cluster"
	valueNode    = "node"
	valueRole    = "role"
	roleWorker   = "worker"
	roleControl  = "control-plane"
)

// clusterRow is a cluster as it is kept: its identity, not its nodes.
type clusterRow struct {
	ID, Name, Version string // Version is "v1.34.4"
	Endpoint          string // host:port that nodes and people use
	Stable            bool   // the endpoint was asked for, so that control planes can be added
	Port              int    // of the API on this machine's loopback
	Domain            string
	PodCIDR, Service  string
	NodeMask          int // bits of a node's part of PodCIDR
	Repository        string
	EtcdDir           string
	Etcd              []string // ids of the machines that are members of etcd
	SANs              []string
	CA, EtcdCA        pair
	FrontCA, SA       pair
	Serving           pair
	CertKey           string // sum of the key that kubeadm-certs is encrypted with
	CreatedAt         time.Time
}

// nodeRow is a member of a cluster.
type nodeRow struct {
	Name, Machine string
	ControlPlane  bool
	JoinedAt      time.Time
	Index         int // of its part of the pods' network
}

// tokenRow is a bootstrap token; a zero Expires never comes.
type tokenRow struct {
	ID, Secret string
	Expires    time.Time
}

// cluster is a cluster's tables and, while it is served, its API.
type cluster struct {
	sb      *Sandbox
	id      string
	nodes   *table[nodeRow]
	tokens  *table[tokenRow]
	objects *table[json.RawMessage]
	api     *apiServer // nil while it is not served
}

// cluster gives the tables of a cluster; sb.mu is held.
func (sb *Sandbox) cluster(id string) *cluster {
	if cl, ok := sb.live[id]; ok {
		return cl
	}
	cl := &cluster{sb: sb, id: id, nodes: newTable[nodeRow](sb, "nodes/"+id), tokens: newTable[tokenRow](sb, "tokens/"+id), objects: newTable[json.RawMessage](sb, "objects/"+id)}
	sb.live[id] = cl
	return cl
}

func (cl *cluster) row() clusterRow { return cl.sb.clusters.rows[cl.id] }

// served reports whether an API server of the cluster runs.
func (cl *cluster) served() bool {
	return slices.ContainsFunc(cl.planes(), (*machine).controlPlaneRuns)
}

// quorum reports whether the majority of etcd's members runs.
func (cl *cluster) quorum() bool {
	members, alive := cl.row().Etcd, 0
	for _, id := range members {
		if m := cl.sb.disks[id]; m != nil && m.values.rows[valueCluster] == cl.id && m.controlPlaneRuns() {
			alive++
		}
	}
	return alive > len(members)/2
}

// up reports whether the cluster's API works.
func (cl *cluster) up() bool { return cl.served() && cl.quorum() }

// planes are the machines that are control planes of the cluster.
func (cl *cluster) planes() []*machine {
	var out []*machine
	for _, name := range cl.nodes.keys() {
		if n := cl.nodes.rows[name]; n.ControlPlane {
			if m := cl.machineOf(n); m != nil {
				out = append(out, m)
			}
		}
	}
	return out
}

// machineOf gives the machine of a node, nil when it is another's by now.
func (cl *cluster) machineOf(n nodeRow) *machine {
	m := cl.sb.disks[n.Machine]
	if m == nil || m.values.rows[valueCluster] != cl.id || m.values.rows[valueNode] != n.Name {
		return nil
	}
	return m
}

// clusterOf gives the cluster that the machine is a member of, or nil.
func (m *machine) clusterOf() *cluster {
	id := m.values.rows[valueCluster]
	if _, ok := m.sb.clusters.rows[id]; !ok {
		return nil
	}
	return m.sb.cluster(id)
}

// podCIDR is the machine's part of the pods' network.
func (m *machine) podCIDR() string {
	cl := m.clusterOf()
	if cl == nil {
		return ""
	}
	n, ok := cl.nodes.rows[m.values.rows[valueNode]]
	if !ok {
		return ""
	}
	return cl.podCIDROf(n)
}

// controlPlaneRuns reports whether the static pods of a control plane run here.
func (m *machine) controlPlaneRuns() bool {
	return m.values.rows[valueRole] == roleControl && m.state("kubelet.service") == active && m.state("containerd.service") == active &&
		m.fs.Exists(manifestDir+"kube-apiserver.yaml") && m.fs.Exists(manifestDir+"etcd.yaml")
}

// controlPlaneUp reports whether the API answers on this machine.
func (m *machine) controlPlaneUp() bool {
	cl := m.clusterOf()
	return cl != nil && m.controlPlaneRuns() && cl.quorum()
}

// leave takes the machine out of its cluster. The Node object stays, as after a
// real reset; with keepEtcd so does the member that nobody serves any more. A
// cluster whose last control plane has left is gone.
func (m *machine) leave(t *tx, keepEtcd bool) {
	cl := m.clusterOf()
	for _, key := range []string{valueCluster, valueNode, valueRole} {
		if _, ok := m.values.rows[key]; ok {
			drop(t, m.values, key)
		}
	}
	if cl == nil {
		return
	}
	if len(cl.planes()) == 0 {
		cl.forget(t)
		return
	}
	row := cl.row()
	if !keepEtcd && slices.Contains(row.Etcd, m.id) {
		row.Etcd = slices.DeleteFunc(slices.Clone(row.Etcd), func(id string) bool { return id == m.id })
		put(t, cl.sb.clusters, row.ID, row)
	}
}

// forget removes a cluster.
func (cl *cluster) forget(t *tx) {
	for _, name := range []string{cl.nodes.name, cl.tokens.name, cl.objects.name} {
		t.dropTable(name)
	}
	drop(t, cl.sb.clusters, cl.id)
	cl.sb.closeIdleClusters()
}

// hostPort joins what hostOf takes apart.
func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// hostOf takes "host:port", or only a host, apart; the port is then that of an
// API server.
func hostOf(endpoint string) (host string, port int) {
	endpoint = strings.TrimSuffix(strings.TrimPrefix(endpoint, "https://"), "/")
	host, text, err := net.SplitHostPort(endpoint)
	if err != nil {
		return endpoint, apiServerPort
	}
	if port, err = strconv.Atoi(text); err != nil {
		return host, 0 // nobody listens there
	}
	return host, port
}

func newReader(text []byte) io.Reader { return bytes.NewReader(text) }

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// parseTTL reads the life of a token; 0 is for ever.
func parseTTL(text string) (time.Duration, error) {
	if text == "" {
		return 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("invalid ttl %q", text)
	}
	return d, nil
}
