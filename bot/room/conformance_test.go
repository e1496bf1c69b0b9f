package room_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/roomtest"
	"github.com/coxswain-ops/coxswain/store"
)

// subject is the room with its socket, and somebody at a terminal before it.
func subject(t *testing.T, transcript room.Transcript, changed func() (<-chan struct{}, func())) bottest.Subject {
	data, log := t.TempDir(), &bottest.Log{}
	kept := &roomtest.Breakable{Transcript: transcript}
	s := roomtest.Subject(t, "local:local", kept, func(ctx context.Context, p room.Post) error {
		client := unixClient(room.SocketPath(data))
		defer client.CloseIdleConnections()
		return postTo(ctx, client, "http://room/v1/messages", p)
	})
	s.Platform, s.Log = room.New(room.Config{Transcript: kept, Changed: changed, Data: data, Log: log.Logger()}), log
	s.Secrets = func() []string { return []string{"correct horse", data} } // of the form, and where the data is
	return s
}

func postTo(ctx context.Context, client *http.Client, url string, p room.Post) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("status %s", res.Status)
	}
	return nil
}

func TestConformanceInMemory(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		transcript := &roomtest.Transcript{}
		return subject(t, transcript, transcript.Subscribe)
	})
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	line, err := store.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyRing(line)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "coxswain.db"), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformanceOnTheStore(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		s := openStore(t)
		return subject(t, s, func() (<-chan struct{}, func()) { return s.Subscribe(store.Entries) })
	})
}

// TestWholeWayOnTheStore goes from posts, each made five times, over an inbox
// that is ended in the middle, to exactly one answer each in the transcript.
func TestWholeWayOnTheStore(t *testing.T) {
	const messages = 30
	s := openStore(t)
	r := room.New(room.Config{Transcript: s})
	answered := make(chan string, 10*messages)
	answer := func(ctx context.Context, in bot.Inbound) error {
		err := s.WithTx(ctx, func(ctx context.Context) error {
			if _, err := r.Send(ctx, in.From, bot.Message{Text: in.Text, ReplyTo: in.ID}); err != nil {
				return err
			}
			return s.DoneInbound(ctx, in.From.Account, in.ID)
		})
		answered <- in.ID
		return err
	}
	run := func(name string, until int, accept bool) {
		inbox := bot.NewInbox(s, name, bot.InboxOptions{Alone: true, Queue: 4, Workers: 2})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- inbox.Run(ctx, answer) }()
		for i := 0; accept && i < messages*5; i++ {
			n := i % messages
			in := bot.Inbound{ID: fmt.Sprintf("message-%02d", n), From: bot.Address{Account: room.Account, Room: "ops"}, Identity: fmt.Sprint("local:p", n%3), Text: fmt.Sprint(n)}
			if err := inbox.Accept(t.Context(), in); err != nil {
				t.Error(err)
			}
		}
		for range until {
			<-answered
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	run("first", messages/3, true)
	for len(answered) > 0 {
		<-answered
	}
	got, err := s.LastEntries(t.Context(), "ops", 1000)
	if err != nil {
		t.Fatal(err)
	}
	run("second", messages-len(got), false)
	if got, err = s.LastEntries(t.Context(), "ops", 1000); err != nil {
		t.Fatal(err)
	}
	last := map[int]int{0: -1, 1: -1, 2: -1}
	for _, e := range got {
		n, err := strconv.Atoi(e.Bot.Text)
		if err != nil || n <= last[n%3] {
			t.Errorf("%d was answered after %d (%v)", n, last[n%3], err)
		}
		last[n%3] = n
	}
	if len(got) != messages {
		t.Errorf("%d answers to %d messages", len(got), messages)
	}
}
