package pages

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lookEvery is how often a watched operation is looked at when nobody says that
	// it has changed: lines of its log, and what another process has done.
	lookEvery = time.Second
	// restAfter keeps streams to four changes a second.
	restAfter = time.Second / 4
	// lookFor bounds one look at one operation.
	lookFor = 5 * time.Second
	// streamsEach bounds the streams of one person.
	streamsEach = 64
)

// hub looks at the operations that somebody watches, each once for all of its
// watchers, and tells them when there is something new.
type hub struct {
	take func(ctx context.Context, id string) (*snapshot, error)
	log  *slog.Logger
	max  int
	kick chan struct{} // somebody new watches
	// ended is closed when run ends: streams end, and no new one begins.
	ended chan struct{}

	mu      sync.Mutex
	watched map[string]*watch // by operation
	open    int
	each    map[string]int
}

// watch is one operation and who looks at it.
type watch struct {
	latest atomic.Pointer[snapshot]
	wakes  map[chan struct{}]struct{}
}

func newHub(maxStreams int, take func(context.Context, string) (*snapshot, error), log *slog.Logger) *hub {
	return &hub{take: take, log: log, max: maxStreams, kick: make(chan struct{}, 1), ended: make(chan struct{}), watched: map[string]*watch{}, each: map[string]int{}}
}

// run looks until ctx ends. It runs once.
func (h *hub) run(ctx context.Context, changed <-chan struct{}) error {
	defer close(h.ended)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-h.kick:
		case <-tick.C:
		}
		h.round(ctx)
		rest := time.NewTimer(restAfter)
		select {
		case <-ctx.Done():
			rest.Stop()
			return nil
		case <-rest.C:
		}
	}
}

// round looks at everything that is watched.
func (h *hub) round(ctx context.Context) {
	h.mu.Lock()
	all := make(map[string]*watch, len(h.watched))
	for id, w := range h.watched {
		all[id] = w
	}
	h.mu.Unlock()
	for id, w := range all {
		looking, cancel := context.WithTimeout(ctx, lookFor)
		s, err := h.take(looking, id)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				h.log.Warn("looking at an operation", "operation", id, "error", err)
			}
			continue
		}
		if old := w.latest.Load(); old != nil && old.state == s.state && old.logLast == s.logLast {
			continue
		}
		w.latest.Store(s)
		h.wake(w)
	}
}

func (h *hub) wake(w *watch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for wake := range w.wakes {
		select {
		case wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// seat is one open stream.
type seat struct {
	watch *watch
	wake  chan struct{}
	leave func()
}

// sit opens a stream on an operation; false when there are too many, or when run
// has ended.
func (h *hub) sit(id, person string) (*seat, bool) {
	select {
	case <-h.ended:
		return nil, false
	default:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open >= h.max || h.each[person] >= streamsEach {
		return nil, false
	}
	h.open++
	h.each[person]++
	w := h.watched[id]
	if w == nil {
		w = &watch{wakes: map[chan struct{}]struct{}{}}
		h.watched[id] = w
	}
	s := &seat{watch: w, wake: make(chan struct{}, 1)}
	w.wakes[s.wake] = struct{}{}
	s.leave = func() { h.rise(id, person, s) }
	select {
	case h.kick <- struct{}{}:
	default:
	}
	return s, true
}

func (h *hub) rise(id, person string, s *seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open--
	if h.each[person]--; h.each[person] == 0 {
		delete(h.each, person)
	}
	delete(s.watch.wakes, s.wake)
	if len(s.watch.wakes) == 0 {
		delete(h.watched, id)
	}
}
