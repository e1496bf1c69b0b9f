package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/coxswain-ops/coxswain/lifecycle"
)

func testCredentials(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	b := &lifecycle.Credential{Name: "b", User: "root", Kind: "key", PrivateKey: "-----BEGIN", Passphrase: "口令", CreatedAt: noon}
	ok(t, s.CreateCredential(ctx, b))
	a := seedCredential(t, s, "a")
	s = f.Reopen()
	b.CreatedAt = stored(noon)
	same(t, "with secret", must[*lifecycle.Credential](t)(s.CredentialSecret(ctx, b.ID)), b)
	plain := lifecycle.Credential{ID: b.ID, Name: "b", User: "root", Kind: "key", CreatedAt: b.CreatedAt}
	same(t, "without secret", *must[*lifecycle.Credential](t)(s.CredentialByName(ctx, "b")), plain)
	a.Password = ""
	same(t, "list", must[[]lifecycle.Credential](t)(s.Credentials(ctx)), []lifecycle.Credential{*a, plain})

	ok(t, s.CreateHost(ctx, &lifecycle.Host{Name: "h", CredentialID: a.ID}))
	wantErr(t, s.DeleteCredential(ctx, a.ID), lifecycle.ErrConflict)
	ok(t, s.DeleteCredential(ctx, b.ID))
	wantErr(t, s.DeleteCredential(ctx, b.ID), lifecycle.ErrNotFound)
	_, err := s.CredentialSecret(ctx, b.ID)
	wantErr(t, err, lifecycle.ErrNotFound)
}

func testHosts(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	cred := seedCredential(t, s, "c")
	jump := &lifecycle.Host{Name: "jump", Address: "192.0.2.9", Port: 2222, CredentialID: cred.ID}
	ok(t, s.CreateHost(ctx, jump))
	if jump.Status != lifecycle.HostUnchecked {
		t.Fatalf("status %q", jump.Status)
	}
	facts := lifecycle.HostFacts{Hostname: "h", CPUs: 4, MemoryMB: 8192, GPUs: []string{"g"}, Listening: []int{6443}, Values: map[string]string{"k": "v"}}
	h := &lifecycle.Host{Name: "h", Address: "192.0.2.1", Port: 22, CredentialID: cred.ID, BastionID: jump.ID, Facts: facts, CreatedAt: noon}
	ok(t, s.CreateHost(ctx, h))
	wantErr(t, s.CreateHost(ctx, &lifecycle.Host{Name: "i", CredentialID: "none"}), lifecycle.ErrNotFound)
	wantErr(t, s.CreateHost(ctx, &lifecycle.Host{Name: "i", CredentialID: cred.ID, BastionID: "none"}), lifecycle.ErrNotFound)

	s = f.Reopen()
	h.CreatedAt = stored(noon)
	same(t, "by id", must[*lifecycle.Host](t)(s.HostByID(ctx, h.ID)), h)
	same(t, "by name", must[*lifecycle.Host](t)(s.HostByName(ctx, "h")), h)
	same(t, "hosts", must[[]lifecycle.Host](t)(s.Hosts(ctx)), []lifecycle.Host{*h, *jump})

	facts.CPUs = 8
	ok(t, s.SaveHostFacts(ctx, h.ID, facts, lifecycle.HostReady, noon))
	got := must[*lifecycle.Host](t)(s.HostByID(ctx, h.ID))
	if got.Facts.CPUs != 8 || got.Status != lifecycle.HostReady || !got.CheckedAt.Equal(stored(noon)) {
		t.Fatalf("after the check: %+v", got)
	}
	wantErr(t, s.SaveHostFacts(ctx, "none", facts, lifecycle.HostReady, noon), lifecycle.ErrNotFound)
	wantErr(t, s.DeleteHost(ctx, jump.ID), lifecycle.ErrConflict) // h's bastion
	ok(t, s.DeleteHost(ctx, h.ID))
	ok(t, s.DeleteHost(ctx, jump.ID))
	wantErr(t, s.DeleteHost(ctx, h.ID), lifecycle.ErrNotFound)
}

func testHostKeys(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	h := seedHosts(t, s, "h")[0]
	ok(t, s.PinHostKey(ctx, h.ID, "ssh-ed25519 AAAA"))
	ok(t, s.PinHostKey(ctx, h.ID, "ssh-ed25519 AAAA"))
	s = f.Reopen()
	wantErr(t, s.PinHostKey(ctx, h.ID, "ssh-ed25519 BBBB"), lifecycle.ErrConflict)
	wantErr(t, s.PinHostKey(ctx, "none", "k"), lifecycle.ErrNotFound)
	ok(t, s.ForgetHostKey(ctx, h.ID))
	ok(t, s.PinHostKey(ctx, h.ID, "ssh-ed25519 BBBB"))
	if got := must[*lifecycle.Host](t)(s.HostByID(ctx, h.ID)); got.HostKey != "ssh-ed25519 BBBB" {
		t.Fatalf("pinned %q", got.HostKey)
	}
	wantErr(t, s.ForgetHostKey(ctx, "none"), lifecycle.ErrNotFound)
}

