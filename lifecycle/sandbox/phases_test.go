package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/phases"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
	"github.com/coxswain-ops/coxswain/lifecycle/sandbox"
	"github.com/coxswain-ops/coxswain/store"
)

// world is the engine with the real phases and the real store, on a sandbox.
type world struct {
	t    *testing.T
	dir  string
	sb   *sandbox.Sandbox
	st   *store.Store
	pool *remote.Pool
}

func newWorld(t *testing.T, c sandbox.Config) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	c.Dir = filepath.Join(w.dir, "sandbox")
	sb, err := sandbox.New(c)
	if err != nil {
		t.Fatal(err)
	}
	key, err := store.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyRing(key)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(w.dir, "test.db"), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	w.sb, w.st, w.pool = sb, st, remote.NewPool(remote.Opts{})
	t.Cleanup(func() {
		for _, closing := range []func() error{w.pool.Close, st.Close, sb.Close} {
			if err := closing(); err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

// cluster enters a cluster into the store.
func (w *world) cluster(name string, planes, workers int, endpoint lifecycle.EndpointSpec) *lifecycle.Cluster {
	w.t.Helper()
	project := &lifecycle.Project{Name: "p-" + name}
	if err := w.st.SaveProject(w.t.Context(), project); err != nil {
		w.t.Fatal(err)
	}
	c := &lifecycle.Cluster{ProjectID: project.ID, Name: name, Source: "created", Provider: sandbox.Kind, Region: "sandbox", Simulated: true, Status: lifecycle.ClusterPending,
		Spec: lifecycle.ClusterSpec{Version: "v1.34.4", Arch: "amd64", ControlPlanes: planes, Workers: workers, CNI: "flannel",
			CNIMode: "vxlan", ProxyMode: "iptables", PodCIDR: "10.244.0.0/16", ServiceCIDR: "10.96.0.0/12", DNSDomain: "cluster.local",
			PodsPerNode: 110, Endpoint: endpoint, Packages: lifecycle.PackageSpec{Source: "repos"}}}
	var nodes []*lifecycle.Node
	for i := range planes + workers {
		n := &lifecycle.Node{Name: fmt.Sprintf("%s-master-%d", name, i+1), Role: lifecycle.ControlPlane, Index: i, Status: "planned"}
		if i >= planes {
			n.Name, n.Role, n.Index = fmt.Sprintf("%s-worker-%d", name, i-planes+1), lifecycle.Worker, i-planes
		}
		nodes = append(nodes, n)
	}
	if err := w.st.CreateCluster(w.t.Context(), c, nodes); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// operate runs one operation to its end and gives how long it took.
func (w *world) operate(c *lifecycle.Cluster, kind lifecycle.OperationKind) time.Duration {
	w.t.Helper()
	op := &lifecycle.Operation{Kind: kind, ProjectID: c.ProjectID, ClusterID: c.ID, ClusterName: c.Name, Cause: c.ID + string(kind)}
	if err := w.st.CreateOperation(w.t.Context(), op); err != nil {
		w.t.Fatal(err)
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	wake, unsubscribe := w.st.Subscribe(store.Operations)
	defer unsubscribe()
	r := lifecycle.NewRunner(w.st, lifecycle.RunnerConfig{Owner: "test", Alone: true, Procedures: phases.Procedures(phases.Deps{Dialer: w.pool,
		Machines: map[string]lifecycle.MachineProvider{sandbox.Kind: w.sb}})})
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	ended := w.await(ctx, op.ID, wake)
	took := time.Since(began)
	cancel()
	if err := <-done; err != nil {
		w.t.Error(err)
	}
	if ended.Status != lifecycle.OpSucceeded {
		w.tell(ended)
	}
	return took
}

func (w *world) await(ctx context.Context, id string, wake <-chan struct{}) *lifecycle.Operation {
	w.t.Helper()
	for {
		op, err := w.st.Operation(context.WithoutCancel(ctx), id)
		if err != nil {
			w.t.Fatal(err)
		}
		if op.Status.Ended() || ctx.Err() != nil {
			return op
		}
		select {
		case <-wake:
		case <-ctx.Done():
		}
	}
}

// tell fails the test with what the operation says.
func (w *world) tell(op *lifecycle.Operation) {
	w.t.Helper()
	var b strings.Builder
	for _, e := range op.Errors {
		fmt.Fprintf(&b, "%s\n%s\n", e, e.Output)
	}
	lines, err := w.st.Log(context.Background(), op.ID, commands.LogFilter{})
	if err != nil {
		w.t.Error(err)
	}
	for _, l := range lines[max(0, len(lines)-60):] {
		fmt.Fprintf(&b, "%s/%s %s\n", l.Phase, l.Node, l.Line)
	}
	w.t.Fatalf("%s of %s is %s at %s: %v\n%s", op.Kind, op.ClusterName, op.Status, op.Stage, op.Error, b.String())
}

func (w *world) ledger() sandbox.Ledger {
	w.t.Helper()
	l, err := sandbox.ReadLedger(filepath.Join(w.dir, "sandbox"))
	if err != nil {
		w.t.Fatal(err)
	}
	if unknown := l.Unknown(); len(unknown) > 0 {
		w.t.Errorf("commands without a model: %q", unknown)
	}
	return l
}

// once fails the test unless a command has succeeded once on each machine.
func (w *world) once(command string, machines ...string) {
	w.t.Helper()
	got := w.ledger().Effects(command)
	for name, n := range got {
		if n != 1 || !slices.Contains(machines, name) {
			w.t.Errorf("%s: %d times on %s", command, n, name)
		}
	}
	if len(got) != len(machines) {
		w.t.Errorf("%s: on %v, want %v", command, got, machines)
	}
}

// version asks the cluster's API for its version, through SSH.
func (w *world) version(c *lifecycle.Cluster, node string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	all, err := w.sb.FindMachines(ctx, c.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	at := slices.IndexFunc(all, func(m lifecycle.Machine) bool { return m.Name == node })
	access, err := w.sb.Access(ctx, all[at])
	if err != nil {
		w.t.Fatal(err)
	}
	h, err := w.pool.Dial(ctx, access)
	if err != nil {
		w.t.Fatal(err)
	}
	defer h.Close()
	if _, err := h.Dial(ctx, "tcp", "127.0.0.1:1"); err == nil {
		w.t.Error("port 1 of a machine answers")
	}
	conn, err := h.Dial(ctx, "tcp", all[at].Address+":6443")
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	client, err := w.st.Kubeconfig(ctx, c.ID)
	if err != nil || client == "" {
		w.t.Error(err)
	}
	if _, err := conn.Write([]byte("GET /version HTTP/1.0\r\n\r\n")); err != nil {
		w.t.Error(err)
	}
	answer, err := io.ReadAll(conn) // an HTTPS server says so to who speaks HTTP
	if err != nil || !strings.Contains(string(answer), "HTTPS") {
		w.t.Errorf("the API answers %q, %v", answer, err)
	}
}

func first() lifecycle.EndpointSpec { return lifecycle.EndpointSpec{Kind: "first", Port: 6443} }

func TestCreateAndDelete(t *testing.T) {
	w := newWorld(t, sandbox.Config{NoDelay: true})
	c := w.cluster("demo", 1, 1, first())
	t.Logf("create 1+1: %v", w.operate(c, lifecycle.OpCreate))
	w.once("kubeadm init", "demo-master-1")
	w.once("kubeadm join", "demo-worker-1")
	if text, err := w.st.Kubeconfig(t.Context(), c.ID); err != nil || !strings.Contains(text, "server:") {
		t.Errorf("kubeconfig: %q, %v", text, err)
	}
	w.version(c, "demo-master-1")
	t.Logf("delete: %v", w.operate(c, lifecycle.OpDelete))
	left, err := w.sb.FindMachines(t.Context(), c.ID)
	if err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	l := w.ledger()
	for _, counts := range []map[string]int{l.MachinesCreated(c.ID), l.MachinesDeleted(c.ID)} {
		if counts["demo-master-1"] != 1 || counts["demo-worker-1"] != 1 || len(counts) != 2 {
			t.Errorf("machines %v", counts)
		}
	}
}

// TestANodeThatIsRegisteredLate: a join ends before the kubelet has registered its
// node, and waiting for what is not there yet fails at once.
func TestANodeThatIsRegisteredLate(t *testing.T) {
	w := newWorld(t, sandbox.Config{NoDelay: true, Faults: []sandbox.Fault{
		{Command: "kubectl * get node late-worker-1", Nth: 1, Action: sandbox.ActionFail, Output: `Error from server (NotFound): nodes "late-worker-1" not found`}}})
	w.operate(w.cluster("late", 1, 1, first()), lifecycle.OpCreate)
	if n := w.sb.Matched(0); n != 2 {
		t.Errorf("the node was looked for %d times, want 2", n)
	}
}

func TestHighlyAvailable(t *testing.T) {
	w := newWorld(t, sandbox.Config{NoDelay: true})
	c := w.cluster("ha", 3, 2, lifecycle.EndpointSpec{Kind: "vip", Address: "10.77.128.250", Port: 8443})
	t.Logf("create 3+2: %v", w.operate(c, lifecycle.OpCreate))
	w.once("kubeadm init", "ha-master-1")
	w.once("kubeadm join", "ha-master-2", "ha-master-3", "ha-worker-1", "ha-worker-2")
	t.Logf("delete: %v", w.operate(c, lifecycle.OpDelete))
}

func TestDefaultPace(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	w := newWorld(t, sandbox.Config{})
	c := w.cluster("paced", 1, 2, first())
	t.Logf("create 1+2: %v", w.operate(c, lifecycle.OpCreate))
}
