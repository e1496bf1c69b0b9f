package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// channel carries wake-ups between the processes on one PostgreSQL.
	channel = "coxswain"
	// quietFor is how long a listener waits before it asks whether its
	// connection still lives.
	quietFor = 30 * time.Second
	// askFor bounds every single question to the server.
	askFor = 10 * time.Second
	// reconnectMost is the longest wait between two attempts to connect.
	reconnectMost = 15 * time.Second
)

// Run carries wake-ups between the processes that share a PostgreSQL until ctx
// ends, over a connection of its own that it makes anew when it breaks. Without
// it, and through a pooler that does not pass LISTEN on, processes find each
// other's work when they look by themselves. On SQLite there is nobody to tell.
func (s *Store) Run(ctx context.Context) error {
	if s.dsn == "" {
		<-ctx.Done()
		return nil
	}
	s.hub.setOutward(true)
	defer s.hub.setOutward(false)
	var wg sync.WaitGroup
	wg.Go(func() { s.tell(ctx) })
	wg.Go(func() { s.hear(ctx) })
	wg.Wait()
	return nil
}

// tell passes this process's wake-ups on, many commits in one word. What cannot
// be told is left: the others look by themselves from time to time.
func (s *Store) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.hub.send:
		}
		for _, topic := range s.hub.takePending() {
			if err := s.tellOne(ctx, topic); err != nil && ctx.Err() == nil {
				s.log.Warn("store: a wake-up could not be passed on", "topic", string(topic), "error", err)
			}
		}
	}
}

func (s *Store) tellOne(ctx context.Context, topic Topic) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	_, err := s.writer.ExecContext(ctx, "SELECT pg_notify($1, $2)", channel, s.instance+" "+string(topic))
	return err
}

// hear listens, and connects again when the connection breaks.
func (s *Store) hear(ctx context.Context) {
	wait := time.Second / 4
	for {
		began := s.clock()
		err := s.listen(ctx)
		if ctx.Err() != nil {
			return
		}
		if s.clock().Sub(began) > reconnectMost {
			wait = time.Second / 4 // it had worked for a while
		}
		s.log.Warn("store: the listener lost PostgreSQL; wake-ups come late until it is back", "error", err, "retry", wait)
		if pause(ctx, wait) != nil {
			return
		}
		wait = min(2*wait, reconnectMost)
	}
}

// listen hears until its connection or ctx ends.
func (s *Store) listen(ctx context.Context) (err error) {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askFor)
		defer cancel()
		err = errors.Join(err, c.Close(closeCtx))
	}()
	s.hub.wake(topicSet(allTopics()...)) // whatever was missed meanwhile
	for {
		n, err := s.notification(ctx, c)
		if err != nil {
			return err
		}
		if n == "" {
			continue
		}
		from, topic, _ := strings.Cut(n, " ")
		if from != s.instance {
			s.hub.wake(topicSet(Topic(topic)))
		}
	}
}

func (s *Store) dial(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	c, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// notification waits for one; after a long silence it makes sure that the server
// is still there, and gives "".
func (s *Store) notification(ctx context.Context, c *pgx.Conn) (string, error) {
	quiet, cancel := context.WithTimeout(ctx, s.quiet)
	defer cancel()
	n, err := c.WaitForNotification(quiet)
	if err == nil {
		return n.Payload, nil
	}
	if quiet.Err() == nil || ctx.Err() != nil {
		return "", err
	}
	ask, done := context.WithTimeout(ctx, askFor)
	defer done()
	return "", c.Ping(ask)
}

func topicSet(topics ...Topic) map[Topic]bool {
	set := map[Topic]bool{}
	for _, t := range topics {
		set[t] = true
	}
	return set
}
