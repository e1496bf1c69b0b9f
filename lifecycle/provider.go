package lifecycle

import "context"

// Capabilities says what a provider can do, for validation and help.
type Capabilities struct {
	Simulated bool // every reply about its clusters says so
	Machines  bool // implements MachineProvider
	Hosts     bool // implements HostProvider
}

// Provider is one kind of infrastructure.
type Provider interface {
	// Kind is a persisted literal: "sandbox", "hosts", "vsphere" …
	Kind() string
	Capabilities() Capabilities
	// Validate says whether a region can be used now, with everything that is wrong.
	Validate(ctx context.Context, r Region) error
}

// MachineSpec is a machine to be made.
type MachineSpec struct {
	Owner    string // owner tag: the cluster's id
	Name     string // unique within the owner
	CPUs     int
	MemoryMB int64
	DiskMB   int64
}

// Machine is a machine as the provider knows it.
type Machine struct {
	ID      string
	Owner   string
	Name    string
	Address string
	Port    int    // of SSH
	Power   string // "on", "off"
}

// MachineProvider makes machines. All methods are idempotent.
type MachineProvider interface {
	Provider
	// CreateMachine makes the machine, or gives the one that owner and name
	// already have.
	CreateMachine(ctx context.Context, spec MachineSpec) (Machine, error)
	FindMachines(ctx context.Context, owner string) ([]Machine, error)
	// DeleteMachine is content when it is gone already, and refuses with
	// ErrForeign when its owner is another.
	DeleteMachine(ctx context.Context, owner, id string) error
	// Access says how to enter the machine.
	Access(ctx context.Context, m Machine) (Access, error)
}

// HostProvider lends registered hosts.
type HostProvider interface {
	Provider
	// Access says how to enter a registered host, secrets included.
	Access(ctx context.Context, hostID string) (Access, error)
	// PinHostKey records the key seen at the first contact; ErrConflict when
	// another one is pinned.
	PinHostKey(ctx context.Context, hostID, key string) error
}
