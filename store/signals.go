package store

import (
	"maps"
	"slices"
	"sync"
)

// Topic is a kind of work that somebody may be waiting for.
type Topic string

// The topics.
const (
	Operations Topic = "operations" // queued, signalled, or made claimable
	Events     Topic = "events"
	Deliveries Topic = "deliveries"
	Entries    Topic = "entries" // of the transcript
	Inbound    Topic = "inbound" // made claimable; an accepted one has its owner
)

func allTopics() []Topic { return []Topic{Operations, Events, Deliveries, Entries, Inbound} }

// Subscribe gives a channel that receives after commits that concern one of the
// topics, at least once after the last of them: several wake-ups become one. On
// PostgreSQL, while Run runs, other processes' commits count too. It is a hint:
// a process may end between its commit and the wake-up, so look by yourself
// from time to time. cancel ends the subscription; the channel is not closed.
func (s *Store) Subscribe(topics ...Topic) (wake <-chan struct{}, cancel func()) {
	return s.hub.subscribe(topics)
}

// Notify wakes the listeners of a topic as if something had been committed.
func (s *Store) Notify(topic Topic) { s.hub.announce(topicSet(topic)) }

// hub hands wake-ups to this process's listeners and keeps what other processes
// are still to be told.
type hub struct {
	mu      sync.Mutex
	subs    map[*subscription]bool
	outward bool // somebody tells the other processes
	pending map[Topic]bool
	send    chan struct{} // something is pending
}

type subscription struct {
	topics []Topic
	wake   chan struct{}
}

func newHub() *hub {
	return &hub{
		subs:    map[*subscription]bool{},
		pending: map[Topic]bool{},
		send:    make(chan struct{}, 1),
	}
}

func (h *hub) subscribe(topics []Topic) (<-chan struct{}, func()) {
	sub := &subscription{topics: topics, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[sub] = true
	return sub.wake, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, sub)
	}
}

// announce wakes the listeners here and leaves word for the other processes.
func (h *hub) announce(topics map[Topic]bool) {
	if len(topics) == 0 {
		return
	}
	h.wake(topics)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.outward {
		maps.Copy(h.pending, topics)
		nudge(h.send)
	}
}

// wake wakes the listeners of this process.
func (h *hub) wake(topics map[Topic]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for sub := range h.subs {
		if slices.ContainsFunc(sub.topics, func(t Topic) bool { return topics[t] }) {
			nudge(sub.wake)
		}
	}
}

// setOutward starts or stops the keeping of word for other processes.
func (h *hub) setOutward(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outward = on
	if !on {
		clear(h.pending)
	}
}

// takePending gives what other processes are to be told, once.
func (h *hub) takePending() []Topic {
	h.mu.Lock()
	defer h.mu.Unlock()
	topics := slices.Sorted(maps.Keys(h.pending))
	clear(h.pending)
	return topics
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is going to wake up anyway
	}
}
