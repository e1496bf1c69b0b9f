package web

import "sync"

const (
	maxStreams     = 512 // open at the same time
	maxStreamsEach = 128 // of one session
)

// slots bounds the open streams, altogether and for each session.
type slots struct {
	mu        sync.Mutex
	all, each int
	open      int
	by        map[string]int
}

func newSlots(all, each int) *slots { return &slots{all: all, each: each, by: map[string]int{}} }

// take gives a slot, and what gives it back; false when there is none.
func (s *slots) take(session string) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= s.all || s.by[session] >= s.each {
		return nil, false
	}
	s.open++
	s.by[session]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
		if s.by[session]--; s.by[session] == 0 {
			delete(s.by, session)
		}
	}, true
}
