package pages

import (
	"context"
	"net/http"
	"net/url"
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
	pageOfOps = 50   // operations that a list shows at first
	mostOps   = 1000 // that it shows at all
)

// operationRow is an operation as lists show it.
type operationRow struct {
	lifecycle.Operation
	Cluster    string // with its project where there are several
	ClusterURL string // "" when it is gone
	Simulated  bool
	Lasted     time.Duration
	SinceMS    int64 // of a running one
}

// operationsView is the list of operations.
type operationsView struct {
	*reader
	Rows     []operationRow
	Clusters []string // to narrow to, PROJECT/NAME
	Cluster  string
	Active   bool
	More     string // the same page with more of them; "" when that is all
	Command  string
	AtMS     int64
}

// operationList shows the operations that the reader sees, newest first.
func (p *Pages) operationList(w http.ResponseWriter, r *http.Request, in bot.Inbound) error {
	rd, err := p.lister(r.Context(), in, "op list")
	if err != nil {
		return err
	}
	sight, err := p.sight(r.Context(), rd)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	v := operationsView{reader: rd, Cluster: q.Get("cluster"), Active: q.Get("active") == "yes", AtMS: rd.now.UnixMilli(), Command: "op list"}
	f := commands.OperationFilter{Active: v.Active}
	for _, cl := range sight.clusters {
		name := sight.projects[cl.ProjectID] + "/" + cl.Name
		v.Clusters = append(v.Clusters, name)
		if v.Cluster == name || v.Cluster == cl.Name {
			v.Cluster, f.ClusterID = name, cl.ID
		}
	}
	if v.Cluster != "" && f.ClusterID == "" {
		return commands.ErrDenied
	}
	v.Command += narrowed(v)
	show := number(q.Get("show"), 1, pageOfOps, mostOps)
	ops, more, err := p.seenOperations(r.Context(), rd, f, show)
	if err != nil {
		return err
	}
	for _, op := range ops {
		v.Rows = append(v.Rows, p.operationRow(rd, sight, op))
	}
	if more && show < mostOps {
		v.More = moreURL(q, show)
	}
	return p.show(w, r, in, http.StatusOK, rd.T("page.operations.title"), "operations", "operations", v)
}

// narrowed are the options of the command that shows the same.
func narrowed(v operationsView) string {
	out := ""
	if v.Cluster != "" {
		out += " cluster=" + strings.TrimPrefix(v.Cluster, lifecycle.DefaultProject+"/")
	}
	if v.Active {
		out += " active=yes"
	}
	return out
}

func moreURL(q url.Values, show int) string {
	next := url.Values{"show": {strconv.Itoa(show * 4)}}
	for _, name := range []string{"cluster", "active"} {
		if q.Get(name) != "" {
			next.Set(name, q.Get(name))
		}
	}
	return "/operations?" + next.Encode()
}

// seenOperations gives the newest operations that the reader sees.
func (p *Pages) seenOperations(ctx context.Context, rd *reader, f commands.OperationFilter, show int) (seen []lifecycle.Operation, more bool, err error) {
	f.ProjectIDs, f.ClusterIDs = rd.who.Sight(access.ClusterRead)
	f.Limit = show + 1
	seen, err = p.store.Operations(ctx, f)
	return seen[:min(show, len(seen))], len(seen) > show, err
}

func (p *Pages) operationRow(rd *reader, s *sight, op lifecycle.Operation) operationRow {
	row := operationRow{Operation: op, Cluster: s.name(op.ProjectID, op.ClusterName)}
	if cl := s.cluster(op.ClusterID); cl != nil {
		row.ClusterURL, row.Simulated = clusterURL(s.projects[op.ProjectID], op.ClusterName), cl.Simulated
	}
	switch {
	case op.StartedAt.IsZero():
	case op.Status.Ended():
		row.Lasted = op.EndedAt.Sub(op.StartedAt)
	default:
		row.Lasted, row.SinceMS = rd.now.Sub(op.StartedAt), op.StartedAt.UnixMilli()
	}
	return row
}

// sight is what there is for a reader.
type sight struct {
	projects map[string]string
	clusters []lifecycle.Cluster // not deleted
}

func (p *Pages) sight(ctx context.Context, rd *reader) (*sight, error) {
	projects, err := p.store.Projects(ctx)
	if err != nil {
		return nil, err
	}
	s := &sight{projects: map[string]string{}}
	for _, project := range projects {
		if rd.who.Allowed(access.ClusterRead, access.Object{ProjectID: project.ID}) {
			s.projects[project.ID] = project.Name
		}
	}
	clusters, err := p.store.Clusters(ctx)
	for _, cl := range clusters {
		if rd.who.Sees(cl.ProjectID, cl.ID) && s.projects[cl.ProjectID] != "" {
			s.clusters = append(s.clusters, cl)
		}
	}
	return s, err
}

// name is a cluster's, with its project where the reader has several.
func (s *sight) name(projectID, name string) string {
	if len(s.projects) > 1 {
		return s.projects[projectID] + "/" + name
	}
	return name
}

func (s *sight) cluster(id string) *lifecycle.Cluster {
	i := slices.IndexFunc(s.clusters, func(cl lifecycle.Cluster) bool { return cl.ID == id })
	if i < 0 {
		return nil
	}
	return &s.clusters[i]
}
