package hosts

import (
	"context"
	"errors"
	"fmt"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Kind is the provider's persisted name.
const Kind = "hosts"

// maxBastions bounds a chain of bastions.
const maxBastions = 4

// Registry is what the provider needs of the store.
type Registry interface {
	HostByID(ctx context.Context, id string) (*lifecycle.Host, error)
	CredentialSecret(ctx context.Context, id string) (*lifecycle.Credential, error)
	PinHostKey(ctx context.Context, id, key string) error
}

// Provider lends registered hosts.
type Provider struct{ registry Registry }

var _ lifecycle.HostProvider = (*Provider)(nil)

// New makes the provider on the registry of hosts.
func New(r Registry) *Provider { return &Provider{registry: r} }

// Kind implements lifecycle.Provider.
func (p *Provider) Kind() string { return Kind }

// Capabilities implements lifecycle.Provider.
func (p *Provider) Capabilities() lifecycle.Capabilities { return lifecycle.Capabilities{Hosts: true} }

// Validate implements lifecycle.Provider: the region itself needs nothing.
func (p *Provider) Validate(context.Context, lifecycle.Region) error { return nil }

// Access says how to enter a registered host, through its bastions, with secrets
// and pinned keys.
func (p *Provider) Access(ctx context.Context, hostID string) (lifecycle.Access, error) {
	return p.access(ctx, hostID, 0)
}

func (p *Provider) access(ctx context.Context, hostID string, depth int) (lifecycle.Access, error) {
	if depth > maxBastions {
		return lifecycle.Access{}, lifecycle.Block(lifecycle.T("hosts.bastions"), lifecycle.T("hosts.bastions.next"))
	}
	h, err := p.registry.HostByID(ctx, hostID)
	if err != nil {
		return lifecycle.Access{}, fmt.Errorf("host %s: %w", hostID, err)
	}
	cred, err := p.registry.CredentialSecret(ctx, h.CredentialID)
	if errors.Is(err, lifecycle.ErrNotFound) {
		return lifecycle.Access{}, lifecycle.Block(lifecycle.T("hosts.nocredential", "host", h.Name), lifecycle.T("hosts.nocredential.next"))
	}
	if err != nil {
		return lifecycle.Access{}, fmt.Errorf("credential of host %s: %w", h.Name, err)
	}
	a := lifecycle.Access{Name: h.Name, Address: h.Address, Port: h.Port, Credential: *cred, HostKey: h.HostKey}
	if h.BastionID == "" {
		return a, nil
	}
	via, err := p.access(ctx, h.BastionID, depth+1)
	if err != nil {
		return lifecycle.Access{}, err
	}
	a.Bastion = &via
	return a, nil
}

// PinHostKey implements lifecycle.HostProvider.
func (p *Provider) PinHostKey(ctx context.Context, hostID, key string) error {
	return p.registry.PinHostKey(ctx, hostID, key)
}
