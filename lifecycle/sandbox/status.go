package sandbox

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// What the API tells about nodes, pods and workloads is worked out when it is
// asked, from what the machines are and from the clock: there is no controller
// that could be late, and nothing to be replayed.

const cniDir = "/etc/cni/net.d"

// nodeObject is a new node as kubelet registers it.
func nodeObject(name string, m *machine, plane bool, taints *[]map[string]any) object {
	labels := object{"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64"}
	spec := object{}
	if plane {
		labels["node-role.kubernetes.io/control-plane"] = ""
		if taints == nil {
			spec["taints"] = []any{map[string]any{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}}
		}
	}
	if taints != nil && len(*taints) > 0 {
		var all []any
		for _, t := range *taints {
			all = append(all, t)
		}
		spec["taints"] = all
	}
	return object{"metadata": object{"name": name, "labels": labels, "annotations": object{"coxswain/simulated": "true", "coxswain/machine": m.name}}, "spec": spec}
}

func (cl *cluster) podCIDROf(n nodeRow) string {
	p, err := netip.ParsePrefix(cl.row().PodCIDR)
	if err != nil || cl.row().NodeMask < p.Bits() || cl.row().NodeMask > 30 {
		return ""
	}
	base := p.Masked().Addr().As4()
	v := uint32(base[0])<<24 | uint32(base[1])<<16 | uint32(base[2])<<8 | uint32(base[3])
	v += uint32(n.Index) << (32 - cl.row().NodeMask)
	return fmt.Sprintf("%d.%d.%d.%d/%d", byte(v>>24), byte(v>>16), byte(v>>8), byte(v), cl.row().NodeMask)
}

// cniSince says since when a machine has a pod network.
func (m *machine) cniSince() (time.Time, bool) {
	entries, err := m.fs.ReadDir(cniDir)
	if err != nil {
		return time.Time{}, false
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".conflist") || strings.HasSuffix(e.Name(), ".conf") {
			return e.ModTime(), true
		}
	}
	return time.Time{}, false
}

// readyNode says whether a node is Ready, and if not, why.
func (cl *cluster) readyNode(n nodeRow) (bool, string) {
	m := cl.machineOf(n)
	switch {
	case m == nil || m.state("kubelet.service") != active:
		return false, "NodeStatusUnknown"
	case m.state("containerd.service") != active:
		return false, "KubeletNotReady: container runtime is down"
	}
	since, ok := m.cniSince()
	if !ok {
		return false, "KubeletNotReady: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"
	}
	if n.JoinedAt.After(since) {
		since = n.JoinedAt
	}
	if cl.sb.now().Sub(since) < cl.sb.settings.Load().delays.of(readiness) {
		return false, "KubeletNotReady: starting"
	}
	return true, "KubeletReady"
}

// nodes lists the nodes with their status.
func (cl *cluster) nodeObjects() []object {
	var out []object
	for _, o := range cl.stored(kindOf("Node"), "") {
		n, ok := cl.nodes.rows[o.name()]
		if !ok {
			n = nodeRow{Name: o.name()}
		}
		out = append(out, cl.nodeStatus(o, n))
	}
	return out
}

func (cl *cluster) nodeStatus(o object, n nodeRow) object {
	ready, reason := cl.readyNode(n)
	status := map[bool]string{true: "True", false: "False"}[ready]
	if reason == "NodeStatusUnknown" {
		status = "Unknown"
	}
	at := n.JoinedAt.UTC().Format(time.RFC3339)
	condition := func(kind, status, reason, message string) any {
		return map[string]any{"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": cl.sb.now().UTC().Format(time.RFC3339), "lastTransitionTime": at}
	}
	word, message, _ := strings.Cut(reason, ": ")
	s := object{"conditions": []any{condition("MemoryPressure", "False", "KubeletHasSufficientMemory", ""), condition("DiskPressure", "False", "KubeletHasNoDiskPressure", ""),
		condition("PIDPressure", "False", "KubeletHasSufficientPID", ""), condition("Ready", status, word, message)}}
	if m := cl.machineOf(n); m != nil {
		row := m.row()
		size := map[string]any{"cpu": fmt.Sprint(row.CPUs), "memory": fmt.Sprintf("%dKi", row.MemoryMB*1024), "pods": "110", "ephemeral-storage": fmt.Sprintf("%dKi", row.DiskMB*1024)}
		s["capacity"], s["allocatable"] = size, size
		s["addresses"] = []any{map[string]any{"type": "InternalIP", "address": row.IP}, map[string]any{"type": "Hostname", "address": n.Name}}
		s["nodeInfo"] = map[string]any{"kubeletVersion": m.binaryVersion("kubelet"), "osImage": "Debian GNU/Linux 12 (bookworm)", "kernelVersion": kernelVersion, "containerRuntimeVersion": "containerd://1.6.20",
			"operatingSystem": "linux", "architecture": "amd64", "machineID": strings.TrimSpace(m.text("/etc/machine-id")), "bootID": row.BootID, "systemUUID": row.BootID, "kubeProxyVersion": ""}
	}
	spec := o.sub("spec").with("podCIDR", cl.podCIDROf(n))
	return o.with("spec", map[string]any(spec)).with("status", map[string]any(s))
}

