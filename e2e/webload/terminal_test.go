package webload

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// patience is how long anything may take before a test gives up on it.
const patience = 60 * time.Second

const (
	// manyWords lets one person say what a crowd would.
	manyWords = "limits: {per_user: 10000, per_room: 10000}\n"
	// atEase does so too, and keeps quiet about the crowd.
	atEase = manyWords + "log: {level: warn}\n"
)

// terminal is who runs the server, on its socket.
type terminal struct {
	t      testing.TB
	client *http.Client
	posts  int
}

func newTerminal(t testing.TB, s *drive.Server) *terminal {
	tr := &http.Transport{MaxIdleConnsPerHost: 8, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", room.SocketPath(s.Data))
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &terminal{t: t, client: &http.Client{Transport: tr}}
}

// link is a one-time link for somebody, "" for who runs the server.
func (c *terminal) link(as string) string {
	c.t.Helper()
	var made struct{ URL string }
	if err := ask(c.t.Context(), c.client, "http://coxswain/v1/passes?as="+as, "", nil, &made); err != nil {
		c.t.Fatalf("a link for %q: %v", as, err)
	}
	return made.URL
}

// say says something in a room and gives the message's id.
func (c *terminal) say(name, text string) string {
	c.t.Helper()
	c.posts++
	id := fmt.Sprintf("terminal-%06d", c.posts)
	if err := c.post(id, name, text); err != nil {
		c.t.Fatal(err)
	}
	return id
}

// post says something that may have been said before, by its id.
func (c *terminal) post(id, name, text string) error {
	var posted room.Posted
	return ask(c.t.Context(), c.client, "http://coxswain/v1/messages", "", room.Post{ID: id, Room: name, Lang: "en", Text: text}, &posted)
}

// follow reads a room and the own conversation as the program's clients do, until
// ctx ends or the server does.
func (c *terminal) follow(ctx context.Context, name string, after int64, each func(sighting) error) error {
	address := fmt.Sprintf("http://coxswain/v1/events?room=%s&after=%d", url.QueryEscape(name), after)
	return follow(ctx, c.client, address, "", each)
}

// transcript is what a room has at last: each entry in its present state. A server
// that is just starting is asked again.
func (c *terminal) transcript(name string, after int64) (all []room.Entry, cursor int64) {
	c.t.Helper()
	drive.Eventually(c.t, patience, "the transcript of "+name, func() bool {
		var err error
		all, cursor, err = c.read(name, after)
		return err == nil
	})
	return all, cursor
}

func (c *terminal) read(name string, after int64) (all []room.Entry, cursor int64, err error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	err = c.follow(ctx, name, after, func(s sighting) error {
		if s.event == "live" {
			cursor = s.id
			return errEnough
		}
		var e room.Entry
		if err := json.Unmarshal(s.data, &e); err != nil {
			return err
		}
		if e.Room == name {
			all = append(all, e)
		}
		return nil
	})
	return all, cursor, err
}

// ask posts a body, nil for none, and reads the answer.
func ask(ctx context.Context, client *http.Client, address, cookie string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, &b)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s", req.URL.Path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
