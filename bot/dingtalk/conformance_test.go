package dingtalk

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
)

func TestConformanceWithCards(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		return subject(t, func(c *Config) { c.Cards, c.FormTemplate = cardsAlways, "form.schema" })
	})
}

func TestConformanceWithLivingCards(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		s := subject(t, func(c *Config) { c.Cards, c.FormTemplate = cardsLiving, "form.schema" })
		s.Cannot[bottest.Edits] = "with cards: living a plain answer is Markdown, which DingTalk cannot change"
		return s
	})
}

func TestConformanceWithoutCards(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		s := subject(t, func(c *Config) { c.Cards = cardsNever })
		s.Platform = withoutCards{s.Platform.(*DingTalk), hideUpdate{}}
		s.Cannot[bottest.Updates] = "without cards nothing changes on DingTalk; the hub posts a card's end as a new message"
		s.Cannot[bottest.Edits] = s.Cannot[bottest.Updates]
		s.Form, s.Submit = nil, nil
		s.Cannot[bottest.Forms] = "a form is a card; without cards the router asks for one value after the other"
		return s
	})
}

// TestConformanceByHTTP: the robot's messages come by callback; cards call back by
// Stream only.
func TestConformanceByHTTP(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		f := fakedingtalk.New(t)
		s := subjectOn(t, f, func(c *Config) { c.Mode, c.Cards = modeHTTP, cardsNever })
		d := s.Platform.(*DingTalk)
		server := httptest.NewServer(d.Callbacks())
		t.Cleanup(server.Close)
		f.DeliverTo(server.URL)
		s.Platform, s.Ready = withoutCards{d, hideUpdate{}}, nil
		s.Cannot[bottest.Updates] = "without cards nothing changes on DingTalk; the hub posts a card's end as a new message"
		s.Cannot[bottest.Edits] = s.Cannot[bottest.Updates]
		s.Form, s.Submit = nil, nil
		s.Cannot[bottest.Forms] = "a form is a card, and cards call back by Stream only; the router asks for one value after the other"
		return s
	})
}

func subject(t *testing.T, change func(*Config)) bottest.Subject {
	return subjectOn(t, fakedingtalk.New(t), change)
}

func subjectOn(t *testing.T, f *fakedingtalk.Fake, change func(*Config)) bottest.Subject {
	cfg := testConfig(f)
	change(&cfg)
	shared, _ := testShared()
	form := createForm()
	log := &bottest.Log{}
	d, err := newWith(cfg, shared, log.Logger(), quick())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.client.http.CloseIdleConnections)
	return bottest.Subject{Platform: d, To: room(d), Person: d.identity(fakedingtalk.Staff), Break: f.Break, Unplug: f.Unplug, Secrets: f.Secrets, Log: log,
		Buttons: shared.Buttons, Form: form, Fill: map[string]string{"name": "demo", "workers": "5", "plan": "dev", "gpu": "true"},
		Ready: func(ctx context.Context) error {
			if !f.Await(time.Minute, func() bool { return f.Connections() == d.cfg.Connections || ctx.Err() != nil }) {
				return errors.New("not connected")
			}
			return ctx.Err()
		},
		Say: func(ctx context.Context, id, text string) error {
			return f.Say(ctx, fakedingtalk.Message{ID: id, Text: text})
		},
		Shown: func() []string { return words(f, fakedingtalk.Room) },
		DM:    func() []string { return words(f, fakedingtalk.DM(fakedingtalk.Staff)) },
		Press: func(ctx context.Context, label string) error {
			return f.Press(ctx, fakedingtalk.Room, fakedingtalk.Staff, label)
		},
		Redeliver: f.Redeliver,
		Submit: func(ctx context.Context, form *bot.Form, fill map[string]string) error {
			if err := f.Press(ctx, fakedingtalk.Room, fakedingtalk.Staff, form.Title); err != nil {
				return err
			}
			return f.Submit(ctx, fakedingtalk.Room, fakedingtalk.Staff, map[string]any{"name": fill["name"], "workers": 5,
				"plan": map[string]any{"index": 0, "value": fill["plan"]}, "gpu": map[string]any{"index": 1, "value": fill["gpu"]}})
		},
		Uploaded: func() []bot.Attachment { return unpacked(t, f.Files(fakedingtalk.Room)) },
		Cannot:   map[bottest.Ability]string{bottest.Threads: "DingTalk has none"},
	}
}

// words are the messages of a room that are no files.
func words(f *fakedingtalk.Fake, room string) []string {
	var out []string
	for _, m := range f.Messages(room) {
		if m.Kind != "file" && m.Kind != "image" {
			out = append(out, m.Text)
		}
	}
	return out
}

// unpacked are files as somebody has them who opens the archive: DingTalk takes
// few kinds of files as they are.
func unpacked(t *testing.T, files []bot.Attachment) []bot.Attachment {
	t.Helper()
	var out []bot.Attachment
	for _, f := range files {
		z, err := zip.NewReader(bytes.NewReader(f.Content), int64(len(f.Content)))
		if err != nil || len(z.File) != 1 {
			t.Fatalf("%s: %v", f.Name, err)
		}
		r, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bot.Attachment{Name: z.File[0].Name, Content: content})
	}
	return out
}

// TestOpen: an account is what its configuration lets it be.
func TestOpen(t *testing.T) {
	f := fakedingtalk.New(t)
	shared, _ := testShared()
	for _, cards := range []string{cardsAlways, cardsLiving, cardsNever} {
		cfg := testConfig(f)
		cfg.Cards = cards
		p, err := Open(cfg, shared, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, updates := p.(bot.Updater)
		_, uploads := p.(bot.Uploader)
		_, called := p.(bot.Callbacks)
		_, checked := p.(bot.Checker)
		_, opens := p.(bot.DMOpener)
		_, looks := p.(bot.Directory)
		if updates != (cards != cardsNever) || !uploads || !called || !checked || !opens || !looks {
			t.Errorf("%s: %v", cards, []bool{updates, uploads, called, checked, opens, looks})
		}
	}
	if _, err := Open(Config{}, shared, nil); err == nil {
		t.Error("opened nothing")
	}
}
