package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
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

// browsers is the room as a platform whose people come by browser: it receives by
// the front end's listener instead of the socket.
type browsers struct {
	*room.Room
	address *atomic.Value // string; none before Run
	cfg     web.Config
}

func (b *browsers) Run(ctx context.Context, handle func(context.Context, bot.Inbound) error) error {
	b.cfg.Handle = handle
	w, err := web.New(b.cfg)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.address.Store(l.Addr().String())
	return room.Serve(ctx, l, w.Handler())
}

// subject is the browser front end under the suite of platforms: the bot says by
// the room, a person says by HTTP with a session's cookie.
func subject(t *testing.T, transcript room.Transcript, changed func() (<-chan struct{}, func()), sessions keeper) bottest.Subject {
	key := access.NewSecret()
	check(t, sessions.CreateSession(t.Context(), &access.Session{Hash: access.HashSecret(key), UserID: "u-bob", Identity: "terminal:bob", On: "local",
		CreatedAt: time.Now(), SeenAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}))
	address := &atomic.Value{}
	kept := &roomtest.Breakable{Transcript: transcript}
	s := roomtest.Subject(t, "terminal:bob", kept, func(ctx context.Context, p room.Post) error {
		at, ok := address.Load().(string)
		if !ok {
			return errors.New("nobody listens yet")
		}
		return post(ctx, at, key, p)
	})
	log := &bottest.Log{}
	r := room.New(room.Config{Transcript: kept, Changed: changed, Data: t.TempDir(), Log: log.Logger()})
	s.Platform = &browsers{Room: r, address: address, cfg: web.Config{Room: r, Sessions: sessions, Person: newPeople().find, Assistant: &assistant{},
		Transcript: kept, Say: catalogue(t).Say, Log: log.Logger()}}
	s.Log, s.Secrets = log, func() []string { return []string{key, access.HashSecret(key), "correct horse"} }
	return s
}

func post(ctx context.Context, address, key string, p room.Post) error {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/messages", bytes.NewReader(body))
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
