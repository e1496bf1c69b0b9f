package web

import "sync"

const (
	maxStreams     = 512 // open at the same time
	maxStreamsEach = 128 // of one person, over all sessions: nobody shuts the others out alone
)

// slots bounds the open streams, altogether and for each person.
type slots struct {
	mu        sync.Mutex
	all, each int
	open      int
	by        map[string]int
}

func newSlots(all, each int) *slots { return &slots{all: all, each: each, by: map[string]int{}} }

// take gives a slot, and what gives it back; false when there is none.
func (s *slots) take(person string) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= s.all || s.by[person] >= s.each {
		return nil, false
	}
	s.open++
	s.by[person]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open--
		if s.by[person]--; s.by[person] == 0 {
			delete(s.by, person)
		}
	}, true
}
