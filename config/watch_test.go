package config

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// buffer is a log that two goroutines may use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// watched is a running watcher over a file in a directory of its own.
type watched struct {
	*Watcher
	t       *testing.T
	log     *buffer
	looks   chan error
	applied chan []Change
	refuse  error
}

func watch(t *testing.T, text string) *watched {
	t.Helper()
	path := filepath.Join(t.TempDir(), "coxswain.yaml")
	h := &watched{t: t, log: &buffer{}, looks: make(chan error, 100), applied: make(chan []Change, 100)}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	running, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	apply := func(_ context.Context, _ *Config, changes []Change) error {
		if h.refuse != nil {
			return h.refuse
		}
		h.applied <- changes
		return nil
	}
	h.Watcher = NewWatcher(path, running, apply, slog.New(slog.NewTextHandler(h.log, nil)))
	h.settle = time.Millisecond
	h.looked = func(err error) { h.looks <- err }
	return h
}

func (h *watched) start() {
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("Run: %v", err)
		}
	})
	<-h.looks // the first reading proves that the watch is on
}

// replace swaps the file the way editors do.
func (h *watched) replace(text string) {
	h.t.Helper()
	next := h.path + ".new"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Rename(next, h.path); err != nil {
		h.t.Fatal(err)
	}
}

func TestWatcherSeesWhatChangedBeforeItRan(t *testing.T) {
	h := watch(t, "log: {level: info}\n")
	h.replace("log: {level: debug}\n")
	h.start()
	select {
	case changes := <-h.applied:
		if len(changes) != 1 || changes[0].New != "debug" {
			t.Errorf("applied %v", changes)
		}
	default:
		t.Error("the change was not read")
	}
}

func TestWatcherAppliesWhatMayChange(t *testing.T) {
	h := watch(t, "log: {level: info}\n")
	h.start()
	h.replace("log: {level: debug}\nserver: {lang: zh}\n")
	if err := <-h.looks; err != nil {
		t.Fatal(err)
	}
	changes := <-h.applied
	if len(changes) != 1 || changes[0] != (Change{"log.level", "info", "debug"}) {
		t.Errorf("applied %v", changes)
	}
	if r := h.Running(); r.Log.Level != "debug" || r.Server.Lang != "en" {
		t.Errorf("runs with %+v", r)
	}
	if w := h.Waiting(); len(w) != 1 || w[0].Path != "server.lang" {
		t.Errorf("waiting for a restart: %v", w)
	}
	if !strings.Contains(h.log.String(), "after a restart") {
		t.Errorf("the log does not tell of the restart:\n%s", h.log)
	}
}

func TestWatcherKeepsTheOldOnABadFile(t *testing.T) {
	h := watch(t, "limits: {per_user: 5}\n")
	h.start()
	h.replace("limits: {per_user: none}\nlogg: {}\n")
	if err := <-h.looks; err == nil {
		t.Fatal("a bad file was taken")
	}
	if h.Running().Limits.PerUser != 5 {
		t.Error("the old configuration is not in force any more")
	}
	for _, want := range []string{"limits.per_user", "logg", "the old one stays in force"} {
		if !strings.Contains(h.log.String(), want) {
			t.Errorf("the log does not name %q:\n%s", want, h.log)
		}
	}
	h.replace("limits: {per_user: 6}\n")
	if err := <-h.looks; err != nil || h.Running().Limits.PerUser != 6 {
		t.Errorf("the mended file is not in force: %v, %+v", err, h.Running().Limits)
	}
}

func TestWatcherKeepsTheOldWhenApplyRefuses(t *testing.T) {
	h := watch(t, "limits: {per_user: 5}\n")
	h.refuse = errors.New("not now")
	h.start()
	h.replace("limits: {per_user: 6}\n")
	if err := <-h.looks; !errors.Is(err, h.refuse) || h.Running().Limits.PerUser != 5 {
		t.Errorf("got %v, runs with %+v", err, h.Running().Limits)
	}
}

func TestWatcherKnowsWhatFlagsHaveSet(t *testing.T) {
	h := watch(t, "server: {data: /srv/file}\n")
	running := *h.Running()
	running.Server.Data = "/srv/flag"
	h.Watcher = NewWatcher(h.path, &running, h.apply, h.Watcher.log)
	h.settle, h.looked = time.Millisecond, func(err error) { h.looks <- err }
	h.start()
	if w := h.Waiting(); len(w) != 0 {
		t.Errorf("what a flag has set waits for a restart: %v", w)
	}
	h.replace("server: {data: /srv/file, lang: zh}\n")
	<-h.looks
	if w := h.Waiting(); len(w) != 1 || w[0].Path != "server.lang" {
		t.Errorf("waiting for a restart: %v", w)
	}
}

func TestWatcherOnSignal(t *testing.T) {
	h := watch(t, "log: {level: info}\n")
	h.start()
	if err := os.Remove(h.path); err != nil {
		t.Fatal(err)
	}
	h.signals <- syscall.SIGHUP
	for err := range h.looks { // the removal and the signal are both looked at
		if errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	if h.Running().Log.Level != "info" {
		t.Error("a removed file changed something")
	}
}

func TestWatcherWithoutNotifications(t *testing.T) {
	h := watch(t, "log: {level: info}\n")
	h.path = filepath.Join(t.TempDir(), "gone", "coxswain.yaml")
	h.start()
	if !strings.Contains(h.log.String(), "SIGHUP reads it again") {
		t.Errorf("the log does not say that nothing is watched:\n%s", h.log)
	}
}

func TestCompareHidesSecrets(t *testing.T) {
	old := mustParse(t, "store: {dsn: {file: /run/dsn}}\n")
	next := mustParse(t, "store: {dsn: {env: DB_DSN}}\n")
	applied, diff := Compare(old, next)
	if len(diff.Restart) != 1 || len(diff.Reload) != 0 || diff.Empty() {
		t.Fatalf("diff is %+v", diff)
	}
	if applied.Store.DSN.Reveal() != "postgres://from-file" {
		t.Error("the running DSN changed without a restart")
	}
	if s := diff.Restart[0].String(); strings.Contains(s, "p4ss") || !strings.Contains(s, "redacted") {
		t.Errorf("the change shows the secret: %s", s)
	}
	if _, none := Compare(old, old); !none.Empty() {
		t.Errorf("a configuration differs from itself: %+v", none)
	}
}
