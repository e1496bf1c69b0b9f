package dingtalk

import (
	"context"
	"errors"
	"log/slog"
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

// maxUnsaved bounds how many wait for the vault, and saveWithin how long it may take
// for one, and for all that are left when the process ends.
const (
	maxUnsaved = 1024
	saveWithin = 2 * time.Second
)

// webhooks keeps the newest of each conversation, for all processes. The vault
// hears of them behind the messages: nobody waits with an acknowledgement for what
// is only an aid.
type webhooks struct {
	vault   bot.Vault
	prefix  string
	base    string
	now     func() time.Time
	log     *slog.Logger
	unsaved chan string // rooms

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
func (w *webhooks) learn(room string, h webhook) {
	if !w.trusted(h.url) || !h.expires.After(w.now().Add(webhookSpare)) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shrink()
	w.kept[room] = h
	if !w.saved[room].Before(w.now().Add(webhookRenew)) {
		return
	}
	select {
	case w.unsaved <- room:
		w.saved[room] = h.expires
	default: // the next message brings another one
	}
}

// run tells the vault what was learnt, until ctx ends; what is left then it tells
// as long as there is time.
func (w *webhooks) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case room := <-w.unsaved:
			w.save(context.WithoutCancel(ctx), room)
		case <-ctx.Done():
		}
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveWithin)
	defer cancel()
	for {
		select {
		case room := <-w.unsaved:
			w.save(late, room)
		default:
			return
		}
	}
}

func (w *webhooks) save(ctx context.Context, room string) {
	w.mu.Lock()
	h := w.kept[room]
	w.mu.Unlock()
	if h.url == "" {
		return // dropped since
	}
	ctx, cancel := context.WithTimeout(ctx, saveWithin)
	defer cancel()
	if err := w.vault.Keep(ctx, w.key(room), h.url, h.expires); err != nil {
		w.mu.Lock()
		delete(w.saved, room)
		w.mu.Unlock()
		w.log.Warn("a conversation's webhook was not kept", "error", err)
	}
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
