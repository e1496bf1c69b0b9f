package bot

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Vault keeps what processes share and must not be seen, such as access tokens
// with a lifetime. It is sealed at rest.
type Vault interface {
	// Keep stores value under key until expires, replacing what was there.
	Keep(ctx context.Context, key, value string, expires time.Time) error
	// Kept gives it; ErrNotKept when there is none or it has expired.
	Kept(ctx context.Context, key string) (value string, expires time.Time, err error)
	// Drop forgets it if it still is value: a process that was told that its
	// token is no good must not throw away the newer one of another.
	Drop(ctx context.Context, key, value string) error
}

// ErrNotKept is Vault's "not there".
var ErrNotKept = errors.New("not kept")

// Leases let one of several processes do what only one may do.
type Leases interface {
	// Hold takes or renews the lease for owner; false while another has it.
	Hold(ctx context.Context, name, owner string, ttl time.Duration) (bool, error)
	// Release gives it back; nothing happens when owner does not have it.
	Release(ctx context.Context, name, owner string) error
}

// Shared is what the adapters of one installation use together.
type Shared struct {
	Owner     string // of this process
	Buttons   *Buttons
	Vault     Vault
	Leases    Leases
	Assistant Assistant
	// Say gives a text of the catalogues, for the few words that an adapter says
	// itself ("fill in the form").
	Say func(lang, key string, args map[string]any) string
	// Lang is the server's language.
	Lang string
}

// Person is what a platform knows about an account.
type Person struct {
	Name   string // for greetings, never for rights
	Email  string // verified by the platform, "" = none
	Lang   string // "zh", "en", "" = unknown
	Active bool   // false: the account was removed or disabled there
}

// Directory is a Platform that can look accounts up.
type Directory interface {
	// Person looks identity up at the platform.
	Person(ctx context.Context, identity string) (Person, error)
}

// Callbacks is a Platform that is also called by HTTP. It is mounted at
// /callback/<kind>/<account>/ of the public listener, prefix stripped. It answers
// 503 until Run has begun.
type Callbacks interface {
	Callbacks() http.Handler
}

// Checker is a Platform that can be examined: credentials, rights, connection.
type Checker interface {
	// Check looks at everything and changes nothing.
	Check(ctx context.Context) []Finding
}

// Finding is one line of an examination: a key of the message catalogues with
// its arguments, and what to do about it ("" when all is well).
type Finding struct {
	OK   bool
	Key  string
	Next string
	Args map[string]any
}
