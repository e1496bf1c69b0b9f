package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

func clusterArg() Param { return arg("cluster", TypeCluster, "集群") }

// visibleClusters are those that exist for the asker, in one project or in all.
func (s *Services) visibleClusters(ctx context.Context, c *Call, projectID string) ([]lifecycle.Cluster, error) {
	all, err := s.Store.Clusters(ctx)
	if err != nil {
		return nil, err
	}
	visible := []lifecycle.Cluster{}
	for _, cl := range all {
		if (projectID == "" || cl.ProjectID == projectID) && c.Subject.Sees(cl.ProjectID, cl.ID) {
			visible = append(visible, cl)
		}
	}
	return visible, nil
}

func clusterNames(clusters []lifecycle.Cluster) []string {
	names := []string{}
	for _, cl := range clusters {
		names = append(names, cl.Name)
	}
	return names
}

// clusterRow is a cluster as a list shows it.
type clusterRow struct {
	Project   string                  `json:"project"`
	Name      string                  `json:"name"`
	Status    lifecycle.ClusterStatus `json:"status"`
	Version   string                  `json:"version"`
	Region    string                  `json:"region"`
	Simulated bool                    `json:"simulated"`
	Nodes     int                     `json:"nodes"`
}

func (s *Services) clusterList() *Spec {
	return &Spec{Noun: nounCluster, Verb: verbList, Needs: access.ClusterRead,
		Options:  []Param{opt("project", TypeProject, "项目")},
		Examples: []string{"cluster list", "cluster list project=default"}, ExampleZH: "集群 列表", Run: s.runClusterList}
}

func (s *Services) runClusterList(ctx context.Context, c *Call) (*Outcome, error) {
	projects, err := s.visibleProjects(ctx, c.Subject, access.ClusterRead)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, p := range projects {
		names[p.ID] = p.Name
	}
	clusters, err := s.visibleClusters(ctx, c, "")
	if err != nil {
		return nil, err
	}
	list, rows := []clusterRow{}, [][]string{}
	for _, cl := range clusters {
		if want := c.Values.Text("project"); want != "" && names[cl.ProjectID] != want {
			continue
		}
		r := clusterRow{Project: names[cl.ProjectID], Name: cl.Name, Status: cl.Status, Version: cl.Version,
			Region: cl.Region, Simulated: cl.Simulated, Nodes: cl.Spec.ControlPlanes + cl.Spec.Workers}
		list = append(list, r)
		rows = append(rows, []string{r.Project, r.Name, c.word("cluster.status", string(r.Status)), r.Version,
			c.regionWords(&cl), fmt.Sprintf("%d+%d", cl.Spec.ControlPlanes, cl.Spec.Workers)})
	}
	return &Outcome{Reply: c.list("cluster.list", rows, "cluster.none", "cluster create NAME region=sandbox masters=1 workers=2",
		map[string]any{"clusters": list}, "project", "name", "status", "version", "region", "nodes")}, nil
}

// regionWords names the region, and says so when nothing there is real.
func (c *Call) regionWords(cl *lifecycle.Cluster) string {
	if cl.Simulated {
		return cl.Region + " (" + c.Say("word.simulated") + ")"
	}
	return cl.Region
}

func (s *Services) clusterShow() *Spec {
	return &Spec{Noun: nounCluster, Verb: verbShow, Needs: access.ClusterRead, Scope: ScopeCluster,
		Args:     []Param{clusterArg()},
		Examples: []string{"cluster show demo", "cluster show qa/demo"}, ExampleZH: "集群 查看 demo", Run: s.runClusterShow}
}

// clusterData is a cluster as --json shows it.
type clusterData struct {
	*lifecycle.Cluster
	Project   string            `json:"project"`
	Nodes     []*lifecycle.Node `json:"nodes"`
	Operation string            `json:"operation,omitempty"` // the newest one
}

func (s *Services) runClusterShow(ctx context.Context, c *Call) (*Outcome, error) {
	nodes, err := s.Store.Nodes(ctx, c.Cluster.ID)
	if err != nil {
		return nil, err
	}
	ops, err := s.Store.Operations(ctx, OperationFilter{ClusterID: c.Cluster.ID, Limit: 1})
	if err != nil {
		return nil, err
	}
	d := clusterData{Cluster: c.Cluster, Project: c.Project.Name, Nodes: nodes}
	sp := c.Cluster.Spec
	m := bot.Message{Title: c.Cluster.Name, Severity: clusterSeverity(c.Cluster.Status), Footer: c.next("cluster nodes " + ClusterRef(c.Project.Name, c.Cluster.Name)),
		Fields: fields(c.field("status", c.word("cluster.status", string(c.Cluster.Status))), c.field("project", c.Project.Name),
			c.field("region", c.regionWords(c.Cluster)), c.field("version", c.Cluster.Version), c.field("endpoint", c.Cluster.Endpoint),
			c.field("cni", sp.CNI+" "+sp.CNIMode), c.field("podcidr", sp.PodCIDR), c.field("servicecidr", sp.ServiceCIDR),
			c.field("packages", c.packageWords(sp.Packages)), c.field("created", c.when(c.Cluster.CreatedAt)))}
	if len(ops) > 0 {
		d.Operation = ops[0].Label()
		m.Fields = append(m.Fields, c.field("operation", ops[0].Label()+" · "+c.word("op.kind", string(ops[0].Kind))+" · "+c.word("op.status", string(ops[0].Status))))
	}
	var rows [][]string
	for _, n := range nodes {
		rows = append(rows, []string{n.Name, c.word("node.role", string(n.Role)), n.Address, c.word("node.status", n.Status)})
	}
	m.Table, m.Data = c.table(rows, "node", "role", "address", "status"), data(d)
	c.sayWhenSimulated(&m, c.Cluster)
	return &Outcome{Reply: m}, nil
}

