package lifecycletest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// ErrDead is what everything answers after the process has died.
var ErrDead = errors.New("the process is dead")

// Death is a process that dies at its Nth edge. 0 lets it live and counts.
type Death struct {
	mu    sync.Mutex
	at    int
	count int
	kill  context.CancelFunc
	names []string
}

// NewDeath makes a process that dies at edge at; kill ends what runs in it.
func NewDeath(at int, kill context.CancelFunc) *Death { return &Death{at: at, kill: kill} }

// Edge passes an edge, or dies there and stays dead.
func (d *Death) Edge(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at > 0 && d.count >= d.at {
		return ErrDead
	}
	d.count++
	d.names = append(d.names, name)
	if d.at > 0 && d.count == d.at {
		d.kill()
		return ErrDead
	}
	return nil
}

// Edges is how many edges were passed; Names says which.
func (d *Death) Edges() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// Last names the edge at which it died.
func (d *Death) Last() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.names) == 0 {
		return ""
	}
	return d.names[len(d.names)-1]
}

// Store is an OperationStore whose process can die before and after every write.
type Store struct {
	lifecycle.OperationStore
	Death *Death
}

// Claim has an edge after it; how often it finds nothing depends on time.
func (s *Store) Claim(ctx context.Context, owner string, lease time.Duration) (*lifecycle.Operation, error) {
	if s.Death.dead() {
		return nil, ErrDead
	}
	op, err := s.OperationStore.Claim(context.WithoutCancel(ctx), owner, lease)
	if err != nil || op == nil {
		return nil, err
	}
	if err := s.Death.Edge("after claim"); err != nil {
		return nil, err
	}
	return op, nil
}

// Checkpoint has an edge before and after it.
func (s *Store) Checkpoint(ctx context.Context, f lifecycle.Fence, c lifecycle.Checkpoint) error {
	return s.around(ctx, "checkpoint", func(ctx context.Context) error { return s.OperationStore.Checkpoint(ctx, f, c) })
}

// AppendLog dies with the process but is no edge: its batches depend on time.
func (s *Store) AppendLog(ctx context.Context, f lifecycle.Fence, lines []lifecycle.LogLine) error {
	if s.Death.dead() {
		return ErrDead
	}
	return s.OperationStore.AppendLog(ctx, f, lines)
}

// Renew dies with the process but is no edge: it comes with time.
func (s *Store) Renew(ctx context.Context, f lifecycle.Fence, lease time.Duration) (lifecycle.Signals, error) {
	if s.Death.dead() {
		return lifecycle.Signals{}, ErrDead
	}
	return s.OperationStore.Renew(ctx, f, lease)
}

func (d *Death) dead() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at > 0 && d.count >= d.at
}

// around passes the edges of one write. The write itself is not cut by the death
// of the process: it has reached the database or it has not.
func (s *Store) around(ctx context.Context, name string, write func(context.Context) error) error {
	if err := s.Death.Edge("before " + name); err != nil {
		return err
	}
	if err := write(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return s.Death.Edge("after " + name)
}