// schedulable lists the nodes that a pod may run on.
func (cl *cluster) schedulable(spec object, daemon bool) []nodeRow {
	var out []nodeRow
	for _, o := range cl.stored(kindOf("Node"), "") {
		n, ok := cl.nodes.rows[o.name()]
		if !ok || !fits(spec, o, daemon) {
			continue
		}
		if ready, _ := cl.readyNode(n); !ready && !daemon {
			continue
		}
		out = append(out, n)
	}
	return out
}

// fits looks at taints, cordon and node selector.
func fits(spec, node object, daemon bool) bool {
	if cordoned, ok := node.sub("spec")["unschedulable"].(bool); ok && cordoned && !daemon {
		return false
	}
	for k, v := range spec.sub("nodeSelector") {
		if node.labels()[k] != v {
			return false
		}
	}
	for _, taint := range node.list("spec", "taints") {
		if taint.str("effect") != "PreferNoSchedule" && !tolerates(spec, taint) {
			return false
		}
	}
	return true
}

func tolerates(spec, taint object) bool {
	return slices.ContainsFunc(spec.list("tolerations"), func(t object) bool {
		keyFits := t.str("key") == taint.str("key") || t.str("key") == "" && t.str("operator") == "Exists"
		return keyFits && (t.str("effect") == "" || t.str("effect") == taint.str("effect"))
	})
}

// podObjects lists the pods there are: of control planes, workloads, and those
// that were made by hand.
func (cl *cluster) podObjects() []object {
	out := cl.staticPods()
	for _, ds := range cl.stored(kindOf("DaemonSet"), "") {
		for _, n := range cl.schedulable(ds.sub("spec", "template", "spec"), true) {
			out = append(out, cl.pod(ds, "DaemonSet", ds.name()+"-"+short(ds.name()+n.Name, 5), &n))
		}
	}
	for _, kind := range []string{"Deployment", "StatefulSet", "ReplicaSet"} {
		for _, w := range cl.stored(kindOf(kind), "") {
			out = append(out, cl.replicas(w, kind)...)
		}
	}
	for _, p := range cl.stored(kindOf("Pod"), "") {
		out = append(out, cl.loosePod(p))
	}
	return sortedByName(out)
}

func (cl *cluster) staticPods() []object {
	var out []object
	for _, name := range cl.nodes.keys() {
		n := cl.nodes.rows[name]
		m := cl.machineOf(n)
		if !n.ControlPlane || m == nil || !m.controlPlaneRuns() {
			continue
		}
		for _, part := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} {
			labels := object{"component": part, "tier": "control-plane"}
			meta := object{"name": part + "-" + name, "namespace": "kube-system", "labels": labels, "creationTimestamp": n.JoinedAt.UTC().Format(time.RFC3339), "uid": short(part+name, 12),
				"annotations": object{"kubernetes.io/config.source": "file"}, "ownerReferences": []any{map[string]any{"apiVersion": "v1", "kind": "Node", "name": name, "controller": true, "uid": short(name, 12)}}}
			spec := object{"nodeName": name, "hostNetwork": true, "containers": []any{map[string]any{"name": part, "image": imageNamed(part, cl.row())}}}
			out = append(out, podStatus(object{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}, "Running", true, m.row().IP, n.JoinedAt))
		}
	}
	return out
}

func (cl *cluster) replicas(w object, kind string) []object {
	nodes := cl.schedulable(w.sub("spec", "template", "spec"), false)
	var out []object
	for i := range w.number(1, "spec", "replicas") {
		name := fmt.Sprintf("%s-%s-%s", w.name(), short(w.name()+fmt.Sprint(w.number(1, "metadata", "generation")), 9), short(fmt.Sprint(w.name(), i), 5))
		if kind == "StatefulSet" {
			name = fmt.Sprintf("%s-%d", w.name(), i)
		}
		if len(nodes) == 0 {
			out = append(out, cl.pod(w, kind, name, nil))
			continue
		}
		out = append(out, cl.pod(w, kind, name, &nodes[i%len(nodes)]))
	}
	return out
}

