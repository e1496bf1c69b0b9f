package lifecycle

import (
	"encoding/json"
	"time"
)

// Severity orders events and messages.
type Severity string

// The severities, mildest first.
const (
	Info     Severity = "info"
	Notice   Severity = "notice"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// Event is something that happened, written in the transaction of the state
// change that it tells of. Names are dotted and stable; EventKinds lists them.
type Event struct {
	ID          string          `json:"id"` // ULID, set by the store when empty
	Name        string          `json:"name"`
	Severity    Severity        `json:"severity"`
	ProjectID   string          `json:"projectId,omitempty"`
	ClusterID   string          `json:"clusterId,omitempty"`
	OperationID string          `json:"operationId,omitempty"`
	Subject     string          `json:"subject"` // stable key for grouping and dedup
	Actor       string          `json:"actor,omitempty"`
	Text        Text            `json:"text"`
	Data        json.RawMessage `json:"data,omitempty"`
	At          time.Time       `json:"at"`
}

// EventKind documents one event name; the events reference page is made of these.
type EventKind struct {
	Name     string
	Severity Severity
	// SummaryKey is the catalogue key of its one-line description.
	SummaryKey string
}

// EventKinds lists every event that the engine and the commands write.
var EventKinds = []EventKind{
	{"operation.queued", Info, "event.operation.queued"},
	{"operation.started", Info, "event.operation.started"},
	{"operation.stage", Info, "event.operation.stage"},
	{"operation.progress", Info, "event.operation.progress"},
	{"operation.stopping", Info, "event.operation.stopping"},
	{"operation.undoing", Info, "event.operation.undoing"},
	{"operation.blocked", Warning, "event.operation.blocked"},
	{"operation.stopped", Notice, "event.operation.stopped"},
	{"operation.undone", Notice, "event.operation.undone"},
	{"operation.cancelled", Notice, "event.operation.cancelled"},
	{"cluster.create.succeeded", Notice, "event.cluster.create.succeeded"},
	{"cluster.create.failed", Warning, "event.cluster.create.failed"},
	{"cluster.delete.succeeded", Notice, "event.cluster.delete.succeeded"},
	{"cluster.delete.failed", Warning, "event.cluster.delete.failed"},
	{"security.denied", Notice, "event.security.denied"},
}

// SignalledEvent tells what a signal of actor's, a user's id, has made of op: its
// status is the new one. It tells nothing of a status that no signal makes.
func SignalledEvent(op *Operation, actor string, at time.Time) (e Event, tells bool) {
	switch op.Status {
	case OpStopping, OpUndoing:
		name := "operation." + string(op.Status)
		e = operationEvent(op, name, at, T("event."+name+".text", "op", op.Label(), "cluster", op.ClusterName))
		e.Severity = Info
	case OpCancelled, OpStopped:
		e = CancelledEvent(op, at)
	default:
		return Event{}, false
	}
	e.Actor = actor
	return e, true
}

// CancelledEvent tells that op was taken out of the queue: it is cancelled, or
// stopped as it was before somebody wanted to retry it.
func CancelledEvent(op *Operation, at time.Time) Event {
	if op.Status == OpStopped {
		return operationEvent(op, "operation.stopped", at, T("event.operation.stopped.waiting.text",
			"op", op.Label(), "cluster", op.ClusterName))
	}
	return operationEvent(op, "operation.cancelled", at, T("event.operation.cancelled.text",
		"op", op.Label(), "cluster", op.ClusterName))
}

// QueuedEvent tells that op waits for its turn.
func QueuedEvent(op *Operation, at time.Time) Event {
	e := operationEvent(op, "operation.queued", at, T("event.operation.queued.text",
		"op", op.Label(), "cluster", op.ClusterName))
	e.Severity = Info
	return e
}
