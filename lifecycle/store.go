package lifecycle

import (
	"context"
	"time"
)

// Fence proves that a write comes from the operation's present owner.
type Fence struct {
	OperationID string
	Token       int64
}

// Value is something an operation remembers.
type Value struct {
	Key    string
	Value  string
	Secret bool // sealed at rest
}

// Checkpoint is one state change of an operation and the events it causes: one
// transaction. Nil and empty parts are left as they are.
type Checkpoint struct {
	Operation  *Operation // status, stage, error, times
	Cluster    *Cluster
	Nodes      []*Node
	Steps      []Step
	Values     []Value
	Kubeconfig string
	// ReleaseHosts gives the cluster's claimed hosts back, with this status; those
	// in DirtyHosts (ids) as dirty, because what is on them was not taken away.
	ReleaseHosts HostStatus
	DirtyHosts   []string
	// CancelQueued cancels what waits behind this operation on its cluster and
	// writes a CancelledEvent for each. Deletes wait on, unless the cluster is
	// deleted by then.
	CancelQueued bool
	Events       []Event
}

// Signals is what a heartbeat brings back.
type Signals struct {
	Stop bool // at the next safe point
	Undo bool // and then undo
	Now  bool // do not wait for the running step
}

// OperationStore is the engine's journal. Every method is one transaction.
type OperationStore interface {
	// Claim takes the oldest ready operation for owner: one that is queued with
	// nothing active on its cluster and nothing older queued before it, or an
	// active one whose lease ran out. It raises the fence, marks a queued one
	// running, and gives (nil, nil) when there is none.
	Claim(ctx context.Context, owner string, lease time.Duration) (*Operation, error)
	// Renew extends the lease and gives the signals that are set. A lease of 0
	// gives the operation back. ErrFenced when it has another owner.
	Renew(ctx context.Context, f Fence, lease time.Duration) (Signals, error)
	// Checkpoint writes c if f still holds, else ErrFenced and nothing. A stop
	// that was signalled meanwhile is kept: "running" does not overwrite
	// "stopping", and an operation that somebody was told will be undone does not
	// succeed: ErrUndoAsked. A cluster that is deleted stays deleted.
	Checkpoint(ctx context.Context, f Fence, c Checkpoint) error
	// AppendLog keeps output; ErrFenced as above.
	AppendLog(ctx context.Context, f Fence, lines []LogLine) error
	// TakeOver makes every active operation claimable at once. Only for a
	// process that is alone on its store (SQLite under the directory lock).
	TakeOver(ctx context.Context) error

	Operation(ctx context.Context, id string) (*Operation, error)
	Steps(ctx context.Context, operationID string) ([]Step, error)
	Cluster(ctx context.Context, id string) (*Cluster, error)
	Nodes(ctx context.Context, clusterID string) ([]*Node, error)
	OperationValue(ctx context.Context, operationID, key string) (string, error)
	OperationSecret(ctx context.Context, operationID, key string) (string, error)
}
