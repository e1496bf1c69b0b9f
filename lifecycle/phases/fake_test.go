package phases

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// fleet is a Dialer to machines that are nothing but their answers: what each
// label's run prints. It keeps what was called.
type fleet struct {
	mu    sync.Mutex
	hosts map[string]*fakeHost
}

type fakeHost struct {
	fleet   *fleet
	name    string
	key     string
	facts   string            // what the facts script says
	answers map[string]string // by label
	errs    map[string]error  // by label; of Dial: "dial"
	calls   []string          // "run LABEL", "unit NAME", "stop NAME", "upload PATH"
	scripts map[string]string // of units, by label
	env     map[string]map[string]string
}

func newFleet(names ...string) *fleet {
	f := &fleet{hosts: map[string]*fakeHost{}}
	for i, n := range names {
		f.hosts[n] = &fakeHost{fleet: f, name: n, key: "ssh-ed25519 " + n, answers: map[string]string{}, errs: map[string]error{},
			scripts: map[string]string{}, env: map[string]map[string]string{}, facts: factsOf(n, i+1)}
	}
	return f
}

// factsOf is what a good, fresh Debian host says.
func factsOf(name string, i int) string {
	return strings.Join([]string{"clock=0", "uid=0", "uname=" + name + " 6.1 x86_64", "cpus=2", "machineId=m" + name, "systemd=yes", "cgroup=v2",
		"os.ID=debian", `os.VERSION_ID="12"`, "memoryKb=8000000", "disk=40000000 30000000", "address=lo 127.0.0.1/8",
		"address=eth0 10.0.0." + itoa(10+i) + "/24", "route=default via 10.0.0.1 dev eth0", "listen=22", "end=yes", ""}, "\n")
}

func (h *fakeHost) say(lines ...string) {
	h.facts = strings.Replace(h.facts, "end=yes\n", strings.Join(lines, "\n")+"\nend=yes\n", 1)
}

func (f *fleet) Dial(_ context.Context, a lifecycle.Access) (remote.Host, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.hosts[a.Name]
	if h == nil {
		return nil, &lifecycle.Error{Class: lifecycle.Retryable, Text: lifecycle.T("remote.dial.unreachable"), Node: a.Name}
	}
	return h, h.errs["dial"]
}

func (h *fakeHost) note(call string) {
	h.fleet.mu.Lock()
	defer h.fleet.mu.Unlock()
	h.calls = append(h.calls, call)
}

func (h *fakeHost) called(part string) int {
	h.fleet.mu.Lock()
	defer h.fleet.mu.Unlock()
	n := 0
	for _, c := range h.calls {
		if strings.Contains(c, part) {
			n++
		}
	}
	return n
}

func (h *fakeHost) Run(_ context.Context, _ string, opt remote.Options) (remote.Result, error) {
	h.note("run " + opt.Label)
	if opt.Label == "facts" {
		return remote.Result{Stdout: h.facts}, h.errs["facts"]
	}
	return remote.Result{Stdout: h.answers[opt.Label]}, h.errs[opt.Label]
}

func (h *fakeHost) Unit(_ context.Context, name, script string, opt remote.Options) (remote.Result, error) {
	h.note("unit " + name)
	h.fleet.mu.Lock()
	defer h.fleet.mu.Unlock()
	h.scripts[opt.Label], h.env[opt.Label] = script, maps.Clone(opt.Env)
	return remote.Result{}, h.errs[opt.Label]
}

func (h *fakeHost) StopUnit(_ context.Context, name string) error { h.note("stop " + name); return nil }

func (h *fakeHost) Upload(_ context.Context, f remote.File, _ func(sent, total int64)) error {
	h.note("upload " + f.Path)
	return nil
}

func (h *fakeHost) Dial(context.Context, string, string) (io.ReadWriteCloser, error) {
	return nil, errors.New("refused")
}

func (h *fakeHost) HostKey() string { return h.key }
func (h *fakeHost) Close() error    { return nil }

// registry is a HostProvider whose hosts' ids are their names.
type registry struct {
	mu   sync.Mutex
	pins map[string]string
}

