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
	Final       bool
}

// Store is what the hub needs of the store. Methods join the transaction in ctx.
type Store interface {
	// WithTx runs fn in one transaction, carried by the context that fn gets.
	WithTx(ctx context.Context, fn func(ctx context.Context) error) error
	// UnroutedEvents gives committed events that were not routed, in order.
	UnroutedEvents(ctx context.Context, limit int) ([]lifecycle.Event, error)
	// Route marks the event routed and writes its deliveries, in one
	// transaction; a second call for the same event writes nothing. A pending
	// LaneCard delivery for the same card and destination is replaced.
	Route(ctx context.Context, eventID string, d []Delivery) error
	// Enqueue writes deliveries that no event caused.
	Enqueue(ctx context.Context, d ...Delivery) error
	// ClaimDeliveries takes due deliveries for owner until lease.
	ClaimDeliveries(ctx context.Context, owner string, lease time.Duration, limit int) ([]Delivery, error)
	// ReleaseDeliveries makes all pending ones claimable: for a process that is
	// alone on its store.
	ReleaseDeliveries(ctx context.Context) error
	// FinishDelivery writes how an attempt ended: with status Pending it is due
	// again at d.NextAt.
	FinishDelivery(ctx context.Context, d Delivery) error
	// Cards gives the cards of an operation.
	Cards(ctx context.Context, operationID string) ([]Card, error)
	// SaveCard inserts or replaces by (operation, destination).
	SaveCard(ctx context.Context, c Card) error
}
