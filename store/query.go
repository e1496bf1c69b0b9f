package store

import (
	"fmt"
	"strings"
)

// query builds a statement whose conditions depend on a filter.
type query struct {
	conds []string
	args  []any
}

// arg adds an argument and gives its placeholder.
func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

// where adds a condition whose %s is the argument's placeholder.
func (q *query) where(cond string, v any) {
	q.conds = append(q.conds, fmt.Sprintf(cond, q.arg(v)))
}

// is narrows a column to a value, "" does not.
func (q *query) is(column, value string) {
	if value != "" {
		q.where(column+" = %s", value)
	}
}

// in narrows a column to values. No values at all is a filter that nobody set;
// a list that is there and empty lets nothing through.
func (q *query) in(column string, values []string) {
	if values != nil {
		q.conds = append(q.conds, q.among(column, values))
	}
}

// inEither narrows to rows that one of two columns lets through.
func (q *query) inEither(a string, as []string, b string, bs []string) {
	if as != nil && bs != nil {
		q.conds = append(q.conds, "("+q.among(a, as)+" OR "+q.among(b, bs)+")")
		return
	}
	q.in(a, as)
	q.in(b, bs)
}

// among is the condition that a column is one of values.
func (q *query) among(column string, values []string) string {
	marks := make([]string, len(values))
	for i, v := range values {
		marks[i] = q.arg(v)
	}
	if len(marks) == 0 {
		return "1 = 0"
	}
	return column + " IN (" + strings.Join(marks, ", ") + ")"
}

// sql puts the conditions and a limit (0: none) around the rest.
func (q *query) sql(head, order string, limit int) string {
	if len(q.conds) > 0 {
		head += " WHERE " + strings.Join(q.conds, " AND ")
	}
	head += " ORDER BY " + order
	if limit > 0 {
		head += " LIMIT " + q.arg(limit)
	}
	return head
}

// placeholders gives rows of ($1, $2 …) for inserting several rows at once.
func placeholders(rows, columns int) string {
	var b strings.Builder
	for r := range rows {
		if r > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for c := range columns {
			if c > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "$%d", r*columns+c+1)
		}
		b.WriteByte(')')
	}
	return b.String()
}
