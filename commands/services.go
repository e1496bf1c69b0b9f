package commands

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Services is what the commands work with; app.go fills it in.
type Services struct {
	Store      Store
	Catalogue  *messages.Catalogue
	Procedures map[lifecycle.OperationKind]lifecycle.Procedure
	Providers  map[string]lifecycle.Provider // by kind
	Regions    []lifecycle.Region
	Hosts      HostChecker
	Bundles    BundleLibrary
	// KeyCheck reports what is wrong with a credential's private key.
	KeyCheck func(*lifecycle.Credential) error
	Versions VersionResolver
	Kube     KubeClient
	// Settings gives the settings as they are in force, secrets left out.
	Settings func() []Setting
	// Planning prepares a context for the making of one plan, so that every
	// machine is asked once; nil leaves it as it is.
	Planning func(ctx context.Context) context.Context
	Defaults ClusterDefaults
	// URL gives the address of the pages as browsers reach it, "" when there are
	// none. Nil is none too.
	URL func() string
	// OperationLink gives the address of an operation's page for cards on other
	// platforms, "" when there is none. Nil is none too. The same label should
	// give the same address for a good while: a card whose text changes is sent
	// again.
	OperationLink func(label string) string
	// Directory gives the address book of a platform account where linking by
	// e-mail is allowed, else nil.
	Directory func(account string) bot.Directory
	// Lang is the server's language, for who has none.
	Lang     string
	TimeZone *time.Location
	Now      func() time.Time

	registry *Registry
	reloaded atomic.Pointer[ClusterDefaults] // newer than Defaults, when not nil
}

// HostChecker looks at registered machines over SSH.
type HostChecker interface {
	// Check enters the machine and gathers its facts; hostKey is what it showed.
	Check(ctx context.Context, hostID string) (facts lifecycle.HostFacts, hostKey string, err error)
}

// BundleLibrary keeps the files of offline bundles.
type BundleLibrary interface {
	// Import verifies and unpacks; the record is not stored yet.
	Import(ctx context.Context, r io.Reader) (lifecycle.Bundle, error)
	// ImportFile is Import of a file on this machine.
	ImportFile(ctx context.Context, path string) (lifecycle.Bundle, error)
	// Verify hashes every file again and gives what is wrong.
	Verify(ctx context.Context, b lifecycle.Bundle) error
	Remove(ctx context.Context, b lifecycle.Bundle) error
}

// VersionResolver turns "1.34" into the newest patch that a source has.
type VersionResolver interface {
	// Resolve fills in spec.Version, exact, from what the bundle, mirror or the
	// first node's repositories have.
	Resolve(ctx context.Context, wanted string, c *lifecycle.Cluster, nodes []*lifecycle.Node) (string, error)
}

// NodeState is a node as its API server tells it.
type NodeState struct {
	Name    string    `json:"name"`
	Role    string    `json:"role"`
	Ready   bool      `json:"ready"`
	Reason  string    `json:"reason,omitempty"`
	Version string    `json:"version"`
	Address string    `json:"address"`
	OS      string    `json:"os"`
	Runtime string    `json:"runtime"`
	Since   time.Time `json:"since"`
}

// KubeClient asks a cluster's API server.
type KubeClient interface {
	Nodes(ctx context.Context, c *lifecycle.Cluster, kubeconfig string) ([]NodeState, error)
	// Scoped makes a kubeconfig with a cluster manager's rights for a person, with
	// the administrator's, and says until when it is good.
	Scoped(ctx context.Context, c *lifecycle.Cluster, kubeconfig, person string) (string, time.Time, error)
}

// Setting is one line of "settings show".
type Setting struct {
	Name       string `json:"name"`
	Value      string `json:"value"`
	Source     string `json:"source"` // "default", "file"
	Reloadable bool   `json:"reloadable"`
}

// ClusterDefaults are the installation's choices for new clusters.
type ClusterDefaults struct {
	Version         string // "1.34"
	Mirror          string
	Images          string // archive on the hosts to import images from
	ImageRepository string
}

