package rooms

import (
	"context"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// redeliveries is how often the same message comes again.
const redeliveries = 5

// TestRedelivery: a message that comes again and again runs once, while the program
// runs, after it was killed, and when it was killed right after it had taken it.
func TestRedelivery(t *testing.T) {
	everywhere(t, venues(), func(t *testing.T, _ string, v venue) {
		s := serve(t, "", v)
		s.Chat("user add alice admin=yes")
		var c struct{ Code string }
		s.JSON(&c, "user code alice")
		link(t, v, alice, c.Code)
		here := v.private(alice)

		repeated := func(name, when string, redeliver func(context.Context) error) {
			t.Helper()
			repeat(t, redeliver)
			told(t, v, alice, here, "whoami", alice) // their messages are worked on in order
			once(t, s, name, when)
		}
		told(t, v, alice, here, "project create one", "one created")
		redeliver := v.redelivery()
		repeated("one", "while it runs", redeliver)
		s.Kill()
		again(t, s, v)
		repeated("one", "after a kill", redeliver)

		if err := v.say(t.Context(), alice, here, "project create two"); err != nil {
			t.Fatal(err)
		}
		redeliver = v.redelivery()
		s.Kill()
		again(t, s, v)
		repeated("two", "after a kill that came with it", redeliver)
		for _, name := range []string{"one", "two"} {
			if n := shows(v, here, name+" created"); n != 1 {
				t.Errorf("%d answers tell that project %s is created", n, name)
			}
		}
	})
}

func repeat(t *testing.T, redeliver func(context.Context) error) {
	t.Helper()
	for range redeliveries {
		if err := redeliver(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// once looks whether a project was made once, and nobody tried a second time.
func once(t *testing.T, s *drive.Server, name, when string) {
	t.Helper()
	var log struct {
		Entries []struct{ Command, Result string }
	}
	s.JSON(&log, "audit list")
	var got []string
	for _, e := range log.Entries {
		if strings.HasPrefix(e.Command, "project create "+name) {
			got = append(got, e.Result)
		}
	}
	if len(got) != 1 || got[0] != "ok" {
		t.Errorf("project %s, delivered %d times %s, was made with these results: %q", name, redeliveries+1, when, got)
	}
}
