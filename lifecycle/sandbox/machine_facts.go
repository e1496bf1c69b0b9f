package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	criNamespace     = "k8s.io"
	containerdSocket = "/run/containerd/containerd.sock"
	kernelVersion    = "6.1.0-31-amd64"
	// simulatedBinary is the content of every program of a simulated package.
	simulatedBinary = "#!/bin/sh\n# a program of a simulated machine: there is nothing in it\n"
	bundleDir       = "/var/lib/coxswain/bundle"
	// valueListen and a port is set on machines where something foreign listens.
	valueListen = "listen."
)

// kubernetesVersions are in the simulated package sources, newest first.
func kubernetesVersions() []string { return []string{"1.34.4", "1.33.13"} }

// imageRow is an image in containerd.
type imageRow struct {
	Namespace, Name, Digest string
	At                      time.Time
}

func imageKey(namespace, ref string) string { return namespace + " " + ref }

// hasImage reports whether kubelet would find an image.
func (m *machine) hasImage(ref string) bool {
	_, ok := m.images.rows[imageKey(criNamespace, ref)]
	return ok
}

// pull brings an image, as if from its registry.
func (m *machine) pull(t *tx, namespace, ref string) {
	if _, there := m.images.rows[imageKey(namespace, ref)]; there || ref == "" {
		return
	}
	m.keepImage(t, namespace, ref, digestOf(ref))
}

func (m *machine) keepImage(t *tx, namespace, ref, digest string) {
	put(t, m.images, imageKey(namespace, ref), imageRow{Namespace: namespace, Name: ref, Digest: digest, At: t.now})
	if root := m.containerdRoot(); m.values.rows[valueImages] != root {
		put(t, m.values, valueImages, root)
	}
}

// valueImages keeps where containerd had its images when the last one came.
const valueImages = "images.root"

// containerdRoot is where containerd keeps its data.
func (m *machine) containerdRoot() string {
	for line := range strings.Lines(m.text("/etc/containerd/config.toml")) {
		if k, v, ok := strings.Cut(line, "="); ok && strings.TrimSpace(k) == "root" {
			return strings.Trim(strings.TrimSpace(v), `"'`)
		}
	}
	return "/var/lib/containerd"
}

// lostImages forgets the images whose content was removed with the path at.
func (m *machine) lostImages(t *tx, at string) {
	root := m.values.rows[valueImages]
	if root == "" || root != at && !strings.HasPrefix(root, at+"/") {
		return
	}
	for _, key := range m.images.keys() {
		drop(t, m.images, key)
	}
	drop(t, m.values, valueImages)
}

func digestOf(s string) string { return "sha256:" + keySum(s) }

// imagesOf lists what kubeadm needs for a version, in kubeadm's order; repository
// "" is kubeadm's own.
func imagesOf(version, repository string) []string {
	const own = "registry.k8s.io"
	dns, pause, etcd := "v1.12.1", "3.10.1", "3.6.5-0"
	if minorOf(version) < 34 {
		dns, pause, etcd = "v1.12.0", "3.10", "3.5.24-0"
	}
	if repository == "" {
		repository = own
	}
	var out []string
	for _, part := range []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"} {
		out = append(out, repository+"/"+part+":v"+strings.TrimPrefix(version, "v"))
	}
	coredns := repository + "/coredns:"
	if repository == own {
		coredns = own + "/coredns/coredns:"
	}
	return append(out, coredns+dns, repository+"/pause:"+pause, repository+"/etcd:"+etcd)
}

// minorOf is 34 for "v1.34.4"; 0 when it is no version.
func minorOf(version string) int {
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) < 2 {
		return 0
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	return n
}

// searchPath is where a command is looked for.
func searchPath() []string {
	return []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}
}

// which finds an installed program's file.
func (m *machine) which(name string) (string, bool) {
	for _, dir := range searchPath() {
		if i, err := m.fs.Stat(dir+"/"+name, true); err == nil && !i.IsDir() && i.Mode().Perm()&0o111 != 0 {
			return dir + "/" + name, true
		}
	}
	return "", false
}

// binaryVersion is the version of a program of Kubernetes as "v1.34.4": of the
// package that it came with, or of the bundle. "" when it is not installed.
func (m *machine) binaryVersion(name string) string {
	at, ok := m.which(name)
	if !ok {
		return ""
	}
	if row, ok := m.packages.rows[name]; ok && row.installed() && slices.Contains(row.Files, at) {
		v, _, _ := strings.Cut(row.Version, "-")
		return "v" + v
	}
	if v := m.bundledVersion(name, at); v != "" {
		return v
	}
	return m.markedVersion()
}

