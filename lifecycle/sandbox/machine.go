package sandbox

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle/sandbox/internal/vfs"
)

// machineRow is what the provider knows of a machine.
type machineRow struct {
	ID, Name, Owner, IP, BootID string
	Port                        int // of SSH, on the loopback address
	CPUs                        int
	MemoryMB, DiskMB            int64
	Power                       string
	HostKey                     string // PEM
	CreatedAt                   time.Time
}

// machine is what is inside: its files, services, packages and images.
type machine struct {
	sb       *Sandbox
	id, name string
	fs       *vfs.FS
	units    *table[unitRow]
	values   *table[string]
	packages *table[packageRow]
	images   *table[imageRow]
}

// The states of a unit.
const (
	active   = "active"
	inactive = "inactive"
)

// unitRow is a service as systemd has it loaded, or a transient unit.
type unitRow struct {
	Name, Active, Command string
	Enabled, Transient    bool
	Exit                  int
	StartedAt, EndedAt    time.Time
	Args                  []string `json:",omitempty"` // of a transient unit
	PID                   int      `json:",omitempty"`
	Masked                bool     `json:",omitempty"`
}

// machineTables names the tables of one machine.
func machineTables(id string) []string {
	return []string{"units/" + id, "values/" + id, "packages/" + id, "images/" + id}
}

// disk gives the machine of an id, made empty when there is none yet.
func (sb *Sandbox) disk(id string) *machine {
	if m, ok := sb.disks[id]; ok {
		return m
	}
	m := &machine{sb: sb, id: id, name: id}
	m.fs = vfs.New(sb.blobs, sb.now, func(op vfs.Op) {
		if sb.current == nil {
			panic("sandbox: a file was changed outside of a transaction: " + op.Path)
		}
		sb.current.line.Changes = append(sb.current.line.Changes, change{Machine: id, File: &op})
	})
	names := machineTables(id)
	m.units, m.values = newTable[unitRow](sb, names[0]), newTable[string](sb, names[1])
	m.packages, m.images = newTable[packageRow](sb, names[2]), newTable[imageRow](sb, names[3])
	sb.disks[id] = m
	return m
}

func (m *machine) row() machineRow { return m.sb.machines.rows[m.id] }

// hostname is what the machine calls itself.
func (m *machine) hostname() string {
	if name := strings.TrimSpace(m.text("/etc/hostname")); name != "" {
		return name
	}
	return m.name
}

// text is a file's content, "" when it is absent.
func (m *machine) text(name string) string {
	b, err := m.fs.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}

// state is active or inactive.
func (m *machine) state(unit string) string {
	if u, ok := m.units.rows[unit]; ok && u.Active == active {
		return active
	}
	return inactive
}

// file is one to be written.
type file struct {
	name string
	mode fs.FileMode // 0 = 0644
	text string
}

// write writes files, with their parent directories. A transaction is under way.
func (m *machine) write(files ...file) error {
	var errs []error
	for _, f := range files {
		mode := f.mode
		if mode == 0 {
			mode = 0o644
		}
		errs = append(errs, m.fs.MkdirAll(path.Dir(f.name), 0o755), m.fs.WriteFile(f.name, []byte(f.text), mode))
		if i, err := m.fs.Stat(f.name, true); err == nil && i.Mode().Perm() != mode {
			errs = append(errs, m.fs.Chmod(f.name, mode))
		}
	}
	return errors.Join(errs...)
}

// remove takes a path away with everything below it; it may be absent.
func (m *machine) remove(name string) error {
	err := m.fs.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// dirs makes directories with their parents.
func (m *machine) dirs(paths ...string) error {
	var errs []error
	for _, p := range paths {
		errs = append(errs, m.fs.MkdirAll(p, 0o755))
	}
	return errors.Join(errs...)
}
