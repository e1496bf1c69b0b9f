package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is what a PostgreSQL server tells of itself.
type Server struct {
	Version string    // "15.9 (Debian 15.9-0+deb12u1)"
	Clock   time.Time // its clock at the moment of the answer
}

// Probe asks the PostgreSQL server at dsn for its version and its clock, and
// changes nothing. Its errors hold no part of the DSN's secrets; wrap ctx with a
// deadline.
func Probe(ctx context.Context, dsn string) (_ Server, err error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return Server{}, errNoDSN
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return Server{}, fmt.Errorf("PostgreSQL at %s port %d: %w", cfg.Host, cfg.Port, err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var s Server
	var millis int64
	if err := conn.QueryRow(ctx, "SHOW server_version").Scan(&s.Version); err != nil {
		return Server{}, err
	}
	if err := conn.QueryRow(ctx, postgresDialect.now).Scan(&millis); err != nil {
		return Server{}, err
	}
	s.Clock = time.UnixMilli(millis)
	return s, nil
}
