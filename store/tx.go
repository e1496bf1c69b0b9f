package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// txRuns is how often a transaction is run that keeps colliding with others.
const txRuns = 6

// tx is a running transaction; it travels in the context.
type tx struct {
	conn
	store  *Store
	depth  int // of savepoints
	topics map[Topic]bool
	now    time.Time // of the lease clock, once asked for
}

type txKey struct{}

// WithTx runs fn in one transaction, which is rolled back when fn fails or
// panics. In fn every method of the store joins it when called with fn's
// context, and only then: with an outer context a write on SQLite would wait for
// itself, and fails after ten seconds. Called inside fn, WithTx joins too; what
// a nested call did is taken back when it fails, and the outer one may go on.
//
// When the database reports a collision with another transaction (PostgreSQL's
// serialization failures and deadlocks) or loses the connection before the
// commit, fn runs again, a few times at most: it must have no effect outside the
// store that a second run would double.
func (s *Store) WithTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.write(ctx, func(ctx context.Context, _ *tx) error { return fn(ctx) })
}

// write is WithTx for the store's own methods.
func (s *Store) write(ctx context.Context, fn txFunc) error {
	if t := s.joined(ctx); t != nil {
		return t.nested(ctx, fn)
	}
	runTx := s.runTx
	if s.dialect.oneWriter {
		runTx = s.share
	}
	for run := 1; ; run++ {
		err := runTx(ctx, fn)
		if err == nil || run == txRuns || !mayRunAgain(err) {
			return err
		}
		if waitErr := pause(ctx, time.Duration(run)*time.Duration(1+rand.IntN(10))*time.Millisecond); waitErr != nil { // #nosec G404 -- only spreads the retries
			return errors.Join(err, waitErr)
		}
	}
}

// pause waits unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// joined is the transaction of this store that ctx carries, or nil.
func (s *Store) joined(ctx context.Context) *tx {
	if t, ok := ctx.Value(txKey{}).(*tx); ok && t.store == s {
		return t
	}
	return nil
}

// read is where to read from: the transaction in ctx, or the read pool.
func (s *Store) read(ctx context.Context) conn {
	if t := s.joined(ctx); t != nil {
		return t.conn
	}
	if s.reads != nil {
		return conn{q: reading{s.reader, s.reads}, alone: s.longest}
	}
	return conn{q: s.reader, alone: s.longest}
}

func (s *Store) runTx(ctx context.Context, fn txFunc) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.longest)
	defer cancel()
	c, err := s.writeConn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	life, end := s.lifeOf(ctx)
	defer end()
	sqlTx, err := c.BeginTx(life, nil)
	if err != nil {
		return fmt.Errorf("store: cannot begin: %w", err)
	}
	t := &tx{conn: conn{q: sqlTx, whole: s.dialect.oneWriter}, store: s, topics: map[Topic]bool{}}
	if s.writes != nil {
		t.q = writing{sqlTx, s.writes}
	}
	done := false
	defer func() {
		if !done { // also when fn panics
			err = errors.Join(err, rollback(sqlTx))
		}
	}()
	if err := fn(context.WithValue(ctx, txKey{}, t), t); err != nil {
		return err
	}
	done = true
	if err := sqlTx.Commit(); err != nil {
		return commitError{fmt.Errorf("store: cannot commit: %w", translate(err))}
	}
	s.hub.announce(t.topics)
	return nil
}

// lifeOf is the context that ends a transaction by itself. One that is shared does
// not end with the context of the writer that began it.
func (s *Store) lifeOf(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.dialect.oneWriter {
		ctx = context.WithoutCancel(ctx)
	}
	return context.WithTimeout(ctx, s.longest)
}

// rollback has nothing to do when the connection is lost: the server has done it.
func rollback(t *sql.Tx) error {
	if err := t.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) && !isBroken(err) {
		return fmt.Errorf("store: cannot roll back: %w", err)
	}
	return nil
}

// writeConn waits for a connection, not for ever.
func (s *Store) writeConn(ctx context.Context) (*sql.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, s.patient)
	defer cancel()
	c, err := s.writer.Conn(wait)
	if err != nil && ctx.Err() == nil && wait.Err() != nil {
		return nil, s.noConnection(err)
	}
	if err != nil {
		return nil, fmt.Errorf("store: no connection to write on: %w", err)
	}
	return c, nil
}

func (s *Store) noConnection(err error) error {
	return fmt.Errorf("store: no connection to write on within %s: a write inside WithTx must use the context that WithTx gives: %w", s.patient, err)
}

// savepointError says that what a part of a transaction did could not be taken
// back, or not be kept.
type savepointError struct{ error }

// Unwrap gives the cause.
func (e savepointError) Unwrap() error { return e.error }

// nested runs fn between a savepoint and its release, so that each method is
// all or nothing and PostgreSQL's transaction survives its failure.
func (t *tx) nested(ctx context.Context, fn txFunc) error {
	t.depth++
	defer func() { t.depth-- }()
	point := fmt.Sprintf("s%d", t.depth)
	if _, err := t.exec(ctx, "SAVEPOINT "+point); err != nil {
		return err
	}
	if err := fn(ctx, t); err != nil {
		return errors.Join(err, t.takeBack(ctx, point))
	}
	if _, err := t.exec(ctx, "RELEASE SAVEPOINT "+point); err != nil {
		return savepointError{err}
	}
	return nil
}

// takeBack undoes what was done since a savepoint, also when ctx has ended: the
// transaction around it may go on.
func (t *tx) takeBack(ctx context.Context, point string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.store.longest)
	defer cancel()
	if _, err := t.exec(ctx, "ROLLBACK TO SAVEPOINT "+point); err != nil {
		return savepointError{err}
	}
	return nil
}

// wake tells the listeners of a topic after the commit.
func (t *tx) wake(topic Topic) { t.topics[topic] = true }

// leaseNow is the clock that leases go by, see Config.Clock; it stands still
// within a transaction.
func (t *tx) leaseNow(ctx context.Context) (time.Time, error) {
	if !t.now.IsZero() {
		return t.now, nil
	}
	var err error
	t.now, err = t.store.leaseClock(ctx, t.conn)
	return t.now, err
}

// leaseClock asks the clock that leases go by.
func (s *Store) leaseClock(ctx context.Context, c conn) (now time.Time, err error) {
	if s.dialect.now == "" {
		return s.steady().UTC().Truncate(time.Millisecond), nil
	}
	err = c.one(ctx, []any{at(&now)}, s.dialect.now)
	return now, err
}

// leaseTime is a moment of the caller's clock on the clock that leases go by: as
// far from now as the caller meant. No time stays none.
func (t *tx) leaseTime(ctx context.Context, moment time.Time) (time.Time, error) {
	if moment.IsZero() {
		return moment, nil
	}
	now, err := t.leaseNow(ctx)
	return now.Add(moment.Sub(t.store.now())), err
}
