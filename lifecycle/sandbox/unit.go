package sandbox

import (
	"context"
)

// startUnit makes a transient unit; sb.mu is held.
func (sb *Sandbox) startUnit(t *tx, m *machine, name string, args []string) {
	sb.lastPID++
	row := unitRow{Name: name, Active: active, Transient: true, Args: args, Command: blanked(args), StartedAt: t.now, PID: sb.lastPID}
	put(t, m.units, name, row)
	t.enter(Entry{Kind: EntryUnit, Machine: m.name, Owner: m.row().Owner, Command: "start", Unit: name})
	sb.runUnit(m, row)
}

// resumeUnits has the units of a machine go on that ran when the process ended.
func (sb *Sandbox) resumeUnits(m *machine) {
	for _, name := range m.units.keys() {
		row := m.units.rows[name]
		if row.Transient && row.Active == active {
			sb.lastPID = max(sb.lastPID, row.PID)
			sb.runUnit(m, row)
		}
	}
}

// runUnit starts the goroutine that is the unit; sb.mu is held.
func (sb *Sandbox) runUnit(m *machine, row unitRow) {
	id := unitID{m.id, row.Name}
	p := sb.newProcess(sb.life, m, row.PID)
	p.run = &unitRun{id: id, traces: newTable[trace](sb, traceTable(id)), cancel: p.cancel, done: make(chan struct{}), seen: map[string]int{}}
	sb.runs[id] = p.run
	sb.work.Go(func() {
		defer close(p.run.done)
		code := p.unit(row.Args)
		p.exited()
		sb.endUnit(m, p.run, code)
	})
}

// unit runs the command of a unit as systemd does: with little in its environment
// and nobody at its ends.
func (p *process) unit(args []string) int {
	f := frame{ctx: p.ctx, dir: "/", stdio: stdio{nil, nowhere{}, nowhere{}}}.with(environment(p.user))
	return p.launch(f, args)
}

// endUnit takes a unit away that has ended. One that is cut off by our own end
// stays, to go on later.
func (sb *Sandbox) endUnit(m *machine, run *unitRun, code int) {
	sb.change(func(t *tx) {
		if sb.life.Err() != nil && code == stopped || run.over {
			return
		}
		sb.dropUnit(t, m, run)
		t.enter(Entry{Kind: EntryUnit, Machine: m.name, Owner: m.row().Owner, Command: "end", Unit: run.id.name, Code: code})
	})
}

// dropUnit takes a unit and its record away; sb.mu is held.
func (sb *Sandbox) dropUnit(t *tx, m *machine, run *unitRun) {
	drop(t, m.units, run.id.name)
	t.dropTable(traceTable(run.id))
	run.over = true
	if sb.runs[run.id] == run {
		delete(sb.runs, run.id)
	}
}

// stopUnit ends a unit from outside and gives what closes when it is gone, nil
// when it does not run.
func (sb *Sandbox) stopUnit(t *tx, m *machine, name string) <-chan struct{} {
	run, ok := sb.runs[unitID{m.id, name}]
	if !ok {
		return nil
	}
	sb.dropUnit(t, m, run)
	t.enter(Entry{Kind: EntryUnit, Machine: m.name, Owner: m.row().Owner, Command: "stop", Unit: name, Code: stopped})
	run.cancel()
	return run.done
}

// awaited waits until a unit is gone.
func awaited(ctx context.Context, done <-chan struct{}) {
	if done == nil {
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}
