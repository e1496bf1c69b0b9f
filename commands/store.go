package commands

import (
	"context"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Store is what the commands need of the store. A method called with the context
// that WithTx gives joins that transaction; with another it is one of its own.
// What is not there is lifecycle.ErrNotFound, a name that is taken
// lifecycle.ErrExists. Stores fill in an empty ID and zero creation times.
type Store interface {
	// WithTx runs fn in one transaction, rolled back when fn fails. Nested calls
	// join the outer one. fn must use only the context that it is given, and
	// must not wait for the network.
	WithTx(ctx context.Context, fn func(ctx context.Context) error) error

	UserStore
	ProjectStore
	AuditStore
	CredentialStore
	HostStore
	BundleStore
	ClusterStore
	OperationStore
	DialogueStore
	SessionStore
	bot.ButtonStore
	// Events gives what happened, newest first.
	Events(ctx context.Context, f EventFilter) ([]lifecycle.Event, error)
	AppendEvents(ctx context.Context, events ...lifecycle.Event) error
	DoneInbound(ctx context.Context, account, id string) error
}

// UserStore keeps users, identities, link codes, memberships and grants.
type UserStore interface {
	Users(ctx context.Context) ([]access.User, error) // by name
	UserByID(ctx context.Context, id string) (*access.User, error)
	UserByName(ctx context.Context, name string) (*access.User, error)
	UserByIdentity(ctx context.Context, identity string) (*access.User, error)
	SaveUser(ctx context.Context, u *access.User) error // inserts or replaces by ID
	DeleteUser(ctx context.Context, id string) error    // with identities, codes, memberships
	Identities(ctx context.Context, userID string) ([]access.Identity, error)
	LinkIdentity(ctx context.Context, i access.Identity) error // ErrExists: linked already
	// UnlinkIdentity forgets the link and ends the sessions that came by it;
	// ErrNotFound.
	UnlinkIdentity(ctx context.Context, id string) error
	SaveLinkCode(ctx context.Context, c access.LinkCode) error
	// TakeLinkCode removes the code and gives it; ErrNotFound when there is none
	// or it has expired at now. A code is good once.
	TakeLinkCode(ctx context.Context, hash string, now time.Time) (*access.LinkCode, error)
	UserMemberships(ctx context.Context, userID string) ([]access.Membership, error)
	ProjectMemberships(ctx context.Context, projectID string) ([]access.Membership, error)
	SaveMembership(ctx context.Context, m access.Membership) error // idempotent
	DeleteMembership(ctx context.Context, m access.Membership) error
	Grants(ctx context.Context, projectID string) ([]access.Grant, error)
	SaveGrant(ctx context.Context, g access.Grant) error // idempotent
	DeleteGrant(ctx context.Context, g access.Grant) error
}

// ProjectStore keeps projects.
type ProjectStore interface {
	Projects(ctx context.Context) ([]lifecycle.Project, error) // by name
	ProjectByID(ctx context.Context, id string) (*lifecycle.Project, error)
	ProjectByName(ctx context.Context, name string) (*lifecycle.Project, error)
	SaveProject(ctx context.Context, p *lifecycle.Project) error // inserts or replaces by ID
	// DeleteProject removes it with memberships and grants; ErrConflict while it
	// has clusters that are not deleted.
	DeleteProject(ctx context.Context, id string) error
}

// AuditFilter narrows an audit query; zero fields do not. With both lists set, an
// entry of one of the projects or of one of the clusters passes.
type AuditFilter struct {
	ProjectIDs []string
	ClusterIDs []string
	Actor      string
	Result     string
	Since      time.Time
	Before     int64 // sequence number, for paging
	Limit      int
}

// AuditStore keeps the audit; entries are never changed.
type AuditStore interface {
	AppendAudit(ctx context.Context, e access.AuditEntry) error            // sets Seq
	Audit(ctx context.Context, f AuditFilter) ([]access.AuditEntry, error) // newest first
}

// CredentialStore keeps credentials, sealed.
type CredentialStore interface {
	Credentials(ctx context.Context) ([]lifecycle.Credential, error) // without secrets, by name
	CredentialByName(ctx context.Context, name string) (*lifecycle.Credential, error)
	// CredentialSecret gives it with its secret parts.
	CredentialSecret(ctx context.Context, id string) (*lifecycle.Credential, error)
	CreateCredential(ctx context.Context, c *lifecycle.Credential) error
	DeleteCredential(ctx context.Context, id string) error // ErrConflict while a host uses it
}

// HostStore keeps registered hosts.
type HostStore interface {
	Hosts(ctx context.Context) ([]lifecycle.Host, error) // by name
	HostByID(ctx context.Context, id string) (*lifecycle.Host, error)
	HostByName(ctx context.Context, name string) (*lifecycle.Host, error)
	CreateHost(ctx context.Context, h *lifecycle.Host) error
	// SaveHostFacts records a check: facts, status (unless claimed), time.
	SaveHostFacts(ctx context.Context, id string, f lifecycle.HostFacts, status lifecycle.HostStatus, at time.Time) error
	// PinHostKey records the key of the first contact; ErrConflict when another
	// is pinned.
	PinHostKey(ctx context.Context, id, key string) error
	// ForgetHostKey removes the pin, for a machine that was reinstalled.
	ForgetHostKey(ctx context.Context, id string) error
	DeleteHost(ctx context.Context, id string) error // ErrConflict while claimed or another's bastion
	// ClaimHosts gives all the hosts to the cluster or none: ErrConflict when one
	// is claimed by another or not ready.
	ClaimHosts(ctx context.Context, clusterID string, hostIDs []string) error
}

// BundleStore keeps imported bundles' records; the files are on disk.
type BundleStore interface {
	Bundles(ctx context.Context) ([]lifecycle.Bundle, error) // by name
	BundleByName(ctx context.Context, name string) (*lifecycle.Bundle, error)
	CreateBundle(ctx context.Context, b *lifecycle.Bundle) error
	DeleteBundle(ctx context.Context, id string) error // ErrConflict while a live cluster's spec names it
}

// ClusterStore keeps clusters and their nodes. Deleted clusters are kept with
// their status and free their name.
type ClusterStore interface {
	Clusters(ctx context.Context) ([]lifecycle.Cluster, error) // not deleted, by project and name
	Cluster(ctx context.Context, id string) (*lifecycle.Cluster, error)
	ClusterByName(ctx context.Context, projectID, name string) (*lifecycle.Cluster, error) // not deleted
	CreateCluster(ctx context.Context, c *lifecycle.Cluster, nodes []*lifecycle.Node) error
	Nodes(ctx context.Context, clusterID string) ([]*lifecycle.Node, error)
	Kubeconfig(ctx context.Context, clusterID string) (string, error)
}

// OperationFilter narrows an operation query; zero fields do not.
type OperationFilter struct {
	ProjectIDs  []string // of these projects, or
	ClusterIDs  []string // of these clusters, where both are given
	ProjectID   string
	ClusterID   string
	ClusterName string
	Actor       string // user id
	Active      bool   // queued or active only
	Limit       int
}

// LogFilter narrows a log query; zero fields do not.
type LogFilter struct {
	Phase, Node string
	Contains    string
	After       int64 // sequence number
	Tail        bool  // the last Limit lines instead of the first
	Offset      int   // lines to pass over, with a Limit
	Limit       int
}

// OperationStore starts and controls operations; the engine has its own
// interface for working on them.
type OperationStore interface {
	// CreateOperation queues op and sets its Number. ErrExists when its Cause
	// has started one already.
	CreateOperation(ctx context.Context, op *lifecycle.Operation) error
	Operation(ctx context.Context, id string) (*lifecycle.Operation, error)
	OperationByNumber(ctx context.Context, number int64) (*lifecycle.Operation, error)
	Operations(ctx context.Context, f OperationFilter) ([]lifecycle.Operation, error) // newest first
	Steps(ctx context.Context, operationID string) ([]lifecycle.Step, error)
	Log(ctx context.Context, operationID string, f LogFilter) ([]lifecycle.LogLine, error)
	// LogSize counts the lines that f lets through, and gives the highest
	// sequence number of the operation.
	LogSize(ctx context.Context, operationID string, f LogFilter) (lines int, last int64, err error)
	// PhaseTimes gives how long each phase took, from its first step's start to
	// its last one's end, in the newest limit operations of a kind that succeeded
	// with a provider and whose number is below before.
	PhaseTimes(ctx context.Context, kind lifecycle.OperationKind, provider string, before int64, limit int) (map[string][]time.Duration, error)
	// SignalOperation asks a queued or active operation to stop (and undo): a
	// queued one is taken out of the queue at once, as cancelled, or as stopped
	// when it was to be retried; a create that never began frees its name and
	// hosts. The result is its status after the call. ErrConflict when it has
	// ended, unless undo is set and it is stopped or failed: then it becomes
	// undoing and claimable, or the error is ErrBusy or ErrGone.
	SignalOperation(ctx context.Context, id string, s lifecycle.Signals) (lifecycle.OperationStatus, error)
	// RetryOperation makes a failed or stopped operation queued again; from now
	// on it is actor's, unless that is "". ErrConflict otherwise, or when it is
	// not the newest of its cluster, cancelled ones aside.
	RetryOperation(ctx context.Context, id, actor, actorName string) error
	// CancelQueued takes every queued operation of a cluster out of the queue and
	// gives them: cancelled, or stopped when they were to be retried.
	CancelQueued(ctx context.Context, clusterID string) ([]lifecycle.Operation, error)
}

// Dialogue is a question that the bot has asked, durable for ten minutes, one
// per user and room.
type Dialogue struct {
	UserID    string // user id, or the identity when unlinked
	Address   bot.Address
	Kind      string             // "argument", "secret", "confirm-name"
	Command   string             // what was typed so far, canonical
	Param     string             // asked for (argument)
	Expect    string             // the name that must be typed (confirm-name)
	PlanHash  string             // what was shown (confirm, confirm-name)
	Refs      map[string]bot.Ref // contents the command refers to; secrets among them, sealed at rest
	ExpiresAt time.Time
}

// DialogueStore keeps open dialogues.
type DialogueStore interface {
	Dialogue(ctx context.Context, userID string, at bot.Address, now time.Time) (*Dialogue, error) // ErrNotFound
	SaveDialogue(ctx context.Context, d Dialogue) error                                            // replaces
	DeleteDialogue(ctx context.Context, userID string, at bot.Address) error
}

// EventFilter narrows a query of events; zero fields do not.
type EventFilter struct {
	ProjectIDs  []string
	ClusterID   string
	OperationID string
	Limit       int
}

// SessionStore keeps who is in by a browser, and the one-time ways in.
type SessionStore interface {
	SavePass(ctx context.Context, p access.Pass) error
	// TakePass removes the pass and gives it; ErrNotFound when there is none or
	// it has expired at now. A pass is good once.
	TakePass(ctx context.Context, hash string, now time.Time) (*access.Pass, error)
	CreateSession(ctx context.Context, s *access.Session) error // fills in an empty ID
	// Session gives the one with this secret's hash that has not expired at now;
	// ErrNotFound.
	Session(ctx context.Context, hash string, now time.Time) (*access.Session, error)
	// TouchSession records that it was seen and moves its expiry on.
	TouchSession(ctx context.Context, id, remote string, seen, expires time.Time) error
	// Sessions lists those that have not expired at now, of one user ("" = of
	// all), the one seen last first.
	Sessions(ctx context.Context, userID string, now time.Time) ([]access.Session, error)
	DeleteSession(ctx context.Context, id string) error // ErrNotFound
}
