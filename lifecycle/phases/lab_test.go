package phases_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/bundle"
	"github.com/coxswain-ops/coxswain/lifecycle/phases"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// lab is the test's view of the hosts that e2e/lab/hosts.sh has started.
type lab struct {
	t        *testing.T
	key      string
	pool     *remote.Pool
	bundle   string // directory of an unpacked bundle, or ""
	user     string
	mu       sync.Mutex
	hostKeys map[string]string
}

// newLab skips unless COXSWAIN_LAB=1 says that hosts node1…node4 of the lab are up.
func newLab(t *testing.T) *lab {
	if os.Getenv("COXSWAIN_LAB") != "1" {
		t.Skip("needs the lab's hosts: start e2e/lab/hosts.sh up 4 and set COXSWAIN_LAB=1")
	}
	state := os.Getenv("LAB_STATE")
	if state == "" {
		state = "/var/lib/lab"
	}
	key, err := os.ReadFile(filepath.Join(state, "id_ed25519"))
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, user: "root", key: string(key), pool: remote.NewPool(remote.Opts{}), bundle: os.Getenv("LAB_BUNDLE"), hostKeys: map[string]string{}}
	t.Cleanup(func() {
		if err := l.pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *lab) Kind() string                                           { return "hosts" }
func (l *lab) Capabilities() lifecycle.Capabilities                   { return lifecycle.Capabilities{Hosts: true} }
func (l *lab) Validate(context.Context, lifecycle.Region) error       { return nil }
func (l *lab) Bundle(context.Context, string) (*bundle.Bundle, error) { return bundle.Open(l.bundle) }

func (l *lab) Access(_ context.Context, id string) (lifecycle.Access, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return lifecycle.Access{Name: id, Address: "10.77.0.1" + strings.TrimPrefix(id, "node"), HostKey: l.hostKeys[id],
		Credential: lifecycle.Credential{Name: "lab", User: l.user, Kind: "key", PrivateKey: l.key}}, nil
}

func (l *lab) PinHostKey(_ context.Context, id, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.hostKeys[id]; k != "" && k != key {
		return lifecycle.ErrConflict
	}
	l.hostKeys[id] = key
	return nil
}

func (l *lab) procedures() []lifecycle.Procedure {
	return phases.Procedures(phases.Deps{Dialer: l.pool, Hosts: l, Bundles: l})
}

// on runs a command on a host.
func (l *lab) on(node, command string) string {
	l.t.Helper()
	out, err := l.try(node, command)
	if err != nil {
		l.t.Fatalf("%s: %s: %v\n%s", node, command, err, out)
	}
	return out
}

func (l *lab) try(node, command string) (string, error) {
	a, err := l.Access(context.Background(), node)
	if err != nil {
		return "", err
	}
	h, err := l.pool.Dial(context.Background(), a)
	if err != nil {
		return "", err
	}
	defer h.Close()
	res, err := h.Run(context.Background(), "export KUBECACHEDIR=/run/test-kubectl\n"+command+"\nrm -rf /run/test-kubectl\n", remote.Options{Label: "test"})
	return res.Stdout + res.Stderr, err
}

// clusterOf makes a cluster of the lab's hosts, control planes first.
func clusterOf(planes, workers int, change func(*lifecycle.ClusterSpec)) (*lifecycle.Cluster, []*lifecycle.Node) {
	c := &lifecycle.Cluster{ID: "01LABLABLABLABLABLABLABLAB", Name: "lab", Provider: "hosts", Region: "hosts", Status: lifecycle.ClusterPending,
		Spec: lifecycle.ClusterSpec{Version: "v1.34.4", Arch: "amd64", ControlPlanes: planes, Workers: workers, CNI: "flannel",
			CNIMode: "vxlan", ProxyMode: "iptables", PodCIDR: "10.244.0.0/16", ServiceCIDR: "10.96.0.0/12", DNSDomain: "cluster.local",
			PodsPerNode: 110, Endpoint: lifecycle.EndpointSpec{Kind: "first", Port: 6443},
			Packages: lifecycle.PackageSpec{Source: "repos", Images: "/opt/lab/images/v1.34.4.tar"}}}
	if planes > 1 {
		c.Spec.Endpoint = lifecycle.EndpointSpec{Kind: "vip", Address: "10.77.0.100", Port: 8443}
	}
	if change != nil {
		change(&c.Spec)
	}
	var nodes []*lifecycle.Node
	for i := range planes + workers {
		n := &lifecycle.Node{ClusterID: c.ID, Name: fmt.Sprintf("node%d", i+1), Role: lifecycle.ControlPlane, Index: i}
		if n.HostID = n.Name; i >= planes {
			n.Role, n.Index = lifecycle.Worker, i-planes
		}
		nodes = append(nodes, n)
	}
	return c, nodes
}

// run drives one operation with the real engine and gives how it ended.
func (l *lab) run(ctx context.Context, kind lifecycle.OperationKind, c *lifecycle.Cluster, nodes []*lifecycle.Node, store *memory) *lifecycle.Operation {
	l.t.Helper()
	op := &lifecycle.Operation{ID: fmt.Sprintf("01LAB%d", time.Now().UnixMilli()), Number: 1, Kind: kind, ClusterID: c.ID,
		ClusterName: c.Name, Status: lifecycle.OpQueued}
	store.begin(op, c, nodes)
	l.drive(ctx, store)
	return store.op
}

func (l *lab) drive(ctx context.Context, store *memory) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	store.ended = cancel
	r := lifecycle.NewRunner(store, lifecycle.RunnerConfig{Owner: "test", Procedures: l.procedures(), Alone: true})
	if err := r.Run(ctx); err != nil {
		l.t.Fatal(err)
	}
}

