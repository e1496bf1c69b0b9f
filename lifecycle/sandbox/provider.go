package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

var _ lifecycle.MachineProvider = (*Sandbox)(nil)

const powerOn = "on"

// What a machine is that nobody has asked anything special of.
const (
	defaultCPUs     = 4
	defaultMemoryMB = 8 << 10
	defaultDiskMB   = 40 << 10
)

// CreateMachine implements lifecycle.MachineProvider.
func (sb *Sandbox) CreateMachine(ctx context.Context, spec lifecycle.MachineSpec) (lifecycle.Machine, error) {
	if spec.Owner == "" || spec.Name == "" {
		return lifecycle.Machine{}, errors.New("sandbox: a machine needs an owner and a name")
	}
	var made lifecycle.Machine
	err := sb.provided(ctx, spec.Name, delayCreate, func() error {
		var err error
		made, err = sb.create(ctx, spec)
		return err
	})
	if err != nil {
		return lifecycle.Machine{}, err
	}
	return made, nil
}

func (sb *Sandbox) create(ctx context.Context, spec lifecycle.MachineSpec) (lifecycle.Machine, error) {
	if m, ok := sb.again(spec); ok {
		return m, sb.durable()
	}
	if err := sb.wait(ctx, taking(delayCreate)); err != nil {
		return lifecycle.Machine{}, err
	}
	hostKey, err := newSSHKey(spec.Name)
	if err != nil {
		return lifecycle.Machine{}, err
	}
	port, err := sb.freePort()
	if err != nil {
		return lifecycle.Machine{}, err
	}
	if m, ok := sb.again(spec); ok { // somebody was quicker
		return m, sb.durable()
	}
	row, err := sb.enterMachine(spec, hostKey, port)
	if err != nil {
		return lifecycle.Machine{}, err
	}
	return row.machine(), sb.durable()
}

// again finds the machine that owner and name already have.
func (sb *Sandbox) again(spec lifecycle.MachineSpec) (m lifecycle.Machine, ok bool) {
	sb.change(func(t *tx) {
		row, found := sb.findMachine(spec.Owner, spec.Name)
		if !found {
			return
		}
		t.enter(Entry{Kind: EntryAgain, Machine: row.Name, Owner: row.Owner, Command: delayCreate})
		m, ok = row.machine(), true
	})
	return m, ok
}

func (sb *Sandbox) findMachine(owner, name string) (machineRow, bool) {
	for _, row := range sb.machines.rows {
		if row.Owner == owner && row.Name == name {
			return row, true
		}
	}
	return machineRow{}, false
}

// enterMachine makes the machine, in one transaction.
func (sb *Sandbox) enterMachine(spec lifecycle.MachineSpec, hostKey string, port int) (row machineRow, err error) {
	sb.mu.Lock()
	defer sb.mu.Unlock()
	if sb.closed {
		return row, errClosed
	}
	if row, ok := sb.findMachine(spec.Owner, spec.Name); ok {
		return row, nil
	}
	t := sb.begin()
	n := sb.counters.rows["machine"] + 1
	put(t, sb.counters, "machine", n)
	row = machineRow{ID: fmt.Sprintf("machine-%05d", n), Name: spec.Name, Owner: spec.Owner, IP: sb.freeAddress(n), BootID: randomUUID(), Port: port,
		CPUs: orDefault(spec.CPUs, defaultCPUs), MemoryMB: orDefault(spec.MemoryMB, defaultMemoryMB), DiskMB: orDefault(spec.DiskMB, defaultDiskMB),
		Power: powerOn, HostKey: hostKey, CreatedAt: t.now}
	put(t, sb.machines, row.ID, row)
	m := sb.disk(row.ID)
	m.name = row.Name
	t.enter(Entry{Kind: EntryProvider, Machine: row.Name, Owner: row.Owner, Command: delayCreate})
	err = m.provision(t)
	sb.commit(t)
	return row, errors.Join(err, sb.serveSSH(row.ID))
}

func orDefault[T int | int64](v, preset T) T {
	if v <= 0 {
		return preset
	}
	return v
}

// freeAddress gives an address in 10.77.128.0/17 that no machine has: the n-th,
// so that one that was deleted does not come again at once.
func (sb *Sandbox) freeAddress(n int) string {
	taken := map[string]bool{}
	for _, row := range sb.machines.rows {
		taken[row.IP] = true
	}
	const perNet, nets, first = 200, 120, 11
	for ; ; n++ {
		i := (n - 1) % (perNet * nets)
		ip := fmt.Sprintf("10.77.%d.%d", 128+i/perNet, first+i%perNet)
		if !taken[ip] {
			return ip
		}
	}
}

