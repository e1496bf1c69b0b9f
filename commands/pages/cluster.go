package pages

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

const (
	recentOps    = 8
	recentEvents = 20
	// searchedEvents is how many are looked through for them.
	searchedEvents = 400
	// askFor bounds the question to a cluster's API server.
	askFor = 5 * time.Second
)

// fact is a labelled value.
type fact struct{ Label, Value string }

// clusterView is the page of a cluster.
type clusterView struct {
	*reader
	*lifecycle.Cluster
	Project    string
	Name       string // as commands say it
	URL        string
	Facts      []fact
	Settings   []fact
	Nodes      nodesView
	Operations []operationRow
	Busy       *operationRow
	Events     []lifecycle.Event
	AllOps     string
	Kubeconfig bool // the reader may have it
	Delete     bool // the reader may delete it
	AtMS       int64
}

// nodesView is the table of nodes: as the API server sees them, or as they were
// planned.
type nodesView struct {
	*reader
	Name    string
	Planned []*lifecycle.Node
	Live    []commands.NodeState
	Ready   int
	At      time.Time
	Problem string // why there is no live answer
	Next    string
}

// lookCluster looks at the cluster of the path.
func (p *Pages) lookCluster(r *http.Request, in bot.Inbound, head string) (*commands.Call, *reader, error) {
	project, name := r.PathValue("project"), r.PathValue("name")
	if !nameForm.MatchString(project) || !nameForm.MatchString(name) {
		return nil, nil, commands.ErrDenied
	}
	return p.look(r.Context(), in, head+project+"/"+name)
}

// clusterPage shows one cluster, from our own books: the API server is asked when
// the page is there.
func (p *Pages) clusterPage(w http.ResponseWriter, r *http.Request, in bot.Inbound) error {
	call, rd, err := p.lookCluster(r, in, "cluster show ")
	if err != nil {
		return err
	}
	cl := call.Cluster
	v := clusterView{reader: rd, Cluster: cl, Project: call.Project.Name, Name: commands.ClusterRef(call.Project.Name, cl.Name),
		URL: clusterURL(call.Project.Name, cl.Name), Facts: rd.facts(cl, call.Project.Name), Settings: rd.settings(cl.Spec),
		AllOps:     "/operations?cluster=" + call.Project.Name + "/" + cl.Name,
		Kubeconfig: rd.may(access.ClusterKubeconfig, cl), Delete: rd.may(access.ClusterChange, cl), AtMS: rd.now.UnixMilli()}
	v.Nodes = nodesView{reader: rd, Name: v.Name}
	if v.Nodes.Planned, err = p.store.Nodes(r.Context(), cl.ID); err != nil {
		return err
	}
	if err := p.clusterHistory(r.Context(), &v); err != nil {
		return err
	}
	return p.show(w, r, in, http.StatusOK, cl.Name, "clusters", "cluster", v)
}

func (p *Pages) clusterHistory(ctx context.Context, v *clusterView) error {
	s := &sight{projects: map[string]string{v.ProjectID: v.Project}, clusters: []lifecycle.Cluster{*v.Cluster}}
	ops, err := p.store.Operations(ctx, commands.OperationFilter{ClusterID: v.ID, Limit: recentOps})
	if err != nil {
		return err
	}
	for _, op := range ops {
		row := p.operationRow(v.reader, s, op)
		v.Operations = append(v.Operations, row)
		if !op.Status.Ended() {
			v.Busy = &row
		}
	}
	all, err := p.store.Events(ctx, commands.EventFilter{ClusterID: v.ID, Limit: searchedEvents})
	if err != nil {
		return err
	}
	// How far an operation has got is on its own page.
	all = slices.DeleteFunc(all, func(e lifecycle.Event) bool {
		return e.Name == "operation.stage" || e.Name == "operation.progress"
	})
	v.Events = all[:min(len(all), recentEvents)]
	return nil
}

