package room

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// Terminal is the room of the terminal client that names no other.
const Terminal = "terminal"

// dmPrefix begins the room of one person's conversation with the bot.
const dmPrefix = "dm:"

// DM is the room of identity's conversation with the bot.
func DM(identity string) string { return dmPrefix + identity }

// Config is what a Room is made of.
type Config struct {
	Transcript Transcript
	// Changed subscribes to "something was written": a channel that gets a
	// signal (several may become one) and a function that ends the
	// subscription. Nil leaves the poll.
	Changed func() (<-chan struct{}, func())
	Poll    time.Duration // between looks without a signal: 1 s
	// LookAgain is how often an open stream makes sure that its reader may still
	// read it: 5 s.
	LookAgain time.Duration
	// Assistant completes commands; nil completes nothing.
	Assistant bot.Assistant
	// Data is the data directory: coxswain.sock and uploads/ are below it.
	Data string
	// Pass makes a one-time link into the browser for an identity; nil when there
	// are no pages.
	Pass func(ctx context.Context, identity, on string) (link string, err error)
	// MaxUpload bounds one uploaded file, in bytes: 16 GiB.
	MaxUpload int64
	// MaxUploads bounds all uploaded files together, in bytes: 32 GiB, and never less
	// than two of the largest.
	MaxUploads int64
	// Free is how many bytes may still be written to the file system of a directory.
	// Nil asks the system.
	Free func(dir string) (int64, error)
	// KeepUploads is how long an uploaded file stays: 24 h.
	KeepUploads time.Duration
	Log         *slog.Logger
}

// Room is the platform.
type Room struct {
	cfg     Config
	uploads *uploads
	answers answers
}

var (
	_ bot.Platform      = (*Room)(nil)
	_ bot.Updater       = (*Room)(nil)
	_ bot.DMOpener      = (*Room)(nil)
	_ bot.Transactional = (*Room)(nil)
)

// New makes the room.
func New(cfg Config) *Room {
	if cfg.Poll <= 0 {
		cfg.Poll = time.Second
	}
	if cfg.LookAgain <= 0 {
		cfg.LookAgain = 5 * time.Second
	}
	if cfg.MaxUpload <= 0 {
		cfg.MaxUpload = 16 << 30
	}
	if cfg.MaxUploads <= 0 {
		cfg.MaxUploads = max(allUploads, 2*cfg.MaxUpload)
	}
	if cfg.Free == nil {
		cfg.Free = freeBytes
	}
	if cfg.KeepUploads <= 0 {
		cfg.KeepUploads = 24 * time.Hour
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Room{cfg: cfg, uploads: newUploads(cfg)}
}

// Name implements bot.Platform.
func (r *Room) Name() string { return Account }

// Limits implements bot.Platform: the transcript takes what it is given, and
// readers take edits as fast as they can.
func (r *Room) Limits() bot.Limits { return bot.Limits{} }

// Transactional implements bot.Transactional.
func (r *Room) Transactional() {}

// Send implements bot.Platform: it appends to the transcript.
func (r *Room) Send(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	if to.Account != Account || to.Room == "" {
		return bot.MessageRef{}, &bot.SendError{Permanent: true, Err: fmt.Errorf("room: %q/%q is not one of its rooms", to.Account, to.Room)}
	}
	e := Entry{Room: to.Room, Bot: m, At: time.Now().UTC()}
	if err := r.cfg.Transcript.AppendEntry(ctx, &e); err != nil {
		return bot.MessageRef{}, fmt.Errorf("room: append: %w", err)
	}
	r.answers.note(e.ID, m.ReplyTo)
	return bot.MessageRef{Address: to, ID: e.ID}, nil
}

// Update implements bot.Updater: the entry gets a new state and a new cursor. It
// goes on answering what it answered: a reader may see only the newest state.
func (r *Room) Update(ctx context.Context, ref bot.MessageRef, m bot.Message) error {
	if m.ReplyTo == "" {
		answered, err := r.answered(ctx, ref)
		if err != nil {
			return err
		}
		m.ReplyTo = answered
	}
	if err := r.cfg.Transcript.UpdateEntry(ctx, ref.ID, m); err != nil {
		return fmt.Errorf("room: edit %s: %w", ref.ID, err)
	}
	return nil
}

// OpenDM implements bot.DMOpener.
func (r *Room) OpenDM(_ context.Context, identity string) (bot.Address, error) {
	return bot.Address{Account: Account, Room: DM(identity)}, nil
}

// Run implements bot.Platform: it serves the socket, and clears away old
// uploads, until ctx ends.
func (r *Room) Run(ctx context.Context, handle func(context.Context, bot.Inbound) error) error {
	l, err := Listen(SocketPath(r.cfg.Data))
	if err != nil {
		return err
	}
	sweep := make(chan struct{})
	go func() {
		defer close(sweep)
		r.sweepUploads(ctx)
	}()
	defer func() { <-sweep }()
	return Serve(ctx, l, r.API(handle, LocalCaller).Handler())
}

// sweepUploads removes old uploads now and every hour.
func (r *Room) sweepUploads(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := r.uploads.sweep(time.Now().Add(-r.cfg.KeepUploads)); err != nil {
			r.cfg.Log.Error("room: old uploads were not removed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// isDM reports whether room is one person's, and whose.
func isDM(room string) (identity string, ok bool) { return strings.CutPrefix(room, dmPrefix) }
