package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/bottest"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/bot/room/roomtest"
	"github.com/coxswain-ops/coxswain/bot/room/web"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/store"
)

// breakable is a transcript that can be made to fail.
type breakable struct {
	room.Transcript
	broken bool
}

func (b *breakable) AppendEntry(ctx context.Context, e *room.Entry) error {
	if b.broken {
		return errors.New("disk I/O error")
	}
	return b.Transcript.AppendEntry(ctx, e)
}

func (b *breakable) UpdateEntry(ctx context.Context, id string, m bot.Message) error {
	if b.broken {
		return errors.New("disk I/O error")
	}
	return b.Transcript.UpdateEntry(ctx, id, m)
}

// browsers is the room as a platform whose people come by browser: it receives by
// the front end's listener instead of the socket.
type browsers struct {
	*room.Room
	l   net.Listener
	cfg web.Config
}

func (b *browsers) Run(ctx context.Context, handle func(context.Context, bot.Inbound) error) error {
	b.cfg.Handle = handle
	w, err := web.New(b.cfg)
	if err != nil {
		return err
	}
	return room.Serve(ctx, b.l, w.Handler())
}

// subject is the browser front end under the suite of platforms: the bot says by
// the room, a person says by HTTP with a session's cookie.
func subject(t *testing.T, transcript room.Transcript, changed func() (<-chan struct{}, func()), sessions keeper) bottest.Subject {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = l.Close() }) // the server closes it as well
	broken := &breakable{Transcript: transcript}
	r := room.New(room.Config{Transcript: broken, Changed: changed, Data: t.TempDir()})
	b := &browsers{Room: r, l: l, cfg: web.Config{Room: r, Sessions: sessions, Person: newPeople().find, Assistant: &assistant{},
		Transcript: broken, Say: catalogue(t).Say, Log: slog.New(slog.DiscardHandler)}}
	key := access.NewSecret()
	check(t, sessions.CreateSession(t.Context(), &access.Session{Hash: access.HashSecret(key), UserID: "u-bob", Identity: "terminal:bob", On: "local",
		CreatedAt: time.Now(), SeenAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}))
	return bottest.Subject{
		Platform: b, To: bot.Address{Account: room.Account, Room: "ops"}, Break: func() { broken.broken = true }, Secrets: []string{key, access.HashSecret(key)},
		Shown: func() []string {
			got, err := transcript.LastEntries(context.WithoutCancel(t.Context()), "ops", 100)
			if err != nil {
				t.Error(err)
			}
			var out []string
			for _, e := range got {
				text, err := json.Marshal(e.Bot)
				if err != nil {
					t.Error(err)
				}
				out = append(out, string(text))
			}
			return out
		},
		Say: func(ctx context.Context, id, text string) error {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			body, err := json.Marshal(room.Post{ID: id, Room: "ops", Text: text})
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+l.Addr().String()+"/v1/messages", bytes.NewReader(body))
			if err != nil {
				return err
			}
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			req.AddCookie(&http.Cookie{Name: "coxswain", Value: key})
			res, err := client.Do(req)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusAccepted {
				return fmt.Errorf("status %s", res.Status)
			}
			return nil
		},
	}
}

func TestConformanceInMemory(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		transcript := &roomtest.Transcript{}
		return subject(t, transcript, transcript.Subscribe, &memory{passes: map[string]access.Pass{}, sessions: map[string]*access.Session{}})
	})
}

func TestConformanceOnTheStore(t *testing.T) {
	bottest.Exercise(t, func(t *testing.T) bottest.Subject {
		st := openStore(t)
		check(t, st.SaveUser(t.Context(), &access.User{ID: "u-bob", Name: "bob"}))
		return subject(t, st, func() (<-chan struct{}, func()) { return st.Subscribe(store.Entries) }, st)
	})
}
