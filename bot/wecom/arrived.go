package wecom

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// arrivedLifetime is how long it is remembered that a half of a message arrived:
// longer than a platform that says when to come again is waited for.
const arrivedLifetime = 24 * time.Hour

// arrived is what was sent of a message before its card, of which the attempt to
// send it may fail. The next attempt, by whichever process, sends the card alone.
type arrived struct {
	Lost []string `json:"lost,omitempty"` // files that did not arrive, to be told of at the end
}

// arrivedKey names a message by where it goes and what is in it: a delivery is
// the same at each attempt, and has no other name here.
func (r records) arrivedKey(to bot.Address, m bot.Message) (string, error) {
	m.Data = nil
	data, err := json.Marshal(struct {
		To      bot.Address
		Message bot.Message
	}{to, m})
	if err != nil {
		return "", fmt.Errorf("wecom: name a message: %w", err)
	}
	sum := sha256.Sum256(data)
	return r.account + "/arrived/" + base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// arrived gives nil when nothing of m has been sent yet.
func (r records) arrived(ctx context.Context, to bot.Address, m bot.Message) (*arrived, error) {
	key, err := r.arrivedKey(to, m)
	if err != nil {
		return nil, err
	}
	data, _, err := r.vault.Kept(ctx, key)
	if errors.Is(err, bot.ErrNotKept) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("wecom: read what arrived: %w", err)
	}
	got := &arrived{}
	if err := json.Unmarshal([]byte(data), got); err != nil {
		return nil, fmt.Errorf("wecom: read what arrived: %w", err)
	}
	return got, nil
}

// keepArrived remembers it, or for longer.
func (r records) keepArrived(ctx context.Context, to bot.Address, m bot.Message, got *arrived) error {
	key, err := r.arrivedKey(to, m)
	if err != nil {
		return err
	}
	data, err := json.Marshal(got)
	if err != nil {
		return fmt.Errorf("wecom: keep what arrived: %w", err)
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := r.vault.Keep(ctx, key, string(data), r.now().Add(arrivedLifetime)); err != nil {
		return fmt.Errorf("wecom: keep what arrived: %w", err)
	}
	return nil
}

// forgetArrived is for a message that is complete, or never will be: the next one
// with the same words is another one.
func (r records) forgetArrived(ctx context.Context, to bot.Address, m bot.Message, got *arrived) error {
	key, err := r.arrivedKey(to, m)
	if err != nil {
		return err
	}
	data, err := json.Marshal(got)
	if err != nil {
		return fmt.Errorf("wecom: forget what arrived: %w", err)
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := r.vault.Drop(ctx, key, string(data)); err != nil {
		return fmt.Errorf("wecom: forget what arrived: %w", err)
	}
	return nil
}
