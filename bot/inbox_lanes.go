package bot

import (
	"sync"
	"time"
)

// conversation is what is kept in order: one person in one room.
type conversation struct{ account, room, identity string }

type inboundKey struct{ account, id string }

// held is a message in memory. It is not ready while its Accept waits for the
// store: it keeps its place in line, and nobody may work on it yet.
type held struct {
	in    Inbound
	lease time.Time
	ready bool
}

// verdict says how a lane goes on after its first message was tried.
type verdict struct {
	again bool          // the same message once more, after a wait
	after time.Duration // how long
	drop  bool          // everything of the lane goes back to the store
}

type lane struct {
	key     conversation
	queue   []held
	busy    bool // a worker has its first message
	waiting bool // between two attempts
	listed  bool // in lanes.runnable
	timer   *time.Timer
}

// lanes holds the messages in memory, a queue per conversation, bounded overall.
type lanes struct {
	mu       sync.Mutex
	cond     *sync.Cond
	limit    int
	size     int
	byKey    map[conversation]*lane
	held     map[inboundKey]*lane
	runnable []*lane
	closed   bool
	// finished has what ended while a claim was under way; nil outside of one.
	// The claim may have seen such a message just before it was marked done.
	finished map[inboundKey]bool
}

func newLanes(limit int) *lanes {
	q := &lanes{limit: limit, byKey: map[conversation]*lane{}, held: map[inboundKey]*lane{}}
	q.cond = sync.NewCond(&q.mu)
	return q
}

type reservation int

const (
	reserved reservation = iota
	full
	alreadyHeld
)

// reserve takes a place at the end of the message's lane.
func (q *lanes) reserve(in Inbound) reservation {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.held[keyOf(in)] != nil {
		return alreadyHeld
	}
	if q.size >= q.limit {
		return full
	}
	q.add(held{in: in})
	return reserved
}

// fill makes a reserved message ready.
func (q *lanes) fill(in Inbound, lease time.Time) { q.settle(in, lease, true) }

// abandon gives a reserved place back.
func (q *lanes) abandon(in Inbound) { q.settle(in, time.Time{}, false) }

func (q *lanes) settle(in Inbound, lease time.Time, keep bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.held[keyOf(in)]
	if l == nil {
		return // the lane went back to the store meanwhile
	}
	for i := range l.queue {
		if l.queue[i].in.ID != in.ID {
			continue
		}
		if keep {
			l.queue[i].ready, l.queue[i].lease = true, lease
		} else if !l.queue[i].ready { // else a claim has made it ours meanwhile
			q.remove(l, i)
		}
		break
	}
	q.schedule(l)
}

// beginClaim is called before the store is asked for messages.
func (q *lanes) beginClaim() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.finished = map[inboundKey]bool{}
}

// endClaim adds claimed messages and renews the lease of those that are held.
func (q *lanes) endClaim(got []Inbound, lease time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, in := range got {
		if !q.finished[keyOf(in)] {
			q.push(in, lease)
		}
	}
	q.finished = nil
}

func (q *lanes) push(in Inbound, lease time.Time) {
	l := q.held[keyOf(in)]
	if l == nil {
		l = q.add(held{in: in})
	}
	for i := range l.queue {
		if l.queue[i].in.ID == in.ID {
			l.queue[i].ready, l.queue[i].lease = true, lease
		}
	}
	q.schedule(l)
}

// take waits for a lane with something to do; nil means closed.
func (q *lanes) take() (*lane, held) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.runnable) == 0 && !q.closed {
		q.cond.Wait()
	}
	if q.closed {
		return nil, held{}
	}
	l := q.runnable[0]
	q.runnable = q.runnable[1:]
	l.listed, l.busy = false, true
	return l, l.queue[0]
}

// finish ends a worker's turn on a lane.
func (q *lanes) finish(l *lane, v verdict) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.busy = false
	switch {
	case v.drop:
		for len(l.queue) > 0 {
			q.remove(l, 0)
		}
	case v.again:
		l.waiting = true
		l.timer = time.AfterFunc(v.after, func() { q.resume(l) })
	default:
		if q.finished != nil {
			q.finished[keyOf(l.queue[0].in)] = true
		}
		q.remove(l, 0)
	}
	q.schedule(l)
}

func (q *lanes) resume(l *lane) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.waiting = false
	q.schedule(l)
}

// room is how many more messages may be held.
func (q *lanes) room() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(0, q.limit-q.size)
}

// open lets take wait again after a close.
func (q *lanes) open() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = false
}

// close sends the workers home and stops the timers.
func (q *lanes) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, l := range q.byKey {
		if l.timer != nil {
			l.timer.Stop()
		}
	}
	q.cond.Broadcast()
}

func (q *lanes) add(h held) *lane {
	k := conversation{h.in.From.Account, h.in.From.Room, h.in.Identity}
	l := q.byKey[k]
	if l == nil {
		l = &lane{key: k}
		q.byKey[k] = l
	}
	l.queue = append(l.queue, h)
	q.held[keyOf(h.in)] = l
	q.size++
	return l
}

func (q *lanes) remove(l *lane, i int) {
	delete(q.held, keyOf(l.queue[i].in))
	l.queue = append(l.queue[:i:i], l.queue[i+1:]...)
	q.size--
}

// schedule lists a lane that can go on, and forgets one that is empty.
func (q *lanes) schedule(l *lane) {
	switch {
	case l.busy || l.waiting || l.listed:
	case len(l.queue) == 0:
		delete(q.byKey, l.key)
	case l.queue[0].ready:
		l.listed = true
		q.runnable = append(q.runnable, l)
		q.cond.Signal()
	}
}

func keyOf(in Inbound) inboundKey { return inboundKey{in.From.Account, in.ID} }
