package storetest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/bot/room"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
	"github.com/coxswain-ops/coxswain/lifecycle"
	"github.com/coxswain-ops/coxswain/notifiers"
	"github.com/coxswain-ops/coxswain/store"
)

var errOurs = errors.New("ours")

func testRollback(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	p := &lifecycle.Project{Name: "p"}
	err := s.WithTx(ctx, func(ctx context.Context) error {
		ok(t, s.SaveProject(ctx, p))
		ok(t, s.AppendAudit(ctx, access.AuditEntry{Command: "c"}))
		ok(t, s.AppendEntry(ctx, &room.Entry{Room: "r", Text: "x"}))
		must[*lifecycle.Project](t)(s.ProjectByName(ctx, "p")) // reads its own writes
		return errOurs
	})
	wantErr(t, err, errOurs)
	_, err = s.ProjectByName(ctx, "p")
	wantErr(t, err, lifecycle.ErrNotFound)
	same(t, "audit", len(must[[]access.AuditEntry](t)(s.Audit(ctx, commands.AuditFilter{}))), 0)
	same(t, "cursor", must[int64](t)(s.LastCursor(ctx)), int64(0))

	cancelled, cancel := context.WithCancel(ctx)
	err = s.WithTx(cancelled, func(ctx context.Context) error {
		if err := s.SaveProject(ctx, p); err != nil {
			return err
		}
		cancel()
		return nil
	})
	if err == nil {
		t.Fatal("a cancelled transaction was committed")
	}
	ok(t, s.SaveProject(ctx, p)) // the connection is free again
}

func testNested(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	ok(t, s.SaveProject(ctx, &lifecycle.Project{Name: "taken"}))
	ok(t, s.WithTx(ctx, func(ctx context.Context) error {
		ok(t, s.SaveProject(ctx, &lifecycle.Project{Name: "outer"}))
		err := s.WithTx(ctx, func(ctx context.Context) error {
			ok(t, s.SaveProject(ctx, &lifecycle.Project{Name: "inner"}))
			return errOurs
		})
		wantErr(t, err, errOurs)
		// A refused write does not spoil the transaction either.
		wantErr(t, s.SaveProject(ctx, &lifecycle.Project{Name: "taken"}), lifecycle.ErrExists)
		return s.WithTx(ctx, func(ctx context.Context) error { return s.SaveProject(ctx, &lifecycle.Project{Name: "second"}) })
	}))
	s = f.Reopen()
	var names []string
	for _, p := range must[[]lifecycle.Project](t)(s.Projects(ctx)) {
		names = append(names, p.Name)
	}
	same(t, "projects", names, []string{"outer", "second", "taken"})
}

func testPanic(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		err := s.WithTx(ctx, func(ctx context.Context) error {
			ok(t, s.SaveProject(ctx, &lifecycle.Project{Name: "p"}))
			panic("ours")
		})
		t.Errorf("went on after a panic: %v", err)
	}()
	ok(t, s.SaveProject(ctx, &lifecycle.Project{Name: "p"}))
}

// testOuterContext: the mistake of writing with an outer context ends in an
// error or in a transaction of its own, never in a wait without end.
func testOuterContext(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	var inner error
	ok(t, s.WithTx(ctx, func(context.Context) error {
		inner = s.SaveProject(short, &lifecycle.Project{Name: "inner"})
		must[[]lifecycle.Project](t)(s.Projects(ctx)) // reading is always possible
		return nil
	}))
	if inner != nil && !errors.Is(inner, context.DeadlineExceeded) {
		t.Fatalf("inner write: %v", inner)
	}
}

func testCrash(t *testing.T, f *Fixture) {
	ctx := Context(t)
	ok(t, f.Store.SaveProject(ctx, &lifecycle.Project{Name: "committed"}))
	killed := f.Store
	err := killed.WithTx(ctx, func(ctx context.Context) error {
		ok(t, killed.SaveProject(ctx, &lifecycle.Project{Name: "pending"}))
		s := f.Crash()
		_, err := s.ProjectByName(t.Context(), "pending")
		wantErr(t, err, lifecycle.ErrNotFound)
		must[*lifecycle.Project](t)(s.ProjectByName(t.Context(), "committed"))
		ok(t, s.SaveProject(t.Context(), &lifecycle.Project{Name: "after"}))
		return errOurs
	})
	wantErr(t, err, errOurs)
}

