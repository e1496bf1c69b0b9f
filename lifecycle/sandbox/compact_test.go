package sandbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestCompact makes a journal short and finds the same in it.
func TestCompact(t *testing.T) {
	c := Config{Dir: t.TempDir(), NoDelay: true}
	sb := openSandbox(t, c)
	kept, gone := makeMachine(t, sb, "c1", "kept"), makeMachine(t, sb, "c1", "gone")
	wants(t, enter(t, sb, kept), "echo x >/srv/x; mkdir /srv/d; mv /srv/x /srv/d/x", "")
	if err := sb.DeleteMachine(t.Context(), "c1", gone.ID); err != nil {
		t.Fatal(err)
	}
	files := filesOf(t, sb, kept.ID)
	if err := sb.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := ReadLedger(c.Dir)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(c.Dir, journalName)
	size := func() int64 {
		i, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return i.Size()
	}
	long := size()
	if err := compact(c.Dir, 0); err != nil {
		t.Fatal(err)
	}
	if size() > long*2/3 {
		t.Errorf("%d bytes of %d are left", size(), long)
	}
	after, err := ReadLedger(c.Dir)
	if err != nil || !reflect.DeepEqual(before, after) {
		t.Errorf("the ledger has changed, %v", err)
	}
	sb = openSandbox(t, c)
	if got := filesOf(t, sb, kept.ID); got != files {
		t.Errorf("the files have changed from\n%s\nto\n%s", files, got)
	}
	if len(sb.machines.rows) != 1 || len(sb.disks) != 1 {
		t.Errorf("machines %v", sb.machines.keys())
	}
	wants(t, enter(t, sb, kept), "cat /srv/d/x", "x\n")
}

func filesOf(t *testing.T, sb *Sandbox, id string) string {
	t.Helper()
	sb.mu.Lock()
	defer sb.mu.Unlock()
	text, err := json.Marshal(sb.disks[id].fs.Ops())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
