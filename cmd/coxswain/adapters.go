package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/lifecycle/bundle"
	"github.com/coxswain-ops/coxswain/lifecycle/hosts"
	"github.com/coxswain-ops/coxswain/lifecycle/kube"
	"github.com/coxswain-ops/coxswain/lifecycle/phases"
	"github.com/coxswain-ops/coxswain/lifecycle/remote"
	"github.com/coxswain-ops/coxswain/store"
)

// The adapters below join what the commands ask for to the packages that can do
// it: neither side may import the other.

// hostChecker enters registered machines for host check.
type hostChecker struct {
	hosts  *hosts.Provider
	dialer remote.Dialer
}

// Check implements commands.HostChecker.
func (c hostChecker) Check(ctx context.Context, hostID string) (facts lifecycle.HostFacts, hostKey string, err error) {
	access, err := c.hosts.Access(ctx, hostID)
	if err != nil {
		return lifecycle.HostFacts{}, "", err
	}
	h, err := c.dialer.Dial(ctx, access)
	if err != nil {
		return lifecycle.HostFacts{}, "", err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	facts, err = phases.GatherFacts(ctx, h)
	return facts, h.HostKey(), err
}

// bundleLibrary keeps bundles below the data directory; their records are in the
// store.
type bundleLibrary struct {
	data  string
	store *store.Store
}

// Import implements commands.BundleLibrary.
func (l bundleLibrary) Import(ctx context.Context, r io.Reader) (lifecycle.Bundle, error) {
	done, err := bundle.Import(ctx, r, l.data)
	if err != nil {
		return lifecycle.Bundle{}, err
	}
	record := done.Manifest.Record()
	record.Path = done.Path
	return record, nil
}

// ImportFile implements commands.BundleLibrary.
func (l bundleLibrary) ImportFile(ctx context.Context, path string) (b lifecycle.Bundle, err error) {
	f, err := os.Open(path)
	if err != nil {
		return lifecycle.Bundle{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return l.Import(ctx, f)
}

// Verify implements commands.BundleLibrary.
func (l bundleLibrary) Verify(ctx context.Context, b lifecycle.Bundle) error {
	opened, err := bundle.Open(b.Path)
	if err != nil {
		return err
	}
	return opened.Verify(ctx, nil)
}

// Remove implements commands.BundleLibrary.
func (l bundleLibrary) Remove(_ context.Context, b lifecycle.Bundle) error {
	return bundle.Remove(b.Path)
}

// Bundle implements phases.Bundles.
func (l bundleLibrary) Bundle(ctx context.Context, name string) (*bundle.Bundle, error) {
	record, err := l.store.BundleByName(ctx, name)
	if err != nil {
		return nil, err
	}
	return bundle.Open(record.Path)
}

// versionResolver asks the source that a cluster's packages come from.
type versionResolver struct {
	hosts   *hosts.Provider
	dialer  remote.Dialer
	bundles bundleLibrary
	// offered are the versions of providers that make their own machines.
	offered map[string]func(wanted string) (string, error)
}

// Resolve implements commands.VersionResolver.
func (r versionResolver) Resolve(ctx context.Context, wanted string, c *lifecycle.Cluster, nodes []*lifecycle.Node) (v string, err error) {
	if offered, ok := r.offered[c.Provider]; ok {
		return offered(wanted)
	}
	spec := c.Spec
	spec.Version = wanted
	if spec.Packages.Source == "bundle" {
		return phases.ResolveVersion(ctx, nil, r.bundles, spec)
	}
	access, err := r.hosts.Access(ctx, nodes[0].HostID)
	if err != nil {
		return "", err
	}
	h, err := r.dialer.Dial(ctx, access)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return phases.ResolveVersion(ctx, h, r.bundles, spec)
}

// kubeClient asks a cluster's API server by way of its control planes, so that
// bastions are no obstacle.
type kubeClient struct {
	store    *store.Store
	hosts    *hosts.Provider
	machines map[string]lifecycle.MachineProvider
	dialer   remote.Dialer
}

func (k kubeClient) open(c *lifecycle.Cluster, kubeconfig string) (*kube.Client, error) {
	return kube.New([]byte(kubeconfig), func(ctx context.Context, network, addr string) (net.Conn, error) {
		return k.dial(ctx, c, network, addr)
	})
}

// Scoped implements commands.KubeClient.
func (k kubeClient) Scoped(ctx context.Context, c *lifecycle.Cluster, kubeconfig, person string) (string, time.Time, error) {
	client, err := k.open(c, kubeconfig)
	if err != nil {
		return "", time.Time{}, err
	}
	got, err := client.Scoped(ctx, person)
	return got.Kubeconfig, got.Until, err
}

// Nodes implements commands.KubeClient.
func (k kubeClient) Nodes(ctx context.Context, c *lifecycle.Cluster, kubeconfig string) ([]commands.NodeState, error) {
	client, err := k.open(c, kubeconfig)
	if err != nil {
		return nil, err
	}
	infos, err := client.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]commands.NodeState, 0, len(infos))
	for _, n := range infos {
		out = append(out, commands.NodeState{Name: n.Name, Role: n.Role, Ready: n.Ready, Reason: n.Reason, Version: n.Version,
			Address: n.InternalIP, OS: n.OS, Runtime: n.Runtime, Since: n.Created})
	}
	return out, nil
}

// dial reaches the API server through the first control plane that answers.
func (k kubeClient) dial(ctx context.Context, c *lifecycle.Cluster, network, addr string) (net.Conn, error) {
	nodes, err := k.store.Nodes(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, n := range lifecycle.ControlPlaneNodes(nodes) {
		conn, err := k.through(ctx, c, n, network, addr)
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

func (k kubeClient) through(ctx context.Context, c *lifecycle.Cluster, n *lifecycle.Node, network, addr string) (net.Conn, error) {
	access, err := k.access(ctx, c, n)
	if err != nil {
		return nil, err
	}
	h, err := k.dialer.Dial(ctx, access)
	if err != nil {
		return nil, err
	}
	stream, err := h.Dial(ctx, network, addr)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	conn, ok := stream.(net.Conn)
	if !ok {
		return nil, errors.Join(errors.New("the machine's stream is no connection"), stream.Close(), h.Close())
	}
	return &throughConn{Conn: conn, host: h}, nil
}

func (k kubeClient) access(ctx context.Context, c *lifecycle.Cluster, n *lifecycle.Node) (lifecycle.Access, error) {
	if n.HostID != "" {
		return k.hosts.Access(ctx, n.HostID)
	}
	p, ok := k.machines[c.Provider]
	if !ok {
		return lifecycle.Access{}, lifecycle.ErrNotFound
	}
	made, err := p.FindMachines(ctx, c.ID)
	if err != nil {
		return lifecycle.Access{}, err
	}
	for _, m := range made {
		if m.ID == n.MachineID {
			return p.Access(ctx, m)
		}
	}
	return lifecycle.Access{}, lifecycle.ErrNotFound
}

// throughConn lets go of the machine when the connection through it ends.
type throughConn struct {
	net.Conn
	host remote.Host
}

// Close implements net.Conn.
func (c *throughConn) Close() error { return errors.Join(c.Conn.Close(), c.host.Close()) }

// checkKey reports what is wrong with a private key, without a word of it.
func checkKey(c *lifecycle.Credential) error {
	var err error
	if c.Passphrase != "" {
		_, err = ssh.ParsePrivateKeyWithPassphrase([]byte(c.PrivateKey), []byte(c.Passphrase))
	} else {
		_, err = ssh.ParsePrivateKey([]byte(c.PrivateKey))
	}
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &locked):
		return lifecycle.Block(lifecycle.T("credential.locked"), lifecycle.T("credential.locked.next"))
	default:
		return lifecycle.Block(lifecycle.T("credential.badkey"), lifecycle.T("credential.badkey.next"))
	}
}

// lateAssistant stands in for the router, which is made after the rooms that it
// answers in. It is filled in before anything runs.
type lateAssistant struct{ bot.Assistant }
