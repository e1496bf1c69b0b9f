package store

import (
	"context"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
)

const selectAudit = `SELECT seq, at, actor, identity, room, command, project_id, cluster_id, target, result, detail, cause FROM audit`

func scanAudit(e *access.AuditEntry) []any {
	return []any{&e.Seq, at(&e.At), &e.Actor, &e.Identity, &e.Room, &e.Command, &e.ProjectID, &e.ClusterID,
		&e.Target, &e.Result, &e.Detail, &e.Cause}
}

// AppendAudit implements commands.AuditStore.
func (s *Store) AppendAudit(ctx context.Context, e access.AuditEntry) error {
	s.fillTime(&e.At)
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO audit (at, actor, identity, room, command, project_id, cluster_id, target, result, detail, cause)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			e.At, e.Actor, e.Identity, e.Room, e.Command, e.ProjectID, e.ClusterID, e.Target, e.Result, e.Detail, e.Cause)
		return err
	})
}

// Audit implements commands.AuditStore.
func (s *Store) Audit(ctx context.Context, f commands.AuditFilter) ([]access.AuditEntry, error) {
	var q query
	q.inEither("project_id", f.ProjectIDs, "cluster_id", f.ClusterIDs)
	q.is("actor", f.Actor)
	q.is("result", f.Result)
	if !f.Since.IsZero() {
		q.where("at >= %s", f.Since)
	}
	if f.Before > 0 {
		q.where("seq < %s", f.Before)
	}
	text := q.sql(selectAudit, "seq DESC", f.Limit)
	return list(ctx, s.read(ctx), scanAudit, text, q.args...)
}