// clusterNodes asks the API server and gives the table of nodes alone, for the
// page to put in.
func (p *Pages) clusterNodes(w http.ResponseWriter, r *http.Request, in bot.Inbound) error {
	call, rd, err := p.lookCluster(r, in, "cluster nodes ")
	if err != nil {
		return err
	}
	v := nodesView{reader: rd, Name: commands.ClusterRef(call.Project.Name, call.Cluster.Name), At: rd.now}
	if v.Planned, err = p.store.Nodes(r.Context(), call.Cluster.ID); err != nil {
		return err
	}
	if err := p.askNodes(r.Context(), call.Cluster, &v); err != nil {
		return err
	}
	body, err := p.render("nodes", v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'") // it is a part, not a page
	_, _ = w.Write([]byte(body))                                    // the browser may have gone
	return nil
}

// askNodes fills in what the API server says, or why it says nothing.
func (p *Pages) askNodes(ctx context.Context, cl *lifecycle.Cluster, v *nodesView) error {
	config, err := p.store.Kubeconfig(ctx, cl.ID)
	if errors.Is(err, lifecycle.ErrNotFound) || err == nil && config == "" {
		v.Problem = v.T("cluster.notyet", "cluster", cl.Name, "status", lifecycle.T("cluster.status."+string(cl.Status)))
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	live, err := p.cfg.Services.Kube.Nodes(ctx, cl, config)
	if err != nil {
		p.cfg.Log.Warn("asking a cluster for its nodes", "cluster", cl.Name, "error", err)
		v.Problem, v.Next = v.T("page.nodes.silent"), v.T("page.nodes.silent.next", "command", v.Said("cluster nodes "+v.Name))
		var told *lifecycle.Error
		if errors.As(err, &told) {
			v.Problem, v.Next = v.Text(told.Text), v.Text(told.Next)
		}
		return nil
	}
	v.Live = live
	for _, n := range live {
		if n.Ready {
			v.Ready++
		}
	}
	return nil
}

// facts are what one asks first.
func (rd *reader) facts(cl *lifecycle.Cluster, project string) []fact {
	return known(fact{rd.T("label.version"), firstOf(cl.Version, cl.Spec.Version)}, fact{rd.T("label.endpoint"), cl.Endpoint},
		fact{rd.T("label.project"), project}, fact{rd.T("label.region"), cl.Region},
		fact{rd.T("label.controlplanes"), strconv.Itoa(cl.Spec.ControlPlanes)}, fact{rd.T("label.workers"), strconv.Itoa(cl.Spec.Workers)},
		fact{rd.T("label.created"), rd.When(cl.CreatedAt)})
}

// settings are what the cluster was asked to be.
func (rd *reader) settings(s lifecycle.ClusterSpec) []fact {
	packages := rd.Word("packages", s.Packages.Source)
	if s.Packages.Source == "bundle" {
		packages = rd.T("packages.bundle", "bundle", s.Packages.Bundle)
	}
	pods := ""
	if s.PodsPerNode > 0 {
		pods = strconv.Itoa(s.PodsPerNode)
	}
	return known(fact{rd.T("label.cni"), strings.TrimSpace(s.CNI + " " + s.CNIMode)}, fact{rd.T("label.podcidr"), s.PodCIDR},
		fact{rd.T("label.servicecidr"), s.ServiceCIDR}, fact{rd.T("page.spec.dns"), s.DNSDomain}, fact{rd.T("page.spec.pods"), pods},
		fact{rd.T("page.spec.proxy"), s.ProxyMode}, fact{rd.T("page.spec.endpoint"), rd.endpoint(s.Endpoint)},
		fact{rd.T("page.spec.nic"), s.NIC}, fact{rd.T("label.arch"), s.Arch}, fact{rd.T("label.packages"), packages},
		fact{rd.T("page.spec.mirror"), s.Packages.Mirror}, fact{rd.T("page.spec.images"), firstOf(s.Packages.ImageRepository, s.Packages.Images)},
		fact{rd.T("page.spec.data"), s.DataPath}, fact{rd.T("page.spec.ntp"), strings.Join(s.NTPServers, ", ")},
		fact{rd.T("label.timezone"), s.TimeZone}, fact{rd.T("page.spec.audit"), rd.yes(s.AuditLog)},
		fact{rd.T("page.spec.nodelocaldns"), rd.yes(s.NodeLocalDNS)})
}

// endpoint says how the API server is reached.
func (rd *reader) endpoint(e lifecycle.EndpointSpec) string {
	switch e.Kind {
	case "vip", "external":
		return rd.T("page.spec.endpoint."+e.Kind, "address", e.Address+":"+strconv.Itoa(e.Port))
	case "first":
		return rd.T("page.spec.endpoint.first")
	default:
		return ""
	}
}

func (rd *reader) yes(v bool) string {
	if v {
		return rd.T("word.yes")
	}
	return rd.T("word.no")
}

// known leaves out what has no value.
func known(all ...fact) []fact {
	var out []fact
	for _, f := range all {
		if f.Value != "" {
			out = append(out, f)
		}
	}
	return out
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
