package routertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/lifecycle"
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
		{"op stop op-1", "op-1 operation.stopped", "op.stop.stopped"}, // it had worked before
		{"op retry op-2", "", ""},
		{"op stop op-2", "op-2 operation.stopping", "op.stop.stopping"},
		{"op stop op-2 undo=yes", "op-2 operation.stopping", "op.stop.stopping.undo"},
		{"op stop op-2", "op-2 operation.stopping", "op.stop.stopping.undo"}, // that it will be undone still holds
		{"op stop op-2 now=yes", "op-2 operation.stopping", "op.stop.stopping.now.undo"},
		{"cluster delete second project=qa confirm=second", "op-2 operation.stopping", ""}, // it has to make way
		{"op stop op-3 undo=yes", "op-3 operation.undoing", "op.stop.undoing"},
		{"cluster create new project=qa region=sandbox workers=0", "", ""},
		{"op stop op-5", "op-5 operation.cancelled", "op.stop.cancelled"},
		{"cluster create new project=qa region=sandbox workers=0", "", ""}, // its name is free
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
		if said := w.key(step.said, map[string]any{"op": strings.Fields(step.command)[2]}); m.Text != said {
			t.Errorf("%s: answered %q, want %q", step.command, m.Text, said)
		}
	}
}

// TestUndoTakesTheRightToCreate: who may stop what runs on a cluster, but not
// delete it, does not take it away by an undo.
func TestUndoTakesTheRightToCreate(t *testing.T) {
	w := newTemplate(t).world(t)
	if m := w.say("keeper", "op stop op-1 undo=yes", nil); !denied(m) {
		t.Errorf("a cluster manager undoes a create: %s", m.Text)
	}
	op, err := w.store.OperationByNumber(context.Background(), 1)
	check(t, err)
	if op.Status != lifecycle.OpFailed {
		t.Errorf("it is %s", op.Status)
	}
	if m := w.say("keeper", "op retry op-1", nil); m.Failed {
		t.Errorf("a cluster manager cannot retry: %s", m.Text)
	}
	if op, err = w.store.OperationByNumber(context.Background(), 1); err != nil || op.Actor != "x" {
		t.Errorf("what somebody else has to answer for is %s's: %v", op.Actor, err)
	}
	if m := w.say("manager", "op stop op-1 undo=yes", nil); m.Failed {
		t.Errorf("a manager cannot undo: %s", m.Text)
	}
}

// TestWhyAnOperationCannotBeUndone: busy, gone or over is said, with a way on.
func TestWhyAnOperationCannotBeUndone(t *testing.T) {
	w := newTemplate(t).world(t)
	ctx := context.Background()
	says := func(command, key string) {
		t.Helper()
		if m := w.say("boss", command, nil); !m.Failed || !strings.Contains(m.Text, w.key(key, map[string]any{"op": "op-1", "cluster": "demo", "status": "succeeded"})) {
			t.Errorf("%s: %s", command, m.Text)
		}
	}
	w.say("boss", "cluster delete demo project=qa confirm=demo", nil) // op-4
	op, err := w.store.Claim(ctx, "a runner", time.Minute)
	check(t, err)
	says("op stop op-1 undo=yes", "op.busy")
	cl, err := w.store.Cluster(ctx, op.ClusterID)
	check(t, err)
	op.Status, cl.Status = lifecycle.OpSucceeded, lifecycle.ClusterDeleted
	check(t, w.store.Checkpoint(ctx, lifecycle.Fence{OperationID: op.ID, Token: op.Fence}, lifecycle.Checkpoint{Operation: op, Cluster: cl}))
	says("op stop op-1 undo=yes", "op.gone")
	if m := w.say("boss", "op stop op-4", nil); !m.Failed || !strings.Contains(m.Text, w.key("op.over", map[string]any{"op": "op-4", "status": "succeeded"})) {
		t.Errorf("stop of what is over: %s", m.Text)
	}
	card, err := w.services.Card(ctx, firstOperation(t, w), "en")
	check(t, err)
	for _, a := range card.Actions {
		if a.ID != "logs" {
			t.Errorf("the card of what is past offers %s", a.Command)
		}
	}
}

func firstOperation(t *testing.T, w *world) string {
	t.Helper()
	op, err := w.store.OperationByNumber(context.Background(), 1)
	check(t, err)
	return op.ID
}

// TestAManagersAudit shows what was refused and denied in the own project.
func TestAManagersAudit(t *testing.T) {
	w := newTemplate(t).world(t)
	w.say("manager", "op retry op-2", nil)
	w.say("manager", "op retry op-2", nil) // it waits already
	w.say("viewer", "op retry op-1", nil)
	w.say("manager", "op retry op-3", nil) // of another project
	for result, want := range map[string]int{"ok": 1, "failed": 1, "denied": 1} {
		var d struct{ Entries []struct{ Command string } }
		check(t, json.Unmarshal(w.say("manager", "audit list result="+result, nil).Data, &d))
		if len(d.Entries) != want {
			t.Errorf("%d entries are %s: %v", len(d.Entries), result, d.Entries)
		}
	}
}

// TestOperationsAreListedOfTheirCluster: of the project that was named, and
// however many newer ones there are elsewhere.
func TestOperationsAreListedOfTheirCluster(t *testing.T) {
	w := newTemplate(t).world(t)
	for i := range 60 {
		w.say("boss", fmt.Sprintf("cluster create c%d project=other region=sandbox workers=0", i), nil)
	}
	for who, wants := range map[string]map[string][]string{
		"boss":   {"op list cluster=qa/demo": {"op-1"}, "op list cluster=demo": {"op-3", "op-1"}, "op list project=qa": {"op-2", "op-1"}, "op list cluster=nowhere/demo": nil},
		"viewer": {"op list": {"op-2", "op-1"}, "op list cluster=other/demo": nil},
		"keeper": {"op list": {"op-1"}, "op list project=qa": {"op-1"}},
	} {
		for command, want := range wants {
			var d struct{ Operations []struct{ Operation string } }
			check(t, json.Unmarshal(w.say(who, command, nil).Data, &d))
			var got []string
			for _, o := range d.Operations {
				got = append(got, o.Operation)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s: %v, want %v", who, command, got, want)
			}
		}
	}
}

// TestWhatIsOfferedMayBeDone: an answer offers its reader nothing that would be
// denied.
func TestWhatIsOfferedMayBeDone(t *testing.T) {
	w := newTemplate(t).world(t)
	for who, want := range map[string]string{"viewer": "logs", "keeper": "retry logs", "manager": "retry logs undo"} {
		m := w.say(who, "op show op-1", nil)
		var got []string
		for _, a := range m.Actions {
			got = append(got, a.ID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is offered %v, want %s", who, got, want)
		}
		if next := strings.Contains(m.Footer, "op retry"); next != (who != "viewer") {
			t.Errorf("%s reads %q", who, m.Footer)
		}
		if next := strings.Contains(w.say(who, "cluster list", nil).Footer, "cluster create"); next != (who == "manager") {
			t.Errorf("%s is told to create a cluster: %v", who, next)
		}
	}
	if m := w.say("boss", "cluster show qa/demo", nil); !strings.Contains(m.Footer, "qa/demo") {
		t.Errorf("the next command means another cluster: %s", m.Footer)
	}
}
