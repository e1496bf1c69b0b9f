package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
)

var (
	_ commands.Store           = (*Store)(nil)
	_ lifecycle.OperationStore = (*Store)(nil)
	_ bot.InboxStore           = (*Store)(nil)
	_ notifiers.Store          = (*Store)(nil)
	_ room.Transcript          = (*Store)(nil)
)

// Config says where the data is and how its secrets are sealed.
type Config struct {
	// Path is the SQLite file; its directory must exist and be locked by
	// LockDir. Either Path or DSN is set, not both.
	Path string
	// DSN is a PostgreSQL connection string, as a URL or as key=value words.
	DSN string
	// Keys seal and open the secret columns.
	Keys *KeyRing
	// Clock gives the times that are recorded; time.Now when nil. Leases and
	// waits go by another: on PostgreSQL by the database's, because the processes
	// that share it need one; on SQLite by one that does not follow when somebody
	// sets the machine's clock, unless Clock is given.
	Clock func() time.Time
	// Log hears of a lost listener and of rows that do not open; nil is silence.
	Log *slog.Logger
}

// Store is the durable state of one Coxswain. Its methods may be called by many
// goroutines; a transaction, which travels in a context, by one at a time.
type Store struct {
	writer  *sql.DB
	reader  *sql.DB
	reads   *prepared // on SQLite
	writes  *prepared
	dialect dialect
	dsn     string // PostgreSQL only, for the listener
	keys    *KeyRing
	clock   func() time.Time
	steady  func() time.Time // for leases, where the database has no clock
	ids     *idSource
	hub     *hub
	group   group // of writers on SQLite
	log     *slog.Logger
	patient time.Duration // how long a write waits for a connection
	longest time.Duration // that a transaction or a query may take
	quiet   time.Duration // after which a listener asks whether it still hears
	// instance tells this process's own wake-ups from the others'.
	instance string

	closing sync.Once
	closed  error
}

// Open connects, brings the schema up to date and proves that the keys fit the
// database. A database that a newer Coxswain has written is refused.
func Open(ctx context.Context, c Config) (*Store, error) {
	if (c.Path == "") == (c.DSN == "") {
		return nil, errors.New("store: set either a path or a DSN")
	}
	if c.Keys == nil {
		return nil, errors.New("store: there is no key ring to seal secrets with")
	}
	steady := c.Clock
	if c.Clock == nil {
		c.Clock, steady = time.Now, steadyClock()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{keys: c.Keys, clock: c.Clock, steady: steady, log: c.Log, ids: newIDSource(c.Clock), hub: newHub(),
		patient: writerWait, longest: longestWork, quiet: quietFor, instance: rand.Text()}
	if err := s.connect(c); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// steadyClock starts at the machine's time and goes on at its pace, whatever the
// machine's clock is set to later.
func steadyClock() func() time.Time {
	began := time.Now()
	return func() time.Time { return began.Add(time.Since(began)) }
}

func (s *Store) connect(c Config) error {
	if c.Path != "" {
		return s.openSQLite(c.Path)
	}
	return s.openPostgres(c.DSN)
}

func (s *Store) prepare(ctx context.Context) error {
	if err := s.writer.PingContext(ctx); err != nil {
		return fmt.Errorf("store: cannot open the database: %w", err)
	}
	if err := migrate(ctx, s.writer, s.dialect); err != nil {
		return err
	}
	return s.proveKeys(ctx)
}

// Close closes the connections. Run must have returned before.
func (s *Store) Close() error {
	s.closing.Do(func() {
		if s.reader != s.writer {
			s.closed = s.reader.Close()
		}
		s.closed = errors.Join(s.closed, s.writer.Close())
	})
	return s.closed
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.reader.PingContext(ctx) }

// Engine is "sqlite" or "postgres".
func (s *Store) Engine() string { return s.dialect.name }