// bundledVersion finds the bundle's file that at is a copy of: its path says
// the version. These files are long and this is asked often, so content is
// compared only where their lengths leave a choice.
func (m *machine) bundledVersion(name, at string) string {
	placed, err := m.fs.Stat(at, true)
	if err != nil {
		return ""
	}
	var alike [][2]string // version, file
	for _, digest := range m.names(bundleDir) {
		bin := path.Join(bundleDir, digest, "bin")
		for _, version := range m.names(bin) {
			for _, arch := range m.names(path.Join(bin, version)) {
				file := path.Join(bin, version, arch, name)
				if i, err := m.fs.Stat(file, true); err == nil && i.Size() == placed.Size() {
					alike = append(alike, [2]string{version, file})
				}
			}
		}
	}
	for _, a := range alike {
		if len(alike) == 1 || m.sameContent(a[1], at) {
			return a[0]
		}
	}
	return ""
}

// markedVersion reads the mark that says which binaries of a bundle were placed.
func (m *machine) markedVersion() string {
	for _, mark := range m.names("/var/lib/coxswain/done") {
		if rest, ok := strings.CutPrefix(mark, "binaries-"); ok {
			_, version, _ := strings.Cut(rest, "-")
			return version
		}
	}
	return "v" + kubernetesVersions()[0]
}

// names lists a directory; nothing when it is not there.
func (m *machine) names(dir string) []string {
	entries, err := m.fs.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func (m *machine) sameContent(a, b string) bool {
	ra, err := m.fs.Open(a)
	if err != nil {
		return false
	}
	rb, err := m.fs.Open(b)
	if err != nil || ra.Size() != rb.Size() {
		return false
	}
	bufA, bufB := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, errA := io.ReadFull(ra, bufA)
		k, errB := io.ReadFull(rb, bufB)
		if n != k || !bytes.Equal(bufA[:n], bufB[:k]) {
			return false
		}
		if errA != nil || errB != nil {
			return n < len(bufA)
		}
	}
}

// sysctlFile is where the kernel shows a setting, in either way to write it.
func sysctlFile(key string) string {
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		key = strings.ReplaceAll(key, ".", "/")
	}
	return path.Join("/proc/sys", key)
}

func (m *machine) sysctlIs(key, v string) bool {
	return strings.TrimSpace(m.text(sysctlFile(key))) == v
}

// ports lists the TCP ports that something listens on.
func (m *machine) ports() []int {
	out := []int{22}
	if m.kubeletRuns() {
		out = append(out, 10248, 10249, 10250, 10256)
	}
	if m.controlPlaneRuns() {
		out = append(out, 2379, 2380, 2381, 10257, 10259)
		if m.controlPlaneUp() {
			out = append(out, apiServerPort)
		}
	}
	if m.state("haproxy.service") == active {
		for _, f := range parseHAProxy(m.text(haproxyConfig)).fronts {
			out = append(out, f.port)
		}
	}
	for key := range m.values.rows {
		if port, err := strconv.Atoi(strings.TrimPrefix(key, valueListen)); err == nil {
			out = append(out, port)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// kubeletRuns reports whether kubelet has a configuration to run with.
func (m *machine) kubeletRuns() bool {
	return m.state("kubelet.service") == active && m.state("containerd.service") == active && m.fs.Exists("/var/lib/kubelet/config.yaml")
}

// nic is one interface with the prefixes that it has.
type nic struct {
	name     string
	prefixes []string
}

// nics lists the interfaces that have addresses.
func (m *machine) nics() []nic {
	eth := nic{name: "eth0", prefixes: []string{m.row().IP + "/16"}}
	for _, key := range m.values.keys() {
		if cidr, ok := strings.CutPrefix(key, valueAddress); ok {
			eth.prefixes = append(eth.prefixes, cidr)
		}
	}
	if vip := m.virtualAddress(); vip != "" {
		eth.prefixes = append(eth.prefixes, vip)
	}
	all := []nic{{name: "lo", prefixes: []string{localhost + "/8"}}, eth}
	pods, err := netip.ParsePrefix(strings.TrimPrefix(strings.TrimSpace(m.text("/run/flannel/subnet.env")), "FLANNEL_SUBNET="))
	if err != nil {
		return all
	}
	if m.fs.Exists("/sys/class/net/flannel.1") {
		all = append(all, nic{name: "flannel.1", prefixes: []string{pods.Masked().Addr().String() + "/32"}})
	}
	if m.fs.Exists("/sys/class/net/cni0") {
		all = append(all, nic{name: "cni0", prefixes: []string{fmt.Sprintf("%s/%d", pods.Masked().Addr().Next(), pods.Bits())}})
	}
	return all
}

// addresses lists the machine's addresses.
func (m *machine) addresses() []string {
	var out []string
	for _, n := range m.nics() {
		for _, p := range n.prefixes {
			a, _, _ := strings.Cut(p, "/")
			out = append(out, a)
		}
	}
	return out
}
