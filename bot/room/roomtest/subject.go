package roomtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"

	"github.com/oklog/ulid/v2"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/room"
)

// ops is where the person of Subject speaks.
const ops = "ops"

// Breakable is a transcript that can be made to fail.
type Breakable struct {
	room.Transcript
	broken atomic.Bool
}

// Break makes it fail from now on.
func (b *Breakable) Break() { b.broken.Store(true) }

var errDisk = errors.New("disk I/O error")

// AppendEntry implements room.Transcript.
func (b *Breakable) AppendEntry(ctx context.Context, e *room.Entry) error {
	if b.broken.Load() {
		return errDisk
	}
	return b.Transcript.AppendEntry(ctx, e)
}

// UpdateEntry implements room.Transcript.
func (b *Breakable) UpdateEntry(ctx context.Context, id string, m bot.Message) error {
	if b.broken.Load() {
		return errDisk
	}
	return b.Transcript.UpdateEntry(ctx, id, m)
}

// reader is somebody before a front end: they read the transcript and post.
type reader struct {
	t          *testing.T
	transcript room.Transcript
	post       func(context.Context, room.Post) error
	pressed    room.Post // last
}

// Subject is what the suite of platforms needs of a room of which person reads the
// transcript and posts by a front end. Platform, Secrets and Log are the caller's.
func Subject(t *testing.T, person string, transcript *Breakable, post func(context.Context, room.Post) error) bottest.Subject {
	r := &reader{t: t, transcript: transcript, post: post}
	form := &bot.Form{Title: "Create a cluster", Command: "cluster create", Fields: []bot.FormField{{Name: "name", Label: "Name", Type: "text", Required: true},
		{Name: "network", Label: "Network", Type: "choice", Choices: []string{"flannel", "calico"}}, {Name: "password", Label: "Password", Type: "secret"}}}
	return bottest.Subject{To: bot.Address{Account: room.Account, Room: ops}, Person: person, Break: transcript.Break, Unplug: transcript.Break,
		Say: func(ctx context.Context, id, text string) error {
			return post(ctx, room.Post{ID: id, Room: ops, Text: text, Interactive: true})
		},
		Shown:     func() []string { return r.shown(ops) },
		DM:        func() []string { return r.shown(room.DM(person)) },
		Press:     r.press,
		Redeliver: func(ctx context.Context) error { return post(ctx, r.pressed) },
		Form:      form,
		Fill:      map[string]string{"name": "demo", "network": "calico", "password": "correct horse"},
		Submit:    r.submit,
		Cannot: map[bottest.Ability]string{
			bottest.Uploads:   "there is no limit that a file would have to make up for: the transcript takes a message whole",
			bottest.Threads:   "a room is one line of talk",
			bottest.Asides:    "the hub opens the DM; the transcript takes what it is given",
			bottest.Tokens:    "the front end is ours and shows what a button does; pressing it says that in the person's name, whose rights are looked at as ever",
			bottest.Strangers: "anybody may have a room of their own here, whatever platform they are linked to",
			bottest.Markdown:  "what is kept is the message itself; a front end draws it",
		}}
}

func (r *reader) entries(name string) []bot.Message {
	got, err := r.transcript.LastEntries(context.WithoutCancel(r.t.Context()), name, 200)
	if err != nil {
		r.t.Error(err)
	}
	var out []bot.Message
	for _, e := range got {
		if e.Author == "" {
			out = append(out, e.Bot)
		}
	}
	return out
}

// shown are the bot's messages, as a front end gets them.
func (r *reader) shown(name string) []string {
	var out []string
	for _, m := range r.entries(name) {
		text, err := json.Marshal(m)
		if err != nil {
			r.t.Error(err)
		}
		out = append(out, string(text))
	}
	return out
}

// press says what the newest button with this label stands for.
func (r *reader) press(ctx context.Context, label string) error {
	command := ""
	for _, m := range r.entries(ops) {
		for _, a := range m.Actions {
			if a.Label == label {
				command = a.Command
			}
		}
	}
	if command == "" {
		return fmt.Errorf("no button %q", label)
	}
	r.pressed = room.Post{ID: ulid.Make().String(), Room: ops, Text: command, Interactive: true}
	return r.post(ctx, r.pressed)
}

// submit fills in the newest form; what is secret goes as a reference.
func (r *reader) submit(ctx context.Context, _ *bot.Form, fill map[string]string) error {
	p := room.Post{ID: ulid.Make().String(), Room: ops, Interactive: true, Values: maps.Clone(fill), Refs: map[string]room.PostRef{}}
	for _, m := range r.entries(ops) {
		if m.Form == nil {
			continue
		}
		p.Text = m.Form.Command
		for _, f := range m.Form.Fields {
			if f.Type == "secret" {
				p.Values[f.Name] = "@:" + f.Name
				p.Refs[f.Name] = room.PostRef{Inline: []byte(fill[f.Name])}
			}
		}
	}
	if p.Text == "" {
		return errors.New("no form is shown")
	}
	return r.post(ctx, p)
}
