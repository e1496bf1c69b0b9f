package bottest

import (
	"context"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Shelf keeps for adapters under test what processes share by the store: it is
// their bot.Vault, bot.Leases and bot.ButtonStore. The zero value is ready.
type Shelf struct {
	// Now is the clock, time.Now when nil; set it before the first use.
	Now func() time.Time

	mu      sync.Mutex
	fail    error
	kept    map[string]held
	leases  map[string]held
	buttons map[string]bot.Button
}

type held struct {
	value   string
	expires time.Time
}

// Fail lets everything but leases fail with err from now on; nil mends it.
func (m *Shelf) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// Buttons is how many buttons it has.
func (m *Shelf) Buttons() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.buttons)
}

// Seize gives a lease to owner, whoever has it.
func (m *Shelf) Seize(name, owner string, ttl time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lease(name, owner, ttl)
}

func (m *Shelf) lease(name, owner string, ttl time.Duration) {
	if m.leases == nil {
		m.leases = map[string]held{}
	}
	m.leases[name] = held{owner, m.now().Add(ttl)}
}

func (m *Shelf) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

// Keep implements bot.Vault.
func (m *Shelf) Keep(_ context.Context, key, value string, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.kept == nil {
		m.kept = map[string]held{}
	}
	m.kept[key] = held{value, expires}
	return nil
}

// Kept implements bot.Vault.
func (m *Shelf) Kept(_ context.Context, key string) (string, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return "", time.Time{}, m.fail
	}
	v, ok := m.kept[key]
	if !ok || !m.now().Before(v.expires) {
		return "", time.Time{}, bot.ErrNotKept
	}
	return v.value, v.expires, nil
}

// Drop implements bot.Vault.
func (m *Shelf) Drop(_ context.Context, key, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept[key].value == value {
		delete(m.kept, key)
	}
	return m.fail
}

// Hold implements bot.Leases.
func (m *Shelf) Hold(_ context.Context, name, owner string, ttl time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.leases[name]; l.value != owner && m.now().Before(l.expires) {
		return false, nil
	}
	m.lease(name, owner, ttl)
	return true, nil
}

// Release implements bot.Leases.
func (m *Shelf) Release(_ context.Context, name, owner string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.leases[name].value == owner {
		delete(m.leases, name)
	}
	return nil
}

// SaveButton implements bot.ButtonStore.
func (m *Shelf) SaveButton(_ context.Context, b bot.Button) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.buttons == nil {
		m.buttons = map[string]bot.Button{}
	}
	b.Used = m.buttons[b.ID].Used
	m.buttons[b.ID] = b
	return nil
}

// Button implements bot.ButtonStore.
func (m *Shelf) Button(_ context.Context, id string, now time.Time) (bot.Button, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.buttons[id]; ok && now.Before(b.Expires) {
		return b, nil
	}
	return bot.Button{}, bot.ErrNoButton
}

// UseButton implements bot.ButtonStore.
func (m *Shelf) UseButton(_ context.Context, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.buttons[id]
	if !ok || b.Used {
		return false, nil
	}
	b.Used = true
	m.buttons[id] = b
	return true, nil
}
