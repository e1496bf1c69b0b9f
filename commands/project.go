package commands

import (
	"context"
	"errors"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

func projectArg() Param { return arg("project", TypeProject, "项目") }

func (s *Services) projectCreate() *Spec {
	return &Spec{Noun: nounProject, Verb: verbCreate, Needs: access.ProjectChange, Kind: Change,
		Args: []Param{arg("name", TypeName, "名称")}, Options: []Param{opt("description", TypeText, "描述", "说明")},
		Examples: []string{"project create qa description=\"Quality assurance\""}, ExampleZH: "项目 创建 qa 描述=测试",
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			name := c.Values.Text("name")
			p := &lifecycle.Project{Name: name, Description: c.Values.Text("description"), CreatedAt: s.Now()}
			reply := c.ok("project member "+name+" USER role=manager", "project.created", "project", name)
			return added(name, reply, p, func(ctx context.Context) error {
				if err := s.Store.SaveProject(ctx, p); err != nil {
					return taken(err, "project", name)
				}
				for _, r := range s.Regions { // a new project can build where nothing must be granted piece by piece
					if err := s.Store.SaveGrant(ctx, access.Grant{ProjectID: p.ID, Kind: "region", Name: r.Name}); err != nil {
						return err
					}
				}
				return nil
			}), nil
		}}
}

func (s *Services) projectList() *Spec {
	return &Spec{Noun: nounProject, Verb: verbList, Needs: access.ProjectRead,
		Examples: []string{"project list"}, ExampleZH: "项目 列表",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) {
			visible, err := s.visibleProjects(ctx, c.Subject, access.ProjectRead)
			if err != nil {
				return nil, err
			}
			var rows [][]string
			for _, p := range visible {
				rows = append(rows, []string{p.Name, p.Description, c.when(p.CreatedAt)})
			}
			return &Outcome{Reply: c.list("project.list", rows, "project.none", "project show NAME",
				map[string]any{"projects": visible}, "name", "description", "created")}, nil
		}}
}

// visibleProjects are those in which the person holds a permission.
func (s *Services) visibleProjects(ctx context.Context, who access.Subject, p access.Permission) ([]lifecycle.Project, error) {
	all, err := s.Store.Projects(ctx)
	if err != nil {
		return nil, err
	}
	visible := []lifecycle.Project{}
	for _, project := range all {
		if who.Allowed(p, access.Object{ProjectID: project.ID}) {
			visible = append(visible, project)
		}
	}
	return visible, nil
}

func (s *Services) projectShow() *Spec {
	return &Spec{Noun: nounProject, Verb: verbShow, Needs: access.ProjectRead, Scope: ScopeProject,
		Args: []Param{projectArg()}, Examples: []string{"project show default"}, ExampleZH: "项目 查看 default",
		Run: s.runProjectShow}
}

// memberRow is a membership in names.
type memberRow struct {
	User    string      `json:"user"`
	Role    access.Role `json:"role"`
	Cluster string      `json:"cluster,omitempty"`
}

func (s *Services) runProjectShow(ctx context.Context, c *Call) (*Outcome, error) {
	members, err := s.members(ctx, c.Project.ID)
	if err != nil {
		return nil, err
	}
	grants, err := s.Store.Grants(ctx, c.Project.ID)
	if err != nil {
		return nil, err
	}
	clusters, err := s.visibleClusters(ctx, c, c.Project.ID)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for _, m := range members {
		rows = append(rows, []string{m.User, c.word("role", string(m.Role)), m.Cluster})
	}
	m := bot.Message{Title: c.Project.Name, Text: c.Project.Description, Table: c.table(rows, "user", "role", "cluster"),
		Footer: c.next("project member " + c.Project.Name + " USER role=viewer"),
		Data: data(map[string]any{"project": c.Project, "members": members, "grants": grants,
			"clusters": clusterNames(clusters)})}
	if len(rows) == 0 {
		m.Table = nil
	}
	for _, g := range grants {
		m.Fields = append(m.Fields, bot.Field{Label: c.Say("kind." + g.Kind), Value: g.Name, Short: true})
	}
	for _, cl := range clusters {
		m.Fields = append(m.Fields, bot.Field{Label: c.Say("kind.cluster"), Value: cl.Name + " · " + c.word("cluster.status", string(cl.Status)), Short: true})
	}
	return &Outcome{Reply: m}, nil
}

