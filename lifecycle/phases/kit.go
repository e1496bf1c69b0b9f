package phases

import (
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/bundle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// Bundles opens offline bundles by the name that people gave them;
// lifecycle.ErrNotFound when there is none.
type Bundles interface {
	Bundle(ctx context.Context, name string) (*bundle.Bundle, error)
}

// Minimum is what a machine must have. The zero value of a field means the
// default that its comment names.
type Minimum struct {
	ControlPlaneCPUs int           // 2
	MemoryMB         int64         // 1700
	DiskFreeMB       int64         // 10240, on the file system of /var/lib
	Skew             time.Duration // 2 s, the most a clock may differ from ours
}

func (m Minimum) withDefaults() Minimum {
	def(&m.ControlPlaneCPUs, 2)
	def(&m.MemoryMB, 1700)
	def(&m.DiskFreeMB, 10240)
	def(&m.Skew, 2*time.Second)
	return m
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Deps is what phases work with.
type Deps struct {
	Dialer   remote.Dialer                        // one that keeps its connections
	Machines map[string]lifecycle.MachineProvider // by kind
	Hosts    lifecycle.HostProvider
	Bundles  Bundles
	Minimum  Minimum
	// Machine is the size of new machines, by role; Owner and Name are filled in.
	Machine func(lifecycle.NodeRole) lifecycle.MachineSpec
	Now     func() time.Time // time.Now when nil
}

// kit is what every phase has at hand. It holds no state of any operation.
type kit struct {
	Deps
	images imageLists
	tokens chan struct{} // held by who renews what nodes join with
}

func newKit(d Deps) *kit {
	d.Minimum = d.Minimum.withDefaults()
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Machine == nil {
		d.Machine = func(lifecycle.NodeRole) lifecycle.MachineSpec {
			return lifecycle.MachineSpec{CPUs: 2, MemoryMB: 4096, DiskMB: 40960}
		}
	}
	return &kit{Deps: d, tokens: make(chan struct{}, 1)}
}

// madeMachines reports whether the cluster's nodes are machines that we make.
func (k *kit) madeMachines(c *lifecycle.Cluster) bool {
	_, ok := k.Machines[c.Provider]
	return ok
}

// access says how to enter a node.
func (k *kit) access(ctx context.Context, s *lifecycle.State, n *lifecycle.Node) (lifecycle.Access, error) {
	if n.HostID != "" {
		a, err := k.Hosts.Access(ctx, n.HostID)
		return a, nodeError(err, n)
	}
	p, ok := k.Machines[s.Cluster.Provider]
	if !ok {
		return lifecycle.Access{}, onNode(n, lifecycle.Block(lifecycle.T("node.unplaced", "node", n.Name),
			lifecycle.T("node.unplaced.next")))
	}
	a, err := p.Access(ctx, lifecycle.Machine{ID: n.MachineID, Owner: s.Cluster.ID, Name: n.Name, Address: n.Address})
	if n.HostKey != "" {
		a.HostKey = n.HostKey
	}
	return a, nodeError(err, n)
}

// enter gives a Host on a connection of the pool; the caller closes it.
func (k *kit) enter(ctx context.Context, s *lifecycle.State, n *lifecycle.Node) (remote.Host, error) {
	a, err := k.access(ctx, s, n)
	if err != nil {
		return nil, err
	}
	h, err := k.Dialer.Dial(ctx, a)
	return h, nodeError(err, n)
}

// read runs a script that only looks.
func (k *kit) read(ctx context.Context, s *lifecycle.State, n *lifecycle.Node, label, script string) (string, error) {
	h, err := k.enter(ctx, s, n)
	if err != nil {
		return "", err
	}
	defer h.Close()
	res, err := h.Run(ctx, script, remote.Options{Label: label, Timeout: 2 * time.Minute})
	return res.Stdout, nodeError(err, n)
}

// job is a script that changes something on a node.
type job struct {
	label  string // "kubeadm init"; also what its error is called
	script string
	env    map[string]string // may hold secrets
	suffix string            // of the unit's name: a unique one, for a moment's work beside the step's own
}

// act runs a job on a node as a unit of this step. What an earlier attempt of
// the step may still be running is ended first.
func (k *kit) act(ctx context.Context, s *lifecycle.State, n *lifecycle.Node, j job) error {
	h, err := k.enter(ctx, s, n)
	if err != nil {
		return err
	}
	defer h.Close()
	if j.suffix == "" {
		if err := k.endEarlier(ctx, s, h); err != nil {
			return nodeError(err, n)
		}
	}
	_, err = h.Unit(ctx, s.UnitName()+j.suffix, j.script, remote.Options{Label: j.label, Env: j.env, Output: s.Log})
	return nodeError(err, n)
}

// endEarlier ends the units of earlier attempts, so that two never work at once.
func (k *kit) endEarlier(ctx context.Context, s *lifecycle.State, h remote.Host) error {
	for a := 1; a < s.Attempt; a++ {
		if err := h.StopUnit(ctx, s.UnitPrefix()+itoa(a)); err != nil {
			return err
		}
	}
	return nil
}

// onNode says where an error happened.
func onNode(n *lifecycle.Node, e *lifecycle.Error) *lifecycle.Error {
	if n != nil {
		e.Node = n.Name
	}
	return e
}

// nodeError says on which node err happened, in the words of the cluster.
func nodeError(err error, n *lifecycle.Node) error {
	var e *lifecycle.Error
	if err == nil || n == nil || !errors.As(err, &e) {
		return err
	}
	told := *e
	told.Node, told.Err = n.Name, err
	return &told
}

// explain puts the failure of a script into the words of its phase, with class;
// other errors (a lost connection) stay what they are. Keys: KEY and KEY.next.
func explain(err error, class lifecycle.Class, key string, kv ...any) error {
	var exit *remote.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	e := *lifecycle.AsError(err)
	kv = append([]any{"node", e.Node, "code", exit.Code}, kv...)
	e.Class, e.Text, e.Next = class, lifecycle.T(key, kv...), lifecycle.T(key+".next", kv...)
	return &e
}
