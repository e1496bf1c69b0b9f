package store

import (
	"context"
	"database/sql"
	"sync"
)

// mostPrepared bounds the texts that a pool keeps prepared; those that a filter
// makes are not all worth it.
const mostPrepared = 256

// prepared keeps SQLite's statements prepared, by their text: parsing took a sixth
// of a server's work. PostgreSQL's driver does so by itself.
type prepared struct {
	db *sql.DB

	mu     sync.RWMutex
	byText map[string]*sql.Stmt
	missed map[string]bool // wanted while the only connection was in use
}

func newPrepared(db *sql.DB) *prepared {
	return &prepared{db: db, byText: map[string]*sql.Stmt{}, missed: map[string]bool{}}
}

// look gives the statement, or nil and remembers that it was wanted.
func (p *prepared) look(text string) *sql.Stmt {
	p.mu.RLock()
	stmt, full := p.byText[text], len(p.byText) >= mostPrepared
	p.mu.RUnlock()
	if stmt == nil && !full {
		p.mu.Lock()
		p.missed[text] = true
		p.mu.Unlock()
	}
	return stmt
}

// learn prepares what was wanted, on a connection that must be free. A text that
// cannot be prepared fails for whoever runs it.
func (p *prepared) learn(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for text := range p.missed {
		delete(p.missed, text)
		if p.byText[text] != nil || len(p.byText) >= mostPrepared {
			continue
		}
		if stmt, err := p.db.PrepareContext(ctx, text); err == nil {
			p.byText[text] = stmt
		}
	}
}

// reading runs queries on the read pool, prepared.
type reading struct {
	*sql.DB
	prepared *prepared
}

func (r reading) statement(ctx context.Context, text string) *sql.Stmt {
	if stmt := r.prepared.look(text); stmt != nil {
		return stmt
	}
	r.prepared.learn(ctx)
	return r.prepared.look(text)
}

// QueryContext is sql.DB's.
func (r reading) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if stmt := r.statement(ctx, text); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return r.DB.QueryContext(ctx, text, args...)
}

// QueryRowContext is sql.DB's.
func (r reading) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if stmt := r.statement(ctx, text); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return r.DB.QueryRowContext(ctx, text, args...)
}

// writing runs statements in a transaction, prepared as far as learned.
type writing struct {
	*sql.Tx
	prepared *prepared
}

// ExecContext is sql.Tx's.
func (w writing) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if stmt := w.prepared.look(text); stmt != nil {
		return w.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	}
	return w.Tx.ExecContext(ctx, text, args...)
}

// QueryContext is sql.Tx's.
func (w writing) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if stmt := w.prepared.look(text); stmt != nil {
		return w.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	}
	return w.Tx.QueryContext(ctx, text, args...)
}

// QueryRowContext is sql.Tx's.
func (w writing) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if stmt := w.prepared.look(text); stmt != nil {
		return w.StmtContext(ctx, stmt).QueryRowContext(ctx, args...)
	}
	return w.Tx.QueryRowContext(ctx, text, args...)
}
