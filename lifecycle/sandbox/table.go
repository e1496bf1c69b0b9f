package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/vfs"
)

// table is rows by key, as the journal has them. sb.mu guards it. Rows are
// changed by put and drop only.
type table[V any] struct {
	name string
	rows map[string]V
}

// keys gives the keys, sorted.
func (tb *table[V]) keys() []string { return slices.Sorted(maps.Keys(tb.rows)) }

func (tb *table[V]) load(key string, raw json.RawMessage) error {
	if raw == nil {
		delete(tb.rows, key)
		return nil
	}
	var v V
	if err := json.Unmarshal(raw, &v); err != nil {
		return err
	}
	tb.rows[key] = v
	return nil
}

func (tb *table[V]) empty() { clear(tb.rows) }

// loader is a table of any row type, for the replay.
type loader interface {
	load(key string, raw json.RawMessage) error
	empty()
}

// newTable gives the table of a name, with what the journal has for it. It may be
// called at any time with sb.mu held: rows that were replayed before wait for it.
func newTable[V any](sb *Sandbox, name string) *table[V] {
	if old, ok := sb.tables[name].(*table[V]); ok {
		return old
	}
	tb := &table[V]{name: name, rows: map[string]V{}}
	for key, raw := range sb.waiting[name] {
		if err := tb.load(key, raw); err != nil {
			sb.log.Error("sandbox table", "table", name, "key", key, "err", err)
		}
	}
	delete(sb.waiting, name)
	sb.tables[name] = tb
	return tb
}

// tx is one atomic change of everything: it is in the journal as one line, or
// not at all. sb.mu is held while it lasts.
type tx struct {
	sb   *Sandbox
	now  time.Time
	line line
}

// line is one transaction in the journal.
type line struct {
	At      time.Time `json:"at"`
	Changes []change  `json:"c,omitempty"`
	Entries []Entry   `json:"e,omitempty"`
}

// change is one step of a transaction: of a table's row, of a whole table, of a
// machine's file, or of a machine.
type change struct {
	Table   string          `json:"t,omitempty"`
	Key     string          `json:"k,omitempty"`
	Value   json.RawMessage `json:"v,omitempty"` // none: the row is dropped
	Whole   bool            `json:"w,omitempty"` // the whole table is dropped
	Machine string          `json:"m,omitempty"`
	File    *vfs.Op         `json:"f,omitempty"`
	Gone    bool            `json:"g,omitempty"` // the machine is
}

// put sets a row, at once.
func put[V any](t *tx, tb *table[V], key string, v V) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("sandbox: row of " + tb.name + ": " + err.Error()) // rows are plain data
	}
	tb.rows[key] = v
	t.line.Changes = append(t.line.Changes, change{Table: tb.name, Key: key, Value: raw})
}

// drop takes a row away, at once.
func drop[V any](t *tx, tb *table[V], key string) {
	if _, ok := tb.rows[key]; !ok {
		return
	}
	delete(tb.rows, key)
	t.line.Changes = append(t.line.Changes, change{Table: tb.name, Key: key})
}

// dropTable forgets a table with all its rows.
func (t *tx) dropTable(name string) {
	if tb, ok := t.sb.tables[name]; ok {
		tb.empty()
	}
	delete(t.sb.tables, name)
	delete(t.sb.waiting, name)
	t.line.Changes = append(t.line.Changes, change{Table: name, Whole: true})
}

// enter adds a line to the ledger.
func (t *tx) enter(e Entry) {
	e.Time = t.now
	t.line.Entries = append(t.line.Entries, e)
}
