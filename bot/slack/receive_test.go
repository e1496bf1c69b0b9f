package slack_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
)

// bothModes runs a check with the adapter at work, in each mode.
func bothModes(t *testing.T, check func(t *testing.T, o *office)) {
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			o := newOffice(t, mode)
			o.started(mode)
			check(t, o)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMentionDMThreadAndSlashCommand(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		must(t, o.fake.Say(ctx, fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: o.fake.Mention("cluster show &lt;a&gt; <http://a.example|a.example>")}))
		in := o.last()
		if in.Text != "cluster show <a> a.example" || !in.Direct || in.Private || !in.Interactive || in.Identity != "slack:T0FAKE/U1" ||
			in.From != o.room() || time.Since(in.At).Abs() > time.Minute {
			t.Errorf("mention: %+v", in)
		}
		must(t, o.fake.Say(ctx, fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: o.fake.Mention("help"), Thread: "1700000000.000001"}))
		if in := o.last(); in.From.Thread != "1700000000.000001" {
			t.Errorf("thread: %+v", in)
		}
		must(t, o.fake.Say(ctx, fakeslack.Said{User: "U1", Room: "D1", Text: "集群 列表"}))
		if in := o.last(); in.Text != "集群 列表" || !in.Direct || !in.Private || in.From.Room != "D1" {
			t.Errorf("DM: %+v", in)
		}
		must(t, o.fake.SlashCommand(ctx, "U1", fakeslack.Room, "cluster list"))
		if in := o.last(); in.Text != "cluster list" || !in.Direct || in.Private || in.From != o.room() {
			t.Errorf("slash command: %+v", in)
		}
		must(t, o.fake.SlashCommand(ctx, "U1", "D1", ""))
		if in := o.last(); in.Text != "help" || !in.Private {
			t.Errorf("an empty slash command in our DM: %+v", in)
		}
		o.fake.AddRoom("D9OTHERS", false)
		must(t, o.fake.SlashCommand(ctx, "U1", "D9OTHERS", "link 123"))
		if in := o.last(); in.Private {
			t.Errorf("a slash command in somebody else's DM counts as private: %+v", in)
		}
	})
}

func TestWhatIsNotMeant(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		for _, event := range []map[string]any{
			{"type": "message", "channel_type": "channel", "user": "U1", "channel": fakeslack.Room, "ts": "1.1", "text": "chatter"},
			{"type": "message", "channel_type": "im", "user": "U1", "channel": "D1", "ts": "1.2", "text": "x", "bot_id": "B1"},
			{"type": "message", "channel_type": "im", "subtype": "message_changed", "channel": "D1", "ts": "1.3"},
			{"type": "something_new", "user": map[string]any{"id": 1}},
			{"type": "app_home_opened", "user": "U1", "tab": "messages", "channel": "D1"},
			{"type": "user_change", "user": map[string]any{"id": "U1", "deleted": false}},
		} {
			must(t, o.fake.Event(t.Context(), event))
		}
		if got := o.inbounds(); len(got) != 0 {
			t.Errorf("handed over: %+v", got)
		}
	})
}

func TestRedeliveriesHaveOneID(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		must(t, o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: o.fake.Mention("help")}))
		must(t, o.fake.Redeliver(t.Context(), 4))
		ids := map[string]int{}
		for _, in := range o.inbounds() {
			ids[in.ID]++
		}
		if len(ids) != 1 || len(o.inbounds()) != 5 {
			t.Errorf("%d deliveries with the ids %v", len(o.inbounds()), ids)
		}
	})
}

func TestTwoPeopleAndCommandsHaveTheirOwnIDs(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		o.fake.AddPerson(fakeslack.Person{ID: "U2", Name: "Bob"})
		for range 2 {
			must(t, o.fake.SlashCommand(t.Context(), "U1", fakeslack.Room, "help"))
			must(t, o.fake.SlashCommand(t.Context(), "U2", fakeslack.Room, "help"))
		}
		ids := map[string]bool{}
		for _, in := range o.inbounds() {
			ids[in.ID] = true
		}
		if len(ids) != 4 {
			t.Errorf("%v", ids)
		}
	})
}

