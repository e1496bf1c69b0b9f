package phases

import (
	"context"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

const packageList = "kubeadm 1.34.4-1.1\nkubelet 1.34.4-1.1\nkubectl 1.34.4-1.1\ncontainerd 1.6.20\nhaproxy 2.6\nkeepalived 2.2\n"

func offerPackages(s *scene) {
	for _, h := range s.fleet.hosts {
		h.answers["package versions"] = packageList
	}
}

func TestPreflightIsSatisfiedByGoodHosts(t *testing.T) {
	s := newScene(t, nil)
	offerPackages(s)
	s.need(&preflight{s.kit, phasePreflight}, s.at(0, 1, phasePreflight), lifecycle.Satisfied)
	for _, h := range s.fleet.hosts {
		if h.called("unit") > 0 {
			t.Error("a check changed something")
		}
	}
}

func TestPreflightTellsEverythingAtOnce(t *testing.T) {
	s := newScene(t, func(c *lifecycle.ClusterSpec) { c.PodCIDR = "10.96.0.0/16" })
	offerPackages(s)
	s.host("cp1").answers["ping"] = "taken\n"
	s.host("cp2").say("owner.cluster=01OTHER", "owner.name=other")
	s.host("cp3").answers["package versions"] = "kubeadm 1.33.0-1.1\n"
	s.host("w1").errs["dial"] = lifecycle.Block(lifecycle.T("remote.auth.refused"), lifecycle.T("remote.auth.refused.next"))
	_, err := (&preflight{s.kit, phasePreflight}).Check(t.Context(), s.at(0, 1, phasePreflight))
	got := map[string]string{}
	for _, e := range joined(err) {
		got[e.Text.Key] = e.Node
	}
	for key, node := range map[string]string{"preflight.cidr.overlap": "", "preflight.vip.taken": "", "preflight.owner": "cp2",
		"preflight.packages": "cp3", "remote.auth.refused": "w1"} {
		if n, ok := got[key]; !ok || n != node {
			t.Errorf("%s: told %v of %q, want %q", key, ok, n, node)
		}
	}
	if len(got) != 5 {
		t.Errorf("%v", got)
	}
}

func TestAPlanAsksEveryHostOnce(t *testing.T) {
	s := newScene(t, nil)
	offerPackages(s)
	op := &lifecycle.Operation{ID: "01OP", Kind: lifecycle.OpCreate}
	plan, err := lifecycle.MakePlan(KeepFacts(t.Context()), s.kit.create(), op, s.state.Cluster, s.state.Nodes)
	if err != nil || len(plan.Problems) > 0 {
		t.Fatalf("%v %v", err, plan.Problems)
	}
	for name, h := range s.fleet.hosts {
		if n := h.called("run facts"); n != 1 {
			t.Errorf("%s was asked %d times", name, n)
		}
		if h.called("unit") > 0 {
			t.Errorf("%s was changed by a plan", name)
		}
	}
	var order []string
	for _, st := range plan.Steps {
		if !slices.Contains(order, st.Phase) {
			order = append(order, st.Phase)
		}
	}
	want := "preflight connect claim os packages runtime images endpoint init cni control-planes workers verify"
	if got := strings.Join(order, " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestConnectPinsAndLearnsTheAddress(t *testing.T) {
	s := newScene(t, nil)
	st := s.at(1, 1, phaseConnect)
	st.Node.Address = ""
	p := &connect{s.kit}
	s.need(p, st, lifecycle.Needed)
	s.do(p, st)
	if st.Node.Address != "10.0.0.12" || s.hosts.pins["cp2"] != "ssh-ed25519 cp2" || !slices.Equal(s.book.nodes, []string{"cp2"}) {
		t.Errorf("%+v %v", st.Node, s.hosts.pins)
	}
	s.need(p, st, lifecycle.Satisfied)
	s.hosts.pins["cp2"] = "another"
	if err := p.Do(t.Context(), st); lifecycle.AsError(err).Text.Key != "connect.hostkey" || lifecycle.ClassOf(err) != lifecycle.Blocked {
		t.Error(err)
	}
}

func TestStepsAreSatisfiedByFactsOnly(t *testing.T) {
	s := newScene(t, nil)
	st := s.at(3, 1, "x") // the worker
	phases := []lifecycle.Phase{&claim{s.kit}, &system{s.kit}, &packages{s.kit}, &join{s.kit, phaseWorkers}}
	for _, p := range phases {
		s.need(p, st, lifecycle.Needed)
	}
	d := systemOf(st)
	s.host("w1").say("pkg.kubelet=1.34.4-1.1", "pkg.kubeadm=1.34.4-1.1", "pkg.kubectl=1.34.4-1.1", "pkg.containerd=1.6", "unit.kubelet=active",
		"ipForward=1", "bridgeNF=1", "sha."+fileModules+"="+sum(lines(d.Modules)), "sha."+fileSysctl+"="+sum(sysctlLines(d.Sysctls)),
		"file=/var/lib/coxswain/done/join", "file=/etc/kubernetes/kubelet.conf")
	for _, p := range phases {
		s.need(p, st, lifecycle.Needed) // the marker is missing: whatever is there is not ours
	}
	s.claimed()
	for _, p := range phases {
		s.need(p, st, lifecycle.Satisfied)
	}
}

func TestANewAttemptEndsTheOldUnits(t *testing.T) {
	s := newScene(t, nil)
	s.claimed()
	s.do(&system{s.kit}, s.at(0, 3, phaseSystem))
	want := []string{"run facts", "stop cox-01op-os-1", "stop cox-01op-os-2", "unit cox-01op-os-3"}
	if got := s.host("cp1").calls; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAFailedScriptIsExplained(t *testing.T) {
	s := newScene(t, nil)
	s.claimed()
	s.host("cp1").errs["packages"] = exit("packages", 100)
	err := (&packages{s.kit}).Do(t.Context(), s.at(0, 1, phasePackages))
	e := lifecycle.AsError(err)
	if e.Text.Key != "packages.failed" || e.Next.Key != "packages.failed.next" || e.Class != lifecycle.Retryable || e.Node != "cp1" ||
		e.ExitCode != 100 || e.Output != "last words" || e.Command != "packages" {
		t.Errorf("%+v", e)
	}
	cut := &lifecycle.Error{Class: lifecycle.Retryable, Text: lifecycle.T("remote.cut")}
	s.host("cp1").errs["packages"] = cut
	if e := lifecycle.AsError((&packages{s.kit}).Do(t.Context(), s.at(0, 1, phasePackages))); e.Text.Key != "remote.cut" || e.Node != "cp1" {
		t.Errorf("%+v", e)
	}
}

func TestInitRemembersItsSecretsFirst(t *testing.T) {
	s := newScene(t, nil)
	s.claimed()
	p := &initialise{s.kit}
	s.do(p, s.at(0, 1, phaseInit))
	env, script := s.host("cp1").env["kubeadm init"], s.host("cp1").scripts["kubeadm init"]
	if len(env["COX_TOKEN"]) != 23 || len(env["COX_CERT_KEY"]) != 64 {
		t.Fatalf("%v", env)
	}
	for key, want := range map[string]string{keyToken: env["COX_TOKEN"], keyCertKey: env["COX_CERT_KEY"]} {
		if v := s.book.values[key]; v.Value != want || !v.Secret {
			t.Errorf("%s is not sealed", key)
		}
		if strings.Contains(script, want) {
			t.Errorf("%s stands in the script", key)
		}
	}
	s.do(p, s.at(0, 2, phaseInit))
	if again := s.host("cp1").env["kubeadm init"]; again["COX_TOKEN"] != env["COX_TOKEN"] {
		t.Error("a second attempt made other secrets")
	}
	s.book.refused, s.book.values = lifecycle.ErrFenced, map[string]lifecycle.Value{}
	before := s.host("cp1").called("unit")
	if err := p.Do(t.Context(), s.at(0, 3, phaseInit)); !errors.Is(err, lifecycle.ErrFenced) || s.host("cp1").called("unit") != before {
		t.Errorf("acted without the fence: %v", err)
	}
}

func TestJoinRenewsOldSecrets(t *testing.T) {
	s := newScene(t, nil)
	s.claimed()
	now := time.UnixMilli(1_700_000_000_000)
	s.kit.Now = func() time.Time { return now }
	s.host("cp1").answers["join readiness"] = testCA
	first, err := s.kit.newJoinSecrets(t.Context(), s.at(0, 1, phaseInit))
	if err != nil {
		t.Fatal(err)
	}
	p := &join{s.kit, phaseWorkers}
	s.do(p, s.at(3, 1, phaseWorkers))
	if s.host("w1").env["kubeadm join"]["COX_TOKEN"] != first.token || s.host("cp1").called("-token-") != 0 {
		t.Error("fresh secrets were renewed")
	}
	if !hasAll(s.host("w1").scripts["kubeadm join"], "10.0.0.100:8443", "sha256:", "10.0.0.21") {
		t.Error(s.host("w1").scripts["kubeadm join"])
	}
	now = now.Add(joinFresh)
	s.do(p, s.at(3, 2, phaseWorkers))
	if got := s.host("w1").env["kubeadm join"]["COX_TOKEN"]; got == first.token || s.host("cp1").called("-token-") != 1 {
		t.Error("old secrets were used")
	}
	s.host("cp1").answers["join readiness"] = "no certificate"
	if err := p.Do(t.Context(), s.at(3, 3, phaseWorkers)); lifecycle.AsError(err).Text.Key != "join.authority" {
		t.Error(err)
	}
}

func TestVerifySavesHowToReachTheCluster(t *testing.T) {
	s := newScene(t, nil)
	s.claimed()
	s.host("cp1").answers["admin.conf"] = "kubeconfig of the administrator"
	s.do(&verify{s.kit}, s.at(0, 1, phaseVerify))
	if c := s.book.saved.Cluster; s.book.saved.Kubeconfig == "" || c == nil || c.Version != "v1.34.4" || c.Endpoint != "10.0.0.100:8443" {
		t.Errorf("%+v", s.book.saved)
	}
	s.host("cp1").errs["verify"] = exit("verify", 1)
	if e := lifecycle.AsError((&verify{s.kit}).Do(t.Context(), s.at(0, 2, phaseVerify))); e.Text.Key != "verify.failed" || e.Class != lifecycle.Permanent {
		t.Errorf("%+v", e)
	}
}

func TestNothingIsTakenBackFromOthers(t *testing.T) {
	s := newScene(t, nil)
	s.host("cp1").say("owner.cluster=01OTHER")
	for _, u := range []lifecycle.Undoer{&initialise{s.kit}, &packages{s.kit}, &system{s.kit}, &images{s.kit}, &balancer{s.kit}, &containerRuntime{s.kit}} {
		if err := u.Undo(t.Context(), s.at(0, 2, "x")); err != nil {
			t.Error(err)
		}
	}
	for _, p := range []lifecycle.Phase{&reset{s.kit}, &clean{s.kit}, &release{s.kit}} {
		s.need(p, s.at(0, 1, p.Name()), lifecycle.Satisfied)
	}
	if s.host("cp1").called("unit") > 0 {
		t.Error(s.host("cp1").calls)
	}
}

func TestDeleteCleansInReverse(t *testing.T) {
	s := newScene(t, nil)
	s.claimed()
	s.need(&reset{s.kit}, s.at(0, 1, phaseReset), lifecycle.Needed)
	s.do(&reset{s.kit}, s.at(0, 1, phaseReset))
	if !hasAll(s.host("cp1").scripts["undo kubernetes"], "kubeadm reset -f", "cluster=01CLUSTER") {
		t.Error("no reset")
	}
	if s.host("cp1").env["undo kubernetes"]["COX_UNIT"] != "cox-01op-reset-1" {
		t.Error(s.host("cp1").env)
	}
	s.do(&clean{s.kit}, s.at(0, 1, phaseClean))
	script, last := s.host("cp1").scripts["undo endpoint"], -1
	for _, group := range []string{"endpoint", "images", "runtime", "packages", "os"} {
		at := strings.Index(script, "changes=$root/changes/"+group+"\n")
		if at <= last {
			t.Errorf("%s is not in its place", group)
		}
		last = at
	}
}

func TestDeleteOfAHostThatIsGone(t *testing.T) {
	s := newScene(t, nil)
	delete(s.fleet.hosts, "w1")
	st := s.at(3, 1, phaseReset)
	_, err := (&reset{s.kit}).Check(t.Context(), st)
	if e := lifecycle.AsError(err); e.Text.Key != "delete.unreachable" || e.Class != lifecycle.Blocked || e.Node != "w1" {
		t.Error(err)
	}
	st.Operation.Params = []byte(`{"force":true}`)
	var said string
	st.Remark = func(t lifecycle.Text) { said += t.String() }
	s.need(&reset{s.kit}, st, lifecycle.Satisfied)
	if !strings.Contains(said, "w1") {
		t.Error("nothing was said of the host that was left out")
	}
	if st.Node.HostID == "" || st.Node.Status != lifecycle.NodeLeft {
		t.Errorf("host %q is %q: it would be given back as clean", st.Node.HostID, st.Node.Status)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&reset{s.kit}).Check(ctx, st); err == nil {
		t.Error("a cancelled look was taken for a host that is gone")
	}
}

func TestImagesAreNeededByRole(t *testing.T) {
	s := newScene(t, func(c *lifecycle.ClusterSpec) { c.Packages.Images = "/opt/images.tar" })
	s.claimed()
	all := []string{"registry.k8s.io/kube-apiserver:v1.34.4", "registry.k8s.io/etcd:3.6.5-0", "registry.k8s.io/kube-proxy:v1.34.4",
		"registry.k8s.io/pause:3.10.1"}
	for _, name := range []string{"cp1", "w1"} {
		s.host(name).say("unit.containerd=active")
		s.host(name).answers["kubeadm config images list"] = strings.Join(all, "\n")
		s.host(name).answers["ctr images ls"] = strings.Join(append(all[2:], flannelImage, flannelPluginImage), "\n")
	}
	s.need(&images{s.kit}, s.at(0, 1, phaseImages), lifecycle.Needed)
	s.need(&images{s.kit}, s.at(3, 1, phaseImages), lifecycle.Satisfied)
	s.do(&images{s.kit}, s.at(0, 1, phaseImages))
	if !strings.Contains(s.host("cp1").scripts["images"], "/opt/images.tar") {
		t.Error(s.host("cp1").scripts["images"])
	}
	if pauseOf(all) != "registry.k8s.io/pause:3.10.1" {
		t.Error(pauseOf(all))
	}
}

func TestRuntimeIsSatisfiedByEitherForm(t *testing.T) {
	s := newScene(t, nil)
	s.claimed()
	h := s.host("cp1")
	h.answers["kubeadm config images list"] = "registry.k8s.io/pause:3.10.1"
	h.answers["containerd --version"] = "containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7"
	p := &containerRuntime{s.kit}
	s.need(p, s.at(0, 1, phaseRuntime), lifecycle.Needed)
	s.do(p, s.at(0, 1, phaseRuntime))
	if !hasAll(h.scripts["containerd"], "version = 3", "pause:3.10.1", "SystemdCgroup = true") {
		t.Error(h.scripts["containerd"])
	}
	h.say("unit.containerd=active", "sha."+fileContainerd+"="+sum(render("containerd-v3.toml.tmpl", containerdConfig{Pause: "registry.k8s.io/pause:3.10.1"})))
	s.need(p, s.at(0, 1, phaseRuntime), lifecycle.Satisfied)
	h.facts = strings.Replace(h.facts, "unit.containerd=active", "unit.containerd=failed", 1)
	s.need(p, s.at(0, 1, phaseRuntime), lifecycle.Needed)
}

func TestFlannelIsAppliedWhenItsManifestChanges(t *testing.T) {
	s := newScene(t, nil)
	s.claimed()
	s.host("cp1").say("file=/etc/kubernetes/admin.conf")
	p := &cni{s.kit}
	s.need(p, s.at(0, 1, phaseCNI), lifecycle.Needed)
	s.host("cp1").answers["kubectl get"] = sum(flannelOf(s.state.Cluster.Spec))
	s.need(p, s.at(0, 1, phaseCNI), lifecycle.Satisfied)
	s.state.Cluster.Spec.CNIMode = "host-gw"
	s.need(p, s.at(0, 1, phaseCNI), lifecycle.Needed)
}

func TestVIPNeedsAnInterface(t *testing.T) {
	s := newScene(t, func(c *lifecycle.ClusterSpec) { c.Endpoint.Address = "192.168.9.9" })
	s.claimed()
	err := (&balancer{s.kit}).Do(t.Context(), s.at(0, 1, phaseEndpoint))
	if e := lifecycle.AsError(err); e.Text.Key != "preflight.vip.subnet" || e.Class != lifecycle.Blocked {
		t.Error(err)
	}
}

func TestExternalEndpointWithNobodyBehindIt(t *testing.T) {
	s := newScene(t, func(c *lifecycle.ClusterSpec) {
		c.Endpoint = lifecycle.EndpointSpec{Kind: "external", Address: "lb.example", Port: 6443}
	})
	st := s.at(0, 1, phaseExternal)
	var said string
	st.Remark = func(t lifecycle.Text) { said += t.String() }
	s.do(&external{s.kit}, st)
	if !strings.Contains(said, "lb.example:6443") {
		t.Error(said)
	}
	block, _ := pem.Decode([]byte(testCA))
	if block == nil {
		t.Fatal("the test's authority cannot be read")
	}
}

func TestResolveVersion(t *testing.T) {
	s := newScene(t, nil)
	h := s.host("cp1")
	h.answers["package versions"] = "kubeadm 1.34.4-1.1\nkubeadm 1.34.12-1.1\nkubeadm 1.33.2-1.1\n"
	for want, expected := range map[string]string{"1.34": "v1.34.12", "1.33": "v1.33.2", "": "v1.34.12", "v1.30.1": "v1.30.1"} {
		got, err := ResolveVersion(t.Context(), h, nil, lifecycle.ClusterSpec{Version: want, Packages: lifecycle.PackageSpec{Source: "repos"}})
		if err != nil || got != expected {
			t.Errorf("%q: %s %v", want, got, err)
		}
	}
	_, err := ResolveVersion(t.Context(), h, nil, lifecycle.ClusterSpec{Version: "1.35", Packages: lifecycle.PackageSpec{Source: "repos"}})
	if lifecycle.AsError(err).Text.Key != "version.absent" {
		t.Error(err)
	}
	_, err = ResolveVersion(t.Context(), h, nil, lifecycle.ClusterSpec{Version: "1.35", Packages: lifecycle.PackageSpec{Source: "mirror"}})
	if lifecycle.AsError(err).Text.Key != "version.exact" {
		t.Error(err)
	}
}

// testCA is a certificate authority's certificate.
const testCA = `-----BEGIN CERTIFICATE-----
MIIBHDCBz6ADAgECAgEBMAUGAytlcDAVMRMwEQYDVQQDEwprdWJlcm5ldGVzMCAX
DTcwMDEwMTAwMDAwMFoYDzIwOTYxMDAyMDcwNjQwWjAVMRMwEQYDVQQDEwprdWJl
cm5ldGVzMCowBQYDK2VwAyEAnzWXM8VHnzGIqt0Y3TPVzo2iGTEN4V6Z4xJELih3
dFmjQjBAMA4GA1UdDwEB/wQEAwICBDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQW
BBRmyeU/nZB00LzW3ix4Rk6K1PW4GzAFBgMrZXADQQCGJkcvs8ThyxVQO6eeDvME
7w30vQllncU2tz5EBnBSSZfjXql8wh2Z1e8lyD3SkwKuLEuso7ALn7+0EbND1lUO
-----END CERTIFICATE-----
`
