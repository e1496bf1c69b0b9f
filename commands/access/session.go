package access

import "time"

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