func TestAGuestOfAnotherWorkspaceIsSomebodyElse(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		o.fake.AddPerson(fakeslack.Person{ID: "U1", Name: "Mallory", Team: "T9OTHER"})
		must(t, o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: fakeslack.Room, Text: o.fake.Mention("help")}))
		if in := o.last(); in.Identity != "slack:T9OTHER/U1" {
			t.Errorf("%q", in.Identity)
		}
	})
}

func TestADisabledAccountIsGone(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		must(t, o.fake.Disable(t.Context(), "U1"))
		if in := o.last(); !in.Gone || in.Identity != "slack:T0FAKE/U1" || in.ID == "" || in.From.Account != "slack:ops" {
			t.Errorf("%+v", in)
		}
	})
}

func TestNotAcknowledgedUntilAccepted(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		o.fake.AckDeadline = 300 * time.Millisecond
		o.fake.Retries = []time.Duration{0, 0, 0}
		o.mu.Lock()
		o.refuse = errors.New("database is locked")
		o.mu.Unlock()
		err := o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "help", ID: "m"})
		if !errors.Is(err, fakeslack.ErrNotAcknowledged) {
			t.Errorf("acknowledged what was not accepted: %v", err)
		}
		o.mu.Lock()
		o.refuse = nil
		o.mu.Unlock()
		must(t, o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: "help", ID: "m"}))
		if in := o.last(); in.Text != "help" {
			t.Errorf("%+v", in)
		}
	})
}

// TestSlashCommandIsAcknowledgedAtOnce: while the handler only accepts, Slack has
// its answer in less than 100 ms.
func TestSlashCommandIsAcknowledgedAtOnce(t *testing.T) {
	bothModes(t, func(t *testing.T, o *office) {
		must(t, o.fake.SlashCommand(t.Context(), "U1", fakeslack.Room, "warm up"))
		best := time.Hour // of a few: other work on the machine is not ours
		for range 5 {
			begin := time.Now()
			must(t, o.fake.SlashCommand(t.Context(), "U1", fakeslack.Room, "cluster list"))
			best = min(best, time.Since(begin))
		}
		if best >= 100*time.Millisecond {
			t.Errorf("acknowledged after %s", best)
		}
	})
}

// TestMessagesOfOnePersonKeepTheirOrder even though many are accepted at once.
func TestMessagesOfOnePersonKeepTheirOrder(t *testing.T) {
	o := newOffice(t, "socket")
	o.started("socket")
	for i := range 20 {
		must(t, o.fake.Say(t.Context(), fakeslack.Said{User: "U1", Room: "D1", Text: fmt.Sprintf("command-%02d", i)}))
	}
	for i, in := range o.inbounds() {
		if in.Text != fmt.Sprintf("command-%02d", i) {
			t.Fatalf("place %d: %s", i, in.Text)
		}
	}
}

func TestRunTwiceIsRefused(t *testing.T) {
	o := newOffice(t, "http")
	o.started("http")
	if err := o.slack.Run(t.Context(), o.handle); err == nil {
		t.Error("two Runs at the same time")
	}
}

// TestShutdownFinishesWhatItAccepts: a message that is being accepted when the
// process ends is accepted, and acknowledged only then.
func TestShutdownFinishesWhatItAccepts(t *testing.T) {
	o := newOffice(t, "http")
	stop := o.run()
	o.accepted(fakeslack.Said{User: "U1", Room: "D1", Text: "first"})
	o.mu.Lock()
	hold := make(chan struct{})
	o.hold = hold
	o.mu.Unlock()
	said := make(chan error, 1)
	entered := make(chan struct{})
	go func() {
		close(entered)
		said <- o.fake.Say(context.Background(), fakeslack.Said{User: "U1", Room: "D1", Text: "last words"})
	}()
	<-entered
	ended := make(chan struct{})
	go func() { defer close(ended); stop() }()
	close(hold)
	<-ended
	err := <-said
	took := strings.Contains(fmt.Sprint(o.inbounds()), "last words")
	if (err == nil) != took {
		t.Errorf("acknowledged %v, accepted %v", err == nil, took)
	}
}

func TestStamp(t *testing.T) {
	o := newOffice(t, "http")
	o.started("http")
	must(t, o.fake.Event(t.Context(), map[string]any{"type": "message", "channel_type": "im", "user": "U1", "channel": "D1", "ts": "not a time", "text": "help"}))
	if in := o.last(); in.At.IsZero() {
		t.Errorf("no time: %+v", in)
	}
}
