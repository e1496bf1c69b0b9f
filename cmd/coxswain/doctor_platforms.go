package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// platformCheck bounds the examination of one account.
const platformCheck = 30 * time.Second

// platforms examines every configured chat account: credentials, rights,
// connection. It stores nothing and takes no connection from a running server.
func (d *doctor) platforms(ctx context.Context) []finding {
	accounts, err := openPlatforms(d.cfg, bot.Shared{Owner: "doctor", Buttons: bot.NewButtons(noButtons{}, nil, d.now),
		Vault: &pocket{now: d.now}, Leases: alone{}, Assistant: noAssistant{}, Say: func(_, key string, _ map[string]any) string { return key }, Lang: d.cfg.Server.Lang},
		slog.New(slog.DiscardHandler))
	if err != nil {
		return []finding{mend(lifecycle.T("doctor.platform.config", "cause", err.Error()), lifecycle.T("doctor.platform.config.next"))}
	}
	found := make([][]finding, len(accounts))
	var wg sync.WaitGroup
	for i, a := range accounts {
		wg.Go(func() { found[i] = examine(ctx, a) })
	}
	wg.Wait()
	var out []finding
	for _, f := range found {
		out = append(out, f...)
	}
	return out
}

func examine(ctx context.Context, a account) []finding {
	c, ok := a.Platform.(bot.Checker)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, platformCheck)
	defer cancel()
	var out []finding
	for _, f := range c.Check(ctx) {
		text := lifecycle.Text{Key: f.Key, Args: f.Args} // it names the account
		switch {
		case f.OK:
			out = append(out, good(text)...)
		case f.Next == "":
			out = append(out, mention(text, lifecycle.Text{}))
		default:
			out = append(out, mend(text, lifecycle.Text{Key: f.Next, Args: f.Args}))
		}
	}
	return out
}

// pocket is a bot.Vault that is gone with the doctor.
type pocket struct {
	now  func() time.Time
	mu   sync.Mutex
	kept map[string]pocketed
}

type pocketed struct {
	value   string
	expires time.Time
}

// Keep implements bot.Vault.
func (p *pocket) Keep(_ context.Context, key, value string, expires time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[string]pocketed{}
	}
	p.kept[key] = pocketed{value, expires}
	return nil
}

// Kept implements bot.Vault.
func (p *pocket) Kept(_ context.Context, key string) (string, time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.kept[key]
	if !ok || !v.expires.After(p.now()) {
		return "", time.Time{}, bot.ErrNotKept
	}
	return v.value, v.expires, nil
}

// Drop implements bot.Vault.
func (p *pocket) Drop(_ context.Context, key, value string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept[key].value == value {
		delete(p.kept, key)
	}
	return nil
}

// alone is a bot.Leases that never gets one: the running server keeps its own.
type alone struct{}

// Hold implements bot.Leases.
func (alone) Hold(context.Context, string, string, time.Duration) (bool, error) { return false, nil }

// Release implements bot.Leases.
func (alone) Release(context.Context, string, string) error { return nil }

// noAssistant is a bot.Assistant for who answers nobody.
type noAssistant struct{}

// Complete implements bot.Assistant.
func (noAssistant) Complete(context.Context, bot.Inbound) ([]bot.Completion, error) { return nil, nil }

// Form implements bot.Assistant.
func (noAssistant) Form(context.Context, bot.Inbound) (*bot.Form, error) { return nil, nil }

// Home implements bot.Assistant.
func (noAssistant) Home(context.Context, bot.Inbound) (bot.Message, error) { return bot.Message{}, nil }

// noButtons is a bot.ButtonStore for who shows none.
type noButtons struct{}

// SaveButton implements bot.ButtonStore.
func (noButtons) SaveButton(context.Context, bot.Button) error { return nil }

// Button implements bot.ButtonStore.
func (noButtons) Button(context.Context, string, time.Time) (bot.Button, error) {
	return bot.Button{}, bot.ErrNoButton
}

// UseButton implements bot.ButtonStore.
func (noButtons) UseButton(context.Context, string) (bool, error) { return false, nil }