func (row machineRow) machine() lifecycle.Machine {
	return lifecycle.Machine{ID: row.ID, Owner: row.Owner, Name: row.Name, Address: row.IP, Port: row.Port, Power: row.Power}
}

// FindMachines implements lifecycle.MachineProvider.
func (sb *Sandbox) FindMachines(ctx context.Context, owner string) ([]lifecycle.Machine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sb.mu.Lock()
	defer sb.mu.Unlock()
	var out []lifecycle.Machine
	for _, id := range sb.machines.keys() {
		if row := sb.machines.rows[id]; row.Owner == owner {
			out = append(out, row.machine())
		}
	}
	return out, nil
}

// DeleteMachine implements lifecycle.MachineProvider.
func (sb *Sandbox) DeleteMachine(ctx context.Context, owner, id string) error {
	sb.mu.Lock()
	row, there := sb.machines.rows[id]
	sb.mu.Unlock()
	if there && row.Owner != owner {
		return lifecycle.ErrForeign
	}
	name := row.Name
	if !there {
		name = id
	}
	return sb.provided(ctx, name, delayDelete, func() error { return sb.remove(ctx, owner, id) })
}

func (sb *Sandbox) remove(ctx context.Context, owner, id string) error {
	sb.mu.Lock()
	_, there := sb.machines.rows[id]
	sb.mu.Unlock()
	if there {
		if err := sb.wait(ctx, taking(delayDelete)); err != nil {
			return err
		}
	}
	sb.change(func(t *tx) {
		row, there := sb.machines.rows[id]
		if !there {
			t.enter(Entry{Kind: EntryAgain, Machine: id, Owner: owner, Command: delayDelete})
			return
		}
		sb.unmake(t, row)
	})
	return sb.durable()
}

// unmake takes a machine away with everything on it; sb.mu is held.
func (sb *Sandbox) unmake(t *tx, row machineRow) {
	m := sb.disk(row.ID)
	m.leave(t, true)
	for id, run := range sb.runs {
		if id.machine == row.ID {
			sb.dropUnit(t, m, run)
		}
	}
	for id, p := range sb.procs {
		if id.machine == row.ID {
			p.cancel()
		}
	}
	if s := sb.servers[row.ID]; s != nil {
		s.close()
		delete(sb.servers, row.ID)
	}
	drop(t, sb.machines, row.ID)
	for _, name := range machineTables(row.ID) {
		delete(sb.tables, name)
	}
	delete(sb.disks, row.ID)
	t.line.Changes = append(t.line.Changes, change{Machine: row.ID, Gone: true})
	t.enter(Entry{Kind: EntryProvider, Machine: row.Name, Owner: row.Owner, Command: delayDelete})
	sb.reconcile(t)
}

// Access implements lifecycle.MachineProvider.
func (sb *Sandbox) Access(ctx context.Context, m lifecycle.Machine) (lifecycle.Access, error) {
	if err := ctx.Err(); err != nil {
		return lifecycle.Access{}, err
	}
	sb.mu.Lock()
	defer sb.mu.Unlock()
	row, ok := sb.machines.rows[m.ID]
	if !ok {
		return lifecycle.Access{}, lifecycle.ErrNotFound
	}
	hostKey, err := publicLine(row.HostKey)
	if err != nil {
		return lifecycle.Access{}, err
	}
	return lifecycle.Access{Name: row.Name, Address: localhost, Port: row.Port, HostKey: hostKey,
		Credential: lifecycle.Credential{Name: "sandbox", User: rootUser, Kind: "key", PrivateKey: sb.secrets.rows[secretClientKey]}}, nil
}

// ResolveVersion gives the exact version that the simulated package sources have
// for "", "1.34" or "v1.34.4", or says which they have.
func (sb *Sandbox) ResolveVersion(wanted string) (string, error) {
	wanted = strings.TrimPrefix(wanted, "v")
	for _, v := range kubernetesVersions() {
		if wanted == "" || v == wanted || strings.HasPrefix(v, wanted+".") {
			return "v" + v, nil
		}
	}
	return "", lifecycle.Block(lifecycle.T("version.absent", "version", wanted, "host", Kind, "offered", strings.Join(kubernetesVersions(), ", ")),
		lifecycle.T("version.absent.next"))
}
