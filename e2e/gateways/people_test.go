package gateways

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coxswain-ops/coxswain/bot/bottest/fakedingtalk"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakeslack"
	"github.com/coxswain-ops/coxswain/bot/bottest/fakewecom"
	"github.com/coxswain-ops/coxswain/e2e/drive"
)

// patience is how long something that must happen may take on a busy machine.
const patience = 90 * time.Second

// code gives the code with which somebody links an account to a user, who is made
// an administrator when there is none of that name.
func code(s *drive.Server, user string) string {
	s.TB.Helper()
	if out, status := s.Try("user add " + user + " admin=yes"); status != 0 && !strings.Contains(out, "already") {
		s.TB.Fatalf("user add: %s", out)
	}
	var made struct{ Code string }
	s.JSON(&made, "user code "+user)
	return made.Code
}

func linkSlack(t *testing.T, s *drive.Server, f *fakeslack.Fake, user string) {
	t.Helper()
	tellSlack(t, f, fakeslack.Said{User: "U1", Room: f.DM("U1"), Text: "link " + code(s, user)})
	drive.Eventually(t, patience, "Slack's account is linked", func() bool { return len(f.Shown(f.DM("U1"))) > 0 })
}

func linkDingTalk(t *testing.T, s *drive.Server, f *fakedingtalk.Fake, staff, user string) {
	t.Helper()
	room := fakedingtalk.DM(staff)
	if err := f.Say(t.Context(), fakedingtalk.Message{Room: room, From: staff, Text: "link " + code(s, user)}); err != nil {
		t.Fatal(err)
	}
	drive.Eventually(t, patience, "DingTalk's account is linked", func() bool { return len(f.Shown(room)) > 0 })
}

func linkWeCom(t *testing.T, s *drive.Server, f *fakewecom.Fake, user string) {
	t.Helper()
	if err := f.Say(t.Context(), "alice", "link-"+user, "link "+code(s, user)); err != nil {
		t.Fatal(err)
	}
	drive.Eventually(t, patience, "WeCom's account is linked", func() bool { return len(f.Shown("alice")) > 0 })
}

func tellSlack(t *testing.T, f *fakeslack.Fake, said fakeslack.Said) {
	t.Helper()
	if err := f.Say(t.Context(), said); err != nil {
		t.Fatal(err)
	}
}

// line is one of the audit.
type line struct{ Command, Result, Actor, Identity, Room, Detail string }

// mostLines is how many lines audit list gives.
const mostLines = 500

// audit gives what was carried out, refused and failed, newest first.
func audit(s *drive.Server) []line {
	s.TB.Helper()
	var all struct{ Entries []line }
	s.JSON(&all, fmt.Sprint("audit list lines=", mostLines))
	return all.Entries
}

// runs counts the lines about each command that begins so, as "command: result".
func runs(s *drive.Server, begin string) map[string]int {
	s.TB.Helper()
	out := map[string]int{}
	for _, l := range audit(s) {
		if strings.HasPrefix(l.Command, begin) {
			out[l.Command+": "+l.Result]++
		}
	}
	return out
}

// eachOnce waits until every command was carried out, and wants each one once and
// no other line about any.
func eachOnce(t *testing.T, s *drive.Server, begin string, commands []string) {
	t.Helper()
	var got map[string]int
	all := func() bool {
		got = runs(s, begin)
		for _, c := range commands {
			if got[c+": ok"] == 0 {
				return false
			}
		}
		return true
	}
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for !all() && time.Now().Before(deadline) {
		<-tick.C
	}
	for _, c := range commands {
		if n := got[c+": ok"]; n != 1 {
			t.Errorf("%q was carried out %d times", c, n)
		}
	}
	if len(got) != len(commands) {
		t.Errorf("%d kinds of lines about %d commands: %v", len(got), len(commands), brief(got))
	}
}

// brief leaves out what is as it should be.
func brief(got map[string]int) map[string]int {
	out := map[string]int{}
	for what, n := range got {
		if n != 1 || !strings.HasSuffix(what, ": ok") {
			out[what] = n
		}
	}
	return out
}

// untilTaken says something again until the platform has it acknowledged, as the
// platform does, and gives how often that was.
func untilTaken(t *testing.T, what string, say func(context.Context) error) (deliveries int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		deliveries++
		err := say(ctx)
		if err == nil {
			return deliveries
		}
		if ctx.Err() != nil {
			t.Errorf("%s was never acknowledged: %v", what, err)
			return deliveries
		}
		<-tick.C
	}
}
