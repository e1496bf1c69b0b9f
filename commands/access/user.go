package access

import (
	"errors"
	"time"
)

// Role is what a user holds, system-wide or in a project.
type Role string

// The roles. Admin is held on the user, the others by a Membership.
const (
	Admin          Role = "admin"
	Manager        Role = "manager"
	ClusterManager Role = "cluster-manager" // of named clusters
	Viewer         Role = "viewer"
)

// LocalUserID is the built-in admin: whoever may open the unix socket. It cannot
// be deleted or disabled and never counts as an approver.
const LocalUserID = "local"

// User is a person.
type User struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"` // DNS label, unique
	FullName  string    `json:"fullName,omitempty"`
	Email     string    `json:"email,omitempty"`
	Admin     bool      `json:"admin"`
	First     bool      `json:"first"` // the first linked admin
	Disabled  bool      `json:"disabled"`
	Lang      string    `json:"lang,omitempty"` // "zh", "en", "" = the room's
	TimeZone  string    `json:"timeZone,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
}

// Identity is an account on a platform, linked to a user.
type Identity struct {
	ID       string    `json:"id"` // "slack:T1/U1", "terminal:alice"
	UserID   string    `json:"userId"`
	LinkedAt time.Time `json:"linkedAt"`
}

// LinkCode is a one-time code that links an identity to a user. Only its hash
// is stored.
type LinkCode struct {
	Hash      string
	UserID    string
	CreatedBy string
	ExpiresAt time.Time
}

// Membership is a role in a project; a cluster manager's names its cluster.
type Membership struct {
	UserID    string `json:"userId"`
	ProjectID string `json:"projectId"`
	Role      Role   `json:"role"`
	ClusterID string `json:"clusterId,omitempty"` // ClusterManager only
}

// Grant makes a shared resource visible and usable in a project.
type Grant struct {
	ProjectID string `json:"projectId"`
	Kind      string `json:"kind"` // "host", "bundle", "region", "plan"
	Name      string `json:"name"`
}

// AuditEntry is one line of the audit. Result is "ok", "denied", "failed".
type AuditEntry struct {
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"` // user name, or the identity when unlinked
	Identity  string    `json:"identity"`
	Room      string    `json:"room"`
	Command   string    `json:"command"` // canonical, secrets replaced
	ProjectID string    `json:"projectId,omitempty"`
	ClusterID string    `json:"clusterId,omitempty"`
	Target    string    `json:"target,omitempty"`
	Result    string    `json:"result"`
	Detail    string    `json:"detail,omitempty"` // reason key, operation label
	Cause     string    `json:"cause"`            // inbound id
}

// Errors of the package.
var (
	// ErrLastAdmin: the last enabled admin cannot be removed or disabled.
	ErrLastAdmin = errors.New("the last enabled admin")
	// ErrFirstAdmin: only the first admin may remove or disable the first admin.
	ErrFirstAdmin = errors.New("the first admin")
	// ErrBuiltin: the built-in user cannot be changed.
	ErrBuiltin = errors.New("the built-in user")
	// ErrBadCode: the code is unknown, used or expired.
	ErrBadCode = errors.New("bad link code")
)
