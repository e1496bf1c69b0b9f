package commands

import (
	"context"
	"errors"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// operationNeeds is the permission that each kind of operation takes, checked
// again when it is claimed: the actor may have lost it while it was queued.
var operationNeeds = map[lifecycle.OperationKind]access.Permission{
	lifecycle.OpCreate: access.ClusterChange,
	lifecycle.OpDelete: access.ClusterChange,
}

// AuthorizeOperation reports whether an operation's actor may still do it.
func (s *Services) AuthorizeOperation(ctx context.Context, op *lifecycle.Operation) error {
	refused := lifecycle.Block(lifecycle.T("operation.rights", "actor", op.ActorName), lifecycle.T("operation.rights.next"))
	u, err := s.Store.UserByID(ctx, op.Actor)
	if errors.Is(err, lifecycle.ErrNotFound) {
		return refused
	}
	if err != nil {
		return err
	}
	ms, err := s.Store.UserMemberships(ctx, u.ID)
	if err != nil {
		return err
	}
	who := access.Subject{User: u, Memberships: ms}
	if !who.Allowed(operationNeeds[op.Kind], access.Object{ProjectID: op.ProjectID, ClusterID: op.ClusterID}) {
		return refused
	}
	return nil
}

// GiveUp tells a person that their message could not be worked on, after every
// attempt has failed inside.
func (r *Router) GiveUp(ctx context.Context, in bot.Inbound, cause error) error {
	r.log.Error("a message could not be worked on", "message", in.ID, "error", cause)
	t := &turn{r: r, in: in, lang: r.langOf(in, access.Subject{})}
	return t.tell(ctx, failure(t.say("error.internal.ref", "ref", in.ID)))
}
