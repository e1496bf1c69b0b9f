package storetest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

func seedUser(t testing.TB, s *store.Store, name string) *access.User {
	t.Helper()
	u := &access.User{Name: name}
	ok(t, s.SaveUser(Context(t), u))
	return u
}

func seedSession(t testing.TB, s *store.Store, userID, hash, identity string, seen time.Time) access.Session {
	t.Helper()
	b := access.Session{Hash: hash, UserID: userID, Identity: identity, On: "alice", Agent: "Firefox", Remote: "192.0.2.7",
		CreatedAt: stored(noon), SeenAt: stored(seen), ExpiresAt: stored(noon.Add(time.Hour))}
	ok(t, s.CreateSession(Context(t), &b))
	return b
}

func testPasses(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	p := access.Pass{Hash: "h", Identity: "local:local", On: "alice", ExpiresAt: stored(noon)}
	ok(t, s.SavePass(ctx, p))
	wantErr(t, s.SavePass(ctx, p), lifecycle.ErrExists)
	s = f.Reopen()
	_, err := s.TakePass(ctx, "other", noon.Add(-time.Minute))
	wantErr(t, err, lifecycle.ErrNotFound)
	same(t, "pass", *must[*access.Pass](t)(s.TakePass(ctx, "h", noon.Add(-time.Minute))), p)
	_, err = s.TakePass(ctx, "h", noon.Add(-time.Minute))
	wantErr(t, err, lifecycle.ErrNotFound) // good once

	p.Hash = "late"
	ok(t, s.SavePass(ctx, p))
	_, err = s.TakePass(ctx, "late", noon)
	wantErr(t, err, lifecycle.ErrNotFound) // expired at its hour
	p.Hash = "old"
	ok(t, s.SavePass(ctx, p))
	ok(t, s.PurgeExpired(ctx, noon))
	_, err = s.TakePass(ctx, "old", noon.Add(-time.Minute))
	wantErr(t, err, lifecycle.ErrNotFound)
}

// testPassesRace: a link that is opened twice at once lets one browser in.
func testPassesRace(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	ok(t, s.SavePass(ctx, access.Pass{Hash: "h", Identity: "i", ExpiresAt: noon}))
	peer := f.Peer(nil)
	var in atomic.Int32
	atOnce(20, func(i int) {
		if _, err := []*store.Store{s, peer}[i%2].TakePass(ctx, "h", noon.Add(-time.Second)); err == nil {
			in.Add(1)
		}
	})
	same(t, "let in", in.Load(), int32(1))
}

func testSessions(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	before := noon.Add(-time.Hour)
	u, v := seedUser(t, s, "u"), seedUser(t, s, "v")
	wantErr(t, s.CreateSession(ctx, &access.Session{Hash: "x", UserID: "nobody", ExpiresAt: noon}), lifecycle.ErrNotFound)
	a := seedSession(t, s, u.ID, "ha", "local:local", before)
	b := seedSession(t, s, u.ID, "hb", "slack:T1/U1", before.Add(time.Minute))
	c := seedSession(t, s, v.ID, "hc", "slack:T1/U2", before.Add(2*time.Minute))
	wantErr(t, s.CreateSession(ctx, &access.Session{Hash: "ha", UserID: u.ID, ExpiresAt: noon}), lifecycle.ErrExists)
	s = f.Reopen()
	same(t, "session", *must[*access.Session](t)(s.Session(ctx, "ha", noon)), a)
	_, err := s.Session(ctx, "ha", a.ExpiresAt)
	wantErr(t, err, lifecycle.ErrNotFound) // expired at its hour
	_, err = s.Session(ctx, "other", noon)
	wantErr(t, err, lifecycle.ErrNotFound)
	same(t, "of u", must[[]access.Session](t)(s.Sessions(ctx, u.ID, noon)), []access.Session{b, a})
	same(t, "of all", must[[]access.Session](t)(s.Sessions(ctx, "", noon)), []access.Session{c, b, a})
	same(t, "none left", len(must[[]access.Session](t)(s.Sessions(ctx, "", a.ExpiresAt))), 0)

	a.Remote, a.SeenAt, a.ExpiresAt = "2001:db8::1", stored(noon), stored(noon.Add(2*time.Hour))
	ok(t, s.TouchSession(ctx, a.ID, a.Remote, noon, noon.Add(2*time.Hour)))
	wantErr(t, s.TouchSession(ctx, "none", "", noon, noon), lifecycle.ErrNotFound)
	s = f.Crash()
	same(t, "touched", must[[]access.Session](t)(s.Sessions(ctx, u.ID, noon)), []access.Session{a, b})
	ok(t, s.DeleteSession(ctx, b.ID))
	wantErr(t, s.DeleteSession(ctx, b.ID), lifecycle.ErrNotFound)
	ok(t, s.PurgeExpired(ctx, noon.Add(time.Hour)))
	same(t, "not expired", must[[]access.Session](t)(s.Sessions(ctx, "", noon)), []access.Session{a})
	ok(t, s.DeleteUser(ctx, u.ID))
	_, err = s.Session(ctx, "ha", noon)
	wantErr(t, err, lifecycle.ErrNotFound) // gone with its user
}

func testUnlink(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	u := seedUser(t, s, "u")
	for _, id := range []string{"slack:T1/U1", "local:local"} {
		ok(t, s.LinkIdentity(ctx, access.Identity{ID: id, UserID: u.ID}))
		seedSession(t, s, u.ID, "h "+id, id, noon)
		ok(t, s.SavePass(ctx, access.Pass{Hash: "p " + id, Identity: id, ExpiresAt: noon.Add(time.Hour)}))
	}
	ok(t, s.UnlinkIdentity(ctx, "slack:T1/U1"))
	wantErr(t, s.UnlinkIdentity(ctx, "slack:T1/U1"), lifecycle.ErrNotFound)
	s = f.Reopen()
	_, err := s.UserByIdentity(ctx, "slack:T1/U1")
	wantErr(t, err, lifecycle.ErrNotFound)
	_, err = s.Session(ctx, "h slack:T1/U1", noon)
	wantErr(t, err, lifecycle.ErrNotFound)
	_, err = s.TakePass(ctx, "p slack:T1/U1", noon)
	wantErr(t, err, lifecycle.ErrNotFound)
	must[*access.Session](t)(s.Session(ctx, "h local:local", noon))
	must[*access.Pass](t)(s.TakePass(ctx, "p local:local", noon))
	same(t, "left", len(must[[]access.Identity](t)(s.Identities(ctx, u.ID))), 1)
}
