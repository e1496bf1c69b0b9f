package fakeslack

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// faults are what tests have switched on.
type faults struct {
	storm      int // 429s still to be given
	retryAfter time.Duration
	code       string // ok:false for
	codes      int    // so many calls
	status     int    // HTTP status for
	statuses   int    // so many calls
	garbage    int    // answers that are no JSON
	empty      int    // answers {}
	slow       time.Duration
	broken     bool
	skew       time.Duration
	dropAcks   int
	only       string // the method that the faults are of, "" = all
}

func (f *Fake) fault(set func(*faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set(&f.faults)
}

// Storm answers the next n calls with 429 and Retry-After.
func (f *Fake) Storm(n int, retryAfter time.Duration) {
	f.fault(func(x *faults) { x.storm, x.retryAfter = n, retryAfter })
}

// Only limits Storm, Fail, Status, Garbage and Empty to one method; "" = all.
func (f *Fake) Only(method string) { f.fault(func(x *faults) { x.only = method }) }

// Fail answers the next n calls with ok:false and code.
func (f *Fake) Fail(n int, code string) { f.fault(func(x *faults) { x.codes, x.code = n, code }) }

// Status answers the next n calls with an HTTP status and a page of HTML.
func (f *Fake) Status(n, status int) { f.fault(func(x *faults) { x.statuses, x.status = n, status }) }

// Garbage answers the next n calls with half a JSON document.
func (f *Fake) Garbage(n int) { f.fault(func(x *faults) { x.garbage = n }) }

// Empty answers the next n calls with {}.
func (f *Fake) Empty(n int) { f.fault(func(x *faults) { x.empty = n }) }

// Slow delays each answer.
func (f *Fake) Slow(d time.Duration) { f.fault(func(x *faults) { x.slow = d }) }

// Break lets every call fail, with answers that repeat the credentials.
func (f *Fake) Break() { f.fault(func(x *faults) { x.broken = true }) }

// Unplug takes Slack off the network: its address refuses.
func (f *Fake) Unplug() { f.close() }

// Skew sets Slack's clock off from ours, as its signatures see it.
func (f *Fake) Skew(d time.Duration) { f.fault(func(x *faults) { x.skew = d }) }

// DropAcks lets the next n acknowledgements get lost on their way to Slack.
func (f *Fake) DropAcks(n int) { f.fault(func(x *faults) { x.dropAcks = n }) }

// Revoke takes a scope from the app.
func (f *Fake) Revoke(scope string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var left []string
	for _, s := range f.scopes {
		if s != scope {
			left = append(left, s)
		}
	}
	f.scopes = left
}

// hurt answers a call with a fault when one is due.
func (f *Fake) hurt(w http.ResponseWriter, r *http.Request, method string) bool {
	f.mu.Lock()
	x := &f.faults
	slow := x.slow
	act := func(http.ResponseWriter) {}
	due := x.broken || x.only == "" || x.only == method
	switch {
	case !due:
		due = false
	case x.broken:
		act = func(w http.ResponseWriter) {
			refuse(w, "invalid_auth: "+strings.Join(f.credentials(), " ")+" is not welcome")
		}
	case x.storm > 0:
		x.storm--
		after := x.retryAfter
		act = func(w http.ResponseWriter) { tooMany(w, after) }
	case x.codes > 0:
		x.codes--
		code := x.code
		act = func(w http.ResponseWriter) { refuse(w, code) }
	case x.statuses > 0:
		x.statuses--
		status := x.status
		act = func(w http.ResponseWriter) { http.Error(w, "<html>sorry</html>", status) }
	case x.garbage > 0:
		x.garbage--
		act = func(w http.ResponseWriter) { fmt.Fprint(w, `{"ok":true,"channel":"C`) }
	case x.empty > 0:
		x.empty--
		act = func(w http.ResponseWriter) { fmt.Fprint(w, `{}`) }
	default:
		due = false
	}
	f.mu.Unlock()
	if slow > 0 {
		t := time.NewTimer(slow)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
		}
	}
	if due {
		act(w)
	}
	return due
}

func tooMany(w http.ResponseWriter, after time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(after.Seconds())))))
	w.WriteHeader(http.StatusTooManyRequests)
	fmt.Fprint(w, `{"ok":false,"error":"ratelimited"}`)
}

// bucket is a rate limit with a burst.
type bucket struct {
	perSecond, burst, level float64
	at                      time.Time
}

// take gives how long to wait, 0 when there is room.
func (b *bucket) take(now time.Time) time.Duration {
	b.level = min(b.burst, b.level+now.Sub(b.at).Seconds()*b.perSecond)
	b.at = now
	if b.level >= 1 {
		b.level--
		return 0
	}
	return time.Duration((1 - b.level) / b.perSecond * float64(time.Second))
}

// Rate sets the limit of a method ("chat.postMessage": of each room) from now on.
func (f *Fake) Rate(method string, perMinute float64, burst int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key := range f.limits {
		if strings.HasPrefix(key, method+" ") {
			delete(f.limits, key)
		}
	}
	f.limits[method] = &bucket{perSecond: perMinute / 60, burst: float64(burst)}
}

// Limited is how many calls were refused because the app called too often; a
// Storm's do not count.
func (f *Fake) Limited() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.limited
}

// tier is how often a minute a method may be called. Source: Slack's page "Rate
// limits".
func tier(method string) float64 {
	switch method {
	case "chat.postMessage":
		return 60
	case "chat.update", "conversations.open":
		return 50
	case "files.getUploadURLExternal", "files.completeUploadExternal", "users.info", "views.open", "views.publish", "chat.postEphemeral":
		return 100
	}
	return 600
}

// over takes one call from the method's limit. The lock is held.
func (f *Fake) over(method, room string) time.Duration {
	key := method + " "
	if method == "chat.postMessage" {
		key += room
	}
	b := f.limits[key]
	if b == nil {
		b = &bucket{perSecond: tier(method) / 60, burst: max(20, tier(method)/2)}
		if set := f.limits[method]; set != nil {
			b = &bucket{perSecond: set.perSecond, burst: set.burst}
		}
		b.level, b.at = b.burst, time.Now()
		f.limits[key] = b
	}
	wait := b.take(time.Now())
	if wait > 0 {
		f.limited++
	}
	return wait
}

// Cut breaks all connections off, without a word.
func (f *Fake) Cut() {
	for _, s := range f.open() {
		s.cut()
	}
}

// HalfOpen leaves the connections that are up without an end: nothing comes from
// them any more, and what is sent to them is swallowed.
func (f *Fake) HalfOpen() {
	for _, s := range f.open() {
		s.mute()
	}
}

// Refresh ends the oldest connection as Slack does every few hours: a warning,
// then the end, both by disconnect frames.
func (f *Fake) Refresh() {
	open := f.open()
	if len(open) == 0 {
		return
	}
	open[0].disconnect("warning")
	open[0].disconnect("refresh_requested")
	open[0].hangUp()
}

// Frame sends a text as it is on all connections.
func (f *Fake) Frame(text string) {
	for _, s := range f.open() {
		_ = s.write(websocket.TextMessage, []byte(text)) // a connection that has gone takes no more
	}
}