func (c *Call) packageWords(p lifecycle.PackageSpec) string {
	if p.Source == "bundle" {
		return c.Say("packages.bundle", "bundle", p.Bundle)
	}
	return c.word("packages", p.Source)
}

func clusterSeverity(s lifecycle.ClusterStatus) bot.Severity {
	switch s {
	case lifecycle.ClusterRunning:
		return bot.Success
	case lifecycle.ClusterFailed, lifecycle.ClusterUnreachable:
		return bot.Error
	case lifecycle.ClusterDegraded:
		return bot.Warning
	default:
		return bot.Info
	}
}

// sayWhenSimulated puts the word on every reply about a simulated cluster.
func (c *Call) sayWhenSimulated(m *bot.Message, cl *lifecycle.Cluster) {
	if !cl.Simulated {
		return
	}
	note := c.Say("sandbox.simulated")
	if m.Text != "" {
		note = m.Text + "\n" + note
	}
	m.Text = note
}

// clusterNodes asks the API server itself.
func (s *Services) clusterNodes() *Spec {
	return &Spec{Noun: nounCluster, Verb: Word{"nodes", []string{"节点", "node"}}, Needs: access.ClusterRead, Scope: ScopeCluster,
		Args:     []Param{clusterArg()},
		Examples: []string{"cluster nodes demo"}, ExampleZH: "集群 节点 demo", Run: s.runClusterNodes}
}

func (s *Services) runClusterNodes(ctx context.Context, c *Call) (*Outcome, error) {
	config, err := s.Store.Kubeconfig(ctx, c.Cluster.ID)
	if errors.Is(err, lifecycle.ErrNotFound) || (err == nil && config == "") {
		return nil, refuse("cluster.notyet", "cluster", c.Cluster.Name, "status", lifecycle.T("cluster.status."+string(c.Cluster.Status)))
	}
	if err != nil {
		return nil, err
	}
	nodes, err := s.Kube.Nodes(ctx, c.Cluster, config)
	if err != nil {
		return nil, err
	}
	rows, ready := [][]string{}, 0
	for _, n := range nodes {
		state := c.Say("node.notready")
		if n.Ready {
			state, ready = c.Say("node.ready"), ready+1
		}
		rows = append(rows, []string{n.Name, c.word("node.role", n.Role), state, n.Version, n.Address, n.OS, n.Runtime})
	}
	m := bot.Message{Title: c.Cluster.Name, Text: c.Say("cluster.nodes.text", "ready", ready, "count", len(nodes)),
		Table: c.table(rows, "node", "role", "status", "version", "address", "os", "runtime"), Footer: c.next("cluster show " + ClusterRef(c.Project.Name, c.Cluster.Name)),
		Data: data(map[string]any{"cluster": c.Cluster.Name, "simulated": c.Cluster.Simulated, "nodes": nodes})}
	c.sayWhenSimulated(&m, c.Cluster)
	return &Outcome{Reply: m}, nil
}

// clusterKubeconfig hands out a kubeconfig, to the asker alone: the administrator's
// to those who may change the cluster, one with fewer rights and an end to those
// who look after it.
func (s *Services) clusterKubeconfig() *Spec {
	return &Spec{Noun: nounCluster, Verb: Word{"kubeconfig", []string{"配置文件"}}, Needs: access.ClusterKubeconfig,
		Scope: ScopeCluster, Args: []Param{clusterArg()}, Direct: true,
		Examples: []string{"cluster kubeconfig demo"}, ExampleZH: "集群 配置文件 demo", Run: s.runClusterKubeconfig}
}

func (s *Services) runClusterKubeconfig(ctx context.Context, c *Call) (*Outcome, error) {
	config, err := s.Store.Kubeconfig(ctx, c.Cluster.ID)
	if errors.Is(err, lifecycle.ErrNotFound) || (err == nil && config == "") {
		return nil, refuse("cluster.notyet", "cluster", c.Cluster.Name, "status", lifecycle.T("cluster.status."+string(c.Cluster.Status)))
	}
	if err != nil {
		return nil, err
	}
	text, told := c.Say("cluster.kubeconfig.text"), map[string]any{"cluster": c.Cluster.Name, "simulated": c.Cluster.Simulated, "scope": "admin"}
	if !c.Subject.Allowed(access.ClusterChange, access.Object{ProjectID: c.Cluster.ProjectID, ClusterID: c.Cluster.ID}) {
		scoped, until, err := s.Kube.Scoped(ctx, c.Cluster, config, c.Subject.User.Name)
		if err != nil {
			return nil, err
		}
		config, text = scoped, c.Say("cluster.kubeconfig.scoped", "until", c.when(until))
		told["scope"], told["until"] = "cluster-manager", until.UnixMilli()
	}
	told["kubeconfig"] = config
	m := bot.Message{Title: c.Cluster.Name, Private: true, Text: text,
		Code: &bot.Code{Language: "yaml", Text: config, Filename: c.Cluster.Name + ".kubeconfig"},
		Data: data(told)}
	c.sayWhenSimulated(&m, c.Cluster)
	return &Outcome{Reply: m, Target: c.Cluster.Name}, nil
}

