package pages

import (
	"net/http"
	"net/url"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// clusterRow is a cluster as the list shows it.
type clusterRow struct {
	lifecycle.Cluster
	Project string
	URL     string
	Busy    *lifecycle.Operation // what is being done with it
}

// clustersView is the list of clusters.
type clustersView struct {
	*reader
	Rows   []clusterRow
	Many   bool // several projects
	Create bool // the reader may make one
	NoRole bool // the reader sees nothing at all
}

func clusterURL(project, name string) string {
	return "/clusters/" + url.PathEscape(project) + "/" + url.PathEscape(name)
}

// clusterList shows the clusters that the reader sees.
func (p *Pages) clusterList(w http.ResponseWriter, r *http.Request, in bot.Inbound) error {
	rd, err := p.lister(r.Context(), in, "cluster list")
	if err != nil {
		return err
	}
	sight, err := p.sight(r.Context(), rd)
	if err != nil {
		return err
	}
	v := clustersView{reader: rd, Many: len(sight.projects) > 1, NoRole: len(sight.projects) == 0,
		Create: rd.who.Allowed(access.ClusterChange, access.Object{})}
	busy := map[string]*lifecycle.Operation{}
	if !v.NoRole {
		ops, _, err := p.seenOperations(r.Context(), rd, commands.OperationFilter{Active: true}, mostOps)
		if err != nil {
			return err
		}
		for i := range ops { // newest first: the oldest, which is at work, stays
			busy[ops[i].ClusterID] = &ops[i]
		}
	}
	for _, cl := range sight.clusters {
		project := sight.projects[cl.ProjectID]
		v.Rows = append(v.Rows, clusterRow{Cluster: cl, Project: project, URL: clusterURL(project, cl.Name), Busy: busy[cl.ID]})
	}
	return p.show(w, r, in, http.StatusOK, rd.T("page.clusters.title"), "clusters", "clusters", v)
}
