package sandbox

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// problems collects what kubeadm's preflight finds.
type problems []string

func (p *problems) add(check, format string, args ...any) {
	*p = append(*p, fmt.Sprintf("\t[ERROR %s]: ", check)+fmt.Sprintf(format, args...))
}

// fileCheck is a check's name about a file, as kubeadm forms it.
func fileCheck(kind, name string) string { return kind + strings.ReplaceAll(name, "/", "-") }

// preflightNode checks what every node needs.
func (c *call) preflightNode(p *problems) {
	if c.user != rootUser {
		p.add("IsPrivilegedUser", "user is not running as root")
	}
	if c.m.state("containerd.service") != active {
		p.add("CRI", "could not connect to the container runtime: failed to create new CRI runtime service: validate service connection: validate CRI v1 runtime API for endpoint \"unix://%s\"", containerdSocket)
	}
	if !c.m.has("kubelet") && !c.m.fs.Exists("/usr/local/bin/kubelet") {
		p.add("FileExisting-kubelet", "kubelet not found in system path")
	}
	if !c.m.has("conntrack") && !c.m.fs.Exists("/usr/sbin/conntrack") && c.m.has("kubelet") {
		p.add("FileExisting-conntrack", "conntrack not found in system path")
	}
	if len(strings.Split(strings.TrimSpace(c.m.text("/proc/swaps")), "\n")) > 1 {
		p.add("Swap", "running with swap on is not supported. Please disable swap or set kubelet's failSwapOn to false")
	}
	for key, name := range map[string]string{"net.ipv4.ip_forward": "FileContent--proc-sys-net-ipv4-ip_forward", "net.bridge.bridge-nf-call-iptables": "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables"} {
		if !c.m.fs.Exists(sysctlFile(key)) {
			p.add(name, "%s does not exist", sysctlFile(key))
		} else if !c.m.sysctlIs(key, "1") {
			p.add(name, "%s contents are not set to 1", sysctlFile(key))
		}
	}
	if slices.Contains(c.m.ports(), 10250) {
		p.add("Port-10250", "Port 10250 is in use")
	}
	if c.m.fs.Exists("/etc/kubernetes/kubelet.conf") {
		p.add("FileAvailable--etc-kubernetes-kubelet.conf", "/etc/kubernetes/kubelet.conf already exists")
	}
}

// preflightPlane checks what a control plane needs beside.
func (c *call) preflightPlane(p *problems, etcdDir string) {
	row := c.m.row()
	if row.CPUs < 2 {
		p.add("NumCPU", "the number of available CPUs %d is less than the required 2", row.CPUs)
	}
	if row.MemoryMB < 1700 {
		p.add("Mem", "the system RAM (%d MB) is less than the minimum 1700 MB", row.MemoryMB)
	}
	for _, port := range []int{apiServerPort, 10259, 10257, 2379, 2380} {
		if slices.Contains(c.m.ports(), port) {
			p.add(fmt.Sprintf("Port-%d", port), "Port %d is in use", port)
		}
	}
	for _, name := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"} {
		file := manifestDir + name + ".yaml"
		if c.m.fs.Exists(file) {
			p.add(fileCheck("FileAvailable-", file), "%s already exists", file)
		}
	}
	if entries, err := c.m.fs.ReadDir(etcdDir); err == nil && len(entries) > 0 {
		p.add(fileCheck("DirAvailable-", etcdDir), "%s is not empty", etcdDir)
	}
}

// preflightFailed prints the problems as kubeadm does.
func (c *call) preflightFailed(p problems, o options) bool {
	ignored := strings.Split(strings.ToLower(o.get("ignore-preflight-errors")), ",")
	p = slices.DeleteFunc(p, func(s string) bool {
		return slices.ContainsFunc(ignored, func(i string) bool {
			return i == "all" || i != "" && strings.Contains(strings.ToLower(s), "[error "+i+"]")
		})
	})
	if len(p) == 0 {
		return false
	}
	slices.Sort(p)
	fmt.Fprintf(c.err, "error execution phase preflight: [preflight] Some fatal errors occurred:\n%s\n"+
		"[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`\n"+
		"To see the stack trace of this error execute with --v=5 or higher\n", strings.Join(p, "\n"))
	return true
}

// needImages has the images of a node at hand: pulled unless that is forbidden.
func (c *call) needImages(t *tx, images []string, policy string) bool {
	ok := true
	for _, ref := range images {
		if c.m.hasImage(ref) {
			continue
		}
		if policy == "Never" {
			fmt.Fprintf(c.err, "\t[ERROR ImagePull]: failed to pull image %s: the policy is Never and it is not present\n", ref)
			ok = false
			continue
		}
		c.m.pull(t, criNamespace, ref)
	}
	return ok
}

// kubeletFiles are what kubeadm leaves for kubelet on every node.
func (m *machine) kubeletFiles(row clusterRow, nodeName string, conf pair, server string) []file {
	return []file{
		{name: "/etc/kubernetes/kubelet.conf", mode: 0o600, text: kubeconfig(row.Name, server, row.CA.Cert, "system:node:"+nodeName, conf)},
		{name: "/var/lib/kubelet/config.yaml", text: "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncgroupDriver: systemd\nclusterDomain: " + row.Domain + "\nstaticPodPath: /etc/kubernetes/manifests\n"},
		{name: "/var/lib/kubelet/kubeadm-flags.env", text: "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix://" + containerdSocket + "\"\n"},
		{name: "/var/lib/kubelet/pki/kubelet-client-current.pem", mode: 0o600, text: conf.Cert + conf.Key},
		{name: "/var/lib/kubelet/pki/kubelet.crt", text: conf.Cert},
	}
}

// missingVolume names a file that the API server's pod would wait for in vain.
func (m *machine) missingVolume(volumes []extraVolume) string {
	for _, v := range volumes {
		if (v.PathType == "File" || v.PathType == "Directory") && !m.fs.Exists(path.Clean(v.HostPath)) {
			return v.HostPath
		}
	}
	return ""
}
