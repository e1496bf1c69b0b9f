package bundle

import (
	"slices"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

func twoVersions(t *testing.T) *Bundle {
	pkg := func(name string) []byte {
		return deb("control.tar", "Package: "+name+"\nVersion: 1\nArchitecture: all\n")
	}
	_, m := built(t, goodTree("v1.34.4", "amd64").with(goodTree("v1.34.10", "amd64")).with(goodTree("v1.33.13", "arm64")).with(tree{
		"packages/debian-12/amd64/socat.deb":     pkg("socat"),
		"packages/debian-12/amd64/haproxy.deb":   pkg("haproxy"),
		"packages/debian-12/arm64/socat.deb":     pkg("socat"),
		"packages/openEuler-22.03/amd64/a.deb":   pkg("a"),
		"manifests/net.yaml":                     []byte("a: 1"),
		"manifests/v1.33.13/old.yaml":            []byte("a: 1"),
		"images/v1.34.4/amd64/etcd-only.tar":     dockerArchive("amd64", "r/etcd:3.6.5-0"),
		"images/v1.34.4/amd64/etcd-and-more.tar": dockerArchive("amd64", "r/etcd:3.6.5-0", "r/busybox:1"),
	}))
	return &Bundle{Manifest: m}
}

func pathsOf(files []File) []string {
	var out []string
	for _, f := range files {
		out = append(out, f.Path)
	}
	return out
}

func TestSelectForAControlPlane(t *testing.T) {
	got := pathsOf(twoVersions(t).Select("v1.34.4", "amd64", "debian-12", lifecycle.ControlPlane))
	for _, want := range []string{"bin/v1.34.4/amd64/kubectl", "bin/v1.34.4/amd64/etcdctl", "images/v1.34.4/amd64/control-plane.tar",
		"images/v1.34.4/amd64/etcd-only.tar", "packages/debian-12/amd64/haproxy.deb", "manifests/net.yaml", "runtime/amd64/runc"} {
		if !slices.Contains(got, want) {
			t.Errorf("without %s", want)
		}
	}
	for _, p := range got {
		if strings.Contains(p, "arm64") || strings.Contains(p, "v1.34.10") || strings.Contains(p, "v1.33.13") || strings.Contains(p, "openEuler") {
			t.Errorf("with %s", p)
		}
	}
}

func TestSelectForAWorker(t *testing.T) {
	got := pathsOf(twoVersions(t).Select("v1.34.4", "amd64", "debian-12", lifecycle.Worker))
	want := []string{"bin/v1.34.4/amd64/kubeadm", "bin/v1.34.4/amd64/kubelet",
		"cni/amd64/bridge", "cni/amd64/host-local", "cni/amd64/loopback", "cni/amd64/portmap",
		"images/v1.34.4/amd64/etcd-and-more.tar", "images/v1.34.4/amd64/node.tar", "packages/debian-12/amd64/socat.deb",
		"runtime/amd64/containerd", "runtime/amd64/containerd-shim-runc-v2", "runtime/amd64/ctr", "runtime/amd64/runc"}
	if !slices.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
}

func TestResolveVersion(t *testing.T) {
	b := twoVersions(t)
	for want, exact := range map[string]string{"": "v1.34.10", "1.34": "v1.34.10", "v1.34": "v1.34.10",
		"1.34.4": "v1.34.4", "v1.34.4": "v1.34.4", "1.33": "v1.33.13"} {
		if v, err := b.ResolveVersion(want); err != nil || v != exact {
			t.Errorf("%q is %s (%v), want %s", want, v, err, exact)
		}
	}
	for _, want := range []string{"1.3", "1", "v", "1.34.", "1.34.5", "2.0", "1.34.4.1", "latest"} {
		if v, err := b.ResolveVersion(want); want != "v" && (err == nil || keys(err)[0] != "bundle.version.absent") {
			t.Errorf("%q is %s", want, v)
		}
	}
}

func TestOSFor(t *testing.T) {
	b := &Bundle{Manifest: Manifest{OS: []string{"debian-12", "openEuler-22.03", "rhel-9"}}}
	for _, c := range []struct{ os, like, version, want string }{
		{"debian", "", "12", "debian-12"},
		{"debian", "", "12.9", "debian-12"},
		{"openeuler", "", "22.03", "openEuler-22.03"},
		{"rocky", "rhel centos fedora", "9.3", "rhel-9"},
		{"ubuntu", "debian", "24.04", ""},
		{"debian", "", "11", ""},
		{"", "", "", ""},
	} {
		if got := b.OSFor(lifecycle.HostFacts{OS: c.os, OSLike: c.like, OSVersion: c.version}); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestSupports(t *testing.T) {
	b := twoVersions(t)
	for _, c := range []struct {
		version, arch, os string
		want              []string
	}{
		{"v1.34.4", "amd64", "debian-12", nil},
		{"v1.33.13", "arm64", "", nil},
		{"v1.34.4", "arm64", "debian-12", []string{"bundle.arch.absent"}},
		{"v1.34.4", "arm64", "debian-11", []string{"bundle.arch.absent", "bundle.os.absent"}},
		{"v1.32.0", "s390x", "", []string{"bundle.version.absent"}},
		{"1.34", "amd64", "", []string{"bundle.version.absent"}},
	} {
		if got := keys(b.Supports(c.version, c.arch, c.os)); !slices.Equal(got, c.want) {
			t.Errorf("%s %s %s: %v, want %v", c.version, c.arch, c.os, got, c.want)
		}
	}
}

func TestNodePath(t *testing.T) {
	b := twoVersions(t)
	f, _ := b.Find("runtime/amd64/runc")
	if p := b.NodePath(f); p != "/var/lib/coxswain/bundle/"+b.Digest[:12]+"/runtime/amd64/runc" {
		t.Fatal(p)
	}
	if _, ok := b.Find("runtime/amd64/rund"); ok {
		t.Fatal("found what is not there")
	}
}
