package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands/messages"
	"github.com/coxswain-ops/coxswain/config"
	"github.com/coxswain-ops/coxswain/config/value"
	"github.com/coxswain-ops/coxswain/store"
)

// patient is a doctor over a fresh data directory, with no listeners.
func patient(t *testing.T) *doctor {
	t.Helper()
	cfg := config.Default()
	cfg.Server.Data = filepath.Join(t.TempDir(), "data")
	cfg.Server.Listen, cfg.Server.AdminListen = "", ""
	if err := os.Mkdir(cfg.Server.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"LANG": "zh_CN.UTF-8"}
	return &doctor{cfg: cfg, getenv: func(name string) string { return env[name] }, now: time.Now}
}

// expect compares the first finding, and wants all of them told in both languages.
func expect(t *testing.T, found []finding, m mark, key string) {
	t.Helper()
	if len(found) == 0 || found[0].mark != m || found[0].text.Key != key {
		t.Fatalf("found %+v, want %s with mark %d", found, key, m)
	}
	catalogue, err := messages.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if (f.mark == fine) != f.next.IsZero() && f.text.Key != "doctor.config.mistake" {
			t.Errorf("%s: a finding that is not fine must say what to do, a fine one nothing", f.text)
		}
		for _, lang := range messages.Languages() {
			var out strings.Builder
			if err := report(&out, catalogue, lang, f); err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(out.String(), "⟦?") {
				t.Errorf("%s has a gap: %s", lang, out.String())
			}
		}
	}
}

func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDoctorReadsTheConfiguration(t *testing.T) {
	d := patient(t)
	expect(t, d.configuration(t.Context()), fine, "doctor.config.none")
	d.configFile = write(t, filepath.Join(t.TempDir(), "c.yaml"), "log: {level: loud}\nengine: {nodes: 0}\n", 0o600)
	found := d.configuration(t.Context())
	expect(t, found, broken, "doctor.config.mistake")
	if len(found) != 2 {
		t.Errorf("%d mistakes, want both", len(found))
	}
	write(t, d.configFile, "server: {lang: zh}\n", 0o600)
	expect(t, d.configuration(t.Context()), fine, "doctor.config.ok")
	if d.cfg.Server.Lang != "zh" {
		t.Error("the checks that follow do not use the file")
	}
	d.configFile += ".none"
	expect(t, d.configuration(t.Context()), broken, "doctor.config.unreadable")
}

func TestDoctorLooksAtTheDataDirectory(t *testing.T) {
	d := patient(t)
	dir := d.cfg.Server.Data
	expect(t, d.dataDirectory(t.Context()), fine, "doctor.data.ok")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the check left %v, %v", left, err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	expect(t, d.dataDirectory(t.Context()), notice, "doctor.data.open")
	d.cfg.Server.Data = filepath.Join(dir, "a", "b")
	expect(t, d.dataDirectory(t.Context()), fine, "doctor.data.new")
	d.cfg.Server.Data = write(t, filepath.Join(dir, "file"), "", 0o600)
	expect(t, d.dataDirectory(t.Context()), broken, "doctor.data.file")
	d.cfg.Server.Data = "/proc/coxswain" // where nobody can make a directory, root included
	expect(t, d.dataDirectory(t.Context()), broken, "doctor.data.broken")
}

func TestDoctorLooksAtTheKeys(t *testing.T) {
	d := patient(t)
	file := keyFile(d.cfg.Server.Data)
	expect(t, d.keys(t.Context()), fine, "doctor.keys.new")
	write(t, filepath.Join(d.cfg.Server.Data, "coxswain.db"), "", 0o600)
	expect(t, d.keys(t.Context()), broken, "doctor.keys.lost")
	if _, err := store.LoadOrCreateKeyRing(file); err != nil {
		t.Fatal(err)
	}
	expect(t, d.keys(t.Context()), fine, "doctor.keys.ok")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	expect(t, d.keys(t.Context()), broken, "doctor.keys.broken")
	d.cfg.Store.Keys = value.NewSecret("no key at all", "env KEYS")
	found := d.keys(t.Context())
	expect(t, found, broken, "doctor.keys.broken")
	if strings.Contains(found[0].text.String(), "at all") {
		t.Errorf("the finding shows the keys: %s", found[0].text)
	}
}

func TestDoctorAsksTheServer(t *testing.T) {
	d := patient(t)
	expect(t, d.server(t.Context()), fine, "doctor.server.none")
	lock, err := store.LockDir(d.cfg.Server.Data)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, d.server(t.Context()), broken, "doctor.server.mute")
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, d.server(t.Context()), fine, "doctor.server.none")

	l, err := room.Listen(room.SocketPath(d.cfg.Server.Data))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- room.Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	expect(t, d.server(t.Context()), fine, "doctor.server.ok")
	if !d.answering {
		t.Error("the checks that follow do not know that the server runs")
	}
}

