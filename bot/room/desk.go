package room

import (
	"net/http"
	"sync"
	"time"
)

// Bounds of what one person may upload. An administrator, who brings bundles, has
// the first two only.
const (
	maxUploading = 4        // files at the same time, of all together
	smallest     = 4 << 10  // bytes that a file is counted as at the least
	smallUpload  = 1 << 20  // bytes of one file
	uploadShare  = 64 << 20 // bytes of all files within the time that they are kept
)

// desk is where one asks before an upload: nobody holds all places, nor fills the
// disk alone. What it counts begins anew with a restart.
type desk struct {
	keep time.Duration // the time that a share is for

	mu     sync.Mutex
	open   int
	by     map[string]int
	shares map[string]share
}

// share is what a person has uploaded since a time.
type share struct {
	since time.Time
	bytes int64
}

func newDesk(keep time.Duration) *desk {
	return &desk{keep: keep, by: map[string]int{}, shares: map[string]share{}}
}

// enter gives a place, and what gives it back with the number of bytes that came.
func (d *desk) enter(c Caller) (leave func(bytes int64), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	who := c.person()
	d.renew(time.Now())
	switch {
	case d.open >= maxUploading:
		return nil, refuse(http.StatusTooManyRequests, "busy")
	case !c.Admin && d.by[who] > 0:
		return nil, refuse(http.StatusTooManyRequests, "one-upload")
	case !c.Admin && d.shares[who].bytes >= uploadShare:
		return nil, refuse(http.StatusTooManyRequests, "upload-share", "limit", uploadShare)
	}
	d.open++
	d.by[who]++
	return func(bytes int64) { d.leave(who, bytes) }, nil
}

func (d *desk) leave(who string, bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	if d.by[who]--; d.by[who] == 0 {
		delete(d.by, who)
	}
	s := d.shares[who]
	if s.since.IsZero() {
		s.since = time.Now()
	}
	s.bytes += max(bytes, smallest)
	d.shares[who] = s
}

// renew forgets shares whose files are gone by now.
func (d *desk) renew(now time.Time) {
	for who, s := range d.shares {
		if now.Sub(s.since) >= d.keep {
			delete(d.shares, who)
		}
	}
}
