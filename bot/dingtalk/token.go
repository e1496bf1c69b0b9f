package dingtalk

import (
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// renewBefore is how long before its end a token is no longer used. The platform
// lets the old one live on for a while after a new one was given.
const renewBefore = 5 * time.Minute

// tokens gives the app's access token: from memory, from the vault that processes
// share, or a fresh one.
type tokens struct {
	vault bot.Vault
	key   string
	now   func() time.Time
	fetch func(ctx context.Context) (token string, life time.Duration, err error)

	turn    chan struct{} // held by whoever reads or writes the fields below
	token   string
	expires time.Time
}

func newTokens(vault bot.Vault, key string, now func() time.Time, fetch func(context.Context) (string, time.Duration, error)) *tokens {
	return &tokens{vault: vault, key: key, now: now, fetch: fetch, turn: make(chan struct{}, 1)}
}

func (t *tokens) lock(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// get gives a token that lives for a while yet. One caller fetches, the others
// wait for what it brings.
func (t *tokens) get(ctx context.Context) (string, error) {
	if err := t.lock(ctx); err != nil {
		return "", err
	}
	defer func() { <-t.turn }()
	if t.fresh() {
		return t.token, nil
	}
	token, expires, err := t.vault.Kept(ctx, t.key)
	if err != nil && !errors.Is(err, bot.ErrNotKept) {
		return "", err
	}
	if t.token, t.expires = token, expires; err == nil && t.fresh() {
		return token, nil
	}
	token, life, err := t.fetch(ctx)
	if err != nil {
		t.token = ""
		return "", err
	}
	t.token, t.expires = token, t.now().Add(life)
	return token, t.vault.Keep(ctx, t.key, token, t.expires)
}

// fresh reports whether the token in memory can still be used.
func (t *tokens) fresh() bool {
	return t.token != "" && t.now().Add(renewBefore).Before(t.expires)
}

// refused forgets token, which the platform did not take, unless a newer one is
// there already.
func (t *tokens) refused(ctx context.Context, token string) error {
	if err := t.lock(ctx); err != nil {
		return err
	}
	defer func() { <-t.turn }()
	if t.token == token {
		t.token = ""
	}
	return t.vault.Drop(ctx, t.key, token)
}
