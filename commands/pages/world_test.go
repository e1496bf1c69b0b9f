package pages_test

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/commands/pages"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/lifecycletest"
	"github.com/coxswain-ops/coxswain/store"
)

// world is the pages on a real store: project qa, where manager, viewer and
// keeper (of cluster demo) have their roles, and project other, where only the
// admin boss has one.
type world struct {
	t        testing.TB
	path     string
	keys     *store.KeyRing
	store    *store.Store
	services *commands.Services
	kube     *kube
	pages    *pages.Pages
	server   *httptest.Server
	projects map[string]*lifecycle.Project
	stop     func()
	wake     chan struct{}

	mu   sync.Mutex
	gone map[string]bool // whom the shell no longer lets in
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var linkKey = []byte("a key that signs links, 32 bytes")

func newWorld(t testing.TB) *world {
	t.Helper()
	key, err := store.NewKey()
	check(t, err)
	ring, err := store.ParseKeyRing(key)
	check(t, err)
	w := &world{t: t, path: filepath.Join(t.TempDir(), "world.db"), keys: ring, projects: map[string]*lifecycle.Project{}, gone: map[string]bool{}, kube: &kube{}}
	w.open()
	t.Cleanup(func() { w.close() })
	w.seed()
	return w
}

// open starts a server on the store.
func (w *world) open() {
	w.t.Helper()
	ctx := context.Background()
	var err error
	w.store, err = store.Open(ctx, store.Config{Path: w.path, Keys: w.keys})
	check(w.t, err)
	catalogue, err := messages.Load()
	check(w.t, err)
	w.services = &commands.Services{Store: w.store, Catalogue: catalogue, Kube: w.kube, Lang: "en", TimeZone: time.UTC, Now: time.Now,
		Procedures: map[lifecycle.OperationKind]lifecycle.Procedure{lifecycle.OpCreate: procedure()}}
	registry, err := commands.NewRegistry(commands.All(w.services))
	check(w.t, err)
	router := commands.NewRouter(w.services, registry, nil, nil, slog.New(slog.DiscardHandler))
	w.wake = make(chan struct{}, 1)
	w.pages, err = pages.New(pages.Config{Router: router, Services: w.services, Shell: w, LinkKey: linkKey, Log: slog.New(slog.DiscardHandler),
		Changed: func() (<-chan struct{}, func()) { return w.wake, func() {} }, MaxStreams: 8})
	check(w.t, err)
	w.server = httptest.NewServer(w.pages.Handler())
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.pages.Run(running) }()
	w.stop = func() {
		cancel()
		check(w.t, <-ended)
		w.server.Close()
		check(w.t, w.store.Close())
	}
}

func (w *world) close() {
	if w.stop != nil {
		w.stop()
		w.stop = nil
	}
}

// procedure has phases of the real one, in its order.
func procedure() lifecycle.Procedure {
	facts := lifecycletest.NewWorld()
	step := func(name string) lifecycle.Phase { return &lifecycletest.Step{World: facts, Phase: name} }
	return lifecycle.Procedure{Kind: lifecycle.OpCreate, Version: 1, Stages: []lifecycle.Stage{
		{Phase: step("preflight")},
		{Phase: step("connect"), Over: lifecycle.EveryNode},
		{Phase: step("packages"), Over: lifecycle.EveryNode},
		{Phase: step("images"), Over: lifecycle.EveryNode},
		{Phase: step("init"), Over: lifecycle.FirstControlPlane},
		{Phase: step("workers"), Over: lifecycle.Workers},
		{Phase: step("verify"), Over: lifecycle.FirstControlPlane},
	}}
}

func (w *world) seed() {
	ctx := context.Background()
	for _, name := range []string{"default", "qa", "other"} {
		p := &lifecycle.Project{Name: name}
		check(w.t, w.store.SaveProject(ctx, p))
		w.projects[name] = p
	}
	for _, name := range []string{"boss", "manager", "viewer", "stranger"} {
		u := &access.User{Name: name, Admin: name == "boss"}
		check(w.t, w.store.SaveUser(ctx, u))
		if role := map[string]access.Role{"manager": access.Manager, "viewer": access.Viewer}[name]; role != "" {
			check(w.t, w.store.SaveMembership(ctx, access.Membership{UserID: u.ID, ProjectID: w.projects["qa"].ID, Role: role}))
		}
	}
}

// cluster makes one with a control plane and workers.
func (w *world) cluster(project, name string, workers int) *lifecycle.Cluster {
	w.t.Helper()
	cl := &lifecycle.Cluster{ProjectID: w.projects[project].ID, Name: name, Source: "created", Region: "sandbox", Provider: "fake", Simulated: true,
		Status: lifecycle.ClusterRunning, Version: "v1.34.4", Endpoint: "192.0.2.10:6443",
		Spec: lifecycle.ClusterSpec{Version: "v1.34.4", ControlPlanes: 1, Workers: workers, CNI: "flannel", CNIMode: "vxlan", PodCIDR: "10.244.0.0/16",
			ServiceCIDR: "10.96.0.0/12", DNSDomain: "cluster.local", Packages: lifecycle.PackageSpec{Source: "repos"}, Endpoint: lifecycle.EndpointSpec{Kind: "first", Port: 6443}}}
	nodes := []*lifecycle.Node{{Name: name + "-m1", Role: lifecycle.ControlPlane, Address: "192.0.2.10", Status: "ready"}}
	for i := range workers {
		nodes = append(nodes, &lifecycle.Node{Name: fmt.Sprintf("%s-w%d", name, i+1), Role: lifecycle.Worker, Index: i, Status: "ready"})
	}
	check(w.t, w.store.CreateCluster(context.Background(), cl, nodes))
	return cl
}

