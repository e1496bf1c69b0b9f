package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/config"
	"github.com/coxswain-ops/coxswain/store"
)

func ownStore(t *testing.T) *store.Store {
	t.Helper()
	line, err := store.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyRing(line)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "x.db"), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// auditLines are the commands in the audit, newest first.
func auditLines(t *testing.T, st *store.Store) string {
	t.Helper()
	all, err := st.Audit(context.Background(), commands.AuditFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Command)
	}
	return strings.Join(names, " ")
}

func TestHousekeeping(t *testing.T) {
	st, log := ownStore(t), &lockedBuffer{}
	now := time.Now()
	for command, age := range map[string]time.Duration{"old": 3 * 365, "middle": 100, "new": 0} {
		if err := st.AppendAudit(t.Context(), access.AuditEntry{At: now.Add(-age * 24 * time.Hour), Command: command, Result: "ok"}); err != nil {
			t.Fatal(err)
		}
	}
	var keep atomic.Pointer[config.RetentionConfig]
	keep.Store(&config.Default().Retention)
	h := housekeeper{store: st, owner: "me", keep: func() config.RetentionConfig { return *keep.Load() }, count: func(store.Purged) {}, log: slog.New(slog.NewTextHandler(log, nil))}
	ctx, cancel := context.WithCancel(t.Context())
	tick, done := make(chan time.Time), make(chan error, 1)
	go func() { done <- h.run(ctx, tick) }()
	tick <- now // it takes the tick when the first round is done
	if got := auditLines(t, st); strings.Contains(got, "old") || !strings.Contains(got, "middle") {
		t.Errorf("with the defaults %q is left", got)
	}
	shorter := config.RetentionConfig{}
	if err := shorter.Audit.SetText("90d"); err != nil {
		t.Fatal(err)
	}
	tick <- now
	keep.Store(&shorter) // a reload
	tick <- now
	tick <- now
	if got := auditLines(t, st); got != "new" {
		t.Errorf("after the reload %q is left", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := log.String(); strings.Count(got, "removed what was kept") != 2 || !strings.Contains(got, "audit=1") || strings.Contains(got, "WARN") {
		t.Errorf("the log says:\n%s", got)
	}
}

// TestHousekeepingOfOneProcess leaves a purge to the process that is at it.
func TestHousekeepingOfOneProcess(t *testing.T) {
	st := ownStore(t)
	if err := st.AppendAudit(t.Context(), access.AuditEntry{At: time.Now().AddDate(-9, 0, 0), Command: "old", Result: "ok"}); err != nil {
		t.Fatal(err)
	}
	h := housekeeper{store: st, owner: "me", keep: func() config.RetentionConfig { return config.Default().Retention }, count: func(store.Purged) {}, log: slog.New(slog.DiscardHandler)}
	if mine, err := st.Hold(t.Context(), "housekeeping", "other", time.Minute); err != nil || !mine {
		t.Fatal(mine, err)
	}
	h.round(t.Context(), time.Now())
	if got := auditLines(t, st); got != "old" {
		t.Errorf("while another is at it %q is left", got)
	}
	if err := st.Release(t.Context(), "housekeeping", "other"); err != nil {
		t.Fatal(err)
	}
	h.round(t.Context(), time.Now())
	if got := auditLines(t, st); got != "" {
		t.Errorf("then %q is left", got)
	}
	if mine, err := st.Hold(t.Context(), "housekeeping", "other", time.Minute); err != nil || !mine {
		t.Errorf("the lease was not given back: %v %v", mine, err)
	}
}
