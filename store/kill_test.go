package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
	"github.com/coxswain-ops/coxswain/store/storetest"
	"github.com/coxswain-ops/coxswain/store/storetest/pgtest"
)

// The environment of a process that is going to be killed.
const (
	victimEnv  = "COXSWAIN_TEST_VICTIM" // path or DSN
	victimKeys = "COXSWAIN_TEST_KEYS"
)

// victim accepts messages, with an event in the same transaction, and says each
// id once it was committed, until it is killed.
func victim() int {
	if err := acceptForEver(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 1
}

func acceptForEver(ctx context.Context) error {
	keys, err := store.ParseKeyRing(os.Getenv(victimKeys))
	if err != nil {
		return err
	}
	c := store.Config{Path: os.Getenv(victimEnv), Keys: keys}
	if strings.HasPrefix(c.Path, "postgres:") {
		c.Path, c.DSN = "", c.Path
	}
	s, err := store.Open(ctx, c)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		id := fmt.Sprint("m", n)
		err := s.WithTx(ctx, func(ctx context.Context) error {
			in := bot.Inbound{ID: id, From: bot.Address{Account: "a", Room: "r"}, Text: "text of " + id}
			if fresh, err := s.Accept(ctx, in, "victim", -time.Second); err != nil || !fresh {
				return err // the rounds before have left theirs
			}
			return s.AppendEvents(ctx, lifecycle.Event{ID: "event of " + id, Name: "e"})
		})
		if err != nil {
			return err
		}
		fmt.Println(id)
	}
}

// TestKilled: what a process has said to be stored is there after a SIGKILL, and
// what is there is whole.
func TestKilled(t *testing.T) {
	key := newKey(t)
	keys, err := store.ParseKeyRing(key)
	if err != nil {
		t.Fatal(err)
	}
	path, dsn := filepath.Join(t.TempDir(), "db"), pgtest.New(t)
	for _, c := range []store.Config{{Path: path, Keys: keys}, {DSN: dsn, Keys: keys}} {
		told := 0
		for round := range 3 {
			told = max(told, killAfter(t, key, c, told+20*(round+1)))
			s := openStore(t, c)
			checkWhole(t, s, told)
			closeStore(t, s)
		}
	}
}

// killAfter kills a victim when it has said so many ids, and gives how many it
// has said in the end.
func killAfter(t *testing.T, key string, c store.Config, ids int) int {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(storetest.Context(t), exe)
	cmd.Env = append(os.Environ(), victimEnv+"="+c.Path+c.DSN, victimKeys+"="+key)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		told++
		if told == ids {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || told < ids {
		t.Fatalf("the victim ended by itself after %d: %v", told, err)
	}
	return told
}

func checkWhole(t *testing.T, s *store.Store, told int) {
	t.Helper()
	ctx := storetest.Context(t)
	if err := s.ReleaseInbound(ctx); err != nil {
		t.Fatal(err)
	}
	messages, err := s.ClaimInbound(ctx, "w", time.Minute, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.UnroutedEvents(ctx, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, e := range events {
		have[e.ID] = true
	}
	for i, in := range messages {
		if in.ID != fmt.Sprint("m", i) || in.Text != "text of "+in.ID || !have["event of "+in.ID] {
			t.Fatalf("message %d came back as %q, %q, event %v", i, in.ID, in.Text, have["event of "+in.ID])
		}
	}
	if len(messages) < told || len(events) != len(messages) {
		t.Fatalf("%d were told, %d messages and %d events are there", told, len(messages), len(events))
	}
}
