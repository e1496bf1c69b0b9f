package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// conn runs statements with bound arguments and translated errors.
type conn struct {
	q interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
		QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
		QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	}
	// alone is how long a statement may take that is no part of a transaction;
	// it may use a second connection when the first turns out to be lost.
	alone time.Duration
	// whole lets no statement be interrupted by its context, only not begin:
	// SQLite takes the whole transaction back for an interrupted one.
	whole bool
}

// begin gives the context that a statement runs with.
func (c conn) begin(ctx context.Context) (context.Context, error) {
	if !c.whole {
		return ctx, nil
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// retry runs a query, and again when that may help.
func (c conn) retry(ctx context.Context, query func(ctx context.Context) error) error {
	ctx, err := c.begin(ctx)
	if err != nil {
		return err
	}
	if c.alone == 0 {
		return query(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, c.alone)
	defer cancel()
	err = query(ctx)
	for run := 1; run < txRuns && ctx.Err() == nil && isBroken(err); run++ {
		err = query(ctx)
	}
	return err
}

// exec gives how many rows it touched.
func (c conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	bound, err := bind(args)
	if err != nil {
		return 0, err
	}
	if ctx, err = c.begin(ctx); err != nil {
		return 0, err
	}
	res, err := c.q.ExecContext(ctx, query, bound...)
	if err != nil {
		return 0, translate(err)
	}
	return res.RowsAffected()
}

// must is exec for a statement that has to touch a row: otherwise ErrNotFound.
func (c conn) must(ctx context.Context, query string, args ...any) error {
	n, err := c.exec(ctx, query, args...)
	if err == nil && n == 0 {
		return lifecycle.ErrNotFound
	}
	return err
}

// one scans a single row; ErrNotFound when there is none.
func (c conn) one(ctx context.Context, dest []any, query string, args ...any) error {
	bound, err := bind(args)
	if err != nil {
		return err
	}
	return translate(c.retry(ctx, func(ctx context.Context) error { return c.q.QueryRowContext(ctx, query, bound...).Scan(dest...) }))
}

// list collects rows; dest says where the columns of a row go.
func list[T any](ctx context.Context, c conn, dest func(*T) []any, query string, args ...any) ([]T, error) {
	bound, err := bind(args)
	if err != nil {
		return nil, err
	}
	var out []T
	err = c.retry(ctx, func(ctx context.Context) (err error) {
		rows, err := c.q.QueryContext(ctx, query, bound...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		out, err = collect(rows, dest)
		return err
	})
	return out, translate(err)
}

func collect[T any](rows *sql.Rows, dest func(*T) []any) ([]T, error) {
	var out []T
	for rows.Next() {
		var v T
		if err := rows.Scan(dest(&v)...); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// get reads one row.
func get[T any](ctx context.Context, c conn, dest func(*T) []any, query string, args ...any) (*T, error) {
	v := new(T)
	if err := c.one(ctx, dest(v), query, args...); err != nil {
		return nil, err
	}
	return v, nil
}
