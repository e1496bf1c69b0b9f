package bot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// ButtonLifetime is how long a button works after it was last shown.
const ButtonLifetime = 24 * time.Hour

// ErrNoButton says that a token was not made here, or has expired.
var ErrNoButton = errors.New("no such button")

// Button is what stands behind the token that a button or a form carries on a
// platform: the token alone tells nothing, and works once, for one person.
type Button struct {
	ID      string // the token
	Command string // as Action.Command
	// For is the identity that may press it, "" = whoever has the right.
	For     string
	Account string // of the message that carries it
	Room    string
	Expires time.Time
	Used    bool
}

// ButtonStore keeps buttons. Methods join the transaction in ctx.
type ButtonStore interface {
	// SaveButton inserts b, or moves the expiry of the one with its ID on; a used
	// one stays used.
	SaveButton(ctx context.Context, b Button) error
	// Button gives one that has not expired at now, used or not; ErrNoButton.
	Button(ctx context.Context, id string, now time.Time) (Button, error)
	// UseButton marks it used; false when it was used before.
	UseButton(ctx context.Context, id string) (fresh bool, err error)
}

// Buttons issues the tokens of buttons and says what they stand for. Whether one
// may be pressed, and that it works once, the router sees to.
type Buttons struct {
	store ButtonStore
	key   []byte
	now   func() time.Time
}

// NewButtons makes the issuer. Processes that share the store share key, of at
// least 32 bytes.
func NewButtons(store ButtonStore, key []byte, now func() time.Time) *Buttons {
	return &Buttons{store: store, key: key, now: now}
}

// Issue gives the token of a's button on the message m that goes to to. The same
// button on the same message has the same token each time that it is shown, so
// that a card that is redrawn cannot be pressed once per drawing.
func (b *Buttons) Issue(ctx context.Context, to Address, m Message, a Action) (token string, err error) {
	about := m.Operation
	if about == "" {
		about = m.ReplyTo
	}
	mac := hmac.New(sha256.New, b.key)
	mac.Write([]byte(strings.Join([]string{"button", to.Account, to.Room, to.Thread, m.For, about, a.ID, a.Command}, "\x00")))
	token = base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18]) // 144 bits
	return token, b.store.SaveButton(ctx, Button{ID: token, Command: a.Command, For: m.For, Account: to.Account, Room: to.Room,
		Expires: b.now().Add(ButtonLifetime)})
}

// Look gives what a token stands for: an adapter that must show a form at once
// needs to know. ErrNoButton for one that is unknown or has expired.
func (b *Buttons) Look(ctx context.Context, token string) (Button, error) {
	return b.store.Button(ctx, token, b.now())
}
