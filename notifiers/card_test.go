package notifiers_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/notifiers"
)

// mute hides what a platform can do beside sending.
type mute struct{ bot.Platform }

// shownTexts gives the text of each call, edits with a star.
func shownTexts(p *strict) (out []string) {
	calls, _ := p.taken()
	for _, c := range calls {
		if c.edit {
			out = append(out, "*"+c.m.Text)
		} else {
			out = append(out, c.m.Text)
		}
	}
	return out
}

// goesOn takes an operation through its states, each shown if it is to be.
func goesOn(w *world, op string, states ...string) {
	for _, state := range states {
		w.goOn(op, state)
		pass(5 * time.Second)
	}
}

func wantShown(t *testing.T, p *strict, want ...string) {
	t.Helper()
	if got := shownTexts(p); !slices.Equal(got, want) {
		t.Errorf("shown %q, want %q", got, want)
	}
}

// TestACardWhoseMessageIsGone: it is posted anew, and goes on from there.
func TestACardWhoseMessageIsGone(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := newStrict("slack:ops")
		hub := w.start("one", true, p)
		defer hub.stop()
		w.begin(hub.Hub, in(p, "C1"), "op")
		goesOn(w, "op", "1")
		p.mu.Lock()
		clear(p.shown) // somebody deletes it
		p.mu.Unlock()
		goesOn(w, "op", "2", "3", "end")
		wantShown(t, p, "begin", "*1", "2", "*3", "*end")
	})
}

// TestACardThatCanNeverBeChanged: one try to post it anew, then only its end.
func TestACardThatCanNeverBeChanged(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := newStrict("wecom:ops")
		p.fail = func(c call) error {
			if c.edit {
				return &bot.SendError{Permanent: true, Err: errors.New("not allowed")}
			}
			return nil
		}
		hub := w.start("one", true, p)
		defer hub.stop()
		w.begin(hub.Hub, in(p, "C1"), "op")
		goesOn(w, "op", "1", "2", "3", "end", "end")
		wantShown(t, p, "begin", "1", "end")
	})
}

// TestAPlatformThatCannotEdit shows the beginning and the end, of each try.
func TestAPlatformThatCannotEdit(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := newStrict("dingtalk:ops")
		hub := w.start("one", true, mute{p})
		defer hub.stop()
		w.begin(hub.Hub, in(p, "C1"), "op")
		goesOn(w, "op", "1", "2", "end", "end")
		goesOn(w, "op", "again", "end")
		wantShown(t, p, "begin", "end", "end")
	})
}

// TestALateAnswerIsNoSecondCard: the answer fails for a while, and a later state
// is posted first.
func TestALateAnswerIsNoSecondCard(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := newStrict("slack:ops")
		p.fail = func(c call) error {
			if c.m.Text == "begin" {
				return errors.New("no answer")
			}
			return nil
		}
		hub := w.start("one", true, p)
		defer hub.stop()
		w.begin(hub.Hub, in(p, "C1"), "op")
		goesOn(w, "op", "1", "end")
		p.mu.Lock()
		p.fail = nil
		p.mu.Unlock()
		pass(10 * time.Minute)
		wantShown(t, p, "1", "*end")
		waiting, err := w.store.PendingAccounts(t.Context())
		if err != nil || len(waiting) > 0 {
			t.Errorf("waiting: %v %v", waiting, err)
		}
	})
}

// TestACardThatStandsElsewhere: the platform has put it into another room, where
// it is changed.
func TestACardThatStandsElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := &elsewhere{newStrict("slack:ops")}
		hub := w.start("one", true, p)
		defer hub.stop()
		w.begin(hub.Hub, in(p.strict, "C1"), "op")
		goesOn(w, "op", "1", "end")
		wantShown(t, p.strict, "begin", "*1", "*end")
		for _, c := range p.of("card") {
			if c.to.Room != "D1" {
				t.Errorf("%q is in %s", c.m.Text, c.to.Room)
			}
		}
	})
}

