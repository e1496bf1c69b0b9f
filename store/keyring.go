package store

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	keyBytes   = 32 // AES-256
	keyIDBytes = 4
)

// KeyRing holds the keys of the sealed columns. The newest seals; each opens
// what it has sealed.
type KeyRing struct {
	keys []ringKey // oldest first
}

type ringKey struct {
	id   string
	aead cipher.AEAD
	line string // as it stands in the file
}

// ParseKeyRing reads the content of a key file: one key a line, oldest first, as
// an id, a blank and 32 bytes in base64. Empty lines and lines that begin with #
// are passed over. Its errors hold no part of a key.
func ParseKeyRing(content string) (*KeyRing, error) {
	r := &KeyRing{}
	sc := bufio.NewScanner(strings.NewReader(content))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if r.find(k.id) != nil {
			return nil, fmt.Errorf("line %d: the key id %q is there twice", n, k.id)
		}
		r.keys = append(r.keys, k)
	}
	if err := sc.Err(); err != nil {
		return nil, errors.New("a line is too long for a key")
	}
	if len(r.keys) == 0 {
		return nil, errors.New("there is no key")
	}
	return r, nil
}

func parseKey(line string) (ringKey, error) {
	id, encoded, ok := strings.Cut(line, " ")
	if !ok || strings.Contains(id, ":") {
		return ringKey{}, errors.New("a key is an id, a blank and 32 bytes in base64")
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(secret) != keyBytes {
		return ringKey{}, fmt.Errorf("the key %q is not 32 bytes in base64", id)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return ringKey{}, fmt.Errorf("the key %q cannot be used", id)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return ringKey{}, fmt.Errorf("the key %q cannot be used", id)
	}
	return ringKey{id: id, aead: aead, line: line}, nil
}

// NewKey makes a random key as a line of a key file, without its end.
func NewKey() (string, error) {
	b := make([]byte, keyIDBytes+keyBytes)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("no randomness for a key: %w", err)
	}
	return "k" + hex.EncodeToString(b[:keyIDBytes]) + " " + base64.StdEncoding.EncodeToString(b[keyIDBytes:]), nil
}

func (r *KeyRing) find(id string) *ringKey {
	i := slices.IndexFunc(r.keys, func(k ringKey) bool { return k.id == id })
	if i < 0 {
		return nil
	}
	return &r.keys[i]
}

func (r *KeyRing) newest() *ringKey { return &r.keys[len(r.keys)-1] }

// Derive makes a key of 32 bytes for another purpose. It comes from the oldest key,
// so that it stays the same when a newer one is added.
func (r *KeyRing) Derive(purpose string) []byte {
	mac := hmac.New(sha256.New, []byte(r.keys[0].line))
	mac.Write([]byte("derived key\n" + purpose))
	return mac.Sum(nil)
}
