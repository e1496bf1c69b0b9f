package access

// Permission is a row of the matrix in the access design: what a command needs.
type Permission string

// The permissions built so far.
const (
	// Everyone may do it, unlinked people too: help, whoami, link.
	Everyone Permission = "everyone"
	// Linked people may: lang.
	Linked Permission = "linked"
	// SystemChange: users, credentials, bundle import and delete, settings.
	SystemChange Permission = "system.change"
	// ProjectChange: project create, delete, grant, revoke; managers.
	ProjectChange Permission = "project.change"
	// MemberChange: viewers and cluster managers of a project.
	MemberChange Permission = "member.change"
	// ProjectRead: project list, show.
	ProjectRead Permission = "project.read"
	// ResourceRead: hosts, bundles, regions; a manager sees granted ones.
	ResourceRead Permission = "resource.read"
	// ResourceChange: host add, delete, check.
	ResourceChange Permission = "resource.change"
	// ClusterChange: cluster create, delete.
	ClusterChange Permission = "cluster.change"
	// ClusterRead: cluster list, show, nodes; op list, show.
	ClusterRead Permission = "cluster.read"
	// ClusterLogs: op logs.
	ClusterLogs Permission = "cluster.logs"
	// ClusterKubeconfig: cluster kubeconfig.
	ClusterKubeconfig Permission = "cluster.kubeconfig"
	// OperationControl: op stop, retry; a cluster manager of own clusters.
	OperationControl Permission = "operation.control"
	// AuditRead: audit list; managers and cluster managers of their own.
	AuditRead Permission = "audit.read"
)

// Permissions lists them all, for tests that must cover every row.
var Permissions = []Permission{
	Everyone, Linked, SystemChange, ProjectChange, MemberChange, ProjectRead, ResourceRead,
	ResourceChange, ClusterChange, ClusterRead, ClusterLogs, ClusterKubeconfig, OperationControl, AuditRead,
}

// row says which project roles hold a permission; admins hold every one.
type row struct{ manager, clusterManager, viewer, linked, unlinked bool }

// matrix is the table of the access design, one row a permission.
var matrix = map[Permission]row{
	Everyone:          {true, true, true, true, true},
	Linked:            {manager: true, clusterManager: true, viewer: true, linked: true},
	SystemChange:      {},
	ProjectChange:     {},
	MemberChange:      {manager: true},
	ProjectRead:       {manager: true, clusterManager: true, viewer: true},
	ResourceRead:      {manager: true},
	ResourceChange:    {},
	ClusterChange:     {manager: true},
	ClusterRead:       {manager: true, clusterManager: true, viewer: true},
	ClusterLogs:       {manager: true, clusterManager: true, viewer: true},
	ClusterKubeconfig: {manager: true, clusterManager: true},
	OperationControl:  {manager: true, clusterManager: true},
	AuditRead:         {manager: true, clusterManager: true},
}

// holds reports whether a role in a project has the row's permission.
func (r row) holds(role Role) bool {
	switch role {
	case Manager:
		return r.manager
	case ClusterManager:
		return r.clusterManager
	case Viewer:
		return r.viewer
	}
	return false
}

// Subject is the person asking, with everything that decides.
type Subject struct {
	User        *User // nil: unlinked
	Memberships []Membership
}

// Object is what is asked about. An empty ProjectID means "anywhere": the
// question is whether the person could hold the permission at all.
type Object struct {
	ProjectID string
	ClusterID string
}

// Allowed decides. A cluster manager's right reaches only the clusters named in
// the membership; without a ClusterID in the object it opens lists, which must
// then be filtered with Sees.
func (s Subject) Allowed(p Permission, o Object) bool {
	r, ok := matrix[p]
	if !ok {
		return false
	}
	if s.User == nil {
		return r.unlinked
	}
	if s.User.Disabled {
		return false
	}
	if s.User.Admin || r.linked {
		return true
	}
	for _, m := range s.Memberships {
		if o.ProjectID != "" && m.ProjectID != o.ProjectID {
			continue
		}
		if r.holds(m.Role) && (m.Role != ClusterManager || o.ClusterID == "" || m.ClusterID == o.ClusterID) {
			return true
		}
	}
	return false
}

// Sight gives where the person holds a permission: in whole projects, and of
// clusters in others. Both are nil for who holds it everywhere.
func (s Subject) Sight(p Permission) (projectIDs, clusterIDs []string) {
	projectIDs, clusterIDs = []string{}, []string{}
	switch {
	case s.User == nil, s.User.Disabled:
		return projectIDs, clusterIDs
	case s.User.Admin:
		return nil, nil
	}
	for _, m := range s.Memberships {
		switch {
		case !matrix[p].holds(m.Role):
		case m.Role == ClusterManager:
			clusterIDs = append(clusterIDs, m.ClusterID)
		default:
			projectIDs = append(projectIDs, m.ProjectID)
		}
	}
	return projectIDs, clusterIDs
}

// Sees reports whether a cluster of a project exists for the person.
func (s Subject) Sees(projectID, clusterID string) bool {
	return s.Allowed(ClusterRead, Object{ProjectID: projectID, ClusterID: clusterID})
}