func (s *Services) members(ctx context.Context, projectID string) ([]memberRow, error) {
	ms, err := s.Store.ProjectMemberships(ctx, projectID)
	if err != nil {
		return nil, err
	}
	rows := []memberRow{}
	for _, m := range ms {
		u, err := s.Store.UserByID(ctx, m.UserID)
		if err != nil {
			return nil, err
		}
		row := memberRow{User: u.Name, Role: m.Role}
		if m.ClusterID != "" {
			cl, err := s.Store.Cluster(ctx, m.ClusterID)
			if err != nil {
				return nil, err
			}
			row.Cluster = cl.Name
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (s *Services) projectDelete() *Spec {
	return &Spec{Noun: nounProject, Verb: verbDelete, Needs: access.ProjectChange, Kind: Destructive,
		Args: []Param{projectArg()}, Scope: ScopeProject,
		Examples: []string{"project delete qa confirm=qa"}, ExampleZH: "项目 删除 qa 确认=qa",
		Plan: func(_ context.Context, c *Call) (*Preview, error) {
			if c.Project.Name == lifecycle.DefaultProject {
				return nil, refuse("project.default")
			}
			return simplePreview(c, c.Project.Name, "project.delete.preview", "project", c.Project.Name), nil
		},
		Run: func(_ context.Context, c *Call) (*Outcome, error) {
			return done(c.Project.Name, c.ok("project list", "project.deleted", "project", c.Project.Name),
				func(ctx context.Context) error {
					err := s.Store.DeleteProject(ctx, c.Project.ID)
					if errors.Is(err, lifecycle.ErrConflict) {
						return refuse("project.busy", "project", c.Project.Name)
					}
					return err
				}), nil
		}}
}

// projectMember gives or takes a role in a project.
func (s *Services) projectMember() *Spec {
	role := Param{Word: Word{"role", []string{"角色"}}, Type: TypeChoice, Default: string(access.Viewer), Choices: []Word{
		{string(access.Viewer), []string{"只读", "观察者"}},
		{string(access.Manager), []string{"项目管理员", "管理员"}},
		{string(access.ClusterManager), []string{"集群管理员"}},
	}}
	return &Spec{Noun: nounProject, Verb: Word{"member", []string{"成员"}}, Needs: access.MemberChange, Kind: Change,
		Scope: ScopeProject, Args: []Param{projectArg(), userArg()},
		Options: []Param{role, opt("cluster", TypeName, "集群"), opt("remove", TypeBool, "移除")},
		Examples: []string{"project member qa alice role=manager", "project member qa bob role=cluster-manager cluster=demo",
			"project member qa bob role=viewer remove=yes"},
		ExampleZH: "项目 成员 qa alice 角色=项目管理员", Run: s.runProjectMember}
}

func (s *Services) runProjectMember(ctx context.Context, c *Call) (*Outcome, error) {
	role := access.Role(c.Values.Text("role"))
	if role == access.Manager && !c.Subject.Allowed(access.ProjectChange, access.Object{ProjectID: c.Project.ID}) {
		return nil, errDenied // managers are made by admins
	}
	u, err := s.user(ctx, c)
	if err != nil {
		return nil, err
	}
	m := access.Membership{UserID: u.ID, ProjectID: c.Project.ID, Role: role}
	name := c.Values.Text("cluster")
	if role == access.ClusterManager {
		if name == "" {
			return nil, refuse("member.nocluster")
		}
		cl, err := s.Store.ClusterByName(ctx, c.Project.ID, name)
		if err != nil {
			return nil, missing(err, "cluster", name)
		}
		m.ClusterID = cl.ID
	}
	change, key := s.Store.SaveMembership, "member.added"
	if c.Values.Bool("remove") {
		change, key = s.Store.DeleteMembership, "member.removed"
	}
	reply := c.ok("project show "+c.Project.Name, key, "user", u.Name, "project", c.Project.Name,
		"role", lifecycle.T("role."+string(role)))
	return done(u.Name, reply, func(ctx context.Context) error {
		err := change(ctx, m)
		if errors.Is(err, lifecycle.ErrNotFound) {
			return refuse("member.missing", "user", u.Name, "project", c.Project.Name)
		}
		return err
	}), nil
}

func grantOptions() []Param {
	return []Param{opt("host", TypeList, "主机", "hosts"), opt("bundle", TypeList, "离线包", "bundles"),
		opt("region", TypeList, "区域", "regions")}
}

func (s *Services) projectGrant() *Spec {
	return &Spec{Noun: nounProject, Verb: Word{"grant", []string{"授权"}}, Needs: access.ProjectChange, Kind: Change,
		Scope: ScopeProject, Args: []Param{projectArg()}, Options: grantOptions(),
		Examples: []string{"project grant qa host=h1,h2 bundle=k134"}, ExampleZH: "项目 授权 qa 主机=h1,h2",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) { return s.runGrant(ctx, c, true) }}
}

func (s *Services) projectRevoke() *Spec {
	return &Spec{Noun: nounProject, Verb: Word{"revoke", []string{"取消授权", "收回"}}, Needs: access.ProjectChange, Kind: Change,
		Scope: ScopeProject, Args: []Param{projectArg()}, Options: grantOptions(),
		Examples: []string{"project revoke qa host=h2"}, ExampleZH: "项目 取消授权 qa 主机=h2",
		Run: func(ctx context.Context, c *Call) (*Outcome, error) { return s.runGrant(ctx, c, false) }}
}

func (s *Services) runGrant(ctx context.Context, c *Call, give bool) (*Outcome, error) {
	var grants []access.Grant
	for _, o := range grantOptions() {
		for _, name := range c.Values[o.Name].List {
			if err := s.exists(ctx, o.Name, name); give && err != nil {
				return nil, missing(err, o.Name, name)
			}
			grants = append(grants, access.Grant{ProjectID: c.Project.ID, Kind: o.Name, Name: name})
		}
	}
	if len(grants) == 0 {
		return nil, refuse("grant.nothing")
	}
	change, key := s.Store.SaveGrant, "grant.given"
	if !give {
		change, key = s.Store.DeleteGrant, "grant.taken"
	}
	reply := c.ok("project show "+c.Project.Name, key, "project", c.Project.Name, "count", len(grants))
	return done(c.Project.Name, reply, func(ctx context.Context) error {
		for _, g := range grants {
			if err := change(ctx, g); err != nil {
				return missing(err, g.Kind, g.Name)
			}
		}
		return nil
	}), nil
}

// exists reports whether a shared resource is there to be granted.
func (s *Services) exists(ctx context.Context, kind, name string) error {
	switch kind {
	case "host":
		_, err := s.Store.HostByName(ctx, name)
		return err
	case "bundle":
		_, err := s.Store.BundleByName(ctx, name)
		return err
	default:
		if s.region(name) == nil {
			return lifecycle.ErrNotFound
		}
		return nil
	}
}

// granted gives the names of a kind of resource that the projects in which the
// person holds a permission were granted; nil and true mean "all" (an admin).
func (s *Services) granted(ctx context.Context, who access.Subject, p access.Permission, kind string) (map[string]bool, bool, error) {
	if who.User != nil && who.User.Admin {
		return nil, true, nil
	}
	names := map[string]bool{}
	for _, m := range who.Memberships {
		if !who.Allowed(p, access.Object{ProjectID: m.ProjectID}) {
			continue
		}
		grants, err := s.Store.Grants(ctx, m.ProjectID)
		if err != nil {
			return nil, false, err
		}
		for _, g := range grants {
			if g.Kind == kind {
				names[g.Name] = true
			}
		}
	}
	return names, false, nil
}

// visibleOf keeps what the person may see of a shared kind of resource.
func visibleOf[T any](ctx context.Context, s *Services, who access.Subject, kind string, all []T, name func(T) string) ([]T, error) {
	names, every, err := s.granted(ctx, who, access.ResourceRead, kind)
	if err != nil {
		return nil, err
	}
	visible := []T{}
	for _, v := range all {
		if every || names[name(v)] {
			visible = append(visible, v)
		}
	}
	return visible, nil
}
