package lifecycle

import (
	"context"
	"time"
)

// NeedKind is a Check's verdict.
type NeedKind string

// The verdicts.
const (
	Satisfied NeedKind = "satisfied" // the facts hold; Do is skipped
	Needed    NeedKind = "needed"    // Do must run
	Unknown   NeedKind = "unknown"   // cannot be known until an earlier phase has run; Do must run
)

// Need is what a Check found. Being blocked is an error of class Blocked, which
// may join several problems.
type Need struct {
	Kind NeedKind
	// Until names the phase that must run before this can be known (Unknown).
	Until string
}

// Phase is one idempotent unit of a procedure. A value of a Phase type is shared
// by all operations and must hold no state of any.
type Phase interface {
	// Name is a persisted literal, never derived from code.
	Name() string
	// Check compares the wanted state with the facts of the host or the API,
	// never with our own journal. It changes nothing and is safe at any time.
	Check(ctx context.Context, s *State) (Need, error)
	// Do brings the wanted state about. It may have run before and been cut off
	// at any point; running it again must finish the work, not repeat it.
	Do(ctx context.Context, s *State) error
}

// Describer gives the plan's sentence for one target. Phases without it are
// described by the catalogue key "phase.<name>".
type Describer interface {
	Describe(s *State) Text
}

// Undoer takes back what Do did on one target. It is called only for steps that
// this operation acted on, last in first out, with a context that outlives the
// stop that caused it. It must cope with a half-done Do.
type Undoer interface {
	Undo(ctx context.Context, s *State) error
}

// Timed overrides the deadline of one Do (DefaultStepTimeout otherwise).
type Timed interface {
	Timeout() time.Duration
}

// DefaultStepTimeout bounds one attempt of Do, Undo or Check.
const DefaultStepTimeout = 20 * time.Minute

// Scope says which targets a stage runs on.
type Scope func(nodes []*Node) []*Node

// The scopes. OnCluster gives no nodes: the phase runs once with a nil Node.
var (
	OnCluster           Scope
	EveryNode           Scope = func(n []*Node) []*Node { return append(ControlPlaneNodes(n), WorkerNodes(n)...) }
	FirstControlPlane   Scope = func(n []*Node) []*Node { return ControlPlaneNodes(n)[:1] }
	ControlPlanes       Scope = ControlPlaneNodes
	Workers             Scope = WorkerNodes
	JoiningControlPlane Scope = func(n []*Node) []*Node { return ControlPlaneNodes(n)[1:] }
)

// Stage is one line of a procedure: a phase, where it runs, how many at once.
type Stage struct {
	Phase Phase
	Over  Scope // nil: once, for the cluster
	// AtOnce caps the targets worked on at the same time; 0 means DefaultAtOnce.
	AtOnce int
	// When, if set, leaves the stage out of clusters it does not concern. It
	// must be a pure function of the spec.
	When func(*Cluster) bool
}

// DefaultAtOnce is how many nodes a stage works on at the same time.
const DefaultAtOnce = 32

// Procedure is what an operation of a kind does: a list to be read like a table
// of contents.
type Procedure struct {
	Kind    OperationKind
	Version int // raised when the order or meaning of stages changes
	Stages  []Stage
}

// State is what a phase sees of the operation that it works for.
type State struct {
	Operation *Operation
	Cluster   *Cluster
	Nodes     []*Node
	Node      *Node // the target; nil when the stage is for the cluster
	// Planning is true while a plan is made: nothing of this operation exists yet.
	Planning bool
	// Attempt of Do, from 1; with the step it names the remote unit.
	Attempt int
	// Log takes lines of output; it never blocks for long and never fails. No
	// secret may be given to it.
	Log func(line string)
	// Remark takes what the step itself has to say in the log; it is read in each
	// reader's language. It blocks and keeps no secret like Log.
	Remark func(t Text)

	journal Journal
	phase   string
}

// Journal is a State's way to the store, under the operation's fence.
type Journal interface {
	// Checkpoint persists c, or fails with ErrFenced and writes nothing.
	Checkpoint(ctx context.Context, c Checkpoint) error
	// Value and Secret give what an earlier Checkpoint kept, "" when nothing.
	Value(ctx context.Context, key string) (string, error)
	Secret(ctx context.Context, key string) (string, error)
}

// NewState makes the State of one step. A nil journal is allowed while planning:
// nothing can be remembered then.
func NewState(op *Operation, c *Cluster, nodes []*Node, node *Node, phase string, attempt int,
	j Journal) *State {
	return &State{Operation: op, Cluster: c, Nodes: nodes, Node: node, Attempt: attempt, Planning: j == nil,
		Log: func(string) {}, Remark: func(Text) {}, journal: j, phase: phase}
}

// UnitName is the name of the transient unit in which this step's remote work
// runs: the same after a restart, another for each attempt.
func (s *State) UnitName() string {
	return unitName(s.Operation, s.phase, s.Attempt)
}

// UnitPrefix is what the names of this step's units of all attempts begin with,
// for an undo that must first end what may still run.
func (s *State) UnitPrefix() string { return unitPrefixOf(s.Operation, s.phase) }

// Remember persists a value of this operation under key before a call that
// needs it (an external task's id, an address chosen). Secret values are sealed.
// It fails with ErrFenced when the operation has been taken over.
func (s *State) Remember(ctx context.Context, key, value string, secret bool) error {
	v := Value{Key: key, Value: value, Secret: secret}
	return s.journal.Checkpoint(ctx, Checkpoint{Values: []Value{v}})
}

// Recall gives what Remember stored, or "" when there is nothing.
func (s *State) Recall(ctx context.Context, key string, secret bool) (string, error) {
	if s.journal == nil {
		return "", nil
	}
	if secret {
		return s.journal.Secret(ctx, key)
	}
	return s.journal.Value(ctx, key)
}

// SaveNode persists a change of s.Node or of another node of the cluster.
func (s *State) SaveNode(ctx context.Context, n *Node) error {
	return s.journal.Checkpoint(ctx, Checkpoint{Nodes: []*Node{n}})
}

// SaveCluster persists a change of s.Cluster (endpoint, version).
func (s *State) SaveCluster(ctx context.Context) error {
	return s.journal.Checkpoint(ctx, Checkpoint{Cluster: s.Cluster})
}

// SaveKubeconfig seals the cluster's administrator kubeconfig in the store.
func (s *State) SaveKubeconfig(ctx context.Context, kubeconfig string) error {
	return s.journal.Checkpoint(ctx, Checkpoint{Kubeconfig: kubeconfig})
}
