package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

const selectHost = `SELECT id, name, address, port, credential_id, COALESCE(bastion_id, ''), status, cluster_id, host_key, facts, checked_at, created_at FROM hosts`

func scanHost(h *lifecycle.Host) []any {
	return []any{&h.ID, &h.Name, &h.Address, &h.Port, &h.CredentialID, &h.BastionID, &h.Status, &h.ClusterID,
		&h.HostKey, into(&h.Facts), at(&h.CheckedAt), at(&h.CreatedAt)}
}

// Hosts implements commands.HostStore.
func (s *Store) Hosts(ctx context.Context) ([]lifecycle.Host, error) {
	hosts, err := list(ctx, s.read(ctx), scanHost, selectHost)
	slices.SortFunc(hosts, func(a, b lifecycle.Host) int { return strings.Compare(a.Name, b.Name) })
	return hosts, err
}

// HostByID implements commands.HostStore.
func (s *Store) HostByID(ctx context.Context, id string) (*lifecycle.Host, error) {
	h, err := get(ctx, s.read(ctx), scanHost, selectHost+` WHERE id = $1`, id)
	return h, about(err, "host", id)
}

// HostByName implements commands.HostStore.
func (s *Store) HostByName(ctx context.Context, name string) (*lifecycle.Host, error) {
	h, err := get(ctx, s.read(ctx), scanHost, selectHost+` WHERE name = $1`, name)
	return h, about(err, "host", name)
}

// CreateHost implements commands.HostStore. ErrNotFound when its credential or
// bastion is not there; an empty status becomes unchecked.
func (s *Store) CreateHost(ctx context.Context, h *lifecycle.Host) error {
	if err := s.fillID(&h.ID); err != nil {
		return err
	}
	s.fillTime(&h.CreatedAt)
	if h.Status == "" {
		h.Status = lifecycle.HostUnchecked
	}
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO hosts (id, name, address, port, credential_id, bastion_id, status, cluster_id, host_key, facts, checked_at, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			h.ID, h.Name, h.Address, h.Port, h.CredentialID, orNull(h.BastionID), h.Status, h.ClusterID,
			h.HostKey, jsonArg{h.Facts}, h.CheckedAt, h.CreatedAt)
		return about(instead(err, lifecycle.ErrNotFound), "host", h.Name)
	})
}

func orNull(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// SaveHostFacts implements commands.HostStore.
func (s *Store) SaveHostFacts(ctx context.Context, id string, f lifecycle.HostFacts, status lifecycle.HostStatus, checked time.Time) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		err := t.must(ctx, `UPDATE hosts SET facts = $2, checked_at = $3,
			status = CASE WHEN status = 'claimed' THEN status ELSE $4 END WHERE id = $1`,
			id, jsonArg{f}, checked, status)
		return about(err, "host", id)
	})
}

// PinHostKey implements commands.HostStore.
func (s *Store) PinHostKey(ctx context.Context, id, key string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		err := t.must(ctx, `UPDATE hosts SET host_key = $2 WHERE id = $1 AND (host_key = '' OR host_key = $2)`, id, key)
		return about(t.orConflict(ctx, err, "hosts", id), "host key of", id)
	})
}

// ForgetHostKey implements commands.HostStore.
func (s *Store) ForgetHostKey(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		return about(t.must(ctx, `UPDATE hosts SET host_key = '' WHERE id = $1`, id), "host", id)
	})
}

// DeleteHost implements commands.HostStore.
func (s *Store) DeleteHost(ctx context.Context, id string) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		err := t.must(ctx, `DELETE FROM hosts WHERE id = $1 AND cluster_id = '' AND status <> 'claimed'`, id)
		err = instead(err, lifecycle.ErrConflict)
		if errors.Is(err, lifecycle.ErrConflict) { // another's bastion; the transaction takes no more questions
			return about(err, "host", id)
		}
		return about(t.orConflict(ctx, err, "hosts", id), "host", id)
	})
}

// ClaimHosts implements commands.HostStore.
func (s *Store) ClaimHosts(ctx context.Context, clusterID string, hostIDs []string) error {
	ids := slices.Compact(slices.Sorted(slices.Values(hostIDs))) // in one order, or two claims could block each other
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		for _, id := range ids {
			err := t.must(ctx, `UPDATE hosts SET status = 'claimed', cluster_id = $1
				WHERE id = $2 AND (cluster_id = $1 OR (cluster_id = '' AND status = 'ready'))`, clusterID, id)
			if err = t.orConflict(ctx, err, "hosts", id); err != nil {
				return fmt.Errorf("claiming host %q: %w", id, err)
			}
		}
		return nil
	})
}

// orConflict tells, when a conditional change touched nothing, a row that is not
// there (ErrNotFound) from one whose state forbids the change (ErrConflict).
func (t *tx) orConflict(ctx context.Context, err error, table, id string) error {
	if !errors.Is(err, lifecycle.ErrNotFound) {
		return err
	}
	var found string
	if err := t.one(ctx, []any{&found}, `SELECT id FROM `+table+` WHERE id = $1`, id); err != nil {
		return err
	}
	return lifecycle.ErrConflict
}
