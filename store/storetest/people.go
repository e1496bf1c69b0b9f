package storetest

import (
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

func testUsers(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	bob := &access.User{Name: "bob", FullName: "Bob 鲍勃", Email: "b@example.org", Admin: true, First: true, Lang: "zh", TimeZone: "Asia/Shanghai", CreatedAt: noon}
	amy := &access.User{ID: access.LocalUserID, Name: "amy", Disabled: true}
	ok(t, s.SaveUser(ctx, bob))
	ok(t, s.SaveUser(ctx, amy))
	if bob.ID == "" || amy.CreatedAt.IsZero() {
		t.Fatal("empty ID or creation time was not filled in")
	}
	ok(t, s.LinkIdentity(ctx, access.Identity{ID: "slack:T/B", UserID: bob.ID, LinkedAt: noon}))
	wantErr(t, s.LinkIdentity(ctx, access.Identity{ID: "slack:T/B", UserID: amy.ID}), lifecycle.ErrExists)
	wantErr(t, s.LinkIdentity(ctx, access.Identity{ID: "slack:T/X", UserID: "nobody"}), lifecycle.ErrNotFound)

	s = f.Reopen()
	want := *bob
	want.CreatedAt = stored(noon)
	same(t, "by id", *must[*access.User](t)(s.UserByID(ctx, bob.ID)), want)
	same(t, "by name", *must[*access.User](t)(s.UserByName(ctx, "bob")), want)
	same(t, "by identity", *must[*access.User](t)(s.UserByIdentity(ctx, "slack:T/B")), want)
	same(t, "identities", must[[]access.Identity](t)(s.Identities(ctx, bob.ID)),
		[]access.Identity{{ID: "slack:T/B", UserID: bob.ID, LinkedAt: stored(noon)}})
	same(t, "by name order", must[[]access.User](t)(s.Users(ctx)), []access.User{*amy, want})

	bob.FullName, bob.Admin = "Robert", false
	ok(t, s.SaveUser(ctx, bob))
	if got := must[*access.User](t)(s.UserByID(ctx, bob.ID)); got.FullName != "Robert" || got.Admin {
		t.Fatalf("not replaced: %+v", got)
	}
	ok(t, s.DeleteUser(ctx, bob.ID))
	wantErr(t, s.DeleteUser(ctx, bob.ID), lifecycle.ErrNotFound)
	_, err := s.UserByIdentity(ctx, "slack:T/B")
	wantErr(t, err, lifecycle.ErrNotFound)
	_, err = s.UserByName(ctx, "bob")
	wantErr(t, err, lifecycle.ErrNotFound)
	if left := must[[]access.Identity](t)(s.Identities(ctx, bob.ID)); len(left) > 0 {
		t.Fatalf("identities left behind: %v", left)
	}
}

func testNamesTaken(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	ok(t, s.SaveUser(ctx, &access.User{Name: "x"}))
	wantErr(t, s.SaveUser(ctx, &access.User{Name: "x"}), lifecycle.ErrExists)
	ok(t, s.SaveProject(ctx, &lifecycle.Project{Name: "x"}))
	wantErr(t, s.SaveProject(ctx, &lifecycle.Project{Name: "x"}), lifecycle.ErrExists)
	seedHosts(t, s, "x")
	wantErr(t, s.CreateCredential(ctx, &lifecycle.Credential{Name: "cred-of-x"}), lifecycle.ErrExists)
	cred := must[*lifecycle.Credential](t)(s.CredentialByName(ctx, "cred-of-x"))
	wantErr(t, s.CreateHost(ctx, &lifecycle.Host{Name: "x", CredentialID: cred.ID}), lifecycle.ErrExists)
	ok(t, s.CreateBundle(ctx, &lifecycle.Bundle{Name: "x"}))
	wantErr(t, s.CreateBundle(ctx, &lifecycle.Bundle{Name: "x"}), lifecycle.ErrExists)
}

func testLinkCodes(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	u := &access.User{Name: "u"}
	ok(t, s.SaveUser(ctx, u))
	wantErr(t, s.SaveLinkCode(ctx, access.LinkCode{Hash: "h", UserID: "nobody", ExpiresAt: noon}), lifecycle.ErrNotFound)
	code := access.LinkCode{Hash: "h", UserID: u.ID, CreatedBy: "local", ExpiresAt: noon}
	ok(t, s.SaveLinkCode(ctx, code))
	s = f.Reopen()
	_, err := s.TakeLinkCode(ctx, "h", noon)
	wantErr(t, err, lifecycle.ErrNotFound) // expired at its hour
	_, err = s.TakeLinkCode(ctx, "other", noon.Add(-time.Minute))
	wantErr(t, err, lifecycle.ErrNotFound)
	got := must[*access.LinkCode](t)(s.TakeLinkCode(ctx, "h", noon.Add(-time.Minute)))
	code.ExpiresAt = stored(noon)
	same(t, "code", *got, code)
	_, err = s.TakeLinkCode(ctx, "h", noon.Add(-time.Minute))
	wantErr(t, err, lifecycle.ErrNotFound) // good once

	code.Hash = "old"
	ok(t, s.SaveLinkCode(ctx, code))
	ok(t, s.PurgeExpired(ctx, noon))
	_, err = s.TakeLinkCode(ctx, "old", noon.Add(-time.Minute))
	wantErr(t, err, lifecycle.ErrNotFound)
}

func testMemberships(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	u := &access.User{Name: "u"}
	ok(t, s.SaveUser(ctx, u))
	p := seedProject(t, s, "p")
	viewer := access.Membership{UserID: u.ID, ProjectID: p.ID, Role: access.Viewer}
	keeper := access.Membership{UserID: u.ID, ProjectID: p.ID, Role: access.ClusterManager, ClusterID: "c"}
	for _, m := range []access.Membership{viewer, keeper, viewer} {
		ok(t, s.SaveMembership(ctx, m))
	}
	wantErr(t, s.SaveMembership(ctx, access.Membership{UserID: "nobody", ProjectID: p.ID, Role: access.Viewer}), lifecycle.ErrNotFound)
	grant := access.Grant{ProjectID: p.ID, Kind: "host", Name: "h1"}
	ok(t, s.SaveGrant(ctx, grant))
	ok(t, s.SaveGrant(ctx, grant))
	wantErr(t, s.SaveGrant(ctx, access.Grant{ProjectID: "none", Kind: "host", Name: "h1"}), lifecycle.ErrNotFound)

	s = f.Reopen()
	both := []access.Membership{keeper, viewer}
	same(t, "of user", must[[]access.Membership](t)(s.UserMemberships(ctx, u.ID)), both)
	same(t, "of project", must[[]access.Membership](t)(s.ProjectMemberships(ctx, p.ID)), both)
	same(t, "grants", must[[]access.Grant](t)(s.Grants(ctx, p.ID)), []access.Grant{grant})
	ok(t, s.DeleteMembership(ctx, viewer))
	wantErr(t, s.DeleteMembership(ctx, viewer), lifecycle.ErrNotFound)
	ok(t, s.DeleteProject(ctx, p.ID))
	if left := must[[]access.Membership](t)(s.UserMemberships(ctx, u.ID)); len(left) > 0 {
		t.Fatalf("memberships left behind: %v", left)
	}
	wantErr(t, s.DeleteGrant(ctx, grant), lifecycle.ErrNotFound)
}

func testProjects(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	b := &lifecycle.Project{Name: "b", Description: "乙", CreatedAt: noon}
	ok(t, s.SaveProject(ctx, b))
	a := seedProject(t, s, "a")
	s = f.Reopen()
	b.CreatedAt = stored(noon)
	same(t, "projects", must[[]lifecycle.Project](t)(s.Projects(ctx)), []lifecycle.Project{*a, *b})
	same(t, "by id", must[*lifecycle.Project](t)(s.ProjectByID(ctx, b.ID)), b)
	same(t, "by name", must[*lifecycle.Project](t)(s.ProjectByName(ctx, "b")), b)

	seedCluster(t, s, a.ID, "c")
	wantErr(t, s.DeleteProject(ctx, a.ID), lifecycle.ErrConflict)
	c := must[*lifecycle.Cluster](t)(s.ClusterByName(ctx, a.ID, "c"))
	seedOp(t, s, c, lifecycle.OpDelete)
	c.Status = lifecycle.ClusterDeleted
	ok(t, s.Checkpoint(ctx, fenceOf(claim(t, s)), lifecycle.Checkpoint{Cluster: c}))
	ok(t, s.DeleteProject(ctx, a.ID))
	wantErr(t, s.DeleteProject(ctx, a.ID), lifecycle.ErrNotFound)
	_, err := s.ProjectByName(ctx, "a")
	wantErr(t, err, lifecycle.ErrNotFound)
}

func testAudit(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	for i, e := range []access.AuditEntry{
		{Actor: "amy", Result: "ok", ProjectID: "p1", ClusterID: "c1", Command: "one", At: noon, Identity: "i", Room: "r", Target: "t", Detail: "d", Cause: "m1"},
		{Actor: "bob", Result: "denied", ProjectID: "p1", Command: "two"},
		{Actor: "amy", Result: "ok", ProjectID: "p2", Command: "three"},
	} {
		if e.At.IsZero() {
			e.At = noon.Add(time.Duration(i) * time.Hour)
		}
		ok(t, s.AppendAudit(ctx, e))
	}
	s = f.Reopen()
	all := must[[]access.AuditEntry](t)(s.Audit(ctx, commands.AuditFilter{}))
	if len(all) != 3 || all[0].Command != "three" || all[2].Command != "one" || all[2].Seq >= all[0].Seq {
		t.Fatalf("newest first: %+v", all)
	}
	same(t, "entry", all[2], access.AuditEntry{Seq: all[2].Seq, Actor: "amy", Result: "ok", ProjectID: "p1", ClusterID: "c1",
		Command: "one", At: stored(noon), Identity: "i", Room: "r", Target: "t", Detail: "d", Cause: "m1"})
	for name, c := range map[string]struct {
		filter commands.AuditFilter
		want   string
	}{
		"project":     {commands.AuditFilter{ProjectIDs: []string{"p1", "p9"}}, "two one"},
		"no projects": {commands.AuditFilter{ProjectIDs: []string{}}, ""},
		"cluster":     {commands.AuditFilter{ClusterIDs: []string{"c1"}}, "one"},
		"actor":       {commands.AuditFilter{Actor: "amy"}, "three one"},
		"result":      {commands.AuditFilter{Result: "denied"}, "two"},
		"since":       {commands.AuditFilter{Since: noon.Add(time.Hour)}, "three two"},
		"before":      {commands.AuditFilter{Before: all[0].Seq, Limit: 1}, "two"},
		"limit":       {commands.AuditFilter{Limit: 2}, "three two"},
	} {
		got := ""
		for _, e := range must[[]access.AuditEntry](t)(s.Audit(ctx, c.filter)) {
			got += " " + e.Command
		}
		if got != "" {
			got = got[1:]
		}
		same(t, name, got, c.want)
	}
}