// All is every command, one line each.
func All(s *Services) []*Spec {
	return []*Spec{
		s.helpSpec(),
		s.whoami(),
		s.lang(),
		s.link(),
		s.unlink(),
		s.sessionOpen(),
		s.sessionList(),
		s.sessionRevoke(),
		s.userAdd(),
		s.userList(),
		s.userShow(),
		s.userDisable(),
		s.userEnable(),
		s.userPromote(),
		s.userDelete(),
		s.userCode(),
		s.projectCreate(),
		s.projectList(),
		s.projectShow(),
		s.projectDelete(),
		s.projectMember(),
		s.projectGrant(),
		s.projectRevoke(),
		s.credentialAdd(),
		s.credentialList(),
		s.credentialDelete(),
		s.hostAdd(),
		s.hostList(),
		s.hostShow(),
		s.hostCheck(),
		s.hostDelete(),
		s.bundleImport(),
		s.bundleList(),
		s.bundleShow(),
		s.bundleVerify(),
		s.bundleDelete(),
		s.regionList(),
		s.clusterCreate(),
		s.clusterList(),
		s.clusterShow(),
		s.clusterNodes(),
		s.clusterKubeconfig(),
		s.clusterDelete(),
		s.opList(),
		s.opShow(),
		s.opLogs(),
		s.opStop(),
		s.opRetry(),
		s.auditList(),
		s.settingsShow(),
	}
}

// The nouns.
var (
	nounUser       = Word{"user", []string{"用户", "users"}}
	nounProject    = Word{"project", []string{"项目", "proj", "projects"}}
	nounCredential = Word{"credential", []string{"凭据", "cred", "credentials"}}
	nounHost       = Word{"host", []string{"主机", "hosts"}}
	nounBundle     = Word{"bundle", []string{"离线包", "bundles"}}
	nounRegion     = Word{"region", []string{"区域", "regions"}}
	nounCluster    = Word{"cluster", []string{"集群", "clusters"}}
	nounOp         = Word{"op", []string{"操作", "operation", "任务", "ops"}}
	nounAudit      = Word{"audit", []string{"审计"}}
	nounSettings   = Word{"settings", []string{"设置", "setting"}}
)

// The verbs that several nouns share.
var (
	verbAdd    = Word{"add", []string{"添加", "增加", "新增"}}
	verbCreate = Word{"create", []string{"创建", "新建"}}
	verbList   = Word{"list", []string{"列表", "ls"}}
	verbShow   = Word{"show", []string{"查看", "详情", "get"}}
	verbDelete = Word{"delete", []string{"删除", "rm", "remove"}}
	verbCheck  = Word{"check", []string{"检查", "检测"}}
)

// arg declares a required positional argument.
func arg(name string, t ParamType, aliases ...string) Param {
	return Param{Word: Word{name, aliases}, Type: t, Required: true}
}

// opt declares an option.
func opt(name string, t ParamType, aliases ...string) Param {
	return Param{Word: Word{name, aliases}, Type: t}
}

// SetDefaults changes the defaults of new clusters while commands run.
func (s *Services) SetDefaults(d ClusterDefaults) { s.reloaded.Store(&d) }

func (s *Services) defaults() ClusterDefaults {
	if d := s.reloaded.Load(); d != nil {
		return *d
	}
	return s.Defaults
}

// plan asks every phase of a procedure what it would do.
func (s *Services) plan(ctx context.Context, op *lifecycle.Operation, cl *lifecycle.Cluster, nodes []*lifecycle.Node) (lifecycle.Plan, error) {
	if s.Planning != nil {
		ctx = s.Planning(ctx)
	}
	return lifecycle.MakePlan(ctx, s.Procedures[op.Kind], op, cl, nodes)
}

// done is the outcome of a change whose writes are commit.
func done(target string, reply bot.Message, commit func(ctx context.Context) error) *Outcome {
	return &Outcome{Target: target, Commit: func(ctx context.Context) (bot.Message, error) {
		return reply, commit(ctx)
	}}
}

// added is done of something new: the answer's data is what was saved, with all
// that only saving gives it.
func added(target string, reply bot.Message, what any, commit func(ctx context.Context) error) *Outcome {
	return &Outcome{Target: target, Commit: func(ctx context.Context) (bot.Message, error) {
		err := commit(ctx)
		reply.Data = data(what)
		return reply, err
	}}
}
