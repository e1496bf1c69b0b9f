package commands

import (
	"sync"
	"time"
)

// Limits bounds how often a person and a room may speak to the bot.
type Limits struct {
	PerUser int // messages a minute; 0 = no limit
	PerRoom int
}

// Limiter is a token bucket per user and per room, refilled over a minute. It is
// kept in memory: it protects this process.
type Limiter struct {
	mu      sync.Mutex
	limits  Limits
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

// NewLimiter makes a Limiter; Set changes its limits while it runs.
func NewLimiter(l Limits) *Limiter { return &Limiter{limits: l, buckets: map[string]*bucket{}} }

// Set changes the limits.
func (l *Limiter) Set(limits Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits, l.buckets = limits, map[string]*bucket{}
}

// over takes a token for a message and gives how long to wait when there is none.
func (l *Limiter) over(user, room string, now time.Time) time.Duration {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.buckets) > maxBuckets {
		l.forget(now)
	}
	if wait := l.take("user/"+user, l.limits.PerUser, now); wait > 0 {
		return wait
	}
	return l.take("room/"+room, l.limits.PerRoom, now)
}

// maxBuckets is when full buckets are swept out.
const maxBuckets = 10_000

func (l *Limiter) take(key string, perMinute int, now time.Time) time.Duration {
	if perMinute <= 0 {
		return 0
	}
	rate := float64(perMinute) / 60
	b, ok := l.buckets[key]
	if !ok {
		b = &bucket{tokens: float64(perMinute), at: now}
		l.buckets[key] = b
	}
	b.tokens = min(float64(perMinute), b.tokens+now.Sub(b.at).Seconds()*rate)
	b.at = now
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / rate * float64(time.Second))
	}
	b.tokens--
	return 0
}

// forget drops the buckets that would be full again.
func (l *Limiter) forget(now time.Time) {
	for k, b := range l.buckets {
		if now.Sub(b.at) > time.Minute {
			delete(l.buckets, k)
		}
	}
}
