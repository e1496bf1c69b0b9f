package bottest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
)

// Ability is something that not every platform can. An account that cannot says
// why in Subject.Cannot; nothing is left out for another reason.
type Ability string

// The abilities, in the order of the table.
const (
	Acks       Ability = "acknowledges" // an accepted message is told from a refused one
	Updates    Ability = "living card"  // a card comes to its final state
	Edits      Ability = "edits"        // any message changes in place, as often as asked
	Uploads    Ability = "files"        // files are sent
	DMs        Ability = "DM"           // a person can be written to alone
	Asides     Ability = "asides"       // what is private does not get into a room
	Threads    Ability = "threads"      // an answer stands in the thread that was spoken in
	Presses    Ability = "buttons"      // buttons can be pressed
	Tokens     Ability = "tokens"       // what a button does is not to be read off it
	Forms      Ability = "forms"        // several values are asked for at once
	Redelivers Ability = "redelivers"   // what was pressed may be delivered again
	Strangers  Ability = "own people"   // who is of elsewhere cannot be written to
	Fails      Ability = "far side"     // there is another side, which can fail
	Markdown   Ability = "reads markup" // what is shown is Markdown, with fences
)

func abilities() []Ability {
	return []Ability{Acks, Updates, Edits, Uploads, DMs, Asides, Threads, Presses, Tokens, Forms, Redelivers, Strangers, Fails, Markdown}
}

// Subject is one platform account under test, with the other side of its wire in
// the test's hands. Hooks for what it cannot are nil, and Cannot says why.
type Subject struct {
	Platform bot.Platform
	To       bot.Address // a room that takes messages: where the person speaks
	Person   string      // identity of the person who says, presses and fills in
	// Ready waits until Platform, which runs, can receive and send. Nil: Say is
	// tried until it is accepted.
	Ready func(ctx context.Context) error
	// Say makes the person write text with this message id, as the platform would
	// deliver it; the same id again is a redelivery. Nil means that the platform has
	// had it accepted (or that it never learns that); an error means that it would
	// deliver it again.
	Say func(ctx context.Context, id, text string) error
	// Shown gives what the bot's messages show in To, oldest first, as the platform
	// holds them now.
	Shown func() []string
	// Break lets every call to the other side fail, with answers that repeat the
	// account's secrets.
	Break func()
	// Unplug takes the other side away: nobody answers any more.
	Unplug func()
	// Secrets must never be seen in an error or log. They are asked for each time,
	// because tokens change.
	Secrets func() []string
	// Log is all that Platform has logged so far.
	Log *Log
	// Buttons issued Platform's tokens.
	Buttons *bot.Buttons

	// SayIn is Say in a new thread, which it names; ShownIn what the bot's messages
	// in that thread show.
	SayIn   func(ctx context.Context, id, text string) (thread string, err error)
	ShownIn func(thread string) []string
	// Press makes the person press the newest button with this label in To.
	Press func(ctx context.Context, label string) error
	// Redeliver delivers the last press once more, as the platform does when it
	// missed the acknowledgement.
	Redeliver func(ctx context.Context) error
	// Form is what the account's assistant gives, Fill the values that Submit is to
	// fill in, by field name. Submit opens the form behind its newest button, or
	// finds it open, and sends it.
	Form   *bot.Form
	Fill   map[string]string
	Submit func(ctx context.Context, f *bot.Form, fill map[string]string) error
	// DM gives what the person's own conversation with the bot shows.
	DM func() []string
	// Uploaded gives the files in To, oldest first, as their readers get them.
	Uploaded func() []bot.Attachment

	// Cannot says for each ability that is missing why.
	Cannot map[Ability]string
}

// has fails for an ability that is there although the subject gives a reason for
// its absence, or the other way round.
func (s Subject) has(a Ability) bool {
	switch a {
	case Updates:
		return implements[bot.Updater](s)
	case Uploads:
		return implements[bot.Uploader](s) && s.Uploaded != nil
	case DMs:
		return implements[bot.DMOpener](s) && s.DM != nil
	case Threads:
		return s.SayIn != nil && s.ShownIn != nil
	case Presses:
		return s.Press != nil
	case Tokens:
		return s.Buttons != nil
	case Forms:
		return s.Submit != nil && s.Form != nil
	case Redelivers:
		return s.Redeliver != nil
	case Fails:
		return s.Break != nil && s.Unplug != nil
	}
	return s.Cannot[a] == "" // there is no hook: the reason says it
}

func implements[T any](s Subject) bool {
	_, ok := s.Platform.(T)
	return ok
}

// checkTable prints what the account can, and fails where it says otherwise.
func checkTable(t *testing.T, s Subject, _ *desk) {
	var b strings.Builder
	fmt.Fprintf(&b, "what %s can:\n", s.Platform.Name())
	for _, a := range abilities() {
		reason := s.Cannot[a]
		switch {
		case s.has(a) && reason != "":
			t.Errorf("%q: it can, and says that it cannot: %s", a, reason)
		case !s.has(a) && reason == "":
			t.Errorf("%q: it cannot, and does not say why", a)
		}
		word := "yes"
		if reason != "" {
			word = "no: " + reason
		}
		fmt.Fprintf(&b, "  %-13s %s\n", a, word)
	}
	for a := range s.Cannot {
		if !slices.Contains(abilities(), a) {
			t.Errorf("%q is no ability", a)
		}
	}
	t.Log(b.String())
}

// need skips a check of what the account cannot, with its reason.
func need(t *testing.T, s Subject, all ...Ability) {
	t.Helper()
	for _, a := range all {
		if reason := s.Cannot[a]; reason != "" {
			t.Skipf("%s has no %q: %s", s.Platform.Name(), a, reason)
		}
	}
}

// Log keeps what is logged, for secrets to be looked for.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Logger logs into it, everything.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
