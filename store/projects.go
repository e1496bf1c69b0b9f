package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

const selectProject = `SELECT id, name, description, created_at FROM projects`

func scanProject(p *lifecycle.Project) []any {
	return []any{&p.ID, &p.Name, &p.Description, at(&p.CreatedAt)}
}

// Projects implements commands.ProjectStore.
func (s *Store) Projects(ctx context.Context) ([]lifecycle.Project, error) {
	projects, err := list(ctx, s.read(ctx), scanProject, selectProject)
	slices.SortFunc(projects, func(a, b lifecycle.Project) int { return strings.Compare(a.Name, b.Name) })
	return projects, err
}

// ProjectByID implements commands.ProjectStore.
func (s *Store) ProjectByID(ctx context.Context, id string) (*lifecycle.Project, error) {
	p, err := get(ctx, s.read(ctx), scanProject, selectProject+` WHERE id = $1`, id)
	return p, about(err, "project", id)
}

// ProjectByName implements commands.ProjectStore.
func (s *Store) ProjectByName(ctx context.Context, name string) (*lifecycle.Project, error) {
	p, err := get(ctx, s.read(ctx), scanProject, selectProject+` WHERE name = $1`, name)
	return p, about(err, "project", name)
}

// SaveProject implements commands.ProjectStore.
func (s *Store) SaveProject(ctx context.Context, p *lifecycle.Project) error {
	if err := s.fillID(&p.ID); err != nil {
		return err
	}
	s.fillTime(&p.CreatedAt)
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO projects (id, name, description, created_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
			created_at = excluded.created_at`, p.ID, p.Name, p.Description, p.CreatedAt)
		return about(err, "project", p.Name)
	})
}

// DeleteProject implements commands.ProjectStore. The project's row is held
// first, so that no cluster is created in it meanwhile.
func (s *Store) DeleteProject(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		if err := t.holdProject(ctx, id, s.dialect.forUpdate); err != nil {
			return err
		}
		var clusters int64
		err := t.one(ctx, []any{&clusters}, `SELECT COUNT(*) FROM clusters WHERE project_id = $1 AND status <> 'deleted'`, id)
		if err != nil {
			return err
		}
		if clusters > 0 {
			return fmt.Errorf("project %q has %d clusters: %w", id, clusters, lifecycle.ErrConflict)
		}
		return t.must(ctx, `DELETE FROM projects WHERE id = $1`, id)
	})
}

// holdProject makes sure that the project is there and, with a lock clause of
// the dialect, stays until commit.
func (t *tx) holdProject(ctx context.Context, id, lock string) error {
	var found string
	err := t.one(ctx, []any{&found}, `SELECT id FROM projects WHERE id = $1`+lock, id)
	return about(err, "project", id)
}
