package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The kinds of ledger entries.
const (
	EntryProvider = "provider" // a machine was made or deleted
	EntryAgain    = "again"    // the provider was asked again for what it had done
	EntryCommand  = "command"  // a command that changes something has ended
	EntryUnknown  = "unknown"  // a command that the sandbox has no model of
	EntryUnit     = "unit"     // a transient unit was started or has ended
)

// Entry is one thing that happened in the sandbox. It is written in the same
// transaction as the thing itself.
type Entry struct {
	Seq     uint64    `json:"-"` // line of the journal, from 1
	Time    time.Time `json:"at"`
	Machine string    `json:"machine"` // its name
	Owner   string    `json:"owner,omitempty"`
	Kind    string    `json:"kind"`
	Command string    `json:"command"` // its words; secrets blanked
	Unit    string    `json:"unit,omitempty"`
	Code    int       `json:"code,omitempty"`
}

// Ledger is the witness of tests: what really happened, in order.
type Ledger struct {
	Entries []Entry
}

// ReadLedger reads the ledger of a sandbox's directory, also while it runs and
// after it was killed.
func ReadLedger(dir string) (ledger Ledger, err error) {
	file, err := os.Open(filepath.Join(dir, journalName))
	if err != nil {
		return Ledger{}, fmt.Errorf("ledger: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	r := bufio.NewReaderSize(file, 1<<16)
	for seq := uint64(1); ; seq++ {
		raw, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return ledger, nil
		}
		if err != nil {
			return ledger, fmt.Errorf("ledger: %w", err)
		}
		var l struct {
			Entries []Entry `json:"e"`
		}
		if err := json.Unmarshal(raw, &l); err != nil {
			return ledger, fmt.Errorf("ledger: line %d: %w", seq, err)
		}
		for _, e := range l.Entries {
			e.Seq = seq
			ledger.Entries = append(ledger.Entries, e)
		}
	}
}

// MachinesCreated counts by name how often a machine of an owner was made.
func (l Ledger) MachinesCreated(owner string) map[string]int { return l.provided(owner, delayCreate) }

// MachinesDeleted counts by name how often a machine of an owner, or ("") of
// anybody, was deleted.
func (l Ledger) MachinesDeleted(owner string) map[string]int { return l.provided(owner, delayDelete) }

func (l Ledger) provided(owner, command string) map[string]int {
	out := map[string]int{}
	for _, e := range l.Entries {
		if e.Kind == EntryProvider && (owner == "" || e.Owner == owner) && e.Command == command {
			out[e.Machine]++
		}
	}
	return out
}

// Effects counts by machine how often a command that changes something succeeded,
// by its first words: "kubeadm init".
func (l Ledger) Effects(prefix string) map[string]int {
	out := map[string]int{}
	for _, e := range l.Entries {
		if e.Kind == EntryCommand && e.Code == 0 && (e.Command == prefix || strings.HasPrefix(e.Command, prefix+" ")) {
			out[e.Machine]++
		}
	}
	return out
}

// Unknown lists the commands that the sandbox has no model of, each once.
func (l Ledger) Unknown() []string {
	var out []string
	for _, e := range l.Entries {
		if e.Kind == EntryUnknown && !slices.Contains(out, e.Command) {
			out = append(out, e.Command)
		}
	}
	return out
}
