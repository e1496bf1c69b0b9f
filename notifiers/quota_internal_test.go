package notifiers

import (
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
)

// TestNoMinuteHasMoreThanIsAllowed: as fast as the rate lets, after a silence and
// ever on, no minute sees more messages than the limit.
func TestNoMinuteHasMoreThanIsAllowed(t *testing.T) {
	for n := 1; n <= 300; n++ {
		r := rateOf(n)
		var sent []time.Duration
		for spent := time.Duration(0); len(sent) < 3*n+9; spent += r.Every {
			sent = append(sent, max(0, spent-time.Duration(r.Burst-1)*r.Every))
		}
		for i, from := range sent {
			in := 0
			for _, at := range sent[i:] {
				if at < from+time.Minute {
					in++
				}
			}
			if in > n {
				t.Fatalf("%d a minute: %d in the minute from %s", n, in, from)
			}
		}
		if whole := sent[3*n]; whole > 4*time.Minute && n > 5 {
			t.Errorf("%d a minute: %d take %s", n, 3*n, whole)
		}
	}
}

func TestNoLimit(t *testing.T) {
	if q := quotaOf(bot.Limits{}); q.Room.Every != 0 || q.Edits.Every != 0 || q.EditEvery != 0 {
		t.Errorf("%+v", q)
	}
}

func TestAlarms(t *testing.T) {
	var a alarm
	if d := a.next(time.Second); d != time.Second {
		t.Errorf("without alarms: %s", d)
	}
	for n := range 2 * mostAlarms {
		a.in(time.Hour - time.Duration(n)*time.Second)
	}
	if len(a.times) > mostAlarms {
		t.Errorf("%d alarms", len(a.times))
	}
	if d := a.next(2 * time.Hour); d > time.Hour-time.Duration(2*mostAlarms-1)*time.Second {
		t.Errorf("the earliest is in %s", d)
	}
	a.in(-time.Second)
	if d := a.next(time.Hour); d > 0 {
		t.Errorf("one has rung, next in %s", d)
	}
	a.quiet()
	if d := a.next(time.Hour); d <= 0 {
		t.Error("it still rings")
	}
}
