package store

import (
	"context"

	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

const selectMembership = `SELECT user_id, project_id, role, cluster_id FROM memberships`

func scanMembership(m *access.Membership) []any {
	return []any{&m.UserID, &m.ProjectID, &m.Role, &m.ClusterID}
}

// UserMemberships implements commands.UserStore.
func (s *Store) UserMemberships(ctx context.Context, userID string) ([]access.Membership, error) {
	return list(ctx, s.read(ctx), scanMembership,
		selectMembership+` WHERE user_id = $1 ORDER BY project_id, role, cluster_id`, userID)
}

// ProjectMemberships implements commands.UserStore.
func (s *Store) ProjectMemberships(ctx context.Context, projectID string) ([]access.Membership, error) {
	return list(ctx, s.read(ctx), scanMembership,
		selectMembership+` WHERE project_id = $1 ORDER BY user_id, role, cluster_id`, projectID)
}

// SaveMembership implements commands.UserStore.
func (s *Store) SaveMembership(ctx context.Context, m access.Membership) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO memberships (user_id, project_id, role, cluster_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT DO NOTHING`, m.UserID, m.ProjectID, m.Role, m.ClusterID)
		return about(instead(err, lifecycle.ErrNotFound), "membership of user or project", m.UserID+"/"+m.ProjectID)
	})
}

// DeleteMembership implements commands.UserStore.
func (s *Store) DeleteMembership(ctx context.Context, m access.Membership) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		err := t.must(ctx, `DELETE FROM memberships WHERE user_id = $1 AND project_id = $2 AND role = $3 AND cluster_id = $4`,
			m.UserID, m.ProjectID, m.Role, m.ClusterID)
		return about(err, "membership", m.UserID+"/"+m.ProjectID)
	})
}

// Grants implements commands.UserStore.
func (s *Store) Grants(ctx context.Context, projectID string) ([]access.Grant, error) {
	return list(ctx, s.read(ctx),
		func(g *access.Grant) []any { return []any{&g.ProjectID, &g.Kind, &g.Name} },
		`SELECT project_id, kind, name FROM grants WHERE project_id = $1 ORDER BY kind, name`, projectID)
}

// SaveGrant implements commands.UserStore.
func (s *Store) SaveGrant(ctx context.Context, g access.Grant) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO grants (project_id, kind, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			g.ProjectID, g.Kind, g.Name)
		return about(instead(err, lifecycle.ErrNotFound), "project", g.ProjectID)
	})
}

// DeleteGrant implements commands.UserStore.
func (s *Store) DeleteGrant(ctx context.Context, g access.Grant) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		err := t.must(ctx, `DELETE FROM grants WHERE project_id = $1 AND kind = $2 AND name = $3`, g.ProjectID, g.Kind, g.Name)
		return about(err, "grant", g.Kind+"/"+g.Name)
	})
}
