package store

import (
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
)

// idSource makes ULIDs that rise even when the clock steps back.
type idSource struct {
	clock func() time.Time

	mu      sync.Mutex
	entropy io.Reader
	last    uint64
}

func newIDSource(clock func() time.Time) *idSource {
	return &idSource{clock: clock, entropy: ulid.Monotonic(rand.Reader, 0)}
}

func (i *idSource) next() (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if now := ulid.Timestamp(i.clock()); now > i.last {
		i.last = now
	}
	id, err := ulid.New(i.last, i.entropy)
	if err != nil {
		return "", fmt.Errorf("store: no new id: %w", err)
	}
	return id.String(), nil
}

// fillID gives *id a value when it has none.
func (s *Store) fillID(id *string) error {
	if *id != "" {
		return nil
	}
	made, err := s.ids.next()
	*id = made
	return err
}

// fillTime gives *t the present when it is zero, as it will be read back.
func (s *Store) fillTime(t *time.Time) {
	if t.IsZero() {
		*t = s.now()
	}
}

// now is the process's clock, in the precision that is stored.
func (s *Store) now() time.Time { return s.clock().UTC().Truncate(time.Millisecond) }
