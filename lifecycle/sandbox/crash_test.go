package sandbox_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/sandbox"
)

// TestKilledAnywhere cuts the journal of a whole create at many places, as a
// SIGKILL would, and has the sandbox go on from there: every unit that had begun
// ends as it did in the whole run, with the same output, and nothing is done twice.
func TestKilledAnywhere(t *testing.T) {
	w := newWorld(t, sandbox.Config{NoDelay: true})
	w.operate(w.cluster("demo", 1, 1, first()), lifecycle.OpCreate)
	whole := w.sb.AwaitUnits()
	if err := w.sb.Close(); err != nil {
		t.Fatal(err)
	}
	if len(whole) < 8 {
		t.Fatalf("only %d units ran", len(whole))
	}
	journal, err := os.ReadFile(filepath.Join(w.dir, "sandbox", sandbox.JournalName))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(journal, []byte("\n"))
	cuts := 40
	if testing.Short() {
		cuts = 8
	}
	resumed := 0
	for i := range cuts {
		at := (2*i + 1) * len(lines) / (2 * cuts)
		resumed += goOn(t, bytes.Join(lines[:at], nil), lines[at], whole)
	}
	t.Logf("%d lines, %d cuts, %d of them within units", len(lines), cuts, resumed)
	if resumed == 0 {
		t.Error("no cut was within a unit")
	}
}

// goOn opens a sandbox on a journal that ends with a torn line, and gives 1 when a
// unit had to go on.
func goOn(t *testing.T, journal, torn []byte, whole map[string][2]string) (resumed int) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, sandbox.JournalName), append(journal, torn[:len(torn)/2]...), 0o600); err != nil {
		t.Fatal(err)
	}
	before := ended(t, dir)
	sb, err := sandbox.New(sandbox.Config{Dir: dir, NoDelay: true})
	if err != nil {
		t.Fatal(err)
	}
	for unit, left := range sb.AwaitUnits() {
		if left != whole[unit] {
			t.Errorf("cut at byte %d: %s left %q, want %q", len(journal), unit, left, whole[unit])
		}
	}
	if err := sb.Close(); err != nil {
		t.Error(err)
	}
	if ended(t, dir) > before {
		resumed = 1
	}
	l, err := sandbox.ReadLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"kubeadm init", "kubeadm join", "apt-get -y", "swapoff"} {
		for machine, n := range l.Effects(command) {
			if n > 1 {
				t.Errorf("cut at byte %d: %s happened %d times on %s", len(journal), command, n, machine)
			}
		}
	}
	return resumed
}

// ended counts the units that have ended.
func ended(t *testing.T, dir string) (n int) {
	t.Helper()
	l, err := sandbox.ReadLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range l.Entries {
		if e.Kind == sandbox.EntryUnit && e.Command == "end" {
			n++
		}
	}
	return n
}
