package phases

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// golden compares a script with what it was when somebody last looked at it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs from what it was; look at it and run go test -update:\n%s", name, got)
	}
}

// sample is the State of one node of a cluster with everything asked for.
func sample(change func(*lifecycle.ClusterSpec), node int) *lifecycle.State {
	c := &lifecycle.Cluster{ID: "01CLUSTER", Name: "shop", Provider: "hosts", Spec: lifecycle.ClusterSpec{
		Version: "v1.34.4", Arch: "amd64", ControlPlanes: 3, Workers: 1, CNI: "flannel", CNIMode: "vxlan", ProxyMode: "iptables",
		PodCIDR: "10.244.0.0/16", ServiceCIDR: "10.96.0.0/12", DNSDomain: "cluster.local", PodsPerNode: 110,
		Endpoint: lifecycle.EndpointSpec{Kind: "vip", Address: "10.0.0.100", Port: 8443},
		Packages: lifecycle.PackageSpec{Source: "repos"}}}
	if change != nil {
		change(&c.Spec)
	}
	nodes := []*lifecycle.Node{
		{Name: "cp1", Role: lifecycle.ControlPlane, Index: 0, Address: "10.0.0.11", HostID: "h1"},
		{Name: "cp2", Role: lifecycle.ControlPlane, Index: 1, Address: "10.0.0.12", HostID: "h2"},
		{Name: "cp3", Role: lifecycle.ControlPlane, Index: 2, Address: "10.0.0.13", HostID: "h3"},
		{Name: "w1", Role: lifecycle.Worker, Index: 0, Address: "10.0.0.21", HostID: "h4"}}
	op := &lifecycle.Operation{ID: "01OP", Kind: lifecycle.OpCreate}
	return lifecycle.NewState(op, c, nodes, nodes[node], "test", 1, nil)
}

// everything asks for what a spec can ask for beside the defaults.
func everything(spec *lifecycle.ClusterSpec) {
	spec.ProxyMode, spec.NodeLocalDNS, spec.AuditLog = "ipvs", true, true
	spec.TimeZone, spec.NTPServers, spec.DataPath = "Asia/Shanghai", []string{"10.0.0.1", "10.0.0.2"}, "/data"
	spec.CNIMode, spec.NIC, spec.PodsPerNode = "host-gw", "eth1", 200
	spec.Packages = lifecycle.PackageSpec{Source: "mirror", Mirror: "https://mirror.example/kubernetes", ImageRepository: "registry.example/k8s"}
}

var bundled = packagesScript{changing: changing{"01CLUSTER", "packages"}, Version: "1.34.4", Minor: "v1.34", Bundle: true, Done: "binaries-abc-v1.34.4",
	Files:    []bundledPackage{{"socat", "/var/lib/coxswain/bundle/abc/packages/debian-12/amd64/socat_1.7.4.4-2_amd64.deb"}},
	Binaries: []placed{{"/var/lib/coxswain/bundle/abc/bin/v1.34.4/amd64/kubelet", "/usr/local/bin/kubelet"}}}

