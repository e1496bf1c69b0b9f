package wecom

import (
	"sync"
	"time"
)

// Bounds of what a connection's process remembers of the messages it received.
const (
	repliesKept  = 4096
	replyTime    = 24 * time.Hour   // a req_id can be answered
	streamTime   = 6 * time.Minute  // a stream must be finished
	streamMargin = 30 * time.Second // and is, this much before
	streamsKept  = 1024
)

// replies are the req_ids of messages that were not answered yet. They are not
// kept beyond the process: without one an answer is sent as a message of its own.
type replies struct {
	mu    sync.Mutex
	byID  map[string]reply
	order []string
}

type reply struct {
	reqID string
	at    time.Time
}

func (r *replies) add(inbound, reqID string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = map[string]reply{}
	}
	if _, again := r.byID[inbound]; !again {
		r.order = append(r.order, inbound)
	}
	r.byID[inbound] = reply{reqID, now}
	for len(r.order) > repliesKept {
		delete(r.byID, r.order[0])
		r.order = r.order[1:]
	}
}

// take gives the req_id to answer inbound with, once; "" when there is none.
func (r *replies) take(inbound string, now time.Time) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got, ok := r.byID[inbound]
	delete(r.byID, inbound)
	if !ok || now.Sub(got.at) > replyTime {
		return ""
	}
	return got.reqID
}

// streams are the living answers that can still be changed, by their card.
type streams struct {
	mu   sync.Mutex
	open map[string]*openStream
}

type openStream struct {
	id, reqID, text string
	lang            string // of its reader
	opened          time.Time
}

func (s *streams) add(card string, st *openStream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]*openStream{}
	}
	if len(s.open) < streamsKept { // one more is never changed, and its end is a new message
		s.open[card] = st
	}
}

// get gives a stream that can be changed at now.
func (s *streams) get(card string, now time.Time) (openStream, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.open[card]
	if !ok || now.Sub(st.opened) > streamTime-streamMargin/2 {
		return openStream{}, false
	}
	return *st, true
}

// shows notes what the stream shows.
func (s *streams) shows(card, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.open[card]; ok {
		st.text = text
	}
}

func (s *streams) drop(card string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, card)
}

// takeOld removes and gives the streams that must be finished now.
func (s *streams) takeOld(now time.Time) []*openStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	var old []*openStream
	for card, st := range s.open {
		if now.Sub(st.opened) >= streamTime-streamMargin {
			old = append(old, st)
			delete(s.open, card)
		}
	}
	return old
}
