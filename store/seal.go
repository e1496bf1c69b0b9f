package store

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// probeText is sealed once with each key, to recognise the key by.
const probeText = "coxswain"

// cell names a sealed column of a row; it is authenticated with the content, so
// that a sealed text copied elsewhere does not open.
type cell struct{ table, row, column string }

// bytes names the row as the database gives it back.
func (c cell) bytes() []byte { return fmt.Appendf(nil, "%q/%q/%q", c.table, clean(c.row), c.column) }

// seal encrypts text for its cell: key id, colon, nonce and ciphertext in
// base64. Nothing stays nothing.
func (s *Store) seal(c cell, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	k := s.keys.newest()
	nonce := make([]byte, k.aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", fmt.Errorf("store: no randomness to seal with: %w", err)
	}
	sealed := k.aead.Seal(nonce, nonce, []byte(text), c.bytes())
	return k.id + ":" + base64.StdEncoding.EncodeToString(sealed), nil
}

// open decrypts what seal made. Its errors name the cell, never the content.
func (s *Store) open(c cell, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	id, encoded, _ := strings.Cut(sealed, ":")
	k := s.keys.find(id)
	if k == nil {
		return "", fmt.Errorf("store: %s.%s is sealed with the key %q, which the key file does not hold", c.table, c.column, id)
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(raw) < k.aead.NonceSize() {
		return "", fmt.Errorf("store: %s.%s of %q is damaged", c.table, c.column, c.row)
	}
	n := k.aead.NonceSize()
	text, err := k.aead.Open(nil, raw[:n], raw[n:], c.bytes())
	if err != nil {
		return "", fmt.Errorf("store: %s.%s of %q does not open with its key", c.table, c.column, c.row)
	}
	return string(text), nil
}

// sealJSON seals a value; nil pointers and empty maps stay nothing.
func (s *Store) sealJSON(c cell, v any) (string, error) {
	text, err := bindJSON(v)
	if err != nil {
		return "", err
	}
	return s.seal(c, text.(string))
}

// openJSON opens what sealJSON made into v.
func (s *Store) openJSON(c cell, sealed string, v any) error {
	text, err := s.open(c, sealed)
	if err != nil || text == "" {
		return err
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fmt.Errorf("store: %s.%s of %q: %w", c.table, c.column, c.row, err)
	}
	return nil
}

// proveKeys makes sure that every key this database was sealed with is at hand,
// before anything is read or sealed with another.
func (s *Store) proveKeys(ctx context.Context) error {
	return s.write(ctx, func(ctx context.Context, t *tx) error {
		type probe struct{ id, sealed string }
		probes, err := list(ctx, t.conn, func(p *probe) []any { return []any{&p.id, &p.sealed} },
			`SELECT id, probe FROM sealing_keys`)
		if err != nil {
			return err
		}
		for _, p := range probes {
			if _, err := s.open(probeCell(p.id), p.sealed); err != nil {
				return errors.Join(fmt.Errorf("store: the key file does not fit this database, which has secrets sealed with the key %q: put the database's own key file back", p.id), err)
			}
		}
		id := s.keys.newest().id
		sealed, err := s.seal(probeCell(id), probeText)
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, `INSERT INTO sealing_keys (id, probe) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, sealed)
		return err
	})
}

func probeCell(id string) cell { return cell{"sealing_keys", id, "probe"} }

// openInto opens one sealed column in place.
func (s *Store) openInto(c cell, column *string) error {
	text, err := s.open(c, *column)
	if err == nil {
		*column = text
	}
	return err
}

var errNoSecret = fmt.Errorf("nothing is stored: %w", lifecycle.ErrNotFound)
