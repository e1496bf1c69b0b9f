package notifiers

import (
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// mostBurst is how many messages may go into one room at once after a silence.
const mostBurst = 3

// quotaOf makes a platform's limits rates that keep within them in any minute,
// whenever it begins.
func quotaOf(l bot.Limits) *Quota {
	return &Quota{Room: rateOf(l.PerMinute), Edits: rateOf(l.EditsPerMinute), EditEvery: l.EditEvery}
}

// rateOf allows n a minute, 0 = no limit. What goes as a burst is taken off the
// rest of the minute. A limit of one a second or more is one of seconds, with
// many a platform to the letter: nothing goes at once there. The millisecond is
// for clocks that are rounded.
func rateOf(n int) Rate {
	switch {
	case n <= 0:
		return Rate{Burst: 1}
	case n >= 60:
		return Rate{Every: time.Minute/time.Duration(n) + time.Millisecond, Burst: 1}
	}
	burst := max(1, min(mostBurst, n/5))
	rest := n - burst
	if burst == 1 {
		rest = n
	}
	return Rate{Every: time.Minute/time.Duration(rest) + time.Millisecond, Burst: burst}
}
