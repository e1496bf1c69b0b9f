package dingtalk

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// webhookSpare is how long a session webhook must live yet to be used, and
// webhookRenew how long the one in the vault must live yet to be left there: each
// message brings a new end, and the store need not hear of every one.
const (
	webhookSpare = 30 * time.Second
	webhookRenew = 45 * time.Minute
)

// webhook is an address to answer a conversation at. Whoever has it may write
// there, so it is a secret.
type webhook struct {
	url     string
	expires time.Time
}

// webhooks keeps the newest of each conversation, for all processes.
type webhooks struct {
	vault  bot.Vault
	prefix string
	base   string
	now    func() time.Time

	mu    sync.Mutex
	kept  map[string]webhook
	saved map[string]time.Time // the end that the vault knows
}

func (w *webhooks) key(room string) string { return w.prefix + "/webhook/" + room }

// trusted reports whether url is one of the platform's own: the HTTP callback's
// signature does not cover the body that brings it.
func (w *webhooks) trusted(url string) bool {
	return strings.HasPrefix(url, strings.TrimSuffix(w.base, "/")+"/robot/sendBySession?")
}

// learn takes the webhook that a message brought.
func (w *webhooks) learn(ctx context.Context, room string, h webhook) error {
	if !w.trusted(h.url) || !h.expires.After(w.now().Add(webhookSpare)) {
		return nil
	}
	w.mu.Lock()
	w.shrink()
	w.kept[room] = h
	save := w.saved[room].Before(w.now().Add(webhookRenew))
	if save {
		if w.saved == nil {
			w.saved = map[string]time.Time{}
		}
		w.saved[room] = h.expires
	}
	w.mu.Unlock()
	if !save {
		return nil
	}
	return w.vault.Keep(ctx, w.key(room), h.url, h.expires)
}

// of gives the webhook of a room, "" when there is none that lives.
func (w *webhooks) of(ctx context.Context, room string) (string, error) {
	w.mu.Lock()
	h := w.kept[room]
	w.mu.Unlock()
	if h.expires.After(w.now().Add(webhookSpare)) {
		return h.url, nil
	}
	url, expires, err := w.vault.Kept(ctx, w.key(room))
	if errors.Is(err, bot.ErrNotKept) {
		return "", nil
	}
	if err != nil || !expires.After(w.now().Add(webhookSpare)) || !w.trusted(url) {
		return "", err
	}
	return url, nil
}

// drop forgets one that the platform no longer takes.
func (w *webhooks) drop(ctx context.Context, room, url string) error {
	w.mu.Lock()
	if w.kept[room].url == url {
		delete(w.kept, room)
	}
	delete(w.saved, room)
	w.mu.Unlock()
	return w.vault.Drop(ctx, w.key(room), url)
}

// shrink drops what is over, when there is much.
func (w *webhooks) shrink() {
	if len(w.kept) < 2000 {
		return
	}
	for room, h := range w.kept {
		if !h.expires.After(w.now()) {
			delete(w.kept, room)
			delete(w.saved, room)
		}
	}
}
