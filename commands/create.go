package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// clusterCreate builds a cluster: on registered hosts or in the sandbox.
func (s *Services) clusterCreate() *Spec {
	cp := Param{Word: Word{"control-plane", []string{"masters", "主节点", "master", "control-planes", "控制节点"}}, Type: TypeCount, Default: "1", Min: 1, Max: 3}
	workers := Param{Word: Word{"workers", []string{"工作节点", "worker", "nodes"}}, Type: TypeCount, Default: "0", Min: 0, Max: 500}
	return &Spec{Noun: nounCluster, Verb: verbCreate, Needs: access.ClusterChange, Kind: Additive, Scope: ScopeProject,
		Args:    []Param{arg("name", TypeName, "名称")},
		Options: append([]Param{opt("region", TypeRegion, "区域"), cp, workers}, createOptions()...),
		Examples: []string{"cluster create demo region=sandbox masters=1 workers=2",
			"cluster create prod-1 masters=h1,h2,h3 workers=h4,h5 vip=192.0.2.100 version=1.34",
			"cluster create lab region=hosts control-plane=1 workers=1 bundle=k134 --dry-run"},
		ExampleZH: "集群 创建 demo 区域=sandbox 主节点=1 工作节点=2", Plan: s.planClusterCreate, Run: s.runClusterCreate}
}

func choice(name, def string, choices []Word, aliases ...string) Param {
	return Param{Word: Word{name, aliases}, Type: TypeChoice, Default: def, Choices: choices}
}

func createOptions() []Param {
	word := func(names ...string) (w []Word) {
		for _, n := range names {
			w = append(w, Word{Name: n})
		}
		return w
	}
	pods := Param{Word: Word{"pods-per-node", []string{"单节点容器组数", "max-pods"}}, Type: TypeInt, Default: "110", Min: 16, Max: 500}
	text := func(name, def string, t ParamType, aliases ...string) Param {
		p := opt(name, t, aliases...)
		p.Default = def
		return p
	}
	return []Param{
		opt("version", TypeVersion, "版本"),
		choice("cni", "flannel", word("flannel"), "网络"),
		choice("cni-mode", "vxlan", word("vxlan", "host-gw"), "网络模式"),
		choice("proxy", "iptables", word("iptables", "ipvs"), "代理模式", "kube-proxy"),
		text("pod-cidr", "10.244.0.0/16", TypeCIDR, "容器网段"),
		text("service-cidr", "10.96.0.0/12", TypeCIDR, "服务网段"),
		text("dns-domain", "cluster.local", TypeText, "集群域名"),
		pods,
		opt("audit-log", TypeBool, "审计日志"),
		opt("dns-cache", TypeBool, "dns缓存"),
		opt("vip", TypeAddress, "虚拟ip"),
		opt("endpoint", TypeAddress, "外部地址", "lb"),
		opt("bundle", TypeBundle, "离线包"),
		opt("images", TypeText, "镜像文件"),
		opt("nic", TypeText, "网卡"),
		opt("data-path", TypeText, "数据目录"),
		opt("timezone", TypeText, "时区"),
		opt("ntp", TypeList, "时间服务器"),
	}
}

// clusterDraft is a cluster that is not there yet, with everything decided.
type clusterDraft struct {
	cluster *lifecycle.Cluster
	nodes   []*lifecycle.Node
	hostIDs []string
	plan    lifecycle.Plan
}

func (s *Services) planClusterCreate(ctx context.Context, c *Call) (*Preview, error) {
	d, err := s.draft(ctx, c)
	if err != nil {
		return nil, err
	}
	op := &lifecycle.Operation{Kind: lifecycle.OpCreate, ClusterName: d.cluster.Name}
	d.plan, err = s.plan(ctx, op, d.cluster, d.nodes)
	if err != nil {
		return nil, err
	}
	m := c.planMessage("cluster.create.preview", d.cluster, d.plan)
	return &Preview{Target: d.cluster.Name, Hash: d.plan.Hash, Body: m, Blocked: len(d.plan.Problems) > 0, Value: d}, nil
}

