package sandbox

import (
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
func (d delays) of(name string) time.Duration {
	return time.Duration(float64(d.by[name]) / d.speed)
}