// scripts are all the scripts that change hosts or look at them, by name.
func scripts() map[string]string {
	plain, full, worker := sample(nil, 0), sample(everything, 0), sample(nil, 3)
	facts := lifecycle.HostFacts{OS: "debian", Addresses: []string{"eth0 10.0.0.11/24", "eth1 10.0.0.11/24"}, DefaultNIC: "eth0",
		Values: map[string]string{"cgroup": "v1"}}
	rhel, euler, kylin := families[3].family, families[1].family, families[2].family
	ha, _ := balancerOf(plain, facts)
	kubeadm := func(s *lifecycle.State, config string) kubeadmScript {
		return kubeadmScript{change(s, "kubernetes"), config, s.Cluster.Spec.AuditLog, etcdDir(s)}
	}
	return map[string]string{
		"facts.sh":              factsText(),
		"claim.sh":              render("claim.sh.tmpl", claimOf(full.Cluster)),
		"release.sh":            render("release.sh.tmpl", claimScript{Owner: "01CLUSTER"}),
		"versions-apt.sh":       apt{}.Versions(),
		"versions-yum.sh":       rhel.Versions(),
		"os-debian.sh":          apt{}.System(systemOf(plain)),
		"os-debian-full.sh":     apt{}.System(systemOf(full)),
		"os-rhel-full.sh":       rhel.System(systemOf(full)),
		"os-openeuler.sh":       euler.System(systemOf(plain)),
		"os-kylin.sh":           kylin.System(systemOf(worker)),
		"os-undo-debian.sh":     apt{}.SystemUndo(change(plain, "os")),
		"os-undo-rhel.sh":       rhel.SystemUndo(change(plain, "os")),
		"packages-debian.sh":    apt{}.Packages(packagesOf(plain)),
		"packages-debian-w.sh":  apt{}.Packages(packagesOf(worker)),
		"packages-mirror.sh":    apt{}.Packages(packagesOf(full)),
		"packages-bundle.sh":    apt{}.Packages(bundled),
		"packages-rhel.sh":      rhel.Packages(packagesOf(plain)),
		"packages-rhel-full.sh": rhel.Packages(packagesOf(full)),
		"packages-rhel-b.sh":    rhel.Packages(bundled),
		"packages-openeuler.sh": euler.Packages(packagesOf(worker)),
		"packages-kylin.sh":     kylin.Packages(packagesOf(plain)),
		"packages-undo.sh":      packagesPiece(plain).script(apt{}),
		"packages-undo-rhel.sh": packagesPiece(full).script(rhel),
		"runtime.sh": render("runtime.sh.tmpl", runtimeScript{change(plain, "runtime"),
			render("containerd-v2.toml.tmpl", containerdConfig{Pause: "registry.k8s.io/pause:3.10.1"})}),
		"runtime-2.sh": render("runtime.sh.tmpl", runtimeScript{change(full, "runtime"),
			render("containerd-v3.toml.tmpl", containerdConfig{"/data/containerd", "registry.example/k8s/pause:3.10.1", true})}),
		"bundle-undo.sh":   render("bundle-undo.sh.tmpl", bundleUndo{"01CLUSTER", "/var/lib/coxswain/bundle"}),
		"runtime-undo.sh":  runtimePiece(plain).script(apt{}),
		"images-import.sh": render("images.sh.tmpl", imagesScript{change(plain, "images"), "v1.34.4", "", []string{"/opt/images", "/opt/more.tar"}}),
		"images-pull.sh":   render("images.sh.tmpl", imagesScript{change(full, "images"), "v1.34.4", "registry.example/k8s", nil}),
		"images-undo.sh":   imagesPiece(plain).script(apt{}),
		"endpoint.sh":      render("endpoint.sh.tmpl", ha),
		"endpoint-undo.sh": endpointPiece(plain).script(apt{}),
		"init.sh":          render("init.sh.tmpl", kubeadm(plain, render("kubeadm-init.yaml.tmpl", initOf(plain, facts)))),
		"init-full.sh":     render("init.sh.tmpl", kubeadm(full, render("kubeadm-init.yaml.tmpl", initOf(full, facts)))),
		"join.sh": render("join.sh.tmpl", kubeadm(worker, render("kubeadm-join.yaml.tmpl",
			joinConfig{nodeOf(worker), endpoint(worker), "sha256:abc", false}))),
		"join-full.sh": render("join.sh.tmpl", kubeadm(full, render("kubeadm-join.yaml.tmpl",
			joinConfig{nodeOf(full), endpoint(full), "sha256:abc", true}))),
		"token.sh":        render("token.sh.tmpl", tokenScript{change(plain, "kubernetes"), joinTTL}),
		"join-ready.sh":   render("join-ready.sh.tmpl", readyOf(sample(nil, 2))),
		"join-ready-w.sh": render("join-ready.sh.tmpl", readyOf(worker)),
		"flannel.sh":      render("apply.sh.tmpl", applyScript{change(plain, "kubernetes"), flannelOf(plain.Cluster.Spec), "SUM", flannelObject}),
		"flannel-full.sh": render("apply.sh.tmpl", applyScript{change(full, "kubernetes"), flannelOf(full.Cluster.Spec), "SUM",
			flannelObject}),
		"localdns.sh":      render("apply.sh.tmpl", applyScript{change(plain, "kubernetes"), localDNSOf(plain.Cluster.Spec), "SUM", localDNSObject}),
		"localdns-ipvs.sh": render("apply.sh.tmpl", applyScript{change(full, "kubernetes"), localDNSOf(full.Cluster.Spec), "SUM", localDNSObject}),
		"verify.sh":        render("verify.sh.tmpl", verifyOf(full)),
		"reset.sh":         resetPiece(plain).script(apt{}),
		"reset-full.sh":    resetPiece(full).script(apt{}),
	}
}

func TestScriptsAreAsTheyWere(t *testing.T) {
	for name, text := range scripts() {
		t.Run(name, func(t *testing.T) { golden(t, name, text) })
	}
}

// Every script is of a form that a POSIX shell takes.
func TestScriptsParse(t *testing.T) {
	for name, text := range scripts() {
		cmd := exec.Command("sh", "-n")
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
