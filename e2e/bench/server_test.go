package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
)

// build gives the program as make build makes it.
func build(b *testing.B) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "coxswain")
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", bin, "../../cmd/coxswain")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// server is the program as a process of its own, and a client on its socket.
type server struct {
	b      *testing.B
	bin    string
	data   string
	cmd    *exec.Cmd
	client *http.Client
	began  time.Time
}

// startServer starts the program on an empty data directory with a configuration
// and waits until it answers.
func startServer(b *testing.B, bin, config string) *server {
	b.Helper()
	dir := b.TempDir()
	s := &server{b: b, bin: bin, data: filepath.Join(dir, "data")}
	path := filepath.Join(dir, "coxswain.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		b.Fatal(err)
	}
	s.cmd = exec.Command(bin, "serve", "--config", path, "--data", s.data, "--listen", "off", "--admin-listen", "off")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // it must not outlive a benchmark that is killed
	socket := room.SocketPath(s.data)
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}}}
	s.began = time.Now()
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.stop(log) })
	s.awaitHealth()
	return s
}

func (s *server) stop(log *os.File) {
	s.client.CloseIdleConnections()
	err := s.cmd.Process.Signal(syscall.SIGTERM)
	if err = errors.Join(err, s.cmd.Wait(), log.Close()); err != nil {
		s.b.Errorf("the server ended with %v", err)
	}
	if text, err := os.ReadFile(log.Name()); s.b.Failed() && err == nil {
		s.b.Logf("the server's log:\n%s", text[max(0, len(text)-4000):])
	}
}

func (s *server) awaitHealth() {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); ; {
		res, err := s.client.Get("http://coxswain/v1/healthz")
		if err == nil {
			err = res.Body.Close()
		}
		if err == nil && res.StatusCode == http.StatusOK {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			s.b.Fatal("the server does not answer")
		}
	}
}

// post says text in the terminal's room.
func (s *server) post(ctx context.Context, id, text string) error {
	body, err := json.Marshal(room.Post{ID: id, Lang: "en", Text: text})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://coxswain/v1/messages", bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	// read to the end, so that the connection serves the next one
	var posted room.Posted
	if err := json.NewDecoder(res.Body).Decode(&posted); err != nil {
		return err
	}
	if res.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the post was answered %s", res.Status)
	}
	return nil
}

// reply is one answer of the bot as a reader of the room sees it.
type reply struct {
	to   string    // the message that it answers
	at   time.Time // when it had been read
	ok   bool      // it is an answer, no failure
	data json.RawMessage
}

// follow reads the room's stream until ctx ends. It is up to date when it returns.
func (s *server) follow(ctx context.Context) <-chan reply {
	s.b.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://coxswain/v1/events?last=0", nil)
	if err != nil {
		s.b.Fatal(err)
	}
	res, err := s.client.Do(req) //nolint:bodyclose // the reader below closes it
	if err != nil {
		s.b.Fatal(err)
	}
	out, live := make(chan reply, 4096), make(chan struct{})
	go func() {
		defer close(out)
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			switch r, is := readReply(data); {
			case lines.Text() == "event: live":
				close(live)
			case ok && is:
				out <- r
			}
		}
	}()
	<-live
	return out
}

func readReply(data string) (reply, bool) {
	now := time.Now()
	var e struct {
		Author  string
		Message struct {
			ReplyTo string
			Failed  bool
			Data    json.RawMessage
		}
	}
	if json.Unmarshal([]byte(data), &e) != nil || e.Author != "" || e.Message.ReplyTo == "" {
		return reply{}, false
	}
	return reply{to: e.Message.ReplyTo, at: now, ok: !e.Message.Failed, data: e.Message.Data}, true
}
