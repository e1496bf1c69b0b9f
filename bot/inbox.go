package bot

import (
	"context"
	"errors"
	"time"
)

// ErrDone says that a message was done by another process meanwhile: nothing of what
// this one was about to do with it may stay.
var ErrDone = errors.New("the message was done by another process")

// InboxStore keeps accepted messages until they have been worked on.
type InboxStore interface {
	// Accept stores in durably, owned by owner until lease; fresh is false when
	// the same account and id was accepted before.
	Accept(ctx context.Context, in Inbound, owner string, lease time.Duration) (fresh bool, err error)
	// ClaimInbound takes up to limit accepted messages that nobody works on:
	// those whose lease ran out, oldest first.
	ClaimInbound(ctx context.Context, owner string, lease time.Duration, limit int) ([]Inbound, error)
	// ReleaseInbound makes every unfinished message claimable at once: for a
	// process that is alone on its store.
	ReleaseInbound(ctx context.Context) error
	// Alive says that owner lives for ttl, and makes claimable what is held by those
	// who said so once and live no longer.
	Alive(ctx context.Context, owner string, ttl time.Duration) error
	// DoneInbound marks it done and forgets its text and refs. Called in the
	// transaction of the command's result, it gives ErrDone when somebody else was
	// faster; outside of one, done twice is no error.
	DoneInbound(ctx context.Context, account, id string) error
	// FailInbound counts a failed attempt and gives how many there were.
	FailInbound(ctx context.Context, account, id string) (attempts int, err error)
	// PurgeInbound forgets done messages older than before (dedup window 24 h).
	PurgeInbound(ctx context.Context, before time.Time) error
}