// must fails the test unless the operation ended as wanted.
func (l *lab) must(op *lifecycle.Operation, want lifecycle.OperationStatus, store *memory) {
	l.t.Helper()
	for _, line := range store.times() {
		l.t.Log(line)
	}
	if dump := os.Getenv("LAB_LOG"); dump != "" {
		if err := os.WriteFile(dump+"-"+string(op.Kind), store.log.Bytes(), 0o600); err != nil {
			l.t.Error(err)
		}
	}
	if op.Status == want {
		return
	}
	for _, e := range op.Errors {
		l.t.Logf("%s: %s: %v\n%s", e.Node, e.Phase, e, e.Output)
	}
	if store.log.Len() > 3000 {
		store.log.Next(store.log.Len() - 3000)
	}
	l.t.Fatalf("%s ended as %s\n%s", op.Kind, op.Status, store.log.String())
}

func (l *lab) ready(nodes int) {
	l.t.Helper()
	out := l.on("node1", "kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes,pods -A -o wide")
	l.t.Log("\n" + out)
	if n := strings.Count(out, " Ready "); n != nodes {
		l.t.Fatalf("%d nodes are Ready, want %d", n, nodes)
	}
}

// whatIs is everything of a host that a delete must leave as it was.
const whatIs = `dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' | sort
find /etc /opt /usr -xdev -path /opt/lab -prune -o \( -type f -o -type l \) ! -name '*-' ! -name ld.so.cache ! -name '*.pyc' -printf '%p %l %m %U %G %s\n' | sort
find /etc -type f ! -name '*-' ! -name ld.so.cache -exec sha256sum {} + | sort
find /etc /opt /usr /var/lib /var/log -maxdepth 3 -path /opt/lab -prune -o -type d -print | grep -v -e /var/lib/apt -e /var/lib/dpkg -e /var/lib/systemd -e /var/log/journal | sort
ls -A /root /run | grep -v -e .boot_id -e systemd -e log -e utmp
ip -o link | sed 's/^[0-9]*: //; s/ .*//' | sort; ip -4 route; ip rule | wc -l
iptables-save 2>/dev/null | grep -v '^#' | sed 's/\[.*//'
ps -eo comm= | sort -u | grep -v -e ps -e sshd -e sort -e '^sh$' -e grep -e sftp -e kworker -e systemd-timedat -e systemd-hostnam -e '(sd-pam)' -e sed -e find -e '^bash$' -e systemctl
systemctl list-unit-files --no-legend | awk '{print $1, $2}' | grep -v '^session'
cat /proc/sys/net/ipv4/ip_forward /proc/swaps; grep -v nothing /proc/mounts | cut -d' ' -f2 | grep -v -e '^/run/user'`

func (l *lab) snapshot(nodes []*lifecycle.Node) map[string]string {
	l.t.Helper()
	out := map[string]string{}
	for _, n := range nodes {
		s, err := l.try(n.Name, whatIs)
		if s == "" {
			l.t.Fatal(err)
		}
		out[n.Name] = s
	}
	return out
}

// clean fails the test unless every host is as it was.
func (l *lab) clean(nodes []*lifecycle.Node, before map[string]string) {
	l.t.Helper()
	for name, now := range l.snapshot(nodes) {
		if now == before[name] {
			continue
		}
		dir := l.t.TempDir()
		for f, s := range map[string]string{"before": before[name], "after": now} {
			if err := os.WriteFile(filepath.Join(dir, f), []byte(s), 0o600); err != nil {
				l.t.Fatal(err)
			}
		}
		diff, _ := exec.Command("diff", "-U0", filepath.Join(dir, "before"), filepath.Join(dir, "after")).CombinedOutput()
		l.t.Errorf("%s is not as it was:\n%s", name, diff)
	}
}