func (r *registry) Kind() string                                     { return "hosts" }
func (r *registry) Capabilities() lifecycle.Capabilities             { return lifecycle.Capabilities{Hosts: true} }
func (r *registry) Validate(context.Context, lifecycle.Region) error { return nil }

func (r *registry) Access(_ context.Context, id string) (lifecycle.Access, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return lifecycle.Access{Name: id, Address: id, HostKey: r.pins[id]}, nil
}

func (r *registry) PinHostKey(_ context.Context, id, key string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pins[id] != "" && r.pins[id] != key {
		return lifecycle.ErrConflict
	}
	r.pins[id] = key
	return nil
}

// book is a Journal in memory.
type book struct {
	mu      sync.Mutex
	values  map[string]lifecycle.Value
	nodes   []string
	saved   lifecycle.Checkpoint
	refused error
}

func newBook() *book { return &book{values: map[string]lifecycle.Value{}} }

func (b *book) Checkpoint(_ context.Context, c lifecycle.Checkpoint) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refused != nil {
		return b.refused
	}
	for _, v := range c.Values {
		b.values[v.Key] = v
	}
	for _, n := range c.Nodes {
		b.nodes = append(b.nodes, n.Name)
	}
	if c.Kubeconfig != "" {
		b.saved.Kubeconfig = c.Kubeconfig
	}
	if c.Cluster != nil {
		b.saved.Cluster = c.Cluster
	}
	return nil
}

func (b *book) Value(_ context.Context, key string) (string, error)  { return b.get(key) }
func (b *book) Secret(_ context.Context, key string) (string, error) { return b.get(key) }

func (b *book) get(key string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.values[key].Value, nil
}

// scene is a kit on a fleet of cp1 cp2 cp3 w1, with the sample cluster.
type scene struct {
	t     *testing.T
	kit   *kit
	fleet *fleet
	hosts *registry
	book  *book
	state *lifecycle.State // of cp1
}

func newScene(t *testing.T, change func(*lifecycle.ClusterSpec)) *scene {
	f := newFleet("cp1", "cp2", "cp3", "w1")
	r := &registry{pins: map[string]string{}}
	s := sample(change, 0)
	for _, n := range s.Nodes {
		n.HostID = n.Name
	}
	return &scene{t: t, fleet: f, hosts: r, book: newBook(), state: s,
		kit: newKit(Deps{Dialer: f, Hosts: r, Minimum: Minimum{Skew: 1 << 62}})} // the fleet has no clock
}

// at gives the State of a step on one node.
func (s *scene) at(node, attempt int, phase string) *lifecycle.State {
	return lifecycle.NewState(s.state.Operation, s.state.Cluster, s.state.Nodes, s.state.Nodes[node], phase, attempt, s.book)
}

func (s *scene) host(name string) *fakeHost { return s.fleet.hosts[name] }

// claimed makes all hosts carry the cluster's marker.
func (s *scene) claimed() {
	for _, h := range s.fleet.hosts {
		h.say("owner.cluster=01CLUSTER")
	}
}

func (s *scene) need(p lifecycle.Phase, st *lifecycle.State, want lifecycle.NeedKind) {
	s.t.Helper()
	got, err := p.Check(s.t.Context(), st)
	if err != nil || got.Kind != want {
		s.t.Errorf("%s: %s %v, want %s", p.Name(), got.Kind, err, want)
	}
}

func (s *scene) do(p lifecycle.Phase, st *lifecycle.State) {
	s.t.Helper()
	if err := p.Do(s.t.Context(), st); err != nil {
		s.t.Errorf("%s: %v", p.Name(), err)
	}
}

// joined gives the errors of a joined one.
func joined(err error) []*lifecycle.Error {
	var many interface{ Unwrap() []error }
	if !errors.As(err, &many) {
		return []*lifecycle.Error{lifecycle.AsError(err)}
	}
	var out []*lifecycle.Error
	for _, e := range many.Unwrap() {
		out = append(out, lifecycle.AsError(e))
	}
	return out
}

func exit(label string, code int) error {
	return &remote.ExitError{Node: "host", Label: label, Code: code, Output: "last words"}
}

func hasAll(s string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(s, p) })
}
