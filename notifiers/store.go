package notifiers

import (
	"context"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
)

// Lane says how a delivery is treated when there are many.
type Lane string

// The lanes built so far.
const (
	LaneReply    Lane = "reply"    // answer to a command; Message is stored
	LaneCard     Lane = "card"     // living card: only the newest state is sent
	LaneNormal   Lane = "normal"   // an event; rendered when sent
	LaneCritical Lane = "critical" // an event that may overtake
)

// DeliveryStatus is how a delivery stands; all but pending are ends.
type DeliveryStatus string

// The statuses of a delivery.
const (
	Pending    DeliveryStatus = "pending"
	Delivered  DeliveryStatus = "delivered"
	Merged     DeliveryStatus = "merged"
	Suppressed DeliveryStatus = "suppressed"
	Dead       DeliveryStatus = "dead"
)

// Delivery is one message on its way to one destination.
type Delivery struct {
	ID      string
	EventID string // "" for replies
	Lane    Lane
	To      bot.Address
	// Card is the operation id whose card this is or changes; "" otherwise.
	Card     string
	Lang     string
	Message  *bot.Message // LaneReply only
	Event    *lifecycle.Event
	Status   DeliveryStatus
	Attempts int
	NextAt   time.Time
	Receipt  string // the platform's message id
	Error    string // last error, free of secrets
}

// Card is a living card: where an operation is shown.
type Card struct {
	OperationID string
	To          bot.Address
	Lang        string
	For         string // identity of who started it there: the buttons are theirs
	MessageID   string // "" until it was sent
	// StandsIn is the room that the platform has put it into, "" = To.Room.
	StandsIn string
	Final    bool // the end is shown
	// Lost counts how often changing it has failed for good.
	Lost int
}

// Rate is how often something may happen: once every Every in the long run, and
// up to Burst times at once after a silence. The zero Rate is no limit.
type Rate struct {
	Every time.Duration
	Burst int
}

// Quota is what an account of a platform takes.
type Quota struct {
	Room      Rate          // messages and edits in one room
	Edits     Rate          // edits in all rooms together
	EditEvery time.Duration // between two edits of one card
}

// Claim asks for deliveries to one account.
type Claim struct {
	Account string
	// Owner is who claims; a name that is used for one claim only fences this
	// claim off from all others.
	Owner string
	Lease time.Duration
	Limit int
	// Quota says what the account takes. At most one delivery for each room is
	// given, and none for a room in which one is on its way or whose quota is
	// spent: the quota is shared by all who claim. Nil is an account without
	// limits, which gives whatever is due.
	Quota *Quota
}

// Attempt is how one attempt at a delivery went.
type Attempt struct {
	Owner string // as in the claim
	Quota *Quota // as in the claim
	// Called says that the platform was called: the room's quota is spent.
	Called bool
	// Closed is for how long the platform wants to hear nothing more, in this room
	// or, with Account, in any.
	Closed  time.Duration
	Account bool
}

// Store is what the hub needs of the store. Methods join the transaction in ctx.
type Store interface {
	// WithTx runs fn in one transaction, carried by the context that fn gets.
	WithTx(ctx context.Context, fn func(ctx context.Context) error) error
	// UnroutedEvents gives committed events that were not routed, in order.
	UnroutedEvents(ctx context.Context, limit int) ([]lifecycle.Event, error)
	// Route marks the event routed and writes its deliveries, in one
	// transaction; a second call for the same event writes nothing. A pending
	// LaneCard delivery for the same card and destination is replaced, and its
	// turn is taken over.
	Route(ctx context.Context, eventID string, d []Delivery) error
	// Enqueue writes deliveries that no event caused.
	Enqueue(ctx context.Context, d ...Delivery) error
	// ClaimDeliveries takes due deliveries, by lane and then those that have
	// waited longest.
	ClaimDeliveries(ctx context.Context, c Claim) ([]Delivery, error)
	// ReleaseDeliveries makes all pending ones claimable: for a process that is
	// alone on its store. What was spent of quotas stays spent.
	ReleaseDeliveries(ctx context.Context) error
	// FinishDelivery writes how an attempt ended: with status Pending it is due
	// again at d.NextAt. lifecycle.ErrFenced when somebody else has claimed it
	// since, or it has ended.
	FinishDelivery(ctx context.Context, d Delivery, a Attempt) error
	// PendingAccounts gives the accounts that deliveries are waiting for.
	PendingAccounts(ctx context.Context) ([]string, error)
	// Cards gives the cards of an operation.
	Cards(ctx context.Context, operationID string) ([]Card, error)
	// SaveCard inserts or replaces by (operation, destination).
	SaveCard(ctx context.Context, c Card) error
}
