package lifecycle

import (
	"slices"
	"time"
)

// ClusterStatus is the one word about a cluster.
type ClusterStatus string

// The statuses of a cluster. From every one of them a delete is possible.
const (
	ClusterPending     ClusterStatus = "pending"
	ClusterCreating    ClusterStatus = "creating"
	ClusterRunning     ClusterStatus = "running"
	ClusterDegraded    ClusterStatus = "degraded"
	ClusterUpgrading   ClusterStatus = "upgrading"
	ClusterScaling     ClusterStatus = "scaling"
	ClusterBackingUp   ClusterStatus = "backing-up"
	ClusterRestoring   ClusterStatus = "restoring"
	ClusterFailed      ClusterStatus = "failed"
	ClusterDeleting    ClusterStatus = "deleting"
	ClusterDeleted     ClusterStatus = "deleted"
	ClusterUnreachable ClusterStatus = "unreachable"
)

// Cluster is one Kubernetes cluster of a project. Names are unique per project
// among clusters that are not deleted.
type Cluster struct {
	ID        string        `json:"id"`
	ProjectID string        `json:"projectId"`
	Name      string        `json:"name"`
	Source    string        `json:"source"`    // "created" or "imported"
	Region    string        `json:"region"`    // name of the region
	Provider  string        `json:"provider"`  // kind of its provider
	Simulated bool          `json:"simulated"` // every reply about it says so
	Status    ClusterStatus `json:"status"`
	Version   string        `json:"version"`  // "v1.34.4", what runs; "" before it does
	Endpoint  string        `json:"endpoint"` // host:port of the API server as clients reach it
	Spec      ClusterSpec   `json:"spec"`
	CreatedBy string        `json:"createdBy"` // user id
	CreatedAt time.Time     `json:"createdAt"`
	UpdatedAt time.Time     `json:"updatedAt"`
}

// ClusterSpec is what was asked for, with every default filled in, so that the
// plan's hash covers it.
type ClusterSpec struct {
	Version       string       `json:"version"` // exact: "v1.34.4"
	Arch          string       `json:"arch"`    // "amd64", "arm64"
	ControlPlanes int          `json:"controlPlanes"`
	Workers       int          `json:"workers"`
	CNI           string       `json:"cni"`     // "flannel"
	CNIMode       string       `json:"cniMode"` // "vxlan", "host-gw"
	ProxyMode     string       `json:"proxyMode"`
	PodCIDR       string       `json:"podCidr"`
	ServiceCIDR   string       `json:"serviceCidr"`
	DNSDomain     string       `json:"dnsDomain"`
	PodsPerNode   int          `json:"podsPerNode"`
	AuditLog      bool         `json:"auditLog"`
	NodeLocalDNS  bool         `json:"nodeLocalDns"`
	NIC           string       `json:"nic,omitempty"`      // interface whose address nodes use; "" = the one of the default route
	DataPath      string       `json:"dataPath,omitempty"` // directory that holds containerd's, kubelet's and etcd's data; "" = the defaults
	TimeZone      string       `json:"timeZone,omitempty"` // IANA; "" = untouched
	NTPServers    []string     `json:"ntpServers,omitempty"`
	Endpoint      EndpointSpec `json:"endpoint"`
	Packages      PackageSpec  `json:"packages"`
}

// EndpointSpec is how clients and nodes reach the API servers.
type EndpointSpec struct {
	// Kind is "first" (the only control plane's own address), "external" (an
	// address that somebody else balances) or "vip" (haproxy and keepalived on
	// the control planes, set up by us).
	Kind    string `json:"kind"`
	Address string `json:"address,omitempty"` // of external or vip, without port
	Port    int    `json:"port"`
	// Interface that carries the VIP; "" = the NIC of the spec.
	Interface string `json:"interface,omitempty"`
	// RouterID of VRRP, 1–255, derived from the address when 0.
	RouterID int `json:"routerId,omitempty"`
}

// PackageSpec is where the nodes' software comes from.
type PackageSpec struct {
	Source string `json:"source"` // "repos" (as configured on the host), "mirror", "bundle"
	Bundle string `json:"bundle,omitempty"`
	// Digest is the bundle's manifest sha256, part of the plan.
	Digest string `json:"digest,omitempty"`
	// Images is where images come from on "repos" and "mirror": a directory or
	// archive on the host to import, or "" to pull.
	Images string `json:"images,omitempty"`
	// ImageRepository replaces registry.k8s.io when not empty.
	ImageRepository string `json:"imageRepository,omitempty"`
	// Mirror is the package mirror's base URL (source "mirror").
	Mirror string `json:"mirror,omitempty"`
}

// NodeRole is what a node does in its cluster.
type NodeRole string

// The roles of nodes.
const (
	ControlPlane NodeRole = "control-plane"
	Worker       NodeRole = "worker"
)

// Node is one machine in its part as a member of a cluster.
type Node struct {
	ClusterID string   `json:"clusterId"`
	Name      string   `json:"name"` // node name in Kubernetes
	Role      NodeRole `json:"role"`
	Index     int      `json:"index"` // order among its role, from 0
	// HostID names the claimed host (hosts provider); MachineID the provider's machine.
	HostID    string `json:"hostId,omitempty"`
	MachineID string `json:"machineId,omitempty"`
	Address   string `json:"address,omitempty"` // the address nodes use among themselves
	// HostKey is the pinned SSH host key of a machine, in authorized_keys form.
	HostKey string `json:"hostKey,omitempty"`
	Status  string `json:"status"` // planned, preparing, ready, failed, gone
}

// ControlPlaneNodes gives the control planes in order.
func ControlPlaneNodes(nodes []*Node) []*Node { return byRole(nodes, ControlPlane) }

// WorkerNodes gives the workers in order.
func WorkerNodes(nodes []*Node) []*Node { return byRole(nodes, Worker) }

func byRole(nodes []*Node, role NodeRole) []*Node {
	var out []*Node
	for _, n := range nodes {
		if n.Role == role {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b *Node) int { return a.Index - b.Index })
	return out
}