// pod is one pod of a workload; n is nil while no node takes it.
func (cl *cluster) pod(w object, kind, name string, n *nodeRow) object {
	owner := map[string]any{"apiVersion": "apps/v1", "kind": kind, "name": w.name(), "uid": w.str("metadata", "uid"), "controller": true}
	if kind == "Deployment" {
		owner["kind"] = "ReplicaSet"
	}
	meta := object{"name": name, "namespace": w.namespace(), "labels": map[string]any(w.sub("spec", "template", "metadata", "labels")), "uid": short(w.namespace()+name, 12),
		"ownerReferences": []any{owner}, "creationTimestamp": w.str("metadata", "creationTimestamp"), "generateName": w.name() + "-"}
	spec := w.sub("spec", "template", "spec")
	if n != nil {
		spec = spec.with("nodeName", n.Name)
	}
	o := object{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
	return cl.running(o, n, w.created())
}

// running works out whether a pod runs.
func (cl *cluster) running(o object, n *nodeRow, created time.Time) object {
	if n == nil {
		return podStatus(o, "Pending", false, "", created)
	}
	m := cl.machineOf(*n)
	if m == nil || m.state("containerd.service") != active || m.state("kubelet.service") != active {
		return podStatus(o, "Pending", false, "", created)
	}
	hostNetwork, _ := o.sub("spec")["hostNetwork"].(bool)
	since := created
	if n.JoinedAt.After(since) {
		since = n.JoinedAt
	}
	if !hostNetwork {
		at, has := m.cniSince()
		if !has {
			return podStatus(o, "Pending", false, "", created)
		}
		if at.After(since) {
			since = at
		}
	}
	ip := m.row().IP
	if !hostNetwork {
		ip = podIP(cl.podCIDROf(*n), o.name())
	}
	ready := cl.sb.now().Sub(since) >= cl.sb.settings.Load().delays.of(readiness)
	return podStatus(o, map[bool]string{true: "Running", false: "Pending"}[ready], ready, ip, since)
}

func podIP(cidr, name string) string {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return ""
	}
	h := fnv.New32a()
	h.Write([]byte(name)) // never fails
	a := p.Addr().As4()
	a[3] = byte(2 + h.Sum32()%250)
	return netip.AddrFrom4(a).String()
}

func (cl *cluster) loosePod(o object) object {
	var at *nodeRow
	if name := o.str("spec", "nodeName"); name != "" {
		if n, ok := cl.nodes.rows[name]; ok {
			at = &n
		}
	} else if nodes := cl.schedulable(o.sub("spec"), false); len(nodes) > 0 {
		at = &nodes[0]
		o = o.with("spec", map[string]any(o.sub("spec").with("nodeName", at.Name)))
	}
	out := cl.running(o, at, o.created())
	if policy := o.str("spec", "restartPolicy"); (policy == "Never" || policy == "OnFailure") && out.str("status", "phase") == "Running" {
		return podStatus(o, "Succeeded", false, out.str("status", "podIP"), o.created())
	}
	return out
}

func podStatus(o object, phase string, ready bool, ip string, since time.Time) object {
	at := since.UTC().Format(time.RFC3339)
	state := map[bool]string{true: "True", false: "False"}
	condition := func(kind string, ok bool) any {
		return map[string]any{"type": kind, "status": state[ok], "lastTransitionTime": at}
	}
	var containers []any
	for _, c := range o.list("spec", "containers") {
		containers = append(containers, map[string]any{"name": c.str("name"), "image": c.str("image"), "imageID": c.str("image"), "ready": ready, "started": ready, "restartCount": 0,
			"state": map[string]any{map[bool]string{true: "running", false: "waiting"}[ready]: map[string]any{}}})
	}
	status := map[string]any{"phase": phase, "startTime": at, "containerStatuses": containers, "qosClass": "BestEffort",
		"conditions": []any{condition("PodScheduled", o.str("spec", "nodeName") != ""), condition("Initialized", ready), condition("ContainersReady", ready), condition("Ready", ready)}}
	if ip != "" {
		status["podIP"], status["hostIP"] = ip, ip
	}
	return o.with("status", status)
}

// short is a stable suffix as generated names have.
func short(of string, length int) string {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	h := fnv.New64a()
	h.Write([]byte(of)) // never fails
	v := h.Sum64()
	b := make([]byte, length)
	for i := range b {
		b[i] = letters[v%uint64(len(letters))]
		v = v/uint64(len(letters)) + v<<7
	}
	return string(b)
}

