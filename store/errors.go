package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// errReference: a row names another that is not there, or is named by one that
// stays.
var errReference = errors.New("reference to another row")

// PostgreSQL's words for what can be told apart.
const (
	pgUnique        = "23505"
	pgForeignKey    = "23503"
	pgSerialization = "40001"
	pgDeadlock      = "40P01"
)

// translate gives a driver's error the meaning that the seams know.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return lifecycle.ErrNotFound
	case isUnique(err):
		return errors.Join(lifecycle.ErrExists, err)
	case isForeignKey(err):
		return errors.Join(errReference, err)
	}
	return err
}

func pgCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func isUnique(err error) bool {
	c := sqliteCode(err)
	return pgCode(err) == pgUnique ||
		c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

func isForeignKey(err error) bool {
	return pgCode(err) == pgForeignKey || sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

// isCollision reports whether the database refused a transaction because of
// another one; it may succeed when run again. The low byte of an SQLite code is
// its family.
func isCollision(err error) bool {
	code := pgCode(err)
	return code == pgSerialization || code == pgDeadlock || sqliteCode(err)&0xff == sqlite3.SQLITE_BUSY
}

// isBroken reports whether the connection was lost: what had not been committed
// on it never will be, and another connection may do better.
func isBroken(err error) bool {
	code := pgCode(err)
	var network *net.OpError
	return strings.HasPrefix(code, "57P") || strings.HasPrefix(code, "08") || // shut down; connection exception
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed) || errors.As(err, &network) && !network.Timeout()
}

// commitError is a failed commit. When the connection was lost meanwhile, nobody
// knows whether it happened, so that it must not be run again.
type commitError struct{ error }

// Unwrap gives the cause.
func (e commitError) Unwrap() error { return e.error }

// mayRunAgain reports whether a transaction that failed so has had no effect and
// may have one when run again.
func mayRunAgain(err error) bool {
	var atCommit commitError
	return isCollision(err) || errors.Is(err, errShared) || isBroken(err) && !errors.As(err, &atCommit)
}

// instead replaces a broken reference by what it means here.
func instead(err, meaning error) error {
	if errors.Is(err, errReference) {
		return meaning
	}
	return err
}

// about says which row an error is about; nil stays nil.
func about(err error, kind, name string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %w", kind, name, err)
}
