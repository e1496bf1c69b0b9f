package store

import (
	"context"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

const selectCluster = `SELECT id, project_id, name, source, region, provider, simulated, status, version, endpoint, spec, created_by, created_at, updated_at FROM clusters`

func scanCluster(c *lifecycle.Cluster) []any {
	return []any{&c.ID, &c.ProjectID, &c.Name, &c.Source, &c.Region, &c.Provider, &c.Simulated, &c.Status,
		&c.Version, &c.Endpoint, into(&c.Spec), &c.CreatedBy, at(&c.CreatedAt), at(&c.UpdatedAt)}
}

// Clusters implements commands.ClusterStore.
func (s *Store) Clusters(ctx context.Context) ([]lifecycle.Cluster, error) {
	clusters, err := list(ctx, s.read(ctx), scanCluster, selectCluster+` WHERE status <> 'deleted'`)
	if err != nil {
		return nil, err
	}
	projects, err := s.Projects(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, p := range projects {
		names[p.ID] = p.Name
	}
	slices.SortFunc(clusters, func(a, b lifecycle.Cluster) int {
		if by := strings.Compare(names[a.ProjectID], names[b.ProjectID]); by != 0 {
			return by
		}
		return strings.Compare(a.Name, b.Name)
	})
	return clusters, nil
}

// Cluster implements commands.ClusterStore and lifecycle.OperationStore; it
// finds deleted ones too.
func (s *Store) Cluster(ctx context.Context, id string) (*lifecycle.Cluster, error) {
	c, err := get(ctx, s.read(ctx), scanCluster, selectCluster+` WHERE id = $1`, id)
	return c, about(err, "cluster", id)
}

// ClusterByName implements commands.ClusterStore.
func (s *Store) ClusterByName(ctx context.Context, projectID, name string) (*lifecycle.Cluster, error) {
	c, err := get(ctx, s.read(ctx), scanCluster,
		selectCluster+` WHERE project_id = $1 AND name = $2 AND status <> 'deleted'`, projectID, name)
	return c, about(err, "cluster", name)
}

// CreateCluster implements commands.ClusterStore. ErrNotFound when its project
// is not there; nodes get its ID.
func (s *Store) CreateCluster(ctx context.Context, c *lifecycle.Cluster, nodes []*lifecycle.Node) error {
	if err := s.fillID(&c.ID); err != nil {
		return err
	}
	s.fillTime(&c.CreatedAt)
	s.fillTime(&c.UpdatedAt)
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		if err := t.holdProject(ctx, c.ProjectID, s.dialect.forShare); err != nil {
			return err
		}
		_, err := t.exec(ctx, `INSERT INTO clusters (id, project_id, name, source, region, provider, simulated, status, version, endpoint, spec, bundle, kubeconfig, created_by, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', $13, $14, $15)`,
			c.ID, c.ProjectID, c.Name, c.Source, c.Region, c.Provider, c.Simulated, c.Status, c.Version,
			c.Endpoint, jsonArg{c.Spec}, c.Spec.Packages.Bundle, c.CreatedBy, c.CreatedAt, c.UpdatedAt)
		if err != nil {
			return about(err, "cluster", c.Name)
		}
		return t.saveNodes(ctx, c.ID, nodes)
	})
}

// saveCluster writes what may change. A deleted cluster's kubeconfig goes.
func (t *tx) saveCluster(ctx context.Context, c *lifecycle.Cluster) error {
	err := t.must(ctx, `UPDATE clusters SET name = $2, source = $3, region = $4, provider = $5, simulated = $6,
		status = CASE WHEN status = 'deleted' THEN status ELSE $7 END, version = $8, endpoint = $9, spec = $10, bundle = $11, updated_at = $12,
		kubeconfig = CASE WHEN $13 = 1 THEN '' ELSE kubeconfig END WHERE id = $1`,
		c.ID, c.Name, c.Source, c.Region, c.Provider, c.Simulated, c.Status, c.Version, c.Endpoint,
		jsonArg{c.Spec}, c.Spec.Packages.Bundle, t.store.now(), c.Status == lifecycle.ClusterDeleted)
	return about(err, "cluster", c.Name)
}

// Kubeconfig implements commands.ClusterStore; ErrNotFound until one was saved.
func (s *Store) Kubeconfig(ctx context.Context, clusterID string) (string, error) {
	var sealed string
	err := s.read(ctx).one(ctx, []any{&sealed}, `SELECT kubeconfig FROM clusters WHERE id = $1`, clusterID)
	if err == nil && sealed == "" {
		err = errNoSecret
	}
	if err != nil {
		return "", about(err, "kubeconfig of cluster", clusterID)
	}
	return s.open(kubeconfigCell(clusterID), sealed)
}

func kubeconfigCell(clusterID string) cell { return cell{"clusters", clusterID, "kubeconfig"} }

func (t *tx) saveKubeconfig(ctx context.Context, clusterID, kubeconfig string) error {
	sealed, err := t.store.seal(kubeconfigCell(clusterID), kubeconfig)
	if err != nil {
		return err
	}
	return about(t.must(ctx, `UPDATE clusters SET kubeconfig = $2 WHERE id = $1`, clusterID, sealed), "cluster", clusterID)
}