func (l *lab) createAndDelete(planes, workers int, change func(*lifecycle.ClusterSpec), inspect func(*lifecycle.Cluster)) {
	l.t.Helper()
	c, nodes := clusterOf(planes, workers, change)
	before := l.snapshot(nodes)
	store := newMemory()
	start := time.Now()
	l.must(l.run(l.t.Context(), lifecycle.OpCreate, c, nodes, store), lifecycle.OpSucceeded, store)
	l.t.Logf("create %d+%d: %.1f s", planes, workers, time.Since(start).Seconds())
	l.ready(planes + workers)
	if store.kubeconfig == "" || c.Version != "v1.34.4" || c.Endpoint == "" {
		l.t.Errorf("version %q, endpoint %q, kubeconfig of %d bytes", c.Version, c.Endpoint, len(store.kubeconfig))
	}
	if inspect != nil {
		inspect(c)
	}
	if os.Getenv("LAB_KEEP") == "1" {
		return
	}
	start = time.Now()
	l.must(l.run(l.t.Context(), lifecycle.OpDelete, c, nodes, store), lifecycle.OpSucceeded, store)
	l.t.Logf("delete: %.1f s", time.Since(start).Seconds())
	l.clean(nodes, before)
}

func TestLabSingle(t *testing.T) {
	l := newLab(t)
	l.createAndDelete(1, 1, nil, nil)
}

func TestLabHighlyAvailable(t *testing.T) {
	l := newLab(t)
	l.createAndDelete(3, 1, nil, func(c *lifecycle.Cluster) {
		out := l.on("node4", "kubectl --kubeconfig /etc/kubernetes/kubelet.conf get --raw /readyz; grep server: /etc/kubernetes/kubelet.conf")
		if !strings.Contains(out, "ok") || !strings.Contains(out, c.Endpoint) {
			t.Errorf("the VIP does not lead to the API: %s", out)
		}
		if os.Getenv("LAB_KEEP") != "1" {
			l.failOver()
		}
	})
}

// failOver takes the control plane that has the VIP away, power and all, and waits
// until the API answers on the VIP again.
func (l *lab) failOver() {
	l.t.Helper()
	hosts := filepath.Join("..", "..", "e2e", "lab", "hosts.sh")
	if out, err := exec.Command(hosts, "kill", "node1").CombinedOutput(); err != nil {
		l.t.Fatalf("%v: %s", err, out)
	}
	start := time.Now()
	if _, err := l.try("node4", `i=0
until kubectl --kubeconfig /etc/kubernetes/kubelet.conf --request-timeout=2s get --raw /readyz; do
  i=$((i+1)); [ $i -lt 120 ] || exit 1; sleep 0.5
done`); err != nil {
		l.t.Errorf("the VIP did not move: %v", err)
	}
	l.t.Logf("the API answers on the VIP %.1f s after its host lost power", time.Since(start).Seconds())
	if out, err := exec.Command(hosts, "start", "node1").CombinedOutput(); err != nil {
		l.t.Fatalf("%v: %s", err, out)
	}
}