// elsewhere posts everything into D1.
type elsewhere struct{ *strict }

func (p *elsewhere) Send(ctx context.Context, to bot.Address, m bot.Message) (bot.MessageRef, error) {
	to.Room = "D1"
	return p.strict.Send(ctx, to, m)
}

// TestReplyKeepsWhoseTheButtonsAre: from the answer on, over every state.
func TestReplyKeepsWhoseTheButtonsAre(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := newStrict("slack:ops")
		hub := w.start("one", true, p)
		defer hub.stop()
		w.begin(hub.Hub, in(p, "C1"), "op")
		cards, err := w.store.Cards(t.Context(), "op")
		check(t, err)
		if len(cards) != 1 || cards[0].For != "who:op" {
			t.Fatalf("cards: %+v", cards)
		}
		goesOn(w, "op", "1", "end")
		for _, c := range p.of("card") {
			if c.m.For != "who:op" {
				t.Errorf("%q: the buttons are %q's", c.m.Text, c.m.For)
			}
		}
	})
}

// withDMs opens DMs named after the person.
type withDMs struct {
	*strict
	err error
}

func (p *withDMs) OpenDM(_ context.Context, identity string) (bot.Address, error) {
	return bot.Address{Account: p.name, Room: "DM " + identity}, p.err
}

func private(to bot.Address, who string) notifiers.Delivery {
	return notifiers.Delivery{ID: "d", Lane: notifiers.LaneReply, To: to, Lang: "zh", Message: &bot.Message{Text: "the secret", Private: true, For: who, ReplyTo: "m1"}}
}

func TestPrivateAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		room, who string
		err       error
		want      map[string]string // by room
	}{
		"asked in a room": {room: "C1", who: "amy", want: map[string]string{"DM amy": "the secret", "C1": "zh notify.private.sent"}},
		"asked in the DM": {room: "DM amy", who: "amy", want: map[string]string{"DM amy": "the secret"}},
		"no way to amy": {room: "C1", who: "amy", err: &bot.SendError{Permanent: true, Err: errors.New("user_disabled")},
			want: map[string]string{"C1": "zh notify.private.unreachable"}},
		"for nobody": {room: "C1", want: map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				p := &withDMs{likeSlack("slack:ops"), c.err}
				hub := w.start("one", true, p)
				defer hub.stop()
				w.enqueue(private(in(p.strict, c.room), c.who))
				pass(time.Minute)
				calls, _ := p.taken()
				if len(calls) != len(c.want) {
					t.Errorf("%d messages", len(calls))
				}
				for _, got := range calls {
					if got.m.Text != c.want[got.to.Room] || got.m.For != c.who || got.m.ReplyTo != "m1" {
						t.Errorf("in %s: %+v", got.to.Room, got.m)
					}
				}
				waiting, err := w.store.PendingAccounts(t.Context())
				if err != nil || len(waiting) > 0 {
					t.Errorf("waiting: %v %v", waiting, err)
				}
				nobodyTooFast(t, p.strict)
			})
		})
	}
}

// TestPrivateAnswersAndKills: whenever the process is killed, the secret is never
// in the room, and the person has it in the end.
func TestPrivateAnswersAndKills(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		p := &withDMs{strict: newStrict("slack:ops")}
		p.slow = time.Second
		w.enqueue(private(in(p.strict, "C1"), "amy"))
		for range 5 {
			hub := w.start("x", true, p)
			pass(300 * time.Millisecond)
			hub.kill()
		}
		hub := w.start("last", true, p)
		defer hub.stop()
		pass(time.Minute)
		rooms := map[string]int{}
		for _, c := range p.of("") {
			rooms[c.to.Room]++
			if (c.m.Text == "the secret") != (c.to.Room == "DM amy") {
				t.Errorf("%q in %s", c.m.Text, c.to.Room)
			}
		}
		if rooms["DM amy"] == 0 || rooms["C1"] == 0 {
			t.Errorf("arrived: %v", rooms)
		}
	})
}
