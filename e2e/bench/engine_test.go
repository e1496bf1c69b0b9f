package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
	"github.com/coxswain-ops/coxswain/store"
)

// The size of the comparison: each of hosts does steps commands, one after the
// other, all hosts at the same time.
const (
	hosts = 40
	steps = 20
)

// The bars.
const (
	mostOfBare    = 2.0  // the engine takes at most so many times the bare loop's time
	leastFaster   = 20.0 // and is so many times faster than Ansible
	engineTimeout = 5 * time.Minute
)

// BenchmarkEngine runs steps that do nothing on all hosts: with the journaled engine
// on SQLite, every commit fsynced; with nothing but golang.org/x/crypto/ssh; and with
// Ansible. Each begins without a connection and opens one per host.
func BenchmarkEngine(b *testing.B) {
	before := load()
	fleet := startFleet(b)
	engine := func() (time.Duration, error) { return fleet.engine(b) }
	bare := func() (time.Duration, error) { return fleet.bare(b.Context()) }
	took := inTurns(b, runs, bare, engine)
	out := map[string]float64{"bare-s": took[0].Seconds(), "engine-s": took[1].Seconds(), "load-before": before}
	out["engine/bare"] = took[1].Seconds() / took[0].Seconds()
	bar(b, "engine/bare", out["engine/bare"], mostOfBare)
	if ansible, err := fleet.ansible(b); errors.Is(err, errNoAnsible) || errors.Is(err, errLeftOut) {
		b.Logf("not compared with Ansible: %v", err)
	} else if err != nil {
		b.Fatal(err)
	} else {
		out["ansible-s"] = ansible.Seconds()
		out["ansible/engine"] = ansible.Seconds() / took[1].Seconds()
		if out["ansible/engine"] < leastFaster {
			b.Logf("MISSED: ansible/engine is %.4g, the bar is %.4g", out["ansible/engine"], leastFaster)
		}
	}
	figures(b, out)
}

// noop is a phase whose every step is needed and does nothing on the host.
type noop struct {
	name string
	pool *remote.Pool
	to   map[string]lifecycle.Access // by node
}

// Name implements lifecycle.Phase.
func (p *noop) Name() string { return p.name }

// Check implements lifecycle.Phase.
func (p *noop) Check(context.Context, *lifecycle.State) (lifecycle.Need, error) {
	return lifecycle.Need{Kind: lifecycle.Needed}, nil
}

// Do implements lifecycle.Phase.
func (p *noop) Do(ctx context.Context, s *lifecycle.State) error {
	h, err := p.pool.Dial(ctx, p.to[s.Node.Name])
	if err != nil {
		return err
	}
	_, err = h.Run(ctx, "/bin/true", remote.Options{})
	return errors.Join(err, h.Close())
}

// engine runs the procedure as an operation in a database of its own, from an
// empty pool of connections to the operation's end in the journal.
func (f *fleet) engine(b *testing.B) (time.Duration, error) {
	st, err := openStore(b.Context(), b.TempDir())
	if err != nil {
		return 0, err
	}
	pool := remote.NewPool(remote.Opts{})
	took, err := f.operate(b.Context(), st, pool)
	return took, errors.Join(err, pool.Close(), st.Close())
}

func openStore(ctx context.Context, dir string) (*store.Store, error) {
	key, err := store.NewKey()
	if err != nil {
		return nil, err
	}
	keys, err := store.ParseKeyRing(key)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, store.Config{Path: filepath.Join(dir, "bench.db"), Keys: keys})
}

func (f *fleet) procedure(pool *remote.Pool) lifecycle.Procedure {
	p := lifecycle.Procedure{Kind: lifecycle.OpCreate, Version: 1}
	for i := range steps {
		phase := &noop{name: fmt.Sprintf("noop-%d", i+1), pool: pool, to: f.access}
		p.Stages = append(p.Stages, lifecycle.Stage{Phase: phase, Over: lifecycle.EveryNode, AtOnce: hosts})
	}
	return p
}

// queue makes the cluster and its operation.
func (f *fleet) queue(ctx context.Context, st *store.Store) (*lifecycle.Operation, error) {
	project := &lifecycle.Project{Name: "bench"}
	if err := st.SaveProject(ctx, project); err != nil {
		return nil, err
	}
	var nodes []*lifecycle.Node
	for i, s := range f.servers {
		nodes = append(nodes, &lifecycle.Node{Name: s.Access.Name, Role: lifecycle.Worker, Index: i, Status: "planned"})
	}
	cluster := &lifecycle.Cluster{ProjectID: project.ID, Name: "bench", Source: "created", Status: lifecycle.ClusterPending}
	if err := st.CreateCluster(ctx, cluster, nodes); err != nil {
		return nil, err
	}
	op := &lifecycle.Operation{Kind: lifecycle.OpCreate, ProjectID: project.ID, ClusterID: cluster.ID, ClusterName: cluster.Name}
	return op, st.CreateOperation(ctx, op)
}

// operate times one operation, from the engine's start to its end.
func (f *fleet) operate(ctx context.Context, st *store.Store, pool *remote.Pool) (time.Duration, error) {
	op, err := f.queue(ctx, st)
	if err != nil {
		return 0, err
	}
	ended, unsubscribe := st.Subscribe(store.Operations)
	defer unsubscribe()
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	r := lifecycle.NewRunner(st, lifecycle.RunnerConfig{Owner: "bench", Alone: true, NodesAtOnce: hosts,
		Procedures: []lifecycle.Procedure{f.procedure(pool)}})
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- r.Run(ctx) }()
	op, err = f.await(ctx, st, op.ID, ended)
	took := time.Since(began)
	cancel()
	err = errors.Join(err, <-done)
	if err == nil && op.Status != lifecycle.OpSucceeded {
		err = fmt.Errorf("the operation is %s: %v", op.Status, op.Errors)
	}
	return took, err
}

func (f *fleet) await(ctx context.Context, st *store.Store, id string, ended <-chan struct{}) (*lifecycle.Operation, error) {
	for {
		op, err := st.Operation(ctx, id)
		if err != nil || op.Status.Ended() {
			return op, err
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
