package wecom

import (
	"crypto/sha256"
	"sync"
	"time"
)

// window is how far the clock of a callback may be from ours.
const window = 5 * time.Minute

// remembered bounds the memory of replays; at 200 callbacks a second it is more
// than the whole window.
const remembered = 150_000

// replays remembers the callbacks that were accepted, by what signs them, for as
// long as their timestamp would pass. It is per process: another replica would
// let a replay through to the inbox, whose id of the message stops it there
// without any work. WeCom's own redelivery has a new nonce and is none.
type replays struct {
	mu   sync.Mutex
	seen map[[32]byte]time.Time // until when
	ring [][32]byte             // oldest first
}

func replayKey(timestamp, nonce, signature string) [32]byte {
	return sha256.Sum256([]byte(timestamp + "\x00" + nonce + "\x00" + signature))
}

// take reserves key; false when it was accepted or is being worked on.
func (r *replays) take(key [32]byte, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	if _, twice := r.seen[key]; twice {
		return false
	}
	if r.seen == nil {
		r.seen = map[[32]byte]time.Time{}
	}
	// A timestamp from the future passes for up to two windows from now.
	r.seen[key] = now.Add(2 * window)
	r.ring = append(r.ring, key)
	return true
}

// giveBack lets key be tried again: nothing came of it.
func (r *replays) giveBack(key [32]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seen, key)
}

func (r *replays) forget(now time.Time) {
	n := 0
	for n < len(r.ring) {
		until, there := r.seen[r.ring[n]]
		if there && now.Before(until) && len(r.ring)-n < remembered {
			break
		}
		delete(r.seen, r.ring[n])
		n++
	}
	r.ring = r.ring[n:]
}