// clusterDelete takes a cluster down from any state. A running operation is
// stopped, and the delete goes next.
func (s *Services) clusterDelete() *Spec {
	return &Spec{Noun: nounCluster, Verb: verbDelete, Needs: access.ClusterChange, Kind: Destructive, Scope: ScopeCluster,
		Args: []Param{clusterArg()}, Options: []Param{opt("force", TypeBool, "强制")},
		Examples:  []string{"cluster delete demo confirm=demo", "cluster delete demo confirm=demo force=yes"},
		ExampleZH: "集群 删除 demo 确认=demo", Plan: s.planClusterDelete, Run: s.runClusterDelete}
}

func (s *Services) planClusterDelete(ctx context.Context, c *Call) (*Preview, error) {
	nodes, err := s.Store.Nodes(ctx, c.Cluster.ID)
	if err != nil {
		return nil, err
	}
	proc := s.Procedures[lifecycle.OpDelete]
	plan := lifecycle.Plan{Kind: proc.Kind, Version: proc.Version, Hash: lifecycle.PlanHash(proc, c.Cluster, nodes)}
	if !c.confirmed() { // the facts are for the reader; without one, the delete gathers them itself
		op := &lifecycle.Operation{Kind: lifecycle.OpDelete, ClusterName: c.Cluster.Name, Params: deleteParams(c)}
		if plan, err = s.plan(ctx, op, c.Cluster, nodes); err != nil {
			return nil, err
		}
	}
	m := c.planMessage("cluster.delete.preview", c.Cluster, plan)
	m.Severity = bot.Warning
	return &Preview{Target: c.Cluster.Name, Hash: plan.Hash, Body: m, Value: &plan}, nil
}

func deleteParams(c *Call) []byte { return data(map[string]any{"force": c.Values.Bool("force")}) }

func (s *Services) runClusterDelete(_ context.Context, c *Call) (*Outcome, error) {
	op := s.newOperation(c, lifecycle.OpDelete, c.Cluster)
	op.Params, op.PlanHash = deleteParams(c), c.Preview.Hash
	o := &Outcome{Target: c.Cluster.Name, Operation: op}
	o.Commit = func(ctx context.Context) (bot.Message, error) {
		if err := s.makeWay(ctx, c); err != nil {
			return bot.Message{}, err
		}
		return bot.Message{}, s.start(ctx, op)
	}
	return o, nil
}

// makeWay stops what runs on the cluster and cancels what waits.
func (s *Services) makeWay(ctx context.Context, c *Call) error {
	active, err := s.Store.Operations(ctx, OperationFilter{ClusterID: c.Cluster.ID, Active: true})
	if err != nil {
		return err
	}
	for _, op := range active {
		if op.Kind == lifecycle.OpDelete {
			return refuse("cluster.deleting", "cluster", c.Cluster.Name, "op", op.Label())
		}
	}
	cancelled, err := s.Store.CancelQueued(ctx, c.Cluster.ID)
	if err != nil {
		return err
	}
	for _, op := range cancelled {
		if err := s.Store.AppendEvents(ctx, lifecycle.CancelledEvent(&op, s.Now())); err != nil {
			return err
		}
	}
	for _, op := range active {
		if !op.Status.Active() {
			continue
		}
		if _, err := s.signal(ctx, c, &op, lifecycle.Signals{Stop: true}); err != nil && !errors.Is(err, lifecycle.ErrConflict) {
			return err
		}
	}
	return nil
}

// newOperation makes the operation that a call starts.
func (s *Services) newOperation(c *Call, kind lifecycle.OperationKind, cl *lifecycle.Cluster) *lifecycle.Operation {
	return &lifecycle.Operation{Kind: kind, ProjectID: cl.ProjectID, ClusterID: cl.ID, ClusterName: cl.Name,
		Actor: c.Subject.User.ID, ActorName: c.actorName(), Origin: data(c.In.From), Cause: c.In.From.Account + "/" + c.In.ID,
		Version: s.Procedures[kind].Version, Status: lifecycle.OpQueued, Attempt: 1, CreatedAt: s.Now()}
}

// start queues op and tells of it, in the transaction of the call.
func (s *Services) start(ctx context.Context, op *lifecycle.Operation) error {
	if err := s.Store.CreateOperation(ctx, op); err != nil {
		return err
	}
	return s.Store.AppendEvents(ctx, lifecycle.QueuedEvent(op, s.Now()))
}
