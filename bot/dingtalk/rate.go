package dingtalk

import (
	"sync"
	"time"
)

// window counts what was sent to each conversation. The hub's bucket is the rule;
// this is the wall behind it, because one message too many silences the robot for
// ten minutes.
type window struct {
	max  int
	span time.Duration
	now  func() time.Time

	mu      sync.Mutex
	sent    map[string][]time.Time
	silence map[string]time.Time // until then the platform refuses
}

func newWindow(n int, span time.Duration, now func() time.Time) *window {
	return &window{max: n, span: span, now: now, sent: map[string][]time.Time{}, silence: map[string]time.Time{}}
}

// take counts n messages to room in and gives 0, or how long to wait for that.
func (w *window) take(room string, n int) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	if until := w.silence[room]; until.After(now) {
		return until.Sub(now)
	}
	delete(w.silence, room)
	times := w.sent[room]
	for len(times) > 0 && !times[0].Add(w.span).After(now) {
		times = times[1:]
	}
	n = min(n, w.max)
	if over := len(times) + n - w.max; over > 0 {
		w.sent[room] = times
		return times[over-1].Add(w.span).Sub(now)
	}
	for range n {
		times = append(times, now)
	}
	w.sent[room] = times
	w.forget(now)
	return 0
}

// hush remembers that the platform silenced the robot in room.
func (w *window) hush(room string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silence[room] = w.now().Add(d)
}

// forget drops rooms that are quiet, when there are many.
func (w *window) forget(now time.Time) {
	if len(w.sent) < 1000 {
		return
	}
	for room, times := range w.sent {
		if len(times) == 0 || times[len(times)-1].Add(w.span).Before(now) {
			delete(w.sent, room)
		}
	}
}