// workloadStatus adds the status of a workload.
func (cl *cluster) workloadStatus(r resource, o object) object {
	pods, ready := 0, 0
	for _, p := range cl.podObjects() {
		if p.namespace() != o.namespace() || !ownedBy(p, r.kind, o) {
			continue
		}
		pods++
		if p.str("status", "phase") == "Running" {
			ready++
		}
	}
	generation := o.number(1, "metadata", "generation")
	status := map[string]any{"observedGeneration": generation}
	switch r.kind {
	case "DaemonSet":
		for _, k := range []string{"desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled"} {
			status[k] = pods
		}
		status["numberReady"], status["numberAvailable"], status["numberUnavailable"], status["numberMisscheduled"] = ready, ready, pods-ready, 0
	default:
		status["replicas"], status["updatedReplicas"], status["readyReplicas"], status["availableReplicas"], status["unavailableReplicas"] = pods, pods, ready, ready, pods-ready
		ok := map[bool]string{true: "True", false: "False"}[ready >= o.number(1, "spec", "replicas")]
		status["conditions"] = []any{map[string]any{"type": "Available", "status": ok}, map[string]any{"type": "Progressing", "status": "True"}}
	}
	return o.with("status", status)
}

func ownedBy(p object, kind string, o object) bool {
	for _, ref := range p.list("metadata", "ownerReferences") {
		k := ref.str("kind")
		if ref.str("name") == o.name() && (k == kind || kind == "Deployment" && k == "ReplicaSet") {
			return true
		}
	}
	return false
}

// list gives the objects of a kind as the API shows them.
func (cl *cluster) list(r resource, namespace string) []object {
	var out []object
	switch r.kind {
	case "Node":
		return cl.nodeObjects()
	case "Pod":
		for _, p := range cl.podObjects() {
			if namespace == "" || p.namespace() == namespace {
				out = append(out, p)
			}
		}
		return out
	}
	for _, o := range cl.stored(r, namespace) {
		out = append(out, cl.shown(r, o))
	}
	return out
}

func (cl *cluster) shown(r resource, o object) object {
	switch r.kind {
	case "Deployment", "DaemonSet", "StatefulSet", "ReplicaSet":
		return cl.workloadStatus(r, o)
	case "Job":
		return o.with("status", map[string]any{"succeeded": 1, "conditions": []any{map[string]any{"type": "Complete", "status": "True"}}})
	}
	return o
}

// get gives one object as the API shows it.
func (cl *cluster) get(r resource, namespace, name string) (object, bool) {
	if r.kind == "Pod" || r.kind == "Node" {
		for _, o := range cl.list(r, namespace) {
			if o.name() == name {
				return o, true
			}
		}
		return nil, false
	}
	o, ok := cl.load(r, namespace, name)
	if !ok {
		return nil, false
	}
	return cl.shown(r, o), true
}

// reconcile does on the machines what a cluster's own pods would do there: it
// is called within every transaction that may have changed what they see.
func (sb *Sandbox) reconcile(t *tx) {
	for _, id := range sb.clusters.keys() {
		cl := sb.cluster(id)
		for _, ds := range cl.stored(kindOf("DaemonSet"), "") {
			if !bringsCNI(ds) || !cl.up() {
				continue
			}
			for _, n := range cl.schedulable(ds.sub("spec", "template", "spec"), true) {
				m := cl.machineOf(n)
				if m == nil || m.state("kubelet.service") != active || m.state("containerd.service") != active {
					continue
				}
				if err := m.startCNI(t, ds); err != nil {
					sb.log.Error("sandbox CNI", "machine", m.name, "err", err)
				}
			}
		}
	}
}

func bringsCNI(ds object) bool {
	return slices.ContainsFunc(ds.list("spec", "template", "spec", "volumes"), func(v object) bool {
		return strings.TrimRight(v.str("hostPath", "path"), "/") == cniDir
	})
}

// startCNI does what the pod network's installer does on a node.
func (m *machine) startCNI(t *tx, ds object) error {
	spec := ds.sub("spec", "template", "spec")
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range spec.list(list) {
			m.pull(t, criNamespace, c.str("image"))
		}
	}
	if m.fs.Exists(cniDir+"/10-flannel.conflist") && m.fs.Exists("/opt/cni/bin/flannel") && m.text("/run/flannel/subnet.env") == subnetEnv(m) {
		return nil // writing it again would make the network young again
	}
	if err := m.dirs("/sys/class/net/flannel.1", "/sys/class/net/cni0"); err != nil {
		return err
	}
	return m.write(file{name: cniDir + "/10-flannel.conflist", text: "{\"name\": \"cbr0\", \"cniVersion\": \"0.3.1\", \"plugins\": [{\"type\": \"flannel\"}]}\n"},
		file{name: "/opt/cni/bin/flannel", text: simulatedBinary, mode: 0o755},
		file{name: "/run/flannel/subnet.env", text: subnetEnv(m)})
}

func subnetEnv(m *machine) string { return "FLANNEL_SUBNET=" + m.podCIDR() + "\n" }
