package storetest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/store"
)

func sayIn(t testing.TB, s *store.Store, inRoom, author, text string) *room.Entry {
	t.Helper()
	e := &room.Entry{Room: inRoom, Author: author, Text: text}
	ok(t, s.AppendEntry(Context(t), e))
	return e
}

func testRooms(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	same(t, "no rooms", len(must[[]string](t)(s.Rooms(ctx))), 0)
	for i, name := range []string{"ops", "B", "a", "ops", "@alice", "集群"} {
		sayIn(t, s, name, "u", fmt.Sprint(i))
	}
	s = f.Reopen()
	same(t, "rooms", must[[]string](t)(s.Rooms(ctx)), []string{"@alice", "B", "a", "ops", "集群"})
	of := func(cursor int64, limit int, rooms ...string) []string {
		t.Helper()
		return textsOf(must[[]room.Entry](t)(s.EntriesAfter(ctx, rooms, cursor, limit)))
	}
	same(t, "of two", of(0, 9, "ops", "a"), []string{"0", "2", "3"})
	same(t, "after the first", of(1, 9, "ops", "a", "nowhere"), []string{"2", "3"})
	same(t, "limit", of(0, 2, "ops", "B", "a"), []string{"0", "1"})
	same(t, "of none", len(of(0, 9)), 0)
}

func testUnread(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	first := sayIn(t, s, "a", "", "from the bot")
	sayIn(t, s, "a", "bob", "hello")
	last := sayIn(t, s, "a", "alice", "my own words")
	sayIn(t, s, "b", "bob", "elsewhere")
	unread := func(reader string, rooms ...string) map[string]int {
		t.Helper()
		return must[map[string]int](t)(s.Unread(ctx, reader, rooms))
	}
	same(t, "nothing read", unread("alice", "a", "b", "nowhere"), map[string]int{"a": 2, "b": 1})
	same(t, "only the rooms asked for", unread("alice", "b"), map[string]int{"b": 1})
	same(t, "no rooms", unread("alice"), map[string]int{})
	ok(t, s.MarkRead(ctx, "alice", "a", first.Cursor))
	s = f.Reopen()
	same(t, "one read", unread("alice", "a", "b"), map[string]int{"a": 1, "b": 1})
	ok(t, s.MarkRead(ctx, "alice", "a", last.Cursor))
	ok(t, s.MarkRead(ctx, "alice", "a", first.Cursor)) // a second window that is behind
	same(t, "all of a read", unread("alice", "a", "b"), map[string]int{"b": 1})
	same(t, "another reader", unread("bob", "a"), map[string]int{"a": 2})
	ok(t, s.UpdateEntry(ctx, first.ID, bot.Message{Title: "edited"}))
	same(t, "an edit is not new", unread("alice", "a"), map[string]int{})
	for range 120 {
		sayIn(t, s, "a", "bob", "more")
	}
	same(t, "counted no further", unread("alice", "a"), map[string]int{"a": 100})
}

func testLogSize(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	seedOp(t, s, seedClusters(t, s, "c")[0], lifecycle.OpCreate)
	op := claim(t, s)
	size := func(filter commands.LogFilter) [2]int64 {
		t.Helper()
		lines, last, err := s.LogSize(ctx, op.ID, filter)
		ok(t, err)
		return [2]int64{int64(lines), last}
	}
	same(t, "empty", size(commands.LogFilter{}), [2]int64{0, 0})
	for i := range 10 {
		ok(t, s.AppendLog(ctx, fenceOf(op), []lifecycle.LogLine{{Phase: fmt.Sprint("p", i%2), Node: "n1", Line: fmt.Sprint("Line ", i)}}))
	}
	s = f.Reopen()
	same(t, "all", size(commands.LogFilter{}), [2]int64{10, 10})
	same(t, "of a phase", size(commands.LogFilter{Phase: "p1"}), [2]int64{5, 10})
	same(t, "that contain", size(commands.LogFilter{Contains: "LINE 3"}), [2]int64{1, 10})
	same(t, "after", size(commands.LogFilter{After: 8}), [2]int64{2, 10})
	same(t, "of another node", size(commands.LogFilter{Node: "n2"}), [2]int64{0, 10})
	same(t, "a page changes nothing", size(commands.LogFilter{Phase: "p1", Limit: 2, Offset: 2, Tail: true}), [2]int64{5, 10})
	_, _, err := s.LogSize(ctx, "none", commands.LogFilter{})
	wantErr(t, err, lifecycle.ErrNotFound)

	page := func(filter commands.LogFilter) (seqs []int64) {
		t.Helper()
		for _, l := range must[[]lifecycle.LogLine](t)(s.Log(ctx, op.ID, filter)) {
			seqs = append(seqs, l.Seq)
		}
		return seqs
	}
	same(t, "second page", page(commands.LogFilter{Limit: 3, Offset: 3}), []int64{4, 5, 6})
	same(t, "page before the last", page(commands.LogFilter{Limit: 3, Offset: 3, Tail: true}), []int64{5, 6, 7})
	same(t, "page of a phase", page(commands.LogFilter{Phase: "p1", Limit: 2, Offset: 1}), []int64{4, 6})
	same(t, "behind the end", len(page(commands.LogFilter{Limit: 3, Offset: 30})), 0)
}

