package lifecycle

import (
	"context"
	"encoding/json"
	"time"
)

// outcome is what an operation's progress means for its cluster.
type outcome struct {
	begun, succeeded, failed, undone ClusterStatus
	event                            string // prefix of the event that tells the end
}

var outcomes = map[OperationKind]outcome{
	OpCreate: {ClusterCreating, ClusterRunning, ClusterFailed, ClusterDeleted, "cluster.create"},
	OpDelete: {ClusterDeleting, ClusterDeleted, ClusterFailed, ClusterFailed, "cluster.delete"},
}

func (w *work) succeed(ctx context.Context) error {
	o := outcomes[w.op.Kind]
	w.op.Status, w.op.EndedAt, w.op.Error, w.op.Errors = OpSucceeded, w.r.cfg.Now(), nil, nil
	w.cluster.Status = o.succeeded
	c := Checkpoint{Operation: w.op, Cluster: w.cluster, Nodes: w.nodes}
	for _, n := range w.nodes {
		if n.Status == NodeLeft && o.succeeded == ClusterDeleted {
			c.DirtyHosts = append(c.DirtyHosts, n.HostID)
			continue
		}
		n.Status = nodeStatus[o.succeeded]
	}
	if o.succeeded == ClusterDeleted {
		c.ReleaseHosts, c.CancelQueued = HostReady, true
	}
	c.Events = []Event{w.event(o.event+".succeeded", Notice)}
	return w.checkpoint(ctx, c)
}

// NodeLeft is the status of a node whose host a forced delete could not enter:
// what we made there is still there.
const NodeLeft = "left"

// nodeStatus is what a cluster's end means for its nodes.
var nodeStatus = map[ClusterStatus]string{ClusterRunning: "ready", ClusterDeleted: "gone"}

// fail ends the operation with every failure that was found. Retry, delete and
// undo stay possible.
func (w *work) fail(ctx context.Context, found []*Error) error {
	o := outcomes[w.op.Kind]
	w.op.Status, w.op.EndedAt, w.op.Error, w.op.Errors = OpFailed, w.r.cfg.Now(), found[0], found
	c := Checkpoint{Operation: w.op, Cluster: w.broken(o.failed), CancelQueued: true}
	if found[0].Class == Blocked {
		c.Events = append(c.Events, w.event("operation.blocked", Warning, "error", found[0].Text))
	}
	c.Events = append(c.Events, w.event(o.event+".failed", Warning, "error", found[0].Text, "count", len(found)))
	return w.checkpoint(ctx, c)
}

// broken gives the cluster with the status of one that was left half done, nil
// when it is as it was: deleted, or never touched because the operation did not
// get to its first stage.
func (w *work) broken(status ClusterStatus) *Cluster {
	if w.cluster.Status == ClusterDeleted || w.op.Stage == "" && w.cluster.Status != ClusterPending {
		return nil
	}
	w.cluster.Status = status
	return w.cluster
}

// event makes an event of this operation.
func (w *work) event(name string, sev Severity, kv ...any) Event {
	args := append([]any{"op", w.op.Label(), "cluster", w.op.ClusterName}, kv...)
	e := operationEvent(w.op, name, w.r.cfg.Now(), T("event."+name+".text", args...))
	e.Severity = sev
	return e
}

// operationEvent fills in what every event of an operation has.
func operationEvent(op *Operation, name string, at time.Time, text Text) Event {
	data, err := json.Marshal(map[string]any{"operation": op.Label(), "kind": op.Kind,
		"cluster": op.ClusterName, "status": op.Status, "stage": op.Stage})
	if err != nil {
		panic("event: " + err.Error()) // plain data always marshals
	}
	return Event{Name: name, Severity: Notice, ProjectID: op.ProjectID, ClusterID: op.ClusterID,
		OperationID: op.ID, Subject: "operation/" + op.ID, Actor: op.Actor, Text: text, Data: data, At: at}
}
