package bottest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Memory is a bot.InboxStore in memory that keeps the promises of a real one,
// restarts included: it outlives the Inbox that uses it.
type Memory struct {
	mu   sync.Mutex
	rows []*memoryRow
	// lives are the owners that said until when they live.
	lives map[string]time.Time
	// Fail, when set, is asked before each call by method name; its error is
	// returned instead of doing the call.
	Fail func(method string) error
}

type memoryRow struct {
	in       bot.Inbound
	owner    string
	lease    time.Time
	attempts int
	done     bool
}

var _ bot.InboxStore = (*Memory)(nil)

func (m *Memory) enter(method string) (func(), error) {
	m.mu.Lock()
	if m.Fail != nil {
		if err := m.Fail(method); err != nil {
			m.mu.Unlock()
			return nil, err
		}
	}
	return m.mu.Unlock, nil
}

func (m *Memory) row(account, id string) *memoryRow {
	for _, r := range m.rows {
		if r.in.From.Account == account && r.in.ID == id {
			return r
		}
	}
	return nil
}

// Accept implements bot.InboxStore.
func (m *Memory) Accept(_ context.Context, in bot.Inbound, owner string, lease time.Duration) (bool, error) {
	leave, err := m.enter("Accept")
	if err != nil {
		return false, err
	}
	defer leave()
	if m.row(in.From.Account, in.ID) != nil {
		return false, nil
	}
	m.rows = append(m.rows, &memoryRow{in: in, owner: owner, lease: time.Now().Add(lease)})
	return true, nil
}

// ClaimInbound implements bot.InboxStore.
func (m *Memory) ClaimInbound(_ context.Context, owner string, lease time.Duration, limit int) ([]bot.Inbound, error) {
	leave, err := m.enter("ClaimInbound")
	if err != nil {
		return nil, err
	}
	defer leave()
	var out []bot.Inbound
	now := time.Now()
	for _, r := range m.rows {
		if len(out) == limit {
			break
		}
		if !r.done && !r.lease.After(now) {
			r.owner, r.lease = owner, now.Add(lease)
			out = append(out, r.in)
		}
	}
	return out, nil
}

// ReleaseInbound implements bot.InboxStore.
func (m *Memory) ReleaseInbound(context.Context) error {
	leave, err := m.enter("ReleaseInbound")
	if err != nil {
		return err
	}
	defer leave()
	for _, r := range m.rows {
		r.lease = time.Time{}
	}
	return nil
}

// Alive implements bot.InboxStore.
func (m *Memory) Alive(_ context.Context, owner string, ttl time.Duration) error {
	leave, err := m.enter("Alive")
	if err != nil {
		return err
	}
	defer leave()
	if m.lives == nil {
		m.lives = map[string]time.Time{}
	}
	now := time.Now()
	m.lives[owner] = now.Add(ttl)
	for _, r := range m.rows {
		if until, said := m.lives[r.owner]; said && !until.After(now) {
			r.lease = time.Time{}
		}
	}
	return nil
}

// DoneInbound implements bot.InboxStore.
func (m *Memory) DoneInbound(_ context.Context, account, id string) error {
	leave, err := m.enter("DoneInbound")
	if err != nil {
		return err
	}
	defer leave()
	if r := m.row(account, id); r != nil {
		r.done = true
		r.in.Text, r.in.Refs = "", nil
	}
	return nil
}

// FailInbound implements bot.InboxStore.
func (m *Memory) FailInbound(_ context.Context, account, id string) (int, error) {
	leave, err := m.enter("FailInbound")
	if err != nil {
		return 0, err
	}
	defer leave()
	r := m.row(account, id)
	if r == nil {
		return 0, nil
	}
	r.attempts++
	return r.attempts, nil
}

// PurgeInbound implements bot.InboxStore.
func (m *Memory) PurgeInbound(_ context.Context, before time.Time) error {
	leave, err := m.enter("PurgeInbound")
	if err != nil {
		return err
	}
	defer leave()
	m.rows = slices.DeleteFunc(m.rows, func(r *memoryRow) bool { return r.done && r.in.At.Before(before) })
	return nil
}

// Open is how many messages are not done.
func (m *Memory) Open() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, r := range m.rows {
		if !r.done {
			n++
		}
	}
	return n
}

// Rows is how many messages are remembered, done ones included.
func (m *Memory) Rows() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.rows)
}