// work is an operation that a test moves by hand.
type work struct {
	*lifecycle.Operation
	w *world
}

// begin starts an operation on a cluster and claims it.
func (w *world) begin(cl *lifecycle.Cluster, actor string, at time.Time) *work {
	w.t.Helper()
	ctx := context.Background()
	op := &lifecycle.Operation{Kind: lifecycle.OpCreate, ProjectID: cl.ProjectID, ClusterID: cl.ID, ClusterName: cl.Name, Actor: "x", ActorName: actor,
		Cause: "test/" + cl.ID + at.String(), Status: lifecycle.OpQueued, Attempt: 1, CreatedAt: at, Version: 1}
	check(w.t, w.store.CreateOperation(ctx, op))
	claimed, err := w.store.Claim(ctx, "test", time.Hour)
	check(w.t, err)
	if claimed == nil || claimed.ID != op.ID {
		w.t.Fatalf("claimed %v, not %s", claimed, op.ID)
	}
	claimed.StartedAt = at
	o := &work{claimed, w}
	o.save()
	return o
}

// save writes the operation and steps.
func (o *work) save(steps ...lifecycle.Step) {
	o.w.t.Helper()
	for i := range steps {
		steps[i].OperationID = o.ID
	}
	check(o.w.t, o.w.store.Checkpoint(context.Background(), o.fence(), lifecycle.Checkpoint{Operation: o.Operation, Steps: steps, Kubeconfig: "apiVersion: v1"}))
	select {
	case o.w.wake <- struct{}{}:
	default:
	}
}

func (o *work) fence() lifecycle.Fence { return lifecycle.Fence{OperationID: o.ID, Token: o.Fence} }

func (o *work) log(lines ...lifecycle.LogLine) {
	o.w.t.Helper()
	check(o.w.t, o.w.store.AppendLog(context.Background(), o.fence(), lines))
}

// end ends it.
func (o *work) end(status lifecycle.OperationStatus, at time.Time, errs ...*lifecycle.Error) {
	o.Status, o.EndedAt, o.Errors = status, at, errs
	o.save()
}

// step is one that ran for some seconds, in seconds after start.
func step(seq int, phase, node string, status lifecycle.StepStatus, start time.Time, from, to float64) lifecycle.Step {
	s := lifecycle.Step{Seq: seq, Phase: phase, Node: node, Status: status, Attempt: 1, Acted: true, StartedAt: start.Add(time.Duration(from * float64(time.Second)))}
	if to > 0 {
		s.EndedAt = start.Add(time.Duration(to * float64(time.Second)))
	}
	return s
}

// Visitor implements pages.Shell: the header says who it is.
func (w *world) Visitor(rw http.ResponseWriter, r *http.Request) (bot.Inbound, bool) {
	who := r.Header.Get("X-Who")
	if who == "" {
		if c, err := r.Cookie("who"); err == nil {
			who = c.Value
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if who == "" || w.gone[who] {
		http.Redirect(rw, r, "/enter", http.StatusSeeOther)
		return bot.Inbound{}, false
	}
	name, lang, _ := strings.Cut(who, ":")
	return bot.Inbound{From: bot.Address{Account: "room", Room: "web"}, Identity: "terminal:" + name, On: "local", Private: true, Lang: lang, LangForced: lang != ""}, true
}

// Show implements pages.Shell.
func (w *world) Show(rw http.ResponseWriter, _ *http.Request, _ bot.Inbound, status int, title, section string, body template.HTML) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	check(w.t, shell.Execute(rw, map[string]any{"Title": title, "Section": section, "Body": body}))
}

var shell = template.Must(template.New("shell").Parse(`<!doctype html><title>{{.Title}}</title><main data-section="{{.Section}}">{{.Body}}</main>`))

// answer is what a request got.
type answer struct {
	status int
	body   string
	header http.Header
}

// get asks for a page as who: a name, or name:language.
func (w *world) get(who, path string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.server.URL+path, nil)
	check(w.t, err)
	req.Header.Set("X-Who", who)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	check(w.t, err)
	defer func() { check(w.t, res.Body.Close()) }()
	body, err := io.ReadAll(res.Body)
	check(w.t, err)
	return answer{res.StatusCode, string(body), res.Header}
}

// kube stands for clusters' API servers.
type kube struct {
	mu     sync.Mutex
	answer func(ctx context.Context) ([]commands.NodeState, error)
}

// Scoped implements commands.KubeClient; no page asks for it.
func (k *kube) Scoped(context.Context, *lifecycle.Cluster, string, string) (string, time.Time, error) {
	return "", time.Time{}, errors.New("pages give no kubeconfig out")
}

// Nodes implements commands.KubeClient.
func (k *kube) Nodes(ctx context.Context, _ *lifecycle.Cluster, _ string) ([]commands.NodeState, error) {
	k.mu.Lock()
	answer := k.answer
	k.mu.Unlock()
	if answer == nil {
		return []commands.NodeState{{Name: "demo-m1", Role: "control-plane", Ready: true, Version: "v1.34.4", Address: "192.0.2.10", OS: "Debian 12", Runtime: "containerd://1.7"},
			{Name: "demo-w1", Role: "worker", Reason: "KubeletNotReady", Version: "v1.34.4"}}, nil
	}
	return answer(ctx)
}
