package sandbox

import (
	"context"
	"maps"
	"time"
)

// readiness is how long pods and nodes take to become ready.
const readiness = "ready"

// The provider's delays.
const (
	delayCreate = "create"
	delayDelete = "delete"
)

// delays says how long things take.
type delays struct {
	by    map[string]time.Duration
	speed float64
}

func newDelays(c Config) delays {
	by := map[string]time.Duration{
		"kubeadm init":       800 * time.Millisecond,
		"kubeadm join":       500 * time.Millisecond,
		"kubeadm reset":      250 * time.Millisecond,
		"apt-get install":    300 * time.Millisecond,
		"apt-get update":     150 * time.Millisecond,
		"ctr images import":  300 * time.Millisecond,
		"kubeadm config":     400 * time.Millisecond,
		"systemctl start":    40 * time.Millisecond,
		"systemctl restart":  60 * time.Millisecond,
		delayCreate:          400 * time.Millisecond,
		delayDelete:          150 * time.Millisecond,
		readiness:            600 * time.Millisecond,
		"images pull":        400 * time.Millisecond,
		"kubeadm images":     400 * time.Millisecond,
		"kubeadm pull":       400 * time.Millisecond,
		"ctr images pull":    400 * time.Millisecond,
		"kubeadm init phase": 60 * time.Millisecond,
	}
	maps.Copy(by, c.Delay)
	if c.NoDelay {
		clear(by)
	}
	return delays{by: by, speed: c.Speed}
}

// of is how long something takes at the configured pace; nothing when it is not
// known.
func (d delays) of(name string) time.Duration { return d.paced(d.by[name]) }

// paced is how long something takes that takes d at the default pace.
func (d delays) paced(whole time.Duration) time.Duration {
	return time.Duration(float64(whole) / d.speed)
}

// wait takes the time that something takes. When the pace changes meanwhile, what
// is left of it takes as long as it would have from then on: who waits an hour for
// a slow command need not wait on after it was made quick.
func (sb *Sandbox) wait(ctx context.Context, long func(delays) time.Duration) error {
	for left := 1.0; ; {
		now := sb.settings.Load()
		whole := long(now.delays)
		if whole <= 0 || left <= 0 {
			return ctx.Err()
		}
		began := time.Now()
		timer := time.NewTimer(time.Duration(left * float64(whole)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
			return nil
		case <-now.changed:
			timer.Stop()
			left -= float64(time.Since(began)) / float64(whole)
		}
	}
}

// taking is what wait takes for what is called so.
func taking(name string) func(delays) time.Duration {
	return func(d delays) time.Duration { return d.of(name) }
}