// A host that loses power in the middle of kubeadm init starts it anew when it
// is back.
func TestLabPowerLoss(t *testing.T) {
	l := newLab(t)
	c, nodes := clusterOf(1, 0, nil)
	store := newMemory()
	var once sync.Once
	store.logged = func(line string) {
		if strings.Contains(line, "[control-plane-check] Checking kube-apiserver") {
			once.Do(func() {
				hosts := filepath.Join("..", "..", "e2e", "lab", "hosts.sh")
				out, err := exec.Command("sh", "-c", hosts+" kill node1 && "+hosts+" start node1").CombinedOutput()
				if err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
	}
	l.must(l.run(t.Context(), lifecycle.OpCreate, c, nodes, store), lifecycle.OpSucceeded, store)
	l.ready(1)
	l.must(l.run(t.Context(), lifecycle.OpDelete, c, nodes, store), lifecycle.OpSucceeded, store)
}

// Everything comes from a bundle, through a user who needs sudo, onto hosts that
// have no package source (hosts started with LAB_SHARE= ; LAB_BUNDLE names the
// directory of an imported bundle).
func TestLabBundle(t *testing.T) {
	l := newLab(t)
	if l.bundle == "" {
		t.Skip("needs LAB_BUNDLE, the directory of an imported bundle")
	}
	l.user = "ops"
	planes := 1
	if os.Getenv("LAB_PLANES") == "3" {
		planes = 3
	}
	l.createAndDelete(planes, 1, func(s *lifecycle.ClusterSpec) {
		s.Packages = lifecycle.PackageSpec{Source: "bundle", Bundle: "lab"}
		s.AuditLog, s.CNIMode, s.DataPath, s.TimeZone, s.PodsPerNode = true, "host-gw", "/var/data/k8s", "Asia/Shanghai", 200
	}, func(*lifecycle.Cluster) {
		out := l.on("node1", "ls -l /etc/localtime; ls /var/data/k8s; wc -l </var/log/kubernetes/audit/audit.log; ip route")
		t.Log("\n" + out)
	})
}

// A process that dies while kubeadm init runs is only a pause: the next one
// attaches to the unit and goes on.
func TestLabResume(t *testing.T) {
	l := newLab(t)
	c, nodes := clusterOf(1, 0, nil)
	before := l.snapshot(nodes)
	store := newMemory()
	ctx, die := context.WithCancel(t.Context())
	defer die()
	store.logged = func(line string) {
		if strings.Contains(line, "[control-plane-check] Checking kube-apiserver") {
			die() // the units go on without us
		}
	}
	l.run(ctx, lifecycle.OpCreate, c, nodes, store)
	if store.op.Status != lifecycle.OpRunning {
		l.must(store.op, lifecycle.OpRunning, store)
	}
	store.logged, store.taken = nil, false
	l.drive(t.Context(), store)
	l.must(store.op, lifecycle.OpSucceeded, store)
	if n := strings.TrimSpace(l.on("node1", "ls -d /var/lib/coxswain/units/*-init-* | wc -l")); n != "1" {
		t.Errorf("kubeadm init ran in %s units", n)
	}
	l.ready(1)
	l.must(l.run(t.Context(), lifecycle.OpDelete, c, nodes, store), lifecycle.OpSucceeded, store)
	l.clean(nodes, before)
}

// An undo takes back everything, also from the middle of a join.
func TestLabUndo(t *testing.T) {
	l := newLab(t)
	c, nodes := clusterOf(1, 1, nil)
	before := l.snapshot(nodes)
	store := newMemory()
	store.logged = func(line string) {
		if strings.Contains(line, "[kubelet-start] Starting the kubelet") && strings.Contains(line, "workers/") {
			store.signals = lifecycle.Signals{Stop: true, Undo: true, Now: true}
		}
	}
	l.must(l.run(t.Context(), lifecycle.OpCreate, c, nodes, store), lifecycle.OpUndone, store)
	l.clean(nodes, before)
}

// What is in the way is told at once, with the host and what to do.
func TestLabPreflight(t *testing.T) {
	l := newLab(t)
	c, nodes := clusterOf(3, 1, func(s *lifecycle.ClusterSpec) {
		s.Version, s.PodCIDR, s.Endpoint.Address = "v1.34.99", "10.77.0.0/16", "10.77.0.1"
	})
	nodes[3].HostID = "node9" // nobody is there
	l.on("node1", "mkdir -p /etc/kubernetes; touch /etc/kubernetes/admin.conf")
	l.on("node2", "mkdir -p /var/lib/coxswain; printf 'cluster=01OTHER\\nname=other\\n' >/var/lib/coxswain/owner")
	defer l.on("node1", "rm -rf /etc/kubernetes")
	defer l.on("node2", "rm -rf /var/lib/coxswain")
	op := &lifecycle.Operation{ID: "01PLAN", Kind: lifecycle.OpCreate}
	start := time.Now()
	plan, err := lifecycle.MakePlan(phases.KeepFacts(t.Context()), l.procedures()[0], op, c, nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("planned in %.1f s", time.Since(start).Seconds())
	got := map[string]int{}
	for _, p := range plan.Problems {
		t.Logf("%s: %s", p.Node, p.Text)
		got[p.Text.Key]++
	}
	for key, n := range map[string]int{"preflight.leftovers": 1, "preflight.owner": 1, "preflight.cidr.host": 3, "preflight.packages": 2,
		"preflight.vip.taken": 1} {
		if got[key] != n {
			t.Errorf("%s is told %d times, want %d", key, got[key], n)
		}
	}
}

// A host that is gone stops a delete, unless it is forced.
func TestLabDeleteForced(t *testing.T) {
	l := newLab(t)
	c, nodes := clusterOf(1, 1, nil)
	nodes[1].HostID = "node9"
	store := newMemory()
	op := l.run(t.Context(), lifecycle.OpDelete, c, nodes, store)
	if op.Status != lifecycle.OpFailed || op.Error.Text.Key != "delete.unreachable" || op.Error.Class != lifecycle.Blocked || op.Error.Node != "node2" {
		t.Errorf("%s: %v", op.Status, op.Error)
	}
	op = &lifecycle.Operation{ID: "01FORCED", Kind: lifecycle.OpDelete, ClusterID: c.ID, Status: lifecycle.OpQueued, Params: []byte(`{"force":true}`)}
	store.begin(op, c, nodes)
	l.drive(t.Context(), store)
	l.must(op, lifecycle.OpSucceeded, store)
	if !strings.Contains(store.log.String(), "left out by force") {
		t.Error("nothing is said about the host that was left out")
	}
}
