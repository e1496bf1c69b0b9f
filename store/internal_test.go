package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
)

func openInternal(t *testing.T, clock func() time.Time) *Store {
	t.Helper()
	line, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeyRing(line)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "db"), Keys: keys, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestOuterContextIsNamed: who writes inside WithTx with an outer context is
// told so, instead of waiting for ever.
func TestOuterContextIsNamed(t *testing.T) {
	s := openInternal(t, nil)
	s.patient = 10 * time.Millisecond
	outer := t.Context()
	err := s.WithTx(outer, func(context.Context) error {
		return s.SaveProject(outer, &lifecycle.Project{Name: "p"})
	})
	if err == nil || !strings.Contains(err.Error(), "must use the context that WithTx gives") {
		t.Fatalf("error: %v", err)
	}
}

func TestOtherStoresTransactionIsNotJoined(t *testing.T) {
	a, b := openInternal(t, nil), openInternal(t, nil)
	undo := errors.New("undo")
	err := a.WithTx(t.Context(), func(ctx context.Context) error {
		if err := b.SaveProject(ctx, &lifecycle.Project{Name: "p"}); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
	if _, err := b.ProjectByName(t.Context(), "p"); err != nil {
		t.Fatal(err)
	}
}

func TestIDsRiseWhenTheClockStepsBack(t *testing.T) {
	now := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	ids := newIDSource(func() time.Time {
		now = now.Add(-time.Second)
		return now
	})
	last := ""
	for range 1000 {
		id, err := ids.next()
		if err != nil {
			t.Fatal(err)
		}
		if id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
}

func TestBindRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, v := range []any{1.5, []byte("x"), struct{}{}, make(chan int), jsonArg{make(chan int)}} {
		if got, err := bind([]any{v}); err == nil {
			t.Errorf("%T became %v", v, got)
		}
	}
}

// TestPlans: the statements that workers repeat use their partial indexes.
func TestPlans(t *testing.T) {
	s := openInternal(t, nil)
	for name, c := range map[string]struct{ query, index string }{
		"claim operation": {strings.ReplaceAll(claimOperation, "%s", ""), "operations_open"},
		"unrouted events": {selectEvent + ` WHERE routed = 0 ORDER BY seq LIMIT 5`, "events_unrouted"},
		"due deliveries":  {strings.ReplaceAll(claimDue, "%s", ""), "deliveries_due"},
		"by quota":        {nextInRooms, "deliveries_room"},
		"quota":           {nextInRooms, "sqlite_autoindex_quotas"},
		"inbound":         {`SELECT seq FROM inbound WHERE done = 0 AND lease_until <= 5 ORDER BY seq LIMIT 5`, "inbound_open"},
		"done inbound":    {`DELETE FROM inbound WHERE done = 1 AND done_at < 5`, "inbound_done"},
	} {
		type line struct {
			id, parent, unused int64
			detail             string
		}
		var args []any
		for i := range strings.Count(c.query, "$") {
			args = append(args, i)
		}
		n := 0
		for strings.Contains(c.query, "$"+string(rune('1'+n))) {
			n++
		}
		plan, err := list(t.Context(), conn{q: s.reader}, func(l *line) []any { return []any{&l.id, &l.parent, &l.unused, &l.detail} },
			"EXPLAIN QUERY PLAN "+c.query, args[:n]...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text := ""
		for _, l := range plan {
			text += l.detail + "\n"
		}
		if !strings.Contains(text, c.index) {
			t.Errorf("%s does not use %s:\n%s", name, c.index, text)
		}
	}
}

func enqueueDue(t *testing.T, s *Store, due time.Time) {
	t.Helper()
	d := notifiers.Delivery{Lane: notifiers.LaneNormal, NextAt: due}
	if err := s.Enqueue(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func countDue(t *testing.T, s *Store) int {
	t.Helper()
	got, err := s.ClaimDeliveries(t.Context(), notifiers.Claim{Owner: "w", Lease: time.Minute, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	return len(got)
}

// TestDamagedRowsHoldNothingUp: one row that does not open is left out of a
// claim, not the whole claim.
func TestDamagedRowsHoldNothingUp(t *testing.T) {
	s := openInternal(t, nil)
	ctx := t.Context()
	for _, id := range []string{"bad", "good"} {
		in := bot.Inbound{ID: id, From: bot.Address{Account: "a"}, Text: "hello"}
		if _, err := s.Accept(ctx, in, "me", -time.Second); err != nil {
			t.Fatal(err)
		}
		d := notifiers.Delivery{ID: id, Lane: notifiers.LaneReply, Message: &bot.Message{Text: "hello"}}
		if err := s.Enqueue(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	for _, damage := range []string{`UPDATE inbound SET text = 'x' WHERE id = 'bad'`, `UPDATE deliveries SET message = 'x' WHERE id = 'bad'`} {
		if _, err := s.writer.ExecContext(ctx, damage); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.ClaimInbound(ctx, "w", time.Minute, 9); err != nil || len(got) != 1 || got[0].ID != "good" {
		t.Errorf("inbound: %v %v", got, err)
	}
	if n := countDue(t, s); n != 1 {
		t.Errorf("%d deliveries", n)
	}
}
