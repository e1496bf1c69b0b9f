package notifiers

import (
	"slices"
	"sync"
	"time"
)

// mostAlarms bounds what is remembered; what is forgotten is found by looking
// around.
const mostAlarms = 256

// alarm knows when a sender is to look again: when a quota opens, when a wait is
// over. Its times are those of the machine.
type alarm struct {
	mu    sync.Mutex
	times []time.Time // sorted
}

// in sets an alarm.
func (a *alarm) in(d time.Duration) {
	at := time.Now().Add(d)
	a.mu.Lock()
	defer a.mu.Unlock()
	i, there := slices.BinarySearchFunc(a.times, at, time.Time.Compare)
	if !there && i < mostAlarms {
		a.times = slices.Insert(a.times[:min(len(a.times), mostAlarms-1)], i, at)
	}
}

// next gives how long until the first alarm, at most longest.
func (a *alarm) next(longest time.Duration) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.times) == 0 {
		return longest
	}
	return min(longest, time.Until(a.times[0]))
}

// quiet forgets the alarms that have rung.
func (a *alarm) quiet() {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, over := time.Now(), 0
	for over < len(a.times) && !a.times[over].After(now) {
		over++
	}
	a.times = slices.Delete(a.times, 0, over)
}
