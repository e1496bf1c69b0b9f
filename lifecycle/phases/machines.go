package phases

import (
	"context"
	"errors"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// machines has the provider make a machine for each node, tagged with its owner.
type machines struct{ *kit }

// Name implements lifecycle.Phase.
func (p *machines) Name() string { return phaseMachines }

// Check implements lifecycle.Phase. A machine that was made but not recorded,
// because we died in between, is found by its owner.
func (p *machines) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	if s.Planning || s.Node.MachineID == "" {
		return lifecycle.Need{Kind: lifecycle.Needed}, nil
	}
	m, err := p.find(ctx, s)
	switch {
	case errors.Is(err, lifecycle.ErrNotFound):
		return lifecycle.Need{Kind: lifecycle.Needed}, nil
	case err != nil:
		return lifecycle.Need{}, err
	case m.ID == s.Node.MachineID && m.Address == s.Node.Address:
		return lifecycle.Need{Kind: lifecycle.Satisfied}, nil
	}
	return lifecycle.Need{Kind: lifecycle.Needed}, nil
}

// Do implements lifecycle.Phase.
func (p *machines) Do(ctx context.Context, s *lifecycle.State) error {
	spec := p.Machine(s.Node.Role)
	spec.Owner, spec.Name = s.Cluster.ID, s.Node.Name
	m, err := p.Machines[s.Cluster.Provider].CreateMachine(ctx, spec)
	if err != nil {
		return machineError(err, s.Node, "machine.create")
	}
	s.Node.MachineID, s.Node.Address, s.Node.Status = m.ID, m.Address, "preparing"
	return s.SaveNode(ctx, s.Node)
}

// Undo implements lifecycle.Undoer.
func (p *machines) Undo(ctx context.Context, s *lifecycle.State) error {
	return p.deleteMachine(ctx, s)
}

// find gives the node's machine, lifecycle.ErrNotFound when there is none.
func (k *kit) find(ctx context.Context, s *lifecycle.State) (lifecycle.Machine, error) {
	all, err := k.Machines[s.Cluster.Provider].FindMachines(ctx, s.Cluster.ID)
	if err != nil {
		return lifecycle.Machine{}, machineError(err, s.Node, "machine.find")
	}
	for _, m := range all {
		if m.Name == s.Node.Name || m.ID == s.Node.MachineID {
			return m, nil
		}
	}
	return lifecycle.Machine{}, lifecycle.ErrNotFound
}

func (k *kit) deleteMachine(ctx context.Context, s *lifecycle.State) error {
	m, err := k.find(ctx, s)
	if errors.Is(err, lifecycle.ErrNotFound) {
		return k.forgetMachine(ctx, s)
	}
	if err != nil {
		return err
	}
	err = k.Machines[s.Cluster.Provider].DeleteMachine(ctx, s.Cluster.ID, m.ID)
	if errors.Is(err, lifecycle.ErrForeign) {
		return blocked(s.Node, "machine.foreign", "machine", m.ID)
	}
	if err != nil {
		return machineError(err, s.Node, "machine.delete")
	}
	return k.forgetMachine(ctx, s)
}

func (k *kit) forgetMachine(ctx context.Context, s *lifecycle.State) error {
	s.Node.MachineID, s.Node.HostKey, s.Node.Status = "", "", "gone"
	return s.SaveNode(ctx, s.Node)
}

// machineError keeps what a provider says in a person's words, and gives words
// to what it does not; a cloud may well answer the next time.
func machineError(err error, n *lifecycle.Node, key string) error {
	var e *lifecycle.Error
	if errors.As(err, &e) {
		return nodeError(err, n)
	}
	kv := []any{"node", n.Name}
	return onNode(n, &lifecycle.Error{Class: lifecycle.Retryable, Text: lifecycle.T(key, kv...),
		Next: lifecycle.T(key+".next", kv...), Err: err})
}

// unmake deletes the machine of a node; it is what a delete does instead of
// cleaning it.
type unmake struct{ *kit }

// Name implements lifecycle.Phase.
func (p *unmake) Name() string { return phaseUnmake }

// Check implements lifecycle.Phase.
func (p *unmake) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	_, err := p.find(ctx, s)
	switch {
	case errors.Is(err, lifecycle.ErrNotFound):
		return lifecycle.Need{Kind: lifecycle.Satisfied}, nil
	case err != nil:
		return lifecycle.Need{}, err
	}
	return lifecycle.Need{Kind: lifecycle.Needed}, nil
}

// Do implements lifecycle.Phase.
func (p *unmake) Do(ctx context.Context, s *lifecycle.State) error { return p.deleteMachine(ctx, s) }