// draft decides everything that was left open: region, hosts, version, endpoint.
func (s *Services) draft(ctx context.Context, c *Call) (*clusterDraft, error) {
	name := c.Values.Text("name")
	if _, err := s.Store.ClusterByName(ctx, c.Project.ID, name); err == nil {
		return nil, taken(lifecycle.ErrExists, "cluster", name)
	} else if !errors.Is(err, lifecycle.ErrNotFound) {
		return nil, err
	}
	region, err := s.chooseRegion(ctx, c)
	if err != nil {
		return nil, err
	}
	d := &clusterDraft{cluster: &lifecycle.Cluster{ID: ulid.Make().String(), ProjectID: c.Project.ID, Name: name, Source: "created",
		Region: region.Name, Provider: region.Provider, Simulated: region.Simulated, Status: lifecycle.ClusterPending,
		CreatedBy: c.Subject.User.ID, CreatedAt: s.Now()}}
	if err := s.chooseNodes(ctx, c, d); err != nil {
		return nil, err
	}
	if err := s.fillSpec(ctx, c, d); err != nil {
		return nil, err
	}
	return d, s.chooseVersion(ctx, c, d)
}

func (s *Services) chooseRegion(ctx context.Context, c *Call) (*lifecycle.Region, error) {
	name := c.Values.Text("region")
	if name == "" && (len(c.Values["control-plane"].List) > 0 || len(c.Values["workers"].List) > 0) {
		name = "hosts" // named hosts say where
	}
	if name == "" {
		return nil, &askFor{param: opt("region", TypeRegion, "区域")}
	}
	r := s.region(name)
	granted, err := s.isGranted(ctx, c.Project.ID, "region", name)
	if err != nil {
		return nil, err
	}
	if r == nil || !granted {
		return nil, missing(lifecycle.ErrNotFound, "region", name)
	}
	return r, nil
}

// isGranted reports whether a project may use a shared resource.
func (s *Services) isGranted(ctx context.Context, projectID, kind, name string) (bool, error) {
	grants, err := s.Store.Grants(ctx, projectID)
	if err != nil {
		return false, err
	}
	for _, g := range grants {
		if g.Kind == kind && g.Name == name {
			return true, nil
		}
	}
	return false, nil
}

func (s *Services) chooseNodes(ctx context.Context, c *Call, d *clusterDraft) error {
	cp, workers := c.Values["control-plane"], c.Values["workers"]
	n, w := count(cp), count(workers)
	if n != 1 && n != 3 {
		return refuse("create.controlplanes", "count", n)
	}
	d.cluster.Spec.ControlPlanes, d.cluster.Spec.Workers = n, w
	if d.cluster.Provider != "hosts" {
		if len(cp.List)+len(workers.List) > 0 {
			return refuse("create.nohostnames", "region", d.cluster.Region)
		}
		d.nodes = append(machines(d.cluster.Name, "m", lifecycle.ControlPlane, n), machines(d.cluster.Name, "w", lifecycle.Worker, w)...)
		return nil
	}
	return s.chooseHosts(ctx, d, cp, workers)
}

func count(v Value) int {
	if len(v.List) > 0 {
		return len(v.List)
	}
	return v.Int
}

// machines names the machines to be made.
func machines(cluster, letter string, role lifecycle.NodeRole, n int) []*lifecycle.Node {
	var out []*lifecycle.Node
	for i := range n {
		out = append(out, &lifecycle.Node{Name: fmt.Sprintf("%s-%s%d", cluster, letter, i+1), Role: role, Index: i, Status: "planned"})
	}
	return out
}

func (s *Services) fillSpec(ctx context.Context, c *Call, d *clusterDraft) error {
	v, sp := c.Values, &d.cluster.Spec
	sp.Arch = "amd64"
	sp.CNI, sp.CNIMode, sp.ProxyMode = v.Text("cni"), v.Text("cni-mode"), v.Text("proxy")
	sp.PodCIDR, sp.ServiceCIDR, sp.DNSDomain = v.Text("pod-cidr"), v.Text("service-cidr"), v.Text("dns-domain")
	sp.PodsPerNode, sp.AuditLog, sp.NodeLocalDNS = v.Int("pods-per-node"), v.Bool("audit-log"), v.Bool("dns-cache")
	sp.NIC, sp.DataPath, sp.TimeZone, sp.NTPServers = v.Text("nic"), v.Text("data-path"), v.Text("timezone"), v["ntp"].List
	if sp.DataPath != "" && !strings.HasPrefix(sp.DataPath, "/") {
		return refuse("create.datapath", "path", sp.DataPath)
	}
	if arch := s.archOf(ctx, d); arch != "" {
		sp.Arch = arch
	}
	if err := s.choosePackages(ctx, c, d); err != nil {
		return err
	}
	return s.chooseEndpoint(ctx, c, d)
}

