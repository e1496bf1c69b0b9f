package sandbox

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// defaultPath is where commands are looked for.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// pidVariable holds what "$$" stands for in scripts.
const pidVariable = "COXSWAIN_SANDBOX_PID"

// procID names a group of processes.
type procID struct {
	machine string
	pid     int
}

// process is what one session or one unit runs: a group of processes with one
// number, of which scripts see only the shell.
type process struct {
	m    *machine
	pid  int
	user string
	run  *unitRun // nil in a session
	// ctx ends when the group is killed.
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	umask fs.FileMode
}

// newProcess enters a group into the machine's table of processes. Its end is
// exited. sb.mu is held.
func (sb *Sandbox) newProcess(ctx context.Context, m *machine, pid int) *process {
	if pid == 0 {
		sb.lastPID++
		pid = sb.lastPID
	}
	p := &process{m: m, pid: pid, user: rootUser, umask: 0o022}
	p.ctx, p.cancel = context.WithCancel(ctx)
	sb.procs[procID{m.id, pid}] = p
	return p
}

// exited takes the group out of the table.
func (p *process) exited() {
	p.cancel()
	p.m.sb.mu.Lock()
	defer p.m.sb.mu.Unlock()
	delete(p.m.sb.procs, procID{p.m.id, p.pid})
}

// stat is the group's line of /proc/PID/stat.
func (p *process) stat() string { return fmt.Sprintf("%d (sh) S 1 %[1]d %[1]d 0 -1\n", p.pid) }

// processFile gives the content of a file about a process; sb.mu is held.
func (m *machine) processFile(name string) (string, bool) {
	var pid int
	if !strings.HasPrefix(name, "/proc/") || !strings.HasSuffix(name, "/stat") {
		return "", false
	}
	if _, err := fmt.Sscanf(name, "/proc/%d/stat", &pid); err != nil {
		return "", false
	}
	p, ok := m.sb.procs[procID{m.id, pid}]
	if !ok {
		return "", false
	}
	return p.stat(), true
}

// environment is what a session or unit starts with.
func environment(user string) []string {
	home := "/root"
	if user != rootUser {
		home = "/home/" + user
	}
	return []string{"PATH=" + defaultPath, "HOME=" + home, "USER=" + user, "LOGNAME=" + user, "SHELL=/bin/sh", "LANG=C.UTF-8"}
}

func (p *process) maskOf() fs.FileMode {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.umask
}

func (p *process) setMask(mask fs.FileMode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.umask = mask
}
