package bot

import (
	"context"
	"time"
)

// tend claims what nobody works on and forgets what is long done, until ctx ends.
func (b *Inbox) tend(ctx context.Context) {
	poll := time.NewTicker(b.opt.Poll)
	defer poll.Stop()
	purge := time.NewTicker(time.Hour)
	defer purge.Stop()
	beat := time.NewTicker(b.opt.Life / 3)
	defer beat.Stop()
	b.alive(ctx, b.opt.Life)
	b.purge(ctx)
	for {
		b.claim(ctx)
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		case <-poll.C:
		case <-beat.C:
			b.alive(ctx, b.opt.Life)
		case <-purge.C:
			b.purge(ctx)
		}
	}
}

// alive tells the other processes that this one lives, and frees what the dead ones
// have left: who wrote to one of those shall not wait for a lease of minutes.
func (b *Inbox) alive(ctx context.Context, life time.Duration) {
	if b.opt.Alone {
		return
	}
	if err := b.store.Alive(ctx, b.owner, life); err != nil && ctx.Err() == nil {
		b.opt.Log.Error("inbox: sign of life", "err", err)
	}
}

// farewell leaves what is not done to the other processes.
func (b *Inbox) farewell(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTime)
	defer cancel()
	b.alive(ctx, 0)
}

// farewellTime is how long the last sign of life may take.
const farewellTime = 2 * time.Second

func (b *Inbox) purge(ctx context.Context) {
	if err := b.store.PurgeInbound(ctx, time.Now().Add(-b.opt.Keep)); err != nil && ctx.Err() == nil {
		b.opt.Log.Error("inbox: purge of done messages", "err", err)
	}
}

// claim takes messages from the store while there are any and room for them.
// One that is in memory already is only given its new lease.
func (b *Inbox) claim(ctx context.Context) {
	for ctx.Err() == nil {
		room := b.lanes.room()
		if room == 0 {
			return // a worker that finishes wakes us
		}
		mark, calm := b.spillMark()
		until := time.Now().Add(b.opt.Lease)
		b.lanes.beginClaim()
		got, err := b.store.ClaimInbound(ctx, b.owner, b.opt.Lease, room)
		b.lanes.endClaim(got, until)
		if err != nil {
			if ctx.Err() == nil {
				b.opt.Log.Error("inbox: claim", "err", err)
			}
			return
		}
		if len(got) < room {
			if calm {
				b.catchUp(mark)
			}
			return
		}
	}
}

// spillMark gives the count of spilled messages, and whether all of them have
// reached the store.
func (b *Inbox) spillMark() (mark int64, calm bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spill, b.spilling == 0
}

// catchUp notes that all spilled messages up to mark were claimed.
func (b *Inbox) catchUp(mark int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.caught = max(b.caught, mark)
}

func (b *Inbox) behind() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spill != b.caught
}

// noteSpill says that a message went back to the store.
func (b *Inbox) noteSpill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spill++
}
