package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const journalName = "journal.jsonl"

// lockDir keeps other processes off the directory. The kernel lets go of it when
// the process ends, however it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("the sandbox directory %s is in use by another process: stop it first", dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// begin starts a transaction; sb.mu is held until its commit.
func (sb *Sandbox) begin() *tx {
	t := &tx{sb: sb, now: sb.cfg.Now().UTC()}
	t.line.At = t.now
	sb.current = t
	return t
}

// commit orders the transaction in the journal.
func (sb *Sandbox) commit(t *tx) {
	sb.current = nil
	if len(t.line.Changes)+len(t.line.Entries) > 0 {
		sb.seq = sb.journal.Append(t.line)
	}
}

// change makes one transaction; durable waits for the disk.
func (sb *Sandbox) change(fn func(t *tx)) {
	sb.mu.Lock()
	defer sb.mu.Unlock()
	t := sb.begin()
	defer sb.commit(t)
	fn(t)
}

// durable returns when everything that has happened so far is on disk. It is
// called before anything is shown to somebody outside: SSH, HTTP, the provider's
// callers. In between, the machines need not wait for the disk.
func (sb *Sandbox) durable() error {
	if err := sb.journal.Sync(sb.journal.Last()); err != nil {
		sb.log.Error("sandbox", "err", err)
		return err
	}
	return nil
}

// replay takes in one line of the journal.
func (sb *Sandbox) replay(raw []byte) error {
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		return err
	}
	for _, ch := range l.Changes {
		if err := sb.apply(ch); err != nil {
			return err
		}
	}
	return nil
}

func (sb *Sandbox) apply(ch change) error {
	switch {
	case ch.File != nil:
		return sb.disk(ch.Machine).fs.Apply(*ch.File)
	case ch.Gone:
		delete(sb.disks, ch.Machine)
		for _, name := range machineTables(ch.Machine) {
			delete(sb.tables, name)
			delete(sb.waiting, name)
		}
	case ch.Whole:
		delete(sb.waiting, ch.Table)
		if tb, ok := sb.tables[ch.Table]; ok {
			tb.empty()
		}
	default:
		return sb.applyRow(ch)
	}
	return nil
}

func (sb *Sandbox) applyRow(ch change) error {
	if tb, ok := sb.tables[ch.Table]; ok {
		return tb.load(ch.Key, ch.Value)
	}
	rows := sb.waiting[ch.Table]
	if rows == nil {
		rows = map[string]json.RawMessage{}
		sb.waiting[ch.Table] = rows
	}
	if ch.Value == nil {
		delete(rows, ch.Key)
		return nil
	}
	rows[ch.Key] = ch.Value
	return nil
}
