package routertest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot"
	"github.com/coxswain-ops/coxswain/commands"
	"github.com/coxswain-ops/coxswain/commands/access"
)

// slack is a room on a platform, where people have accounts of their own.
var slack = bot.Address{Account: "slack:ops", Room: "C1"}

// link gives a person an account on the platform.
func (w *world) link(who string) (identity string) {
	w.t.Helper()
	identity = "slack:T1/" + who
	u, err := w.store.UserByName(context.Background(), who)
	check(w.t, err)
	check(w.t, w.store.LinkIdentity(context.Background(), access.Identity{ID: identity, UserID: u.ID, LinkedAt: time.Now()}))
	return identity
}

// send takes a message through inbox and router as the platform brings it, and
// gives its answer; ok is false when there was none.
func (w *world) send(in bot.Inbound) (m bot.Message, ok bool) {
	w.t.Helper()
	w.mu.Lock()
	w.ids++
	in.ID, in.At = fmt.Sprintf("message-%d", w.ids), time.Now()
	w.mu.Unlock()
	if in.From.Account == "" {
		in.From = slack
	}
	ctx := context.Background()
	_, err := w.store.Accept(ctx, in, "test", time.Minute)
	check(w.t, err)
	if err := w.router.Handle(ctx, in); err != nil {
		w.t.Errorf("%s: %q %q: %v", in.Identity, in.Text, in.Press, err)
	}
	w.replies.mu.Lock()
	defer w.replies.mu.Unlock()
	m, ok = w.replies.all[in.ID]
	return m, ok
}

// answer is send where there must be an answer.
func (w *world) answer(in bot.Inbound) bot.Message {
	w.t.Helper()
	m, ok := w.send(in)
	if !ok {
		w.t.Errorf("%s: %q got no answer", in.Identity, in.Text)
	}
	return m
}

// types is what an account says to the bot alone.
func types(identity, text string) bot.Inbound {
	return bot.Inbound{Identity: identity, Text: text, Direct: true, Private: true, Interactive: true}
}

// presses is the press of a button.
func presses(identity, token string) bot.Inbound {
	return bot.Inbound{Identity: identity, Press: token, Direct: true, Interactive: true}
}

// text is all that a person reads of an answer.
func text(m bot.Message) string { return m.Title + "\n" + m.Text + "\n" + m.Footer }

// audit gives the lines of the audit for a command, newest first.
func (w *world) audit(command string) (lines []access.AuditEntry) {
	w.t.Helper()
	all, err := w.store.Audit(context.Background(), commands.AuditFilter{Limit: 200})
	check(w.t, err)
	for _, e := range all {
		if strings.HasPrefix(e.Command, command) {
			lines = append(lines, e)
		}
	}
	return lines
}

// operations counts those that were ever started.
func (w *world) operations() int {
	w.t.Helper()
	ops, err := w.store.Operations(context.Background(), commands.OperationFilter{Limit: 100})
	check(w.t, err)
	return len(ops)
}

// key names a text of the catalogues as a person of the world reads it.
func (w *world) key(key string, args map[string]any) string {
	w.t.Helper()
	s := w.services.Catalogue.Say("en", key, args)
	if s == "" || s == key {
		w.t.Fatalf("the catalogue has no %s", key)
	}
	return s
}

// buttonsOf issues buttons as an adapter does, on a clock.
func (w *world) buttonsOf(t *testing.T, now func() time.Time) *bot.Buttons {
	t.Helper()
	return bot.NewButtons(w.store, []byte("a key of at least thirty-two bytes"), now)
}
