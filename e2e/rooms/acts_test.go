package rooms

import (
	"context"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// What people read who press a button that is not, or no longer, for them.
const (
	usedUp    = "pressed already"
	others    = "belongs to somebody else"
	noLonger  = "no longer good"
	stranger  = "do not know you"
	confirmIt = "Confirm"
)

// answered waits until the newest messages of a room show want more than n times.
func answered(t *testing.T, v venue, room, want string, n int) {
	t.Helper()
	if v.until(patience, func() bool { return shows(v, room, want) > n }) {
		return
	}
	var all strings.Builder
	for _, m := range v.shown(room) {
		all.WriteString(indent(m.text))
	}
	t.Fatalf("%q is not shown in %s, which has\n%s", want, room, all.String())
}

func shows(v venue, room, want string) int {
	n := 0
	for _, m := range v.shown(room) {
		if strings.Contains(m.text, want) {
			n++
		}
	}
	return n
}

// told says something and waits for an answer that shows want.
func told(t *testing.T, v venue, who, room, text, want string) {
	t.Helper()
	n := shows(v, room, want)
	if err := v.say(t.Context(), who, room, text); err != nil {
		t.Fatal(err)
	}
	answered(t, v, room, want, n)
}

// link lets somebody link their account to the user of their name.
func link(t *testing.T, v venue, who, code string) {
	t.Helper()
	told(t, v, who, v.private(who), "link "+code, "Welcome")
}

// creations are how many clusters were set about to be made.
func creations(s *drive.Server) int {
	s.TB.Helper()
	var all struct{ Operations []drive.Operation }
	s.JSON(&all, "op list")
	return len(all.Operations)
}

// again starts a killed program and lets the platform find it.
func again(t *testing.T, s *drive.Server, v venue) {
	t.Helper()
	s.Start()
	v.meet(t, s)
}

// TestButtons: what is pressed by somebody else, twice, twice over a kill, or by
// somebody whose button nobody knows any more is answered and does nothing; what
// was shown before a kill can be pressed after it.
func TestButtons(t *testing.T) {
	all := venues()
	delete(all, "room") // its buttons carry no tokens: they say what they do in the presser's name
	everywhere(t, all, func(t *testing.T, _ string, v venue) {
		s := serve(t, "sandbox: {speed: 20}\n", v)
		codes := people(t, s)
		link(t, v, alice, codes[alice])
		link(t, v, bob, codes[bob])
		room := v.common(alice)
		told(t, v, alice, room, "cluster create shop region=sandbox", "["+confirmIt+"]")
		press, err := v.button(alice, room, confirmIt)
		if err != nil {
			t.Fatal(err)
		}

		pressed(t, v, press, bob, others)
		s.Kill()
		again(t, s, v)
		if n := creations(s); n != 0 {
			t.Fatalf("%d operations before the right one pressed", n)
		}
		pressed(t, v, press, alice, "shop is running")
		pressed(t, v, press, alice, usedUp)
		s.Kill()
		again(t, s, v)
		pressed(t, v, press, alice, usedUp)
		if n := creations(s); n != 1 {
			t.Errorf("%d operations after four presses", n)
		}

		s.Kill()
		s.Data = t.TempDir() // set up anew: what was shown before means nothing now
		again(t, s, v)
		pressed(t, v, press, alice, noLonger)
		if n := creations(s); n != 0 {
			t.Errorf("%d operations by a button that nobody knows", n)
		}
	})
}

// pressed presses and waits for what it is answered with.
func pressed(t *testing.T, v venue, press func(context.Context, string) error, by, want string) {
	t.Helper()
	room := v.common(by)
	n := shows(v, room, want)
	if err := press(t.Context(), by); err != nil {
		t.Fatal(err)
	}
	answered(t, v, room, want, n)
}
