package phases_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// memory is an OperationStore for one operation, and the clock of its stages.
type memory struct {
	mu         sync.Mutex
	op         *lifecycle.Operation
	cluster    *lifecycle.Cluster
	nodes      []*lifecycle.Node
	steps      map[string]lifecycle.Step
	values     map[string]string
	kubeconfig string
	log        bytes.Buffer
	stages     []string
	entered    []time.Time
	done       time.Time
	taken      bool
	signals    lifecycle.Signals
	ended      context.CancelFunc
	logged     func(line string)
}

func newMemory() *memory { return &memory{} }

func (m *memory) begin(op *lifecycle.Operation, c *lifecycle.Cluster, nodes []*lifecycle.Node) {
	m.op, m.cluster, m.nodes = op, c, nodes
	m.steps, m.values, m.taken = map[string]lifecycle.Step{}, map[string]string{}, false
	m.stages, m.entered, m.signals = nil, nil, lifecycle.Signals{}
	m.log.Reset()
}

func (m *memory) times() []string {
	var out []string
	for i, s := range m.stages {
		end := m.done
		if i+1 < len(m.entered) {
			end = m.entered[i+1]
		}
		out = append(out, fmt.Sprintf("%6.1f s  %s", end.Sub(m.entered[i]).Seconds(), s))
	}
	return out
}

func (m *memory) Claim(context.Context, string, time.Duration) (*lifecycle.Operation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taken || m.op.Status.Ended() {
		return nil, nil
	}
	if m.taken = true; m.op.Status == lifecycle.OpQueued {
		m.op.Status = lifecycle.OpRunning
	}
	return m.op, nil
}

func (m *memory) Renew(context.Context, lifecycle.Fence, time.Duration) (lifecycle.Signals, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.signals, nil
}

func (m *memory) Checkpoint(_ context.Context, _ lifecycle.Fence, c lifecycle.Checkpoint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range c.Steps {
		m.steps[s.Phase+" "+s.Node] = s
	}
	for _, v := range c.Values {
		m.values[v.Key] = v.Value
	}
	if c.Kubeconfig != "" {
		m.kubeconfig = c.Kubeconfig
	}
	if c.Operation != nil {
		if n := len(m.stages); c.Operation.Stage != "" && (n == 0 || m.stages[n-1] != c.Operation.Stage) {
			m.stages, m.entered = append(m.stages, c.Operation.Stage), append(m.entered, time.Now())
		}
		if c.Operation.Status.Ended() {
			m.done = time.Now()
			m.ended()
		}
	}
	return nil
}

func (m *memory) AppendLog(_ context.Context, _ lifecycle.Fence, lines []lifecycle.LogLine) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range lines {
		line := fmt.Sprintf("%s %s/%s %s\n", l.At.Format("05.000"), l.Phase, l.Node, l.Line)
		m.log.WriteString(line)
		if m.logged != nil {
			m.logged(line)
		}
	}
	return nil
}

func (m *memory) TakeOver(context.Context) error { return nil }

func (m *memory) Operation(context.Context, string) (*lifecycle.Operation, error) { return m.op, nil }

func (m *memory) Steps(context.Context, string) ([]lifecycle.Step, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []lifecycle.Step
	for _, s := range m.steps {
		out = append(out, s)
	}
	return out, nil
}

func (m *memory) Cluster(context.Context, string) (*lifecycle.Cluster, error) { return m.cluster, nil }

func (m *memory) Nodes(context.Context, string) ([]*lifecycle.Node, error) { return m.nodes, nil }

func (m *memory) OperationValue(_ context.Context, _, key string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[key], nil
}

func (m *memory) OperationSecret(ctx context.Context, op, key string) (string, error) {
	return m.OperationValue(ctx, op, key)
}
