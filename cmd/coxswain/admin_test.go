package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coxswain-ops/coxswain/cmd/coxswain/metrics"
)

// lockedBuffer is a log that a server and its test may use at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// served is a running listener.
func served(t *testing.T, s *webServer) string {
	t.Helper()
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return "http://" + s.Addr()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAdminListener(t *testing.T) {
	var log lockedBuffer
	var broken atomic.Pointer[error]
	ready := func(ctx context.Context) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the readiness check has no deadline")
		}
		if err := broken.Load(); err != nil {
			return *err
		}
		return nil
	}
	s := newAdminServer("127.0.0.1:0", ready, metrics.New("v1").Gatherer(), slog.New(slog.NewTextHandler(&log, nil)))
	url := served(t, s)

	if code, body := get(t, url+"/healthz"); code != 200 || body != "coxswain ok\n" {
		t.Errorf("healthz: %d %q", code, body)
	}
	if code, _ := get(t, url+"/readyz"); code != 200 {
		t.Errorf("readyz: %d", code)
	}
	if code, body := get(t, url+"/metrics"); code != 200 || !strings.Contains(body, "coxswain_build_info{") || !strings.Contains(body, "go_goroutines") {
		t.Errorf("metrics: %d\n%.200s", code, body)
	}
	gone := errors.New("the database is gone, password=hunter2")
	broken.Store(&gone)
	code, body := get(t, url+"/readyz")
	if code != http.StatusServiceUnavailable || strings.Contains(body, "hunter2") {
		t.Errorf("readyz while broken: %d %q", code, body)
	}
	if !strings.Contains(log.String(), "the database is gone") {
		t.Errorf("the log does not say why:\n%s", log.String())
	}
}

func TestPublicListenerShowsHealthOnly(t *testing.T) {
	url := served(t, newPublicServer("127.0.0.1:0", http.NewServeMux(), slog.New(slog.DiscardHandler)))
	if code, _ := get(t, url+"/healthz"); code != 200 {
		t.Errorf("healthz: %d", code)
	}
	for _, path := range []string{"/metrics", "/readyz", "/"} {
		if code, _ := get(t, url+path); code != http.StatusNotFound {
			t.Errorf("%s is public: %d", path, code)
		}
	}
}

func TestListenerThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = newPublicServer(l.Addr().String(), http.NewServeMux(), slog.New(slog.DiscardHandler)).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "public listener") || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v", err)
	}
}

func TestListenerThatIsOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := newPublicServer("", http.NewServeMux(), slog.New(slog.DiscardHandler))
	if err := s.Run(ctx); err != nil || s.Addr() != "" {
		t.Errorf("Run: %v, listens on %q", err, s.Addr())
	}
}

func TestVersionCommand(t *testing.T) {
	for _, args := range [][]string{nil, {"--json"}} {
		var out strings.Builder
		c := newVersionCommand()
		c.SetArgs(append([]string{}, args...))
		c.SetOut(&out)
		if err := c.Execute(); err != nil || !strings.Contains(out.String(), buildVersion()) {
			t.Errorf("%v: %v\n%s", args, err, out.String())
		}
	}
}
