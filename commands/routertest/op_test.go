package routertest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestWhatASignalMakesIsTold: whoever follows an operation, on a card that shows a
// step of half an hour, hears at once that somebody had it stopped or undone.
func TestWhatASignalMakesIsTold(t *testing.T) {
	w := newTemplate(t).world(t)
	ctx := context.Background()
	boss, err := w.store.UserByName(ctx, "boss")
	check(t, err)
	told := func() (names []string) {
		events, err := w.store.UnroutedEvents(ctx, 100)
		check(t, err)
		for _, e := range events {
			if e.Name == "operation.queued" {
				continue
			}
			if e.Actor != boss.ID {
				t.Errorf("%s is told to be of %q", e.Name, e.Actor)
			}
			op, err := w.store.Operation(ctx, e.OperationID)
			check(t, err)
			names = append(names, fmt.Sprint(op.Label(), " ", e.Name))
		}
		return names
	}
	for _, step := range []struct{ command, want, said string }{
		{"op retry op-1", "", ""},
		{"op stop op-1", "op-1 operation.cancelled", ""},
		{"op retry op-2", "", ""},
		{"op stop op-2", "op-2 operation.stopping", "op.stop.stopping"},
		{"op stop op-2 undo=yes", "op-2 operation.stopping", "op.stop.stopping.undo"},
		{"op stop op-2 now=yes", "op-2 operation.stopping", "op.stop.stopping.now"},
		{"op stop op-2 now=yes undo=yes", "op-2 operation.stopping", "op.stop.stopping.now.undo"},
		{"cluster delete second project=qa confirm=second", "op-2 operation.stopping", ""}, // it has to make way
		{"op stop op-3 undo=yes", "op-3 operation.undoing", ""},
	} {
		if step.command == "op stop op-2" {
			_, err := w.store.Claim(ctx, "a runner", time.Minute)
			check(t, err)
		}
		before := told()
		m := w.say("boss", step.command, nil)
		if m.Failed {
			t.Errorf("%s: %s", step.command, m.Text)
		}
		after := told()
		var want []string
		if step.want != "" {
			want = []string{step.want}
		}
		if got := after[len(before):]; !slices.Equal(got, want) {
			t.Errorf("%s: told %q, want %q", step.command, got, want)
		}
		if step.said == "" {
			continue
		}
		if said := w.key(step.said, map[string]any{"op": "op-2"}); m.Text != said {
			t.Errorf("%s: answered %q, want %q", step.command, m.Text, said)
		}
	}
}
