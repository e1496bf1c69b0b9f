package store

import (
	"context"
	"slices"
	"strings"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// logBatch is how many lines one statement inserts; seven arguments each.
const logBatch = 200

// AppendLog implements lifecycle.OperationStore. The operation's counter of
// lines is raised under the fence, which also keeps two writers apart.
func (s *Store) AppendLog(ctx context.Context, f lifecycle.Fence, lines []lifecycle.LogLine) error {
	if len(lines) == 0 {
		return nil
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		var last int64
		err := t.one(ctx, []any{&last}, `UPDATE operations SET log_seq = log_seq + $3
			WHERE id = $1 AND fence = $2 AND status <> 'queued' RETURNING log_seq`, f.OperationID, f.Token, len(lines))
		if err != nil {
			return fenced(err)
		}
		seq := last - int64(len(lines))
		for batch := range slices.Chunk(lines, logBatch) {
			if err := t.insertLog(ctx, f.OperationID, seq, batch); err != nil {
				return err
			}
			seq += int64(len(batch))
		}
		return nil
	})
}

func (t *tx) insertLog(ctx context.Context, operationID string, seq int64, lines []lifecycle.LogLine) error {
	args := make([]any, 0, 7*len(lines))
	for i, l := range lines {
		t.store.fillTime(&l.At)
		var remark *lifecycle.Text
		if !l.Text.IsZero() {
			remark = &l.Text
		}
		args = append(args, operationID, seq+int64(i)+1, l.Phase, l.Node, l.At, l.Line, jsonArg{remark})
	}
	_, err := t.exec(ctx, `INSERT INTO operation_log (operation_id, seq, phase, node, at, line, text) VALUES `+
		placeholders(len(lines), 7), args...)
	return err
}

// Log implements commands.OperationStore, in order. Contains does not
// distinguish small letters from capitals.
func (s *Store) Log(ctx context.Context, operationID string, f commands.LogFilter) ([]lifecycle.LogLine, error) {
	q := logQuery(operationID, f)
	order := "seq"
	if f.Tail {
		order = "seq DESC"
	}
	text := q.sql(`SELECT seq, phase, node, at, line, text FROM operation_log`, order, f.Limit)
	if f.Offset > 0 && f.Limit > 0 {
		text += " OFFSET " + q.arg(f.Offset)
	}
	lines, err := list(ctx, s.read(ctx), scanLog, text, q.args...)
	if f.Tail {
		slices.Reverse(lines)
	}
	return lines, err
}

// LogSize implements commands.OperationStore.
func (s *Store) LogSize(ctx context.Context, operationID string, f commands.LogFilter) (lines int, last int64, err error) {
	c := s.read(ctx)
	if err := c.one(ctx, []any{&last}, `SELECT log_seq FROM operations WHERE id = $1`, operationID); err != nil {
		return 0, 0, about(err, "operation", operationID)
	}
	if f == (commands.LogFilter{}) {
		var first int64 // every line has its number, and old ones go first: there is nothing to count
		err := c.one(ctx, []any{&first}, `SELECT COALESCE(MIN(seq), 0) FROM operation_log WHERE operation_id = $1`, operationID)
		if err != nil || first == 0 {
			return 0, last, err
		}
		return int(last - first + 1), last, nil
	}
	q := logQuery(operationID, f)
	err = c.one(ctx, []any{&lines}, `SELECT COUNT(*) FROM operation_log WHERE `+strings.Join(q.conds, " AND "), q.args...)
	return lines, last, err
}

func logQuery(operationID string, f commands.LogFilter) *query {
	var q query
	q.where("operation_id = %s", operationID)
	if f.Phase != "" {
		q.where("phase = %s", f.Phase)
	}
	if f.Node != "" {
		q.where("node = %s", f.Node)
	}
	if f.Contains != "" {
		q.where(`LOWER(line) LIKE %s ESCAPE '\'`, "%"+escapeLike(strings.ToLower(f.Contains))+"%")
	}
	if f.After > 0 {
		q.where("seq > %s", f.After)
	}
	return &q
}

func scanLog(l *lifecycle.LogLine) []any {
	return []any{&l.Seq, &l.Phase, &l.Node, at(&l.At), &l.Line, into(&l.Text)}
}

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