func testSealed(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	const mark = "Tr0ub4dor-and-3"
	c := seedClusters(t, s, "c")[0]
	ok(t, s.CreateCredential(ctx, &lifecycle.Credential{Name: "c", Password: mark + "1", PrivateKey: mark + "2", Passphrase: mark + "3"}))
	seedOp(t, s, c, lifecycle.OpCreate)
	op := claim(t, s)
	ok(t, s.Checkpoint(ctx, fenceOf(op), lifecycle.Checkpoint{Kubeconfig: mark + "4", Values: []lifecycle.Value{{Key: "k", Value: mark + "5", Secret: true}}}))
	in := inbound("m")
	in.Text, in.Refs = mark+"6", map[string]bot.Ref{"A": {Inline: []byte(mark + "7")}}
	must[bool](t)(s.Accept(ctx, in, "me", time.Minute))
	ok(t, s.SaveDialogue(ctx, commands.Dialogue{UserID: "u", Command: mark + "8", Refs: map[string]bot.Ref{"p": {Path: mark + "9"}}, ExpiresAt: noon}))
	ok(t, s.Enqueue(ctx, notifiers.Delivery{Lane: notifiers.LaneReply, To: ops, Message: &bot.Message{Text: mark + "10"}}))
	ok(t, s.AppendEntry(ctx, &room.Entry{Room: "r", Text: mark + "11", Bot: bot.Message{Text: mark + "12"}}))
	ok(t, s.SaveProject(ctx, &lifecycle.Project{Name: "not-a-secret"}))
	raw := f.Raw()
	if !bytes.Contains(raw, []byte("not-a-secret")) {
		t.Fatal("this test does not see what is stored")
	}
	if i := bytes.Index(raw, []byte(mark)); i >= 0 {
		t.Fatalf("a secret is on disk in clear: …%q…", raw[max(0, i-80):i+len(mark)+2])
	}
}

func testStrangeText(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	seedOp(t, s, seedClusters(t, s, "c")[0], lifecycle.OpCreate)
	op := claim(t, s)
	ok(t, s.AppendLog(ctx, fenceOf(op), []lifecycle.LogLine{{Line: "nul \x00, not \xff UTF-8, ' \" \\ 集群 🚀"}}))
	in := inbound("m'1\x00\xff\xfe")
	in.Text, in.Identity = "a\x00b", "x\xff"
	must[bool](t)(s.Accept(ctx, in, "me", -time.Second))
	s = f.Reopen()
	same(t, "log", must[[]lifecycle.LogLine](t)(s.Log(ctx, op.ID, commands.LogFilter{}))[0].Line, "nul \uFFFD, not \uFFFD UTF-8, ' \" \\ 集群 🚀")
	got := must[[]bot.Inbound](t)(s.ClaimInbound(ctx, "w", time.Minute, 1))
	if len(got) != 1 || got[0].Text != "a\x00b" || got[0].ID != "m'1\uFFFD\uFFFD" {
		t.Fatalf("inbound: %+v", got)
	}
	ok(t, s.DoneInbound(ctx, got[0].From.Account, got[0].ID))
	ok(t, s.ReleaseInbound(ctx))
	same(t, "done", len(must[[]bot.Inbound](t)(s.ClaimInbound(ctx, "w", time.Minute, 1))), 0)
	long := strings.Repeat("长", 200_000)
	ok(t, s.AppendEntry(ctx, &room.Entry{Room: "r", Text: long}))
	same(t, "long", must[[]room.Entry](t)(s.LastEntries(ctx, "r", 1))[0].Text == long, true)
}

func testWakeups(t *testing.T, f *Fixture) {
	ctx, s := Context(t), f.Store
	wakes := map[store.Topic]<-chan struct{}{}
	for _, topic := range []store.Topic{store.Operations, store.Events, store.Deliveries, store.Entries, store.Inbound} {
		wake, cancel := s.Subscribe(topic)
		t.Cleanup(cancel)
		wakes[topic] = wake
	}
	quiet := func(what string) {
		t.Helper()
		for topic, w := range wakes {
			select {
			case <-w:
				t.Fatalf("%s: woken for %s", what, topic)
			default:
			}
		}
	}
	c := seedClusters(t, s, "c")[0]
	quiet("nothing of concern")
	err := s.WithTx(ctx, func(ctx context.Context) error {
		ok(t, s.AppendEvents(ctx, lifecycle.Event{Name: "e"}))
		return errOurs
	})
	wantErr(t, err, errOurs)
	quiet("rolled back")
	for topic, act := range map[store.Topic]func(ctx context.Context){
		store.Operations: func(ctx context.Context) {
			ok(t, s.CreateOperation(ctx, &lifecycle.Operation{ClusterID: c.ID, Kind: lifecycle.OpCreate}))
		},
		store.Events: func(ctx context.Context) { ok(t, s.AppendEvents(ctx, lifecycle.Event{Name: "e"})) },
		store.Deliveries: func(ctx context.Context) {
			ok(t, s.Enqueue(ctx, notifiers.Delivery{Lane: notifiers.LaneNormal, To: ops}))
		},
		store.Entries: func(ctx context.Context) { ok(t, s.AppendEntry(ctx, &room.Entry{Room: "r"})) },
		store.Inbound: func(ctx context.Context) { ok(t, s.ReleaseInbound(ctx)) },
	} {
		ok(t, s.WithTx(ctx, func(ctx context.Context) error {
			act(ctx)
			act(ctx)
			quiet("before the commit")
			return nil
		}))
		select {
		case <-wakes[topic]:
		default:
			t.Fatalf("not woken for %s", topic)
		}
		quiet("twice is once")
	}
	s.Notify(store.Entries)
	<-wakes[store.Entries]
}
