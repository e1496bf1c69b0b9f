package kube

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodeInfo is a node as its API server tells it.
type NodeInfo struct {
	Name        string
	Role        string // "control-plane", "worker"
	Ready       bool
	Reason      string   // why not: the condition's reason, "KubeletNotReady", "NodeStatusUnknown"; "" when ready
	Pressure    []string // "DiskPressure", "MemoryPressure", "PIDPressure", "NetworkUnavailable", those that hold
	Cordoned    bool     // no new pods
	Version     string   // of its kubelet, "v1.34.4"
	InternalIP  string
	OS          string // "Debian GNU/Linux 12 (bookworm)"
	Kernel      string
	Arch        string
	Runtime     string    // "containerd://1.6.20"
	MilliCPU    int64     // capacity, thousandths of a core
	MemoryBytes int64     // capacity
	Pods        int64     // capacity
	Created     time.Time // when it joined
}

// pageSize bounds one answer of a list, in objects.
const pageSize = 250

// Nodes lists the cluster's nodes, control planes first, then by name.
func (c *Client) Nodes(ctx context.Context) ([]NodeInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var out []NodeInfo
	opts := &metav1.ListOptions{Limit: pageSize}
	for {
		var list corev1.NodeList
		err := c.rest.Get().Resource("nodes").VersionedParams(opts, c.codec).Do(ctx).Into(&list)
		if err != nil {
			return nil, c.failure(ctx, err)
		}
		for i := range list.Items {
			out = append(out, nodeInfo(&list.Items[i]))
		}
		if opts.Continue = list.Continue; opts.Continue == "" || len(list.Items) == 0 {
			break
		}
	}
	slices.SortFunc(out, func(a, b NodeInfo) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), strings.Compare(a.Name, b.Name))
	})
	return out, nil
}

func nodeInfo(n *corev1.Node) NodeInfo {
	s := n.Status
	info := NodeInfo{Name: n.Name, Role: role(n), Cordoned: n.Spec.Unschedulable, Version: s.NodeInfo.KubeletVersion,
		OS: s.NodeInfo.OSImage, Kernel: s.NodeInfo.KernelVersion, Arch: s.NodeInfo.Architecture,
		Runtime: s.NodeInfo.ContainerRuntimeVersion, MilliCPU: s.Capacity.Cpu().MilliValue(),
		MemoryBytes: s.Capacity.Memory().Value(), Pods: s.Capacity.Pods().Value(), Created: n.CreationTimestamp.Time}
	info.Ready, info.Reason, info.Pressure = condition(s.Conditions)
	for _, a := range s.Addresses {
		if a.Type == corev1.NodeInternalIP && info.InternalIP == "" {
			info.InternalIP = a.Address
		}
	}
	return info
}

func role(n *corev1.Node) string {
	for _, label := range []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"} {
		if _, ok := n.Labels[label]; ok {
			return "control-plane"
		}
	}
	return "worker"
}

// condition boils a node's conditions down. A node that has never said that it
// is ready is not.
func condition(list []corev1.NodeCondition) (ready bool, reason string, pressure []string) {
	reason = "NodeStatusNeverUpdated"
	for _, c := range list {
		switch {
		case c.Type == corev1.NodeReady:
			ready, reason = c.Status == corev1.ConditionTrue, c.Reason
		case c.Status == corev1.ConditionTrue:
			pressure = append(pressure, string(c.Type))
		}
	}
	if ready {
		reason = ""
	}
	slices.Sort(pressure)
	return ready, reason, pressure
}
