package wecom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// codeLifetime is how long the platform lets a card be changed.
const codeLifetime = 72 * time.Hour

// record is what must be known of a card after it was sent, by whichever process
// is asked to change it or is told of a press.
type record struct {
	Room    string      `json:"room"`
	Message bot.Message `json:"message"` // as it stands now, shown or not
	// Code changes the card once; "" when there is none or it was used.
	Code  string    `json:"code,omitempty"`
	MsgID string    `json:"msgId,omitempty"`
	Sent  time.Time `json:"sent"`
	// Stream is what shows it beside the card, of an AI bot called by HTTP.
	Stream string `json:"stream,omitempty"`
}

// records keeps them in the vault, because they are shared and a code is a right.
type records struct {
	vault   bot.Vault
	account string
	now     func() time.Time
}

func (r records) key(id string) string { return r.account + "/message/" + id }

func (r records) save(ctx context.Context, id string, rec record) error {
	rec.Message.Data = nil
	if rec.Message.Image != nil {
		rec.Message.Image = &bot.Image{Name: rec.Message.Image.Name, Alt: rec.Message.Image.Alt}
	}
	data, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("wecom: keep a card: %w", err)
	}
	if err := r.vault.Keep(ctx, r.key(id), string(data), r.now().Add(codeLifetime)); err != nil {
		return fmt.Errorf("wecom: keep a card: %w", err)
	}
	return nil
}

// load gives nil when there is none or its time is over.
func (r records) load(ctx context.Context, id string) (*record, error) {
	data, _, err := r.vault.Kept(ctx, r.key(id))
	if errors.Is(err, bot.ErrNotKept) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("wecom: read a card: %w", err)
	}
	rec := &record{}
	if err := json.Unmarshal([]byte(data), rec); err != nil {
		return nil, fmt.Errorf("wecom: read a card: %w", err)
	}
	return rec, nil
}

// moved remembers that a message that could not be changed goes on as another.
func (r records) moved(ctx context.Context, from, to string) error {
	if err := r.vault.Keep(ctx, r.account+"/moved/"+from, to, r.now().Add(codeLifetime)); err != nil {
		return fmt.Errorf("wecom: keep where a card went: %w", err)
	}
	return nil
}

func (r records) current(ctx context.Context, id string) (string, error) {
	to, _, err := r.vault.Kept(ctx, r.account+"/moved/"+id)
	if errors.Is(err, bot.ErrNotKept) {
		return id, nil
	}
	if err != nil {
		return "", fmt.Errorf("wecom: read where a card went: %w", err)
	}
	return to, nil
}
