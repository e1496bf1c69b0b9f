package phases

import (
	"context"
	"errors"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
)

// connect waits until a machine answers, pins its host key, and learns the
// address that nodes use among themselves.
type connect struct{ *kit }

// Name implements lifecycle.Phase.
func (p *connect) Name() string { return phaseConnect }

// Timeout implements lifecycle.Timed: a new machine may boot for a while.
func (p *connect) Timeout() time.Duration { return 10 * time.Minute }

// Check implements lifecycle.Phase.
func (p *connect) Check(ctx context.Context, s *lifecycle.State) (lifecycle.Need, error) {
	n := s.Node
	if s.Planning && n.HostID == "" && n.MachineID == "" {
		return lifecycle.Need{Kind: lifecycle.Unknown, Until: phaseMachines}, nil
	}
	a, err := p.access(ctx, s, n)
	if err != nil {
		return lifecycle.Need{}, err
	}
	if a.HostKey == "" || n.HostID != "" && n.Address == "" {
		return lifecycle.Need{Kind: lifecycle.Needed}, nil
	}
	h, err := p.Dialer.Dial(ctx, a)
	if err != nil { // Do waits for it, and tells
		return lifecycle.Need{Kind: lifecycle.Needed}, nil
	}
	return lifecycle.Need{Kind: lifecycle.Satisfied}, h.Close()
}

// Do implements lifecycle.Phase.
func (p *connect) Do(ctx context.Context, s *lifecycle.State) error {
	a, err := p.access(ctx, s, s.Node)
	if err != nil {
		return err
	}
	h, err := p.patiently(ctx, s, a)
	if err != nil {
		return nodeError(err, s.Node)
	}
	defer h.Close()
	if err := p.pin(ctx, s, h.HostKey()); err != nil {
		return err
	}
	f, err := GatherFacts(ctx, h)
	if err != nil {
		return nodeError(err, s.Node)
	}
	at, ok := nodeAddress(f, s.Cluster.Spec.NIC)
	if !ok {
		return noAddress(s.Node, s.Cluster.Spec.NIC)
	}
	s.Node.Address, s.Node.Status = at.Prefix.Addr().String(), "preparing"
	return s.SaveNode(ctx, s.Node)
}

// patiently dials until the machine answers or the step's time is up. Only
// a machine that we have just made is waited for.
func (p *connect) patiently(ctx context.Context, s *lifecycle.State, a lifecycle.Access) (remote.Host, error) {
	for wait := time.Second; ; wait = min(2*wait, 10*time.Second) {
		h, err := p.Dialer.Dial(ctx, a)
		if err == nil || s.Node.MachineID == "" || lifecycle.ClassOf(err) != lifecycle.Retryable {
			return h, err
		}
		s.Remark(lifecycle.T("log.machine.silent"))
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		case <-timer.C:
		}
	}
}

// pin records the key seen at the first contact.
func (p *connect) pin(ctx context.Context, s *lifecycle.State, key string) error {
	if s.Node.HostID == "" {
		s.Node.HostKey = key
		return nil // saved with the address
	}
	err := p.Hosts.PinHostKey(ctx, s.Node.HostID, key)
	if errors.Is(err, lifecycle.ErrConflict) {
		return blocked(s.Node, "connect.hostkey")
	}
	return err
}