func TestDoctorTriesThePorts(t *testing.T) {
	d := patient(t)
	d.cfg.Server.Listen, d.cfg.Server.AdminListen = "127.0.0.1:0", ""
	expect(t, d.ports(t.Context()), fine, "doctor.port.free")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.cfg.Server.Listen = l.Addr().String()
	expect(t, d.ports(t.Context()), broken, "doctor.port.taken")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	s := newPublicServer("127.0.0.1:0", http.NewServeMux(), slog.New(slog.DiscardHandler))
	url := served(t, s)
	d.cfg.Server.Listen = strings.TrimPrefix(url, "http://")
	expect(t, d.ports(t.Context()), broken, "doctor.port.taken") // another server's
	d.answering = true
	expect(t, d.ports(t.Context()), fine, "doctor.port.ours")
	if !ours(t.Context(), d.cfg.Server.Listen) {
		t.Error("the health check does not know a server of ours")
	}
}

func TestReachable(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:1": "127.0.0.1:1", ":1": "127.0.0.1:1", "[::]:1": "[::1]:1", "10.0.0.1:1": "10.0.0.1:1", "nonsense": "nonsense",
	} {
		if got := reachable(addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}

func TestDoctorAsksTheDatabase(t *testing.T) {
	d := patient(t)
	expect(t, d.database(t.Context()), fine, "doctor.db.sqlite")
	for _, dsn := range []string{"postgres://u:hunter2@127.0.0.1:1/x?sslmode=disable", "postgres://u:hunter2@%zz", "password=hunter2 port=many"} {
		d.cfg.Store.DSN = value.NewSecret(dsn, "env DSN")
		found := d.database(t.Context())
		expect(t, found, broken, "doctor.db.broken")
		if strings.Contains(found[0].text.String(), "hunter2") {
			t.Errorf("the finding shows the password: %s", found[0].text)
		}
	}
}

func TestDoctorLooksAtTheMachine(t *testing.T) {
	d := patient(t)
	expect(t, d.timeZone(t.Context()), fine, "doctor.zone.ok")
	d.cfg.Server.Timezone = "Mars/Olympus"
	expect(t, d.timeZone(t.Context()), broken, "doctor.zone.broken")
	d.now = func() time.Time { return time.Unix(0, 0) }
	expect(t, d.clock(t.Context()), broken, "doctor.clock.wrong")
	expect(t, d.terminal(t.Context()), fine, "doctor.terminal.ok")
	d.getenv = func(name string) string { return map[string]string{"LC_ALL": "C", "LANG": "C.UTF-8"}[name] }
	expect(t, d.terminal(t.Context()), notice, "doctor.terminal.other")
	d.getenv = func(string) string { return "" }
	expect(t, d.terminal(t.Context()), notice, "doctor.terminal.unset")
}

func TestDoctorCommand(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "c.yaml"), "server: {listen: '', admin_listen: ''}\n", 0o600)
	out, err := doctorRun(t, "--config", file, "--data", filepath.Join(t.TempDir(), "new"), "--lang", "zh")
	if err != nil || !strings.Contains(out, "✓ 配置文件") || !strings.Contains(out, "没有需要修复的问题") {
		t.Errorf("a sound installation: %v\n%s", err, out)
	}
	write(t, file, "server: {listne: ''}\n", 0o600)
	out, err = doctorRun(t, "--config", file, "--lang", "en", "--data", t.TempDir())
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != 1 || !strings.Contains(out, "✗ Configuration: "+file+":1:10: server.listne") ||
		!strings.Contains(out, "→ Mend the file") || !strings.Contains(out, "must be mended") {
		t.Errorf("a broken one: %v\n%s", err, out)
	}
	if _, err := doctorRun(t, "--health", "--config", file); err == nil {
		t.Error("the health check passes on a broken configuration")
	}
}

func TestDoctorHealth(t *testing.T) {
	url := served(t, newPublicServer("127.0.0.1:0", http.NewServeMux(), slog.New(slog.DiscardHandler)))
	addr := strings.TrimPrefix(url, "http://")
	file := write(t, filepath.Join(t.TempDir(), "c.yaml"), "server: {listen: '', admin_listen: '"+addr+"'}\n", 0o600)
	if _, err := doctorRun(t, "--health", "--config", file); err != nil {
		t.Errorf("a living server: %v", err)
	}
	write(t, file, "server: {listen: '', admin_listen: '127.0.0.1:1'}\n", 0o600)
	if _, err := doctorRun(t, "--health", "--config", file); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("a dead one: %v", err)
	}
	write(t, file, "server: {listen: '', admin_listen: ''}\n", 0o600)
	if _, err := doctorRun(t, "--health", "--config", file); err == nil || !strings.Contains(err.Error(), "switched off") {
		t.Errorf("nobody to ask: %v", err)
	}
}

func doctorRun(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	c := newDoctorCommand()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

func TestShortNet(t *testing.T) {
	var lc net.ListenConfig
	_, err := lc.Listen(t.Context(), "tcp", "192.0.2.1:1")
	if err == nil || strings.Contains(shortNet(err), "192.0.2.1") {
		t.Errorf("%v is not short: %s", err, shortNet(err))
	}
}
