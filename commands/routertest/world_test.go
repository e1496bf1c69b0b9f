package routertest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/lifecycletest"
	"github.com/coxswain-ops/coxswain/store"
)

// world is a router on a store with two projects: qa, where everybody has their
// role, and other, where nobody but the admin has one.
type world struct {
	t        *testing.T
	store    *store.Store
	registry *commands.Registry
	router   *commands.Router
	replies  *replies
	services *commands.Services
	ids      int
	mu       sync.Mutex
}

// replies keeps what was answered, by inbound id.
type replies struct {
	mu  sync.Mutex
	all map[string]bot.Message
}

// Reply implements commands.Replier.
func (r *replies) Reply(_ context.Context, _ bot.Address, m bot.Message, _, _ string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, twice := r.all[m.ReplyTo]; twice {
		return fmt.Errorf("a second answer to %s", m.ReplyTo)
	}
	r.all[m.ReplyTo] = m
	return nil
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// template is a database with the world's rows, made once and copied.
type template struct {
	path string
	keys string
}

func newTemplate(t *testing.T) template {
	t.Helper()
	key, err := store.NewKey()
	check(t, err)
	tp := template{path: filepath.Join(t.TempDir(), "template.db"), keys: key}
	st := tp.open(t, tp.path)
	seed(t, st)
	check(t, st.Close())
	return tp
}

func (tp template) open(t *testing.T, path string) *store.Store {
	t.Helper()
	ring, err := store.ParseKeyRing(tp.keys)
	check(t, err)
	st, err := store.Open(context.Background(), store.Config{Path: path, Keys: ring})
	check(t, err)
	return st
}

// world copies the template.
func (tp template) world(t *testing.T) *world {
	t.Helper()
	content, err := os.ReadFile(tp.path)
	check(t, err)
	path := filepath.Join(t.TempDir(), "world.db")
	check(t, os.WriteFile(path, content, 0o600))
	w := &world{t: t, store: tp.open(t, path), replies: &replies{all: map[string]bot.Message{}}}
	t.Cleanup(func() { check(t, w.store.Close()) })
	w.wire()
	return w
}

var regions = []lifecycle.Region{{Name: "sandbox", Provider: "fake", Simulated: true, Status: "ready"}, {Name: "hosts", Provider: "hosts", Status: "ready"}}

func (w *world) wire() {
	catalogue, err := messages.Load()
	check(w.t, err)
	steps := lifecycletest.NewWorld()
	procedure := func(kind lifecycle.OperationKind) lifecycle.Procedure {
		return lifecycle.Procedure{Kind: kind, Version: 1, Stages: []lifecycle.Stage{
			{Phase: &lifecycletest.Step{World: steps, Phase: "preflight"}, Over: lifecycle.EveryNode}}}
	}
	w.services = &commands.Services{Store: w.store, Catalogue: catalogue,
		Procedures: map[lifecycle.OperationKind]lifecycle.Procedure{lifecycle.OpCreate: procedure(lifecycle.OpCreate), lifecycle.OpDelete: procedure(lifecycle.OpDelete)},
		Providers:  map[string]lifecycle.Provider{"fake": fake{}, "hosts": fake{}}, Regions: regions,
		Hosts: fake{}, Bundles: fake{}, Kube: fake{}, Versions: fake{}, KeyCheck: func(*lifecycle.Credential) error { return nil },
		Settings: func() []commands.Setting { return nil }, Lang: "en", TimeZone: time.UTC, Now: time.Now}
	w.registry, err = commands.NewRegistry(commands.All(w.services))
	check(w.t, err)
	w.router = commands.NewRouter(w.services, w.registry, w.replies, nil, slog.New(slog.DiscardHandler))
}

// fake stands for what the commands reach outside.
type fake struct{}

func (fake) Kind() string                                     { return "fake" }
func (fake) Capabilities() lifecycle.Capabilities             { return lifecycle.Capabilities{} }
func (fake) Validate(context.Context, lifecycle.Region) error { return nil }
func (fake) Verify(context.Context, lifecycle.Bundle) error   { return nil }
func (fake) Remove(context.Context, lifecycle.Bundle) error   { return nil }
func (fake) Check(context.Context, string) (lifecycle.HostFacts, string, error) {
	return lifecycle.HostFacts{OS: "debian"}, "", nil
}
func (fake) Import(context.Context, io.Reader) (lifecycle.Bundle, error) {
	return lifecycle.Bundle{Name: "new", Version: "v1.34.4", Versions: []string{"v1.34.4"}, Digest: "d2"}, nil
}
func (f fake) ImportFile(ctx context.Context, _ string) (lifecycle.Bundle, error) {
	return f.Import(ctx, nil)
}
func (fake) Nodes(context.Context, *lifecycle.Cluster, string) ([]commands.NodeState, error) {
	return []commands.NodeState{{Name: "m1", Ready: true}}, nil
}
func (fake) Scoped(_ context.Context, c *lifecycle.Cluster, _, person string) (string, time.Time, error) {
	return "kubeconfig of " + person, time.Now().Add(time.Hour), nil
}
func (fake) Resolve(context.Context, string, *lifecycle.Cluster, []*lifecycle.Node) (string, error) {
	return "v1.34.4", nil
}

// seed writes the rows that every test starts from.
func seed(t *testing.T, st *store.Store) {
	t.Helper()
	ctx := context.Background()
	check(t, st.SaveUser(ctx, &access.User{ID: access.LocalUserID, Name: "local", Admin: true}))
	cred := &lifecycle.Credential{Name: "lab", User: "root", Kind: "password", Password: "not-to-be-seen"}
	check(t, st.CreateCredential(ctx, cred))
	ids := map[string]*lifecycle.Project{}
	for i, name := range []string{"default", "qa", "other"} {
		p := &lifecycle.Project{Name: name}
		check(t, st.SaveProject(ctx, p))
		ids[name] = p
		for _, r := range regions {
			check(t, st.SaveGrant(ctx, access.Grant{ProjectID: p.ID, Kind: "region", Name: r.Name}))
		}
		if name == "default" {
			continue
		}
		host := &lifecycle.Host{Name: "h-" + name, Address: fmt.Sprintf("192.0.2.%d", i), Port: 22, CredentialID: cred.ID, Status: lifecycle.HostReady}
		check(t, st.CreateHost(ctx, host))
		check(t, st.SaveGrant(ctx, access.Grant{ProjectID: p.ID, Kind: "host", Name: host.Name}))
		check(t, st.CreateBundle(ctx, &lifecycle.Bundle{Name: "b-" + name, Version: "v1.34.4", Versions: []string{"v1.34.4"}, Digest: "d" + name}))
		check(t, st.SaveGrant(ctx, access.Grant{ProjectID: p.ID, Kind: "bundle", Name: "b-" + name}))
	}
	clusters := map[string]*lifecycle.Cluster{}
	for _, c := range []struct{ project, name string }{{"qa", "demo"}, {"qa", "second"}, {"other", "demo"}} {
		cl := &lifecycle.Cluster{ProjectID: ids[c.project].ID, Name: c.name, Source: "created", Region: "sandbox", Provider: "fake", Status: lifecycle.ClusterRunning,
			Spec: lifecycle.ClusterSpec{Version: "v1.34.4", ControlPlanes: 1, Packages: lifecycle.PackageSpec{Source: "repos"}}}
		check(t, st.CreateCluster(ctx, cl, []*lifecycle.Node{{Name: "m1", Role: lifecycle.ControlPlane}}))
		clusters[c.project+"/"+c.name] = cl
		op := &lifecycle.Operation{Kind: lifecycle.OpCreate, ProjectID: cl.ProjectID, ClusterID: cl.ID, ClusterName: cl.Name, Actor: "x",
			Cause: c.project + "/" + c.name, Status: lifecycle.OpQueued, Attempt: 1, CreatedAt: time.Now()}
		check(t, st.CreateOperation(ctx, op)) // op-1 qa/demo, op-2 qa/second, op-3 other/demo
		claimed, err := st.Claim(ctx, "seed", time.Minute)
		check(t, err)
		claimed.Status = lifecycle.OpFailed
		check(t, st.Checkpoint(ctx, lifecycle.Fence{OperationID: claimed.ID, Token: claimed.Fence}, lifecycle.Checkpoint{Operation: claimed, Kubeconfig: "apiVersion: v1"}))
	}
	for _, name := range []string{"boss", "manager", "keeper", "viewer", "linked", "gone", "alice"} {
		u := &access.User{Name: name, Admin: name == "boss", Disabled: name == "gone"}
		check(t, st.SaveUser(ctx, u))
		m := access.Membership{UserID: u.ID, ProjectID: ids["qa"].ID}
		switch name {
		case "manager", "gone":
			m.Role = access.Manager
		case "keeper":
			m.Role, m.ClusterID = access.ClusterManager, clusters["qa/demo"].ID
		case "viewer":
			m.Role = access.Viewer
		default:
			continue
		}
		check(t, st.SaveMembership(ctx, m))
	}
}

// say lets a person type a command and gives the answer. who "" is an unlinked
// account.
func (w *world) say(who, text string, refs map[string]bot.Ref) bot.Message {
	w.t.Helper()
	return w.sayIn(who, "terminal", text, false, refs)
}

func (w *world) sayIn(who, room, text string, interactive bool, refs map[string]bot.Ref) bot.Message {
	w.t.Helper()
	w.mu.Lock()
	w.ids++
	in := bot.Inbound{ID: fmt.Sprintf("message-%d", w.ids), From: bot.Address{Account: "room", Room: room}, Identity: "terminal:" + who,
		On: "local", Text: text, Direct: true, Private: true, Interactive: interactive, Refs: refs, At: time.Now()}
	w.mu.Unlock()
	if who == "" {
		in.Identity = "terminal:stranger"
	}
	ctx := context.Background()
	if _, err := w.store.Accept(ctx, in, "test", time.Minute); err != nil {
		w.t.Error(err)
	}
	if err := w.router.Handle(ctx, in); err != nil {
		w.t.Errorf("%s: %q: %v", who, text, err)
	}
	w.replies.mu.Lock()
	defer w.replies.mu.Unlock()
	m, ok := w.replies.all[in.ID]
	if !ok {
		w.t.Errorf("%s: %q got no answer", who, text)
	}
	return m
}

func denied(m bot.Message) bool {
	var d struct{ Denied bool }
	return json.Unmarshal(m.Data, &d) == nil && d.Denied
}

// unseen reports whether the answer says that something is not there.
func unseen(m bot.Message) bool {
	var d struct {
		Errors []struct{ Text lifecycle.Text }
	}
	if json.Unmarshal(m.Data, &d) != nil {
		return false
	}
	for _, e := range d.Errors {
		if e.Text.Key == "error.missing" {
			return true
		}
	}
	return false
}
