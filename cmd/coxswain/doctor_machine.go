package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// earliest is before this program was written: a clock that shows less was never
// set.
func earliest() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

func (d *doctor) timeZone(context.Context) []finding {
	name := d.cfg.Server.Timezone
	zone, err := time.LoadLocation(name)
	if err != nil {
		return []finding{mend(lifecycle.T("doctor.zone.broken", "zone", name), lifecycle.T("doctor.zone.broken.next"))}
	}
	return good(lifecycle.T("doctor.zone.ok", "zone", name, "now", d.now().In(zone).Format("2006-01-02 15:04 MST")))
}

func (d *doctor) clock(context.Context) []finding {
	if now := d.now(); now.Before(earliest()) {
		return []finding{mend(lifecycle.T("doctor.clock.wrong", "now", now.UTC().Format(time.DateTime)), lifecycle.T("doctor.clock.next"))}
	}
	if synchronised, known := clockSynchronised(); known && !synchronised {
		return []finding{mention(lifecycle.T("doctor.clock.alone"), lifecycle.T("doctor.clock.next"))}
	}
	return good(lifecycle.T("doctor.clock.ok"))
}

// terminal looks whether the terminal shows Chinese and the marks of this report.
func (d *doctor) terminal(context.Context) []finding {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		v := d.getenv(name)
		if v == "" {
			continue
		}
		upper := strings.ToUpper(v)
		if strings.Contains(upper, "UTF-8") || strings.Contains(upper, "UTF8") {
			return good(lifecycle.T("doctor.terminal.ok", "value", name+"="+v))
		}
		return []finding{mention(lifecycle.T("doctor.terminal.other", "value", name+"="+v), lifecycle.T("doctor.terminal.next"))}
	}
	return []finding{mention(lifecycle.T("doctor.terminal.unset"), lifecycle.T("doctor.terminal.next"))}
}

// lab looks for what make e2e needs; nobody else does.
func (d *doctor) lab(context.Context) []finding {
	var missing []string
	if runtime.GOOS != "linux" {
		missing = append(missing, "Linux")
	}
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	for _, tool := range []string{"go", "ip", "debootstrap", "iptables"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		return []finding{mention(lifecycle.T("doctor.lab.missing", "missing", missing), lifecycle.T("doctor.lab.next"))}
	}
	return good(lifecycle.T("doctor.lab.ok"))
}
