package main

import (
	"context"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coxswain-ops/coxswain/config"
)

// startApp runs the whole program on a directory of its own.
func startApp(t *testing.T, change func(*config.Config)) *App {
	t.Helper()
	cfg := config.Default()
	cfg.Server.Data, cfg.Server.Listen, cfg.Server.AdminListen = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0"
	change(cfg)
	app, err := New(t.Context(), Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Level: &slog.LevelVar{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return app
}

var (
	typeLine = regexp.MustCompile(`(?m)^# TYPE (coxswain_\w+) (\w+)$`)
	tableRow = regexp.MustCompile("(?m)^\\| `(coxswain_\\w+)` \\| (\\w+) \\|")
)

// typesIn gives the type of every metric that a text tells of.
func typesIn(pattern *regexp.Regexp, text string) map[string]string {
	out := map[string]string{}
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		out[m[1]] = m[2]
	}
	return out
}

// TestMetricsOfARunningServer compares what a server tells after a command with
// the reference page.
func TestMetricsOfARunningServer(t *testing.T) {
	app := startApp(t, func(c *config.Config) { c.Sandbox.NoDelay = true })
	for _, command := range []string{"cluster create demo region=sandbox masters=1 workers=1", "cluster show nothing"} {
		code, out, errOut := chat(t, "", "--data", app.cfg.Server.Data, "--lang", "en", "--wait", command)
		if (code == 0) != strings.Contains(command, "create") {
			t.Fatalf("%s: exit status %d\n%s\n%s", command, code, out, errOut)
		}
	}
	if code, _ := get(t, "http://"+app.public.Addr()+"/"); code >= 500 {
		t.Errorf("the room's page: status %d", code)
	}
	code, text := get(t, "http://"+app.admin.Addr()+"/metrics")
	if code != 200 {
		t.Fatalf("status %d: %s", code, text)
	}
	page, err := os.ReadFile("../../docs/reference/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	told, written := typesIn(typeLine, text), typesIn(tableRow, string(page))
	if !maps.Equal(told, written) {
		t.Errorf("/metrics tells %v\nthe reference says %v", slices.Sorted(maps.Keys(told)), slices.Sorted(maps.Keys(written)))
	}
	for _, line := range []string{
		`coxswain_operations_total{kind="create",status="succeeded"} 1`,
		`coxswain_operation_duration_seconds_count{kind="create",provider="sandbox",status="succeeded"} 1`,
		`coxswain_steps_total{kind="create",phase="init",status="done"} 1`,
		`coxswain_steps_total{kind="create",phase="packages",status="done"} 2`,
		`coxswain_steps_total{kind="delete",phase="reset",status="failed"} 0`,
		`coxswain_step_duration_seconds_count{kind="create",phase="init",provider="sandbox"} 1`,
		`coxswain_inbox_messages_total{account="room",result="ok"} 2`,
		`coxswain_inbox_ack_duration_seconds_count{account="room"} 2`,
		`coxswain_command_duration_seconds_count{result="ok"} 2`,
		`coxswain_operations{kind="create",status="running"} 0`,
		`coxswain_clusters{provider="sandbox",status="running"} 1`,
		`coxswain_inbox_waiting 0`, `coxswain_store_up 1`, `coxswain_sse_streams 0`,
		`coxswain_purged_rows_total{what="audit"} 0`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
	if n := strings.Count(text, "\ncoxswain_"); n > 1500 {
		t.Errorf("%d series", n)
	}
}
