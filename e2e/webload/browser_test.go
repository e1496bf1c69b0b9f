package webload

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
)

// browser is a session of somebody, with connections of its own.
type browser struct {
	t            testing.TB
	base, cookie string
	client       *http.Client
}

// enter opens a one-time link as the page of the way in does.
func enter(t testing.TB, link string) *browser {
	t.Helper()
	base, secret, ok := strings.Cut(link, "/enter#")
	if !ok {
		t.Fatalf("%q is no link", link)
	}
	tr := &http.Transport{MaxIdleConnsPerHost: 8}
	t.Cleanup(tr.CloseIdleConnections)
	b := &browser{t: t, base: base, client: &http.Client{Transport: tr}}
	body, err := json.Marshal(map[string]string{"secret": secret, "next": "/"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/enter", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		b.cookie = c.Name + "=" + c.Value
	}
	if res.StatusCode != http.StatusOK || b.cookie == "" {
		t.Fatalf("the link does not let in: %s", res.Status)
	}
	return b
}

// get opens a page and gives how long it took until its last byte.
func (b *browser) get(path string) (status int, body string, took time.Duration) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Cookie", b.cookie)
	began := time.Now()
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(text), time.Since(began)
}

// say says something in a room.
func (b *browser) say(id, name, text string) error {
	var posted room.Posted
	return ask(b.t.Context(), b.client, b.base+"/v1/messages", b.cookie, room.Post{ID: id, Room: name, Lang: "en", Text: text}, &posted)
}

func events(name string, after int64) string {
	return fmt.Sprintf("/ui/events?room=%s&after=%d", url.QueryEscape(name), after)
}

// follow reads a room's stream until ctx ends or the server does.
func (b *browser) follow(ctx context.Context, name string, after int64, each func(sighting) error) error {
	return follow(ctx, b.client, b.base+events(name, after), b.cookie, each)
}

// sighting is one server-sent event, and when it had been read.
type sighting struct {
	event string
	id    int64 // the cursor to come back with
	data  []byte
	at    time.Time
}

var (
	errEnough  = errors.New("enough was read")
	errRefused = errors.New("the stream was refused")
)

// follow hands each event to each, which ends it with errEnough. The server's end
// is an error.
func follow(ctx context.Context, client *http.Client, address, cookie string, each func(sighting) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s", errRefused, res.Status)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 4<<20)
	s := sighting{}
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "event":
			s.event = value
		case "id":
			if s.id, err = strconv.ParseInt(value, 10, 64); err != nil {
				return fmt.Errorf("a cursor: %w", err)
			}
		case "data":
			s.data, s.at = []byte(value), time.Now()
			if err := each(s); errors.Is(err, errEnough) {
				return nil
			} else if err != nil {
				return err
			}
			s = sighting{}
		}
	}
	return errors.Join(lines.Err(), io.ErrUnexpectedEOF)
}

// shown is an entry as a page gets it.
type shown struct {
	ID, Room, Author, ReplyTo, HTML string
	Edited                          bool
}
