package access

import (
	"errors"
	"time"
)

// ErrNoSession says that a session or a pass is not there: never made, used,
// ended or expired. Any other error of where they are kept says nothing about
// whether they are.
var ErrNoSession = errors.New("no such session")

// Session is a browser that was let in.
type Session struct {
	ID     string // for people and commands; opens nothing
	Hash   string // of the cookie's secret
	UserID string
	// Identity and On are who the browser speaks as, as in a message's sender.
	Identity  string
	On        string
	Agent     string // what the browser says that it is
	Remote    string // address that it was last seen at
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// Pass is a one-time way in: its secret stands in a link. Only the secret's hash
// is stored.
type Pass struct {
	Hash      string
	Identity  string
	On        string
	ExpiresAt time.Time
}
