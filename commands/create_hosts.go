package commands

import (
	"context"
	"errors"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// chooseHosts takes the hosts that were named, or picks ready ones that the
// project was granted, and says everything that is wrong with the choice.
func (s *Services) chooseHosts(ctx context.Context, d *clusterDraft, cp, workers Value) error {
	pool, err := s.grantedHosts(ctx, d.cluster.ProjectID)
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, name := range append(append([]string{}, cp.List...), workers.List...) {
		if used[name] {
			return refuse("create.hosttwice", "host", name)
		}
		used[name] = true
	}
	var problems []error
	pick := func(v Value, role lifecycle.NodeRole) {
		chosen, err := pickHosts(pool, used, v)
		problems = append(problems, err)
		for i, h := range chosen {
			d.hostIDs = append(d.hostIDs, h.ID)
			d.nodes = append(d.nodes, &lifecycle.Node{Name: h.Name, Role: role, Index: i, HostID: h.ID, Address: h.Address, HostKey: h.HostKey, Status: "planned"})
		}
	}
	pick(cp, lifecycle.ControlPlane)
	pick(workers, lifecycle.Worker)
	return errors.Join(problems...)
}

// grantedHosts are the hosts that a project may use, by name.
func (s *Services) grantedHosts(ctx context.Context, projectID string) ([]lifecycle.Host, error) {
	grants, err := s.Store.Grants(ctx, projectID)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, g := range grants {
		names[g.Name] = names[g.Name] || g.Kind == "host"
	}
	hosts, err := s.Store.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	var out []lifecycle.Host
	for _, h := range hosts {
		if names[h.Name] {
			out = append(out, h)
		}
	}
	return out, nil
}

// pickHosts is a pure choice: named hosts must be there, ready and free; a count
// takes the first that are. used grows.
func pickHosts(pool []lifecycle.Host, used map[string]bool, v Value) ([]lifecycle.Host, error) {
	if len(v.List) > 0 {
		return namedHosts(pool, v.List)
	}
	var out []lifecycle.Host
	for _, h := range pool {
		if len(out) == v.Int {
			break
		}
		if !used[h.Name] && h.Status == lifecycle.HostReady {
			used[h.Name] = true
			out = append(out, h)
		}
	}
	if len(out) < v.Int {
		return nil, refuse("create.fewhosts", "want", v.Int, "have", len(out))
	}
	return out, nil
}

func namedHosts(pool []lifecycle.Host, names []string) ([]lifecycle.Host, error) {
	byName := map[string]lifecycle.Host{}
	for _, h := range pool {
		byName[h.Name] = h
	}
	var out []lifecycle.Host
	var problems []error
	for _, name := range names {
		h, ok := byName[name]
		switch {
		case !ok:
			problems = append(problems, missing(lifecycle.ErrNotFound, "host", name))
		case h.Status != lifecycle.HostReady:
			problems = append(problems, refuse("create.hostnotready", "host", name, "status", lifecycle.T("host.status."+string(h.Status))))
		default:
			out = append(out, h)
		}
	}
	return out, errors.Join(problems...)
}
