package store

import (
	"context"
	"errors"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

func valueCell(operationID, key string) cell {
	return cell{"operation_values", operationID + "/" + key, "value"}
}

// OperationValue implements lifecycle.OperationStore: "" when nothing was
// remembered under key, or only a secret.
func (s *Store) OperationValue(ctx context.Context, operationID, key string) (string, error) {
	return s.value(ctx, operationID, key, false)
}

// OperationSecret implements lifecycle.OperationStore: "" when no secret was
// remembered under key.
func (s *Store) OperationSecret(ctx context.Context, operationID, key string) (string, error) {
	sealed, err := s.value(ctx, operationID, key, true)
	if err != nil {
		return "", err
	}
	return s.open(valueCell(operationID, key), sealed)
}

func (s *Store) value(ctx context.Context, operationID, key string, secret bool) (string, error) {
	var v string
	err := s.read(ctx).one(ctx, []any{&v},
		`SELECT value FROM operation_values WHERE operation_id = $1 AND name = $2 AND secret = $3`, operationID, key, secret)
	if errors.Is(err, lifecycle.ErrNotFound) {
		return "", nil
	}
	return v, err
}

func (t *tx) saveValues(ctx context.Context, operationID string, values []lifecycle.Value) error {
	for _, v := range values {
		text := v.Value
		if v.Secret {
			sealed, err := t.store.seal(valueCell(operationID, v.Key), text)
			if err != nil {
				return err
			}
			text = sealed
		}
		_, err := t.exec(ctx, `INSERT INTO operation_values (operation_id, name, secret, value) VALUES ($1, $2, $3, $4)
			ON CONFLICT (operation_id, name) DO UPDATE SET secret = excluded.secret, value = excluded.value`,
			operationID, v.Key, v.Secret, text)
		if err != nil {
			return about(err, "operation value", v.Key)
		}
	}
	return nil
}