// archOf is the architecture that the first chosen host has.
func (s *Services) archOf(ctx context.Context, d *clusterDraft) string {
	if len(d.hostIDs) == 0 {
		return ""
	}
	h, err := s.Store.HostByID(ctx, d.hostIDs[0])
	if err != nil {
		return ""
	}
	return h.Facts.Arch
}

func (s *Services) choosePackages(ctx context.Context, c *Call, d *clusterDraft) error {
	p := &d.cluster.Spec.Packages
	p.ImageRepository, p.Images = s.defaults().ImageRepository, s.defaults().Images
	if images := c.Values.Text("images"); images != "" {
		p.Images = images
	}
	name := c.Values.Text("bundle")
	switch {
	case name != "":
		b, err := s.Store.BundleByName(ctx, name)
		granted, grantErr := s.isGranted(ctx, c.Project.ID, "bundle", name)
		if grantErr != nil {
			return grantErr
		}
		if err != nil || !granted {
			return missing(lifecycle.ErrNotFound, "bundle", name)
		}
		p.Source, p.Bundle, p.Digest, p.Images = "bundle", name, b.Digest, ""
	case s.defaults().Mirror != "" && !d.cluster.Simulated:
		p.Source, p.Mirror = "mirror", s.defaults().Mirror
	default:
		p.Source = "repos"
	}
	return nil
}

// simulatedVIP gives the address that a sandbox cluster's control planes share: the
// highest of 10.77.255.0/24 that no cluster has. Simulated machines count upwards
// from 10.77.128.0.
func (s *Services) simulatedVIP(ctx context.Context) (string, error) {
	all, err := s.Store.Clusters(ctx)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, c := range all {
		taken[c.Spec.Endpoint.Address] = true
	}
	for last := 254; last > 0; last-- {
		if vip := fmt.Sprintf("10.77.255.%d", last); !taken[vip] {
			return vip, nil
		}
	}
	return "", refuse("create.novip")
}

func (s *Services) chooseEndpoint(ctx context.Context, c *Call, d *clusterDraft) error {
	sp := &d.cluster.Spec
	vip, external := c.Values.Text("vip"), c.Values.Text("endpoint")
	switch {
	case vip != "" && external != "":
		return refuse("create.twoendpoints")
	case vip != "":
		sp.Endpoint = lifecycle.EndpointSpec{Kind: "vip", Address: vip, Port: 8443}
	case external != "":
		sp.Endpoint = lifecycle.EndpointSpec{Kind: "external", Address: external, Port: 6443}
	case sp.ControlPlanes == 1:
		sp.Endpoint = lifecycle.EndpointSpec{Kind: "first", Port: 6443}
	case d.cluster.Simulated:
		vip, err := s.simulatedVIP(ctx)
		if err != nil {
			return err
		}
		sp.Endpoint = lifecycle.EndpointSpec{Kind: "vip", Address: vip, Port: 8443}
	default:
		return refuse("create.noendpoint", "count", sp.ControlPlanes)
	}
	return nil
}

func (s *Services) chooseVersion(ctx context.Context, c *Call, d *clusterDraft) error {
	wanted := c.Values.Text("version")
	if wanted == "" && d.cluster.Spec.Packages.Source != "bundle" {
		wanted = s.defaults().Version
	}
	v, err := s.Versions.Resolve(ctx, wanted, d.cluster, d.nodes)
	if err != nil {
		return err
	}
	d.cluster.Spec.Version = v
	return nil
}

func (s *Services) runClusterCreate(_ context.Context, c *Call) (*Outcome, error) {
	d, ok := c.Preview.Value.(*clusterDraft)
	if !ok {
		return nil, fmt.Errorf("cluster create without its draft")
	}
	o := &Outcome{Target: d.cluster.Name}
	o.Commit = func(ctx context.Context) (bot.Message, error) {
		if err := s.Store.CreateCluster(ctx, d.cluster, d.nodes); err != nil {
			return bot.Message{}, taken(err, "cluster", d.cluster.Name)
		}
		if len(d.hostIDs) > 0 {
			if err := s.Store.ClaimHosts(ctx, d.cluster.ID, d.hostIDs); err != nil {
				if errors.Is(err, lifecycle.ErrConflict) {
					return bot.Message{}, refuse("create.hosttaken")
				}
				return bot.Message{}, err
			}
		}
		op := s.newOperation(c, lifecycle.OpCreate, d.cluster)
		op.PlanHash, o.Operation = d.plan.Hash, op
		return bot.Message{}, s.start(ctx, op)
	}
	return o, nil
}
