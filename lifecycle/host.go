package lifecycle

import "time"

// Credential opens machines. Its secret parts are sealed in the store and are
// present only in the copy that SecretReader hands out.
type Credential struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	User      string    `json:"user"`
	Kind      string    `json:"kind"` // "password" or "key"
	CreatedAt time.Time `json:"createdAt"`

	Password   string `json:"-"`
	PrivateKey string `json:"-"` // PEM
	Passphrase string `json:"-"`
}

// HostStatus is the one word about a registered host.
type HostStatus string

// The statuses of a host.
const (
	HostUnchecked   HostStatus = "unchecked" // registered, never reached
	HostReady       HostStatus = "ready"
	HostUnreachable HostStatus = "unreachable"
	HostClaimed     HostStatus = "claimed" // by a cluster
	HostDirty       HostStatus = "dirty"   // left behind by a forced delete; check it before use
)

// Host is a registered machine of the hosts region. Names are unique overall.
type Host struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Address      string     `json:"address"`
	Port         int        `json:"port"`
	CredentialID string     `json:"credentialId"`
	BastionID    string     `json:"bastionId,omitempty"` // another registered host to jump through
	Status       HostStatus `json:"status"`
	ClusterID    string     `json:"clusterId,omitempty"` // who has claimed it
	HostKey      string     `json:"hostKey,omitempty"`   // pinned at first contact, authorized_keys form
	Facts        HostFacts  `json:"facts"`
	CheckedAt    time.Time  `json:"checkedAt,omitzero"`
	CreatedAt    time.Time  `json:"createdAt"`
}

// HostFacts is what a machine says of itself; gathered in one round trip, so
// that decisions are pure functions on it.
type HostFacts struct {
	Hostname   string   `json:"hostname"`
	MachineID  string   `json:"machineId"`
	BootID     string   `json:"bootId"`
	OS         string   `json:"os"` // ID of os-release: debian, ubuntu, rocky, openEuler, kylin
	OSLike     string   `json:"osLike,omitempty"`
	OSVersion  string   `json:"osVersion"`
	OSName     string   `json:"osName"` // PRETTY_NAME
	Arch       string   `json:"arch"`   // Go's word: amd64, arm64
	Kernel     string   `json:"kernel"`
	CPUs       int      `json:"cpus"`
	MemoryMB   int64    `json:"memoryMb"`
	DiskMB     int64    `json:"diskMb"`     // size of the file system that holds /var/lib
	DiskFreeMB int64    `json:"diskFreeMb"` // what is free on it
	GPUs       []string `json:"gpus,omitempty"`
	Addresses  []string `json:"addresses,omitempty"` // "eth0 10.77.0.11/24"
	DefaultNIC string   `json:"defaultNic,omitempty"`
	ClockMS    int64    `json:"clockMs"` // the machine's clock, unix ms, when asked
	SwapOn     bool     `json:"swapOn"`
	Root       bool     `json:"root"` // uid 0, or sudo works without asking
	Systemd    bool     `json:"systemd"`
	Listening  []int    `json:"listening,omitempty"` // TCP ports in use among those we need
	Owner      string   `json:"owner,omitempty"`     // cluster id in our marker file
	Leftovers  []string `json:"leftovers,omitempty"` // paths of an older cluster: /etc/kubernetes, /var/lib/etcd …
	// Values holds further facts by name (installed versions, unit states), each
	// documented where it is gathered.
	Values map[string]string `json:"values,omitempty"`
}

// Access is how to reach and enter one machine: everything remote.Dial needs.
type Access struct {
	Name       string     // for messages
	Address    string     // without port
	Port       int        // 22 when 0
	Credential Credential // with its secret parts
	HostKey    string     // pinned key; "" = pin at this first contact
	Bastion    *Access    // nil = directly
}