// seedTimes runs an operation on c whose phases began and ended at minutes.
func seedTimes(t testing.TB, s *store.Store, c *lifecycle.Cluster, kind lifecycle.OperationKind, status lifecycle.OperationStatus, steps ...lifecycle.Step) {
	t.Helper()
	seedOp(t, s, c, kind)
	op := claim(t, s)
	op.Status, op.EndedAt = status, noon
	for i := range steps {
		steps[i].Seq = i + 1
	}
	ok(t, s.Checkpoint(Context(t), fenceOf(op), lifecycle.Checkpoint{Operation: op, Steps: steps}))
}

func step(phase, node string, status lifecycle.StepStatus, from, to int) lifecycle.Step {
	minutes := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	return lifecycle.Step{Phase: phase, Node: node, Status: status, StartedAt: minutes(from), EndedAt: minutes(to)}
}

func testPhaseTimes(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	c := seedClusters(t, s, "c")[0]
	good, other := lifecycle.OpSucceeded, &lifecycle.Cluster{ProjectID: c.ProjectID, Name: "other", Source: "created", Region: "sandbox", Provider: "sandbox", Status: lifecycle.ClusterPending}
	ok(t, s.CreateCluster(ctx, other, nil))
	seedTimes(t, s, c, lifecycle.OpCreate, good, step("init", "", lifecycle.StepDone, 0, 9))
	seedTimes(t, s, c, lifecycle.OpCreate, good, step("init", "", lifecycle.StepDone, 0, 2),
		step("join", "n1", lifecycle.StepDone, 2, 5), step("join", "n2", lifecycle.StepDone, 3, 7), step("addons", "", lifecycle.StepSatisfied, 7, 8))
	seedTimes(t, s, c, lifecycle.OpCreate, good, step("init", "", lifecycle.StepDone, 0, 3))
	seedTimes(t, s, c, lifecycle.OpCreate, lifecycle.OpFailed, step("init", "", lifecycle.StepDone, 0, 50))
	seedTimes(t, s, c, lifecycle.OpDelete, good, step("init", "", lifecycle.StepDone, 0, 60))
	seedTimes(t, s, other, lifecycle.OpCreate, good, step("init", "", lifecycle.StepDone, 0, 70))
	s = f.Reopen()
	times := must[map[string][]time.Duration](t)(s.PhaseTimes(ctx, lifecycle.OpCreate, "hosts", math.MaxInt64, 2))
	var sum time.Duration
	for _, d := range times["init"] {
		sum += d // in no order
	}
	same(t, "init", sum, 5*time.Minute)
	delete(times, "init")
	same(t, "from the first start to the last end", times, map[string][]time.Duration{"join": {5 * time.Minute}})
	same(t, "of none", len(must[map[string][]time.Duration](t)(s.PhaseTimes(ctx, lifecycle.OpCreate, "vsphere", math.MaxInt64, 9))), 0)
	same(t, "before the third", must[map[string][]time.Duration](t)(s.PhaseTimes(ctx, lifecycle.OpCreate, "hosts", 3, 1))["init"], []time.Duration{2 * time.Minute})
	same(t, "before the first", len(must[map[string][]time.Duration](t)(s.PhaseTimes(ctx, lifecycle.OpCreate, "hosts", 1, 9))), 0)
}

func testEvents(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	for i, e := range []lifecycle.Event{{ProjectID: "p", ClusterID: "c", OperationID: "o"}, {ProjectID: "p", ClusterID: "c"}, {ProjectID: "q", ClusterID: "d"}, {}} {
		e.ID, e.Name = fmt.Sprint(i), "n"
		ok(t, s.AppendEvents(ctx, e))
	}
	s = f.Reopen()
	found := func(filter commands.EventFilter) []string {
		t.Helper()
		ids := []string{}
		for _, e := range must[[]lifecycle.Event](t)(s.Events(ctx, filter)) {
			ids = append(ids, e.ID)
		}
		return ids
	}
	same(t, "all, newest first", found(commands.EventFilter{}), []string{"3", "2", "1", "0"})
	same(t, "limit", found(commands.EventFilter{Limit: 2}), []string{"3", "2"})
	same(t, "of projects", found(commands.EventFilter{ProjectIDs: []string{"p", "q"}}), []string{"2", "1", "0"})
	same(t, "of no project", found(commands.EventFilter{ProjectIDs: []string{}}), []string{})
	same(t, "of a cluster", found(commands.EventFilter{ClusterID: "c"}), []string{"1", "0"})
	same(t, "of an operation", found(commands.EventFilter{OperationID: "o"}), []string{"0"})
	same(t, "of another's cluster", found(commands.EventFilter{ProjectIDs: []string{"q"}, ClusterID: "c"}), []string{})
}
