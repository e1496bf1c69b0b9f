package drive

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
)

// Shown gives all entries of a room as they stand there now, those that changed
// last at the end, by the way that a terminal reads it.
func (s *Server) Shown(name string) []room.Entry {
	s.TB.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	socket := filepath.Join(s.Data, "coxswain.sock")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://room/v1/events?after=0&room="+url.QueryEscape(name), nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		s.TB.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	var out []room.Entry
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 4<<20)
	for event := ""; lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			event = name
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		switch {
		case ok && event == "live": // what follows is yet to come
			return out
		case ok && event == "entry":
			var e room.Entry
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				s.TB.Fatalf("an entry of %s: %v\n%s", name, err, data)
			}
			out = append(out, e)
		}
	}
	s.TB.Fatalf("room %s: status %d, the history has no end: %v", name, res.StatusCode, lines.Err())
	return nil
}
