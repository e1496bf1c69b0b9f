package phases

import (
	"context"
	"errors"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// cloud is a MachineProvider in memory.
type cloud struct {
	machines map[string]lifecycle.Machine
	made     int
	err      error
}

func (c *cloud) Kind() string                                     { return "cloud" }
func (c *cloud) Capabilities() lifecycle.Capabilities             { return lifecycle.Capabilities{Machines: true} }
func (c *cloud) Validate(context.Context, lifecycle.Region) error { return nil }

func (c *cloud) CreateMachine(_ context.Context, spec lifecycle.MachineSpec) (lifecycle.Machine, error) {
	if c.err != nil {
		return lifecycle.Machine{}, c.err
	}
	m, ok := c.machines[spec.Name]
	if !ok {
		c.made++
		m = lifecycle.Machine{ID: "m-" + spec.Name, Owner: spec.Owner, Name: spec.Name, Address: "10.0.0.9"}
		c.machines[spec.Name] = m
	}
	return m, nil
}

func (c *cloud) FindMachines(_ context.Context, owner string) ([]lifecycle.Machine, error) {
	var out []lifecycle.Machine
	for _, m := range c.machines {
		if m.Owner == owner {
			out = append(out, m)
		}
	}
	return out, c.err
}

func (c *cloud) DeleteMachine(_ context.Context, owner, id string) error {
	for name, m := range c.machines {
		if m.ID == id && m.Owner == owner {
			delete(c.machines, name)
		} else if m.ID == id {
			return lifecycle.ErrForeign
		}
	}
	return c.err
}

func (c *cloud) Access(_ context.Context, m lifecycle.Machine) (lifecycle.Access, error) {
	return lifecycle.Access{Name: m.Name, Address: m.Address}, nil
}

func newCloudScene(t *testing.T) (*scene, *cloud) {
	s := newScene(t, nil)
	c := &cloud{machines: map[string]lifecycle.Machine{}}
	s.kit.Machines = map[string]lifecycle.MachineProvider{"cloud": c}
	s.state.Cluster.Provider = "cloud"
	for _, n := range s.state.Nodes {
		n.HostID, n.Address = "", ""
	}
	return s, c
}

func TestMachinesAreMadeOnce(t *testing.T) {
	s, c := newCloudScene(t)
	p, st := &machines{s.kit}, s.at(0, 1, phaseMachines)
	s.need(p, st, lifecycle.Needed)
	s.do(p, st)
	if st.Node.MachineID != "m-cp1" || st.Node.Address != "10.0.0.9" || len(s.book.nodes) != 1 {
		t.Errorf("%+v", st.Node)
	}
	s.need(p, st, lifecycle.Satisfied)
	st.Node.MachineID = "" // we died before it was recorded
	s.need(p, st, lifecycle.Needed)
	s.do(p, st)
	if c.made != 1 || st.Node.MachineID != "m-cp1" {
		t.Errorf("made %d machines", c.made)
	}
}

func TestMachinesAreDeletedByOwner(t *testing.T) {
	s, c := newCloudScene(t)
	p, st := &machines{s.kit}, s.at(0, 1, phaseMachines)
	s.do(p, st)
	st.Node.MachineID = "" // made, not recorded: found by its owner
	if err := p.Undo(t.Context(), st); err != nil || len(c.machines) != 0 || st.Node.Status != "gone" {
		t.Errorf("%v %v", err, c.machines)
	}
	s.need(&unmake{s.kit}, st, lifecycle.Satisfied)
	c.machines["cp1"] = lifecycle.Machine{ID: "m-cp1", Owner: "somebody else", Name: "cp1"}
	s.do(&unmake{s.kit}, st)
	if len(c.machines) != 1 {
		t.Error("somebody else's machine was deleted")
	}
}

func TestACloudThatFailsIsTriedAgain(t *testing.T) {
	s, c := newCloudScene(t)
	c.err = errors.New("503")
	err := (&machines{s.kit}).Do(t.Context(), s.at(0, 1, phaseMachines))
	if e := lifecycle.AsError(err); e.Class != lifecycle.Retryable || e.Text.Key != "machine.create" || e.Node != "cp1" {
		t.Error(err)
	}
	c.err = lifecycle.Block(lifecycle.T("cloud.quota"), lifecycle.T("cloud.quota.next"))
	err = (&machines{s.kit}).Do(t.Context(), s.at(0, 1, phaseMachines))
	if e := lifecycle.AsError(err); e.Class != lifecycle.Blocked || e.Text.Key != "cloud.quota" || e.Node != "cp1" {
		t.Error(err)
	}
}

func TestMadeMachinesAreNotCleaned(t *testing.T) {
	s, c := newCloudScene(t)
	s.claimed()
	s.do(&machines{s.kit}, s.at(0, 1, phaseMachines))
	for _, u := range []lifecycle.Undoer{&initialise{s.kit}, &packages{s.kit}, &claim{s.kit}, &upload{s.kit}} {
		if err := u.Undo(t.Context(), s.at(0, 2, "x")); err != nil {
			t.Error(err)
		}
	}
	if len(s.host("cp1").calls) > 0 || len(c.machines) != 1 {
		t.Error(s.host("cp1").calls)
	}
}

func TestPlanOfMachinesThatDoNotExistYet(t *testing.T) {
	s, _ := newCloudScene(t)
	op := &lifecycle.Operation{ID: "01OP", Kind: lifecycle.OpCreate}
	plan, err := lifecycle.MakePlan(KeepFacts(t.Context()), s.kit.create(), op, s.state.Cluster, s.state.Nodes)
	if err != nil || len(plan.Problems) > 0 {
		t.Fatalf("%v %v", err, plan.Problems)
	}
	for _, st := range plan.Steps {
		if st.Phase == phaseInit && (st.Need != lifecycle.Unknown || st.Until != phaseMachines) {
			t.Errorf("%+v", st)
		}
	}
	for name, h := range s.fleet.hosts {
		if len(h.calls) > 0 {
			t.Errorf("%s was entered", name)
		}
	}
}

func TestConnectPinsANewMachine(t *testing.T) {
	s, _ := newCloudScene(t)
	s.do(&machines{s.kit}, s.at(0, 1, phaseMachines))
	st := s.at(0, 1, phaseConnect)
	s.need(&connect{s.kit}, st, lifecycle.Needed)
	s.do(&connect{s.kit}, st)
	if st.Node.HostKey != "ssh-ed25519 cp1" || st.Node.Address != "10.0.0.11" {
		t.Errorf("%+v", st.Node)
	}
	s.need(&connect{s.kit}, st, lifecycle.Satisfied)
}
