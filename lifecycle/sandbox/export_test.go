package sandbox

import (
	"fmt"
	"strings"
)

// JournalName is the file that everything is in.
const JournalName = journalName

// AwaitUnits waits until no transient unit runs and gives what each left: its
// output and its exit code, by machine and unit.
func (sb *Sandbox) AwaitUnits() map[string][2]string {
	for {
		sb.mu.Lock()
		var run *unitRun
		for _, r := range sb.runs {
			run = r
		}
		if run == nil {
			defer sb.mu.Unlock()
			return sb.unitsLeft()
		}
		sb.mu.Unlock()
		<-run.done
	}
}

func (sb *Sandbox) unitsLeft() map[string][2]string {
	const dir = "/var/lib/coxswain/units/"
	out := map[string][2]string{}
	for _, m := range sb.disks {
		for _, unit := range m.names(dir) {
			if m.fs.Exists(dir + unit + "/run") {
				out[m.name+" "+unit] = [2]string{m.text(dir + unit + "/out"), strings.TrimSpace(m.text(dir + unit + "/rc"))}
			}
		}
	}
	return out
}

// Matched is how many calls a fault of the configuration has been compared with
// and fits, struck or not.
func (sb *Sandbox) Matched(fault int) int {
	sb.mu.Lock()
	defer sb.mu.Unlock()
	for key, n := range sb.counters.rows {
		if strings.HasPrefix(key, fmt.Sprintf("fault/%d/", fault)) {
			return n
		}
	}
	return 0
}