func testClaimHosts(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	h := seedHosts(t, s, "h1", "h2", "h3")
	ok(t, s.ClaimHosts(ctx, "c1", []string{h[1].ID}))
	wantErr(t, s.ClaimHosts(ctx, "c2", []string{h[0].ID, h[1].ID}), lifecycle.ErrConflict)
	s = f.Reopen()
	got := must[*lifecycle.Host](t)(s.HostByID(ctx, h[0].ID))
	if got.Status != lifecycle.HostReady || got.ClusterID != "" {
		t.Fatalf("a host of a refused claim is %s of %q", got.Status, got.ClusterID)
	}
	ok(t, s.ClaimHosts(ctx, "c1", []string{h[0].ID, h[1].ID, h[0].ID})) // its own again
	wantErr(t, s.ClaimHosts(ctx, "c1", []string{"none"}), lifecycle.ErrNotFound)
	wantErr(t, s.DeleteHost(ctx, h[0].ID), lifecycle.ErrConflict)
	ok(t, s.SaveHostFacts(ctx, h[0].ID, lifecycle.HostFacts{}, lifecycle.HostUnreachable, noon))
	if got := must[*lifecycle.Host](t)(s.HostByID(ctx, h[0].ID)); got.Status != lifecycle.HostClaimed || got.ClusterID != "c1" {
		t.Fatalf("a check took the claim away: %+v", got)
	}
	ok(t, s.SaveHostFacts(ctx, h[2].ID, lifecycle.HostFacts{}, lifecycle.HostDirty, noon))
	wantErr(t, s.ClaimHosts(ctx, "c1", []string{h[2].ID}), lifecycle.ErrConflict)

	// A refused claim inside a transaction leaves no trace in it either.
	ok(t, s.SaveHostFacts(ctx, h[2].ID, lifecycle.HostFacts{}, lifecycle.HostReady, noon))
	ok(t, s.WithTx(ctx, func(ctx context.Context) error {
		if err := s.ClaimHosts(ctx, "c3", []string{h[2].ID, h[0].ID}); !errors.Is(err, lifecycle.ErrConflict) {
			t.Errorf("claim of a claimed host: %v", err)
		}
		return nil
	}))
	if got := must[*lifecycle.Host](t)(s.HostByID(ctx, h[2].ID)); got.ClusterID != "" {
		t.Fatalf("half a claim was committed: %+v", got)
	}
}

func testClaimHostsRace(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	h := seedHosts(t, s, "h1", "h2", "h3")
	var won atomic.Int32
	atOnce(10, func(i int) {
		ids := []string{h[i%3].ID, h[(i+1)%3].ID, h[(i+2)%3].ID}
		err := s.ClaimHosts(ctx, string(rune('a'+i)), ids)
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, lifecycle.ErrConflict):
			t.Errorf("claim: %v", err)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d clusters got all the hosts", won.Load())
	}
	owner := ""
	for _, host := range must[[]lifecycle.Host](t)(s.Hosts(ctx)) {
		if owner == "" {
			owner = host.ClusterID
		}
		if host.ClusterID != owner || owner == "" {
			t.Fatalf("%s belongs to %q, another to %q", host.Name, host.ClusterID, owner)
		}
	}
}

func testBundles(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	b := &lifecycle.Bundle{Name: "k134", Version: "v1.34.4", Versions: []string{"v1.34.4"}, Arch: []string{"amd64", "arm64"},
		OS: []string{"debian-12"}, Digest: "sha", SizeBytes: 5 << 30, Files: 9, Path: "bundles/k134", CreatedAt: noon}
	ok(t, s.CreateBundle(ctx, b))
	s = f.Reopen()
	b.CreatedAt = stored(noon)
	same(t, "bundle", must[*lifecycle.Bundle](t)(s.BundleByName(ctx, "k134")), b)
	same(t, "bundles", must[[]lifecycle.Bundle](t)(s.Bundles(ctx)), []lifecycle.Bundle{*b})

	p := seedProject(t, s, "p")
	c := &lifecycle.Cluster{ProjectID: p.ID, Name: "c", Status: lifecycle.ClusterRunning}
	c.Spec.Packages = lifecycle.PackageSpec{Source: "bundle", Bundle: "k134"}
	ok(t, s.CreateCluster(ctx, c, nil))
	wantErr(t, s.DeleteBundle(ctx, b.ID), lifecycle.ErrConflict)
	seedOp(t, s, c, lifecycle.OpDelete)
	c.Status = lifecycle.ClusterDeleted
	ok(t, s.Checkpoint(ctx, fenceOf(claim(t, s)), lifecycle.Checkpoint{Cluster: c}))
	ok(t, s.DeleteBundle(ctx, b.ID))
	wantErr(t, s.DeleteBundle(ctx, b.ID), lifecycle.ErrNotFound)
}
