package lifecycle

import (
	"encoding/json"
	"fmt"
	"time"
)

// OperationKind names a procedure; it is persisted.
type OperationKind string

// The kinds built so far.
const (
	OpCreate OperationKind = "create"
	OpDelete OperationKind = "delete"
)

// OperationStatus is where an operation stands.
type OperationStatus string

// The statuses of an operation. Running, Stopping and Undoing are the active
// ones: at most one per cluster.
const (
	OpQueued    OperationStatus = "queued"
	OpRunning   OperationStatus = "running"
	OpStopping  OperationStatus = "stopping"
	OpUndoing   OperationStatus = "undoing"
	OpSucceeded OperationStatus = "succeeded"
	OpFailed    OperationStatus = "failed"
	OpStopped   OperationStatus = "stopped"
	OpUndone    OperationStatus = "undone"
	OpCancelled OperationStatus = "cancelled"
)

// Active reports whether a worker has or must have hold of it.
func (s OperationStatus) Active() bool {
	return s == OpRunning || s == OpStopping || s == OpUndoing
}

// Ended reports whether nothing more will happen by itself.
func (s OperationStatus) Ended() bool { return s != OpQueued && !s.Active() }

// Operation is one piece of durable work on a cluster.
type Operation struct {
	ID          string          `json:"id"`     // ULID
	Number      int64           `json:"number"` // counted, for people: op-1042
	Kind        OperationKind   `json:"kind"`
	ProjectID   string          `json:"projectId"`
	ClusterID   string          `json:"clusterId"`
	ClusterName string          `json:"clusterName"`
	Actor       string          `json:"actor"`     // user id
	ActorName   string          `json:"actorName"` // as the card says it
	Origin      json.RawMessage `json:"origin"`    // where it was started; opaque to the engine
	Cause       string          `json:"cause"`     // inbound id, unique: a redelivered command starts nothing
	Params      json.RawMessage `json:"params,omitempty"`
	PlanHash    string          `json:"planHash"`
	Version     int             `json:"version"` // of the procedure it was planned with
	Status      OperationStatus `json:"status"`
	Stage       string          `json:"stage,omitempty"` // phase it is at
	Error       *Error          `json:"error,omitempty"`
	// Errors lists the failure of every node of the stage that failed.
	Errors    []*Error  `json:"errors,omitempty"`
	Attempt   int       `json:"attempt"` // 1, and one more for each retry
	CreatedAt time.Time `json:"createdAt"`
	StartedAt time.Time `json:"startedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`

	Signals    Signals   `json:"-"` // what people have asked of it
	Fence      int64     `json:"-"` // rises with each claim
	LeaseOwner string    `json:"-"`
	LeaseUntil time.Time `json:"-"`
}

// Label is the operation's id as people say it.
func (o *Operation) Label() string { return fmt.Sprintf("op-%d", o.Number) }

// StepStatus is where a step stands.
type StepStatus string

// The statuses of a step. StepSatisfied was found done; StepDone was done by
// this operation, and only such are undone.
const (
	StepPending   StepStatus = "pending"
	StepRunning   StepStatus = "running"
	StepSatisfied StepStatus = "satisfied"
	StepDone      StepStatus = "done"
	StepFailed    StepStatus = "failed"
	StepUndoing   StepStatus = "undoing"
	StepUndone    StepStatus = "undone"
)

// Step is one phase on one node (or on the cluster: Node is ""), as journaled.
type Step struct {
	OperationID string     `json:"operationId"`
	Seq         int        `json:"seq"` // order within the operation
	Phase       string     `json:"phase"`
	Node        string     `json:"node,omitempty"`
	Status      StepStatus `json:"status"`
	Attempt     int        `json:"attempt"` // of Do; names the remote unit
	// Acted is true from the moment Do was first journaled until it is undone:
	// "this operation may have changed something here".
	Acted     bool      `json:"acted"`
	Error     *Error    `json:"error,omitempty"`
	StartedAt time.Time `json:"startedAt,omitzero"`
	EndedAt   time.Time `json:"endedAt,omitzero"`
}

// LogLine is one line of a step's output, or a remark of ours.
type LogLine struct {
	Seq   int64     `json:"seq"` // set by the store, rises within the operation
	Phase string    `json:"phase"`
	Node  string    `json:"node,omitempty"`
	At    time.Time `json:"at"`
	Line  string    `json:"line"`          // of a remark its words in all languages, for searches
	Text  Text      `json:"text,omitzero"` // of a remark
}
